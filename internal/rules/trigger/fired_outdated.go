package trigger

import (
	"github.com/onward-sql/onward/internal/analysis"
	"github.com/onward-sql/onward/internal/catalog"
	"github.com/onward-sql/onward/internal/pgparse"
	"github.com/onward-sql/onward/internal/rule"
	"github.com/onward-sql/onward/onward"
)

// FiredOutdated flags a write of the release that fires a trigger whose function names what the schema does not have any more.
// https://www.postgresql.org/docs/current/plpgsql-trigger.html
var FiredOutdated = &rule.Rule{
	ID:       "trigger-fired-outdated",
	Category: onward.ReleaseOrder,
	Severity: onward.Error,
	Stops:    true,
	Summary:  "a write of the release fires a trigger whose function names what an earlier statement dropped or renamed",
	Harm: "Postgres keeps the body of a function as text, and looks up its names when the trigger fires. " +
		"A migration that renames a column, writes rows, and replaces the function at the end works on an empty table. " +
		"On a table with rows, the write fails in the trigger, and the migration stops there.",
	Instead:   "Replace the function before the statement that fires it, or write the rows before the change.",
	Manual:    []string{"https://www.postgresql.org/docs/current/plpgsql-trigger.html"},
	Kinds:     rule.Data,
	Statement: checkFiredOutdated,
}

func checkFiredOutdated(p *rule.Pass, s *rule.Stmt) {
	if s.Settings.ReplicaRole || s.AfterUnread || s.Before == p.Release.Deployed {
		return
	}
	for _, w := range p.ListWrites(s) {
		table := s.Before.TableOfView(w.Table)
		if _, inserts := w.Node.(*pgparse.InsertStmt); !inserts && table != nil && p.IsNew(table.OID) && !p.Rows.HasRows(table.OID) {
			continue // it has no row for which a trigger fires
		}
		for _, f := range analysis.ListFired(s.Before, w.Table, w.Node) {
			if u := analysis.FindOutdated(f, p.Release.Deployed, s.Before); u != nil {
				reportOutdated(p, s, &w, f, u)
				return
			}
		}
	}
}

func reportOutdated(p *rule.Pass, s *rule.Stmt, w *analysis.Write, f analysis.FiredTrigger, u *analysis.OutdatedUse) {
	calls := f.Function.Signature()
	if u.Function != f.Function {
		calls += ", which runs " + u.Signature()
	}
	r := rule.Report{
		Fact:     w.Verb + " fires trigger " + f.Trigger.Name + " of " + f.Table.Name.String() + ", whose function " + calls,
		Harm:     "the migration stops here for the first row: " + u.Error,
		Instead:  "replace " + u.Signature() + " before this statement, or run this statement before the change",
		Evidence: []onward.Evidence{u.Evidence()},
	}
	if u.Names == "" {
		r.Fact += " fails"
	} else {
		r.Fact += " names " + u.Names + describeNameLoss(s, u)
	}
	if u.Maybe || f.Trigger.When != nil || s.IsOptional() {
		r.Severity = onward.Warning
		r.Harm = "the migration stops here for the first row for which it comes there: " + u.Error
	}
	p.Report(s, r)
}

// describeNameLoss says which statement dropped or renamed a name, if it is in the same migration.
func describeNameLoss(s *rule.Stmt, u *analysis.OutdatedUse) string {
	if u.Table == nil {
		return ", which does not exist at this point"
	}
	fate := "is gone at this point"
	if now := s.Before.Relation(u.Table.OID); now != nil {
		switch {
		case u.Column == nil:
			fate = "is " + now.Name.String() + " at this point"
		case now.Attr(u.Column.Attnum) != nil:
			fate = "is " + now.Attr(u.Column.Attnum).Name + " at this point"
		}
	}
	for _, other := range s.Migration.Statements[:s.Index] {
		for i := range other.Deltas {
			if takesName(&other.Deltas[i], u) {
				return ", which " + fate + " (see " + other.FormatPlace() + ")"
			}
		}
	}
	return ", which " + fate
}

// takesName reports whether a change drops or renames the relation or the column of a use.
func takesName(d *catalog.Delta, u *analysis.OutdatedUse) bool {
	if d.OID != u.Table.OID {
		return false
	}
	switch d.Kind {
	case catalog.ColumnDropped, catalog.ColumnRenamed:
		return u.Column != nil && d.Old.Attnum == u.Column.Attnum
	case catalog.RelationDropped, catalog.RelationRenamed:
		return u.Column == nil || d.Kind == catalog.RelationDropped
	}
	return false
}
