package relation

import (
	"fmt"

	"github.com/onward-sql/onward/internal/catalog"
	"github.com/onward-sql/onward/internal/pgparse"
	"github.com/onward-sql/onward/internal/recipe"
	"github.com/onward-sql/onward/internal/rule"
	"github.com/onward-sql/onward/onward"
)

// SequenceLeftBehind flags rows that bring numbers of their own for a column that takes
// them from a sequence, which does not move.
// https://www.postgresql.org/docs/current/functions-sequence.html
var SequenceLeftBehind = &rule.Rule{
	ID:       "sequence-left-behind",
	Category: onward.Data,
	Severity: onward.Warning,
	Summary:  "rows come into a table with numbers of their own, and nothing moves the sequence of the column",
	Harm: "An INSERT that gives a serial or identity column a value does not move its sequence. " +
		"The next INSERT that leaves the column to its default gets a number that exists already, " +
		"and fails with \"duplicate key value violates unique constraint\": once for each such row.",
	Instead: "Move the sequence past the rows with setval(), in the same migration, or leave the column out of the INSERT.",
	Manual:  []string{"https://www.postgresql.org/docs/current/functions-sequence.html", "https://www.postgresql.org/docs/current/sql-insert.html"},
	Gather:  gatherSequenceUse,
	Release: checkLeftBehind,
}

// numberedInsert is an INSERT that brings numbers for a column with a sequence.
type numberedInsert struct {
	by     *rule.Stmt
	table  catalog.OID
	column int16
	what   string // "id 1 to 3"
}

// defaultedInsert is an INSERT that leaves such a column to its default.
type defaultedInsert struct {
	by    *rule.Stmt
	table catalog.OID
}

func gatherSequenceUse(p *rule.Pass, m *rule.Migration) {
	for _, s := range m.Statements {
		if s.Opaque != "" {
			p.KeepValue(movedSequence{})
			continue
		}
		switch x := pgparse.Unwrap(s.Node).(type) {
		case *pgparse.InsertStmt:
			recordInsertedNumbers(p, s, x)
		case *pgparse.SelectStmt:
			keepMovedSequences(p, s)
		case *pgparse.CallStmt:
			p.KeepValue(movedSequence{})
		case *pgparse.TruncateStmt:
			for i := range s.Result.Effects {
				p.KeepValue(movedSequence{s.Result.Effects[i].OID})
			}
		case *pgparse.DeleteStmt:
			if t := s.Before.Lookup(x.GetRelation().GetSchemaname(), x.GetRelation().GetRelname()); t != nil {
				p.KeepValue(movedSequence{t.OID})
			}
		}
	}
}

// far is a number that the sequence of an existing table does not reach for a long time.
// Rows with such numbers are meant to be out of its way.
const far = 99999

func checkLeftBehind(p *rule.Pass, r *rule.Release) {
	movedOIDs := map[catalog.OID]bool{}
	for _, x := range rule.KeptValues[movedSequence](p) {
		movedOIDs[x.oid] = true
	}
	if movedOIDs[0] {
		return // some sequence is moved, and it is not known which
	}
	byDefault := map[catalog.OID]*rule.Stmt{} // the first of each table
	for _, d := range rule.KeptValues[defaultedInsert](p) {
		if byDefault[d.table] == nil {
			byDefault[d.table] = d.by
		}
	}
	reportedTables := map[catalog.OID]bool{}
	for _, n := range rule.KeptValues[numberedInsert](p) {
		t := r.Head.Relation(n.table)
		if t == nil || reportedTables[n.table] || movedOIDs[n.table] {
			continue
		}
		col := t.Attr(n.column)
		if col == nil || !takesOwnSequence(col) || movedOIDs[col.Sequence] || !r.Head.UniqueAlone(t, n.column) {
			continue
		}
		seq := r.Head.Relation(col.Sequence)
		if seq == nil || seq.Seq == nil || seq.Seq.Moved {
			continue
		}
		reportedTables[n.table] = true
		report := rule.Report{
			Fact: fmt.Sprintf("%s gets rows with their own %s, and nothing moves sequence %s past them", t.Name, n.what, seq.Name),
			Harm: "an INSERT that leaves " + col.Name + " to its default fails when the sequence gives a number that exists already: " +
				"duplicate key value violates unique constraint",
			Instead:  "move the sequence past the rows:\n" + recipe.SetSequence(r.Head, t, col) + ";",
			Severity: onward.Info,
			Cause:    "and %d other new tables are filled so",
		}
		old := r.Deployed.Relation(n.table)
		if old != nil {
			report.Cause = "and %d other tables are filled so"
		}
		if defaultStmt := byDefault[n.table]; defaultStmt != nil {
			report.Severity = onward.Off
			report.Evidence = []onward.Evidence{defaultStmt.NewEvidence("leaves " + col.Name + " to its default")}
		} else if mapper := n.by.Migration.Runner.Renderer; mapper != nil && mapper.LeavesKeys {
			report.Severity = onward.Off
		} else if code := p.LeftOut(old, col); code != nil {
			report.Severity = onward.Off
			report.Harm = "the deployed code leaves " + col.Name + " to its default (at " + code.FormatPlace() + "), and fails when the sequence gives a number that exists already: duplicate key value violates unique constraint"
			report.Evidence = []onward.Evidence{code.Evidence}
		} else if old := r.Deployed.Lookup(t.Name.Schema, t.Name.Name); old != nil && old.OID != t.OID {
			if oldColumn := old.Column(col.Name); oldColumn != nil && takesOwnSequence(oldColumn) {
				report.Severity = onward.Off
				report.Harm = "deployed code that leaves " + col.Name + " to its default, as in the table that this one replaces, fails when the sequence gives a number that exists already: duplicate key value violates unique constraint"
			}
		}
		p.Report(n.by, report)
	}
}
