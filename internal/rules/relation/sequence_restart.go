package relation

import (
	"slices"

	"github.com/onward-sql/onward/internal/analysis"
	"github.com/onward-sql/onward/internal/catalog"
	"github.com/onward-sql/onward/internal/pgparse"
	"github.com/onward-sql/onward/internal/recipe"
	"github.com/onward-sql/onward/internal/rule"
	"github.com/onward-sql/onward/onward"
)

// SequenceRestart flags a sequence that numbers the rows of an existing table and is reset to its
// beginning.
// https://www.postgresql.org/docs/current/sql-altersequence.html
var SequenceRestart = &rule.Rule{
	ID:       "sequence-restart",
	Category: onward.Compatibility,
	Severity: onward.Error,
	Summary:  "a sequence that numbers the rows of a table gives the same numbers again",
	Harm: "RESTART and setval() do not look at the rows. INSERTs that leave the column to its default get 1, 2, 3, … again, " +
		"and fail on the primary key until they have passed the highest number that is there. The change takes effect at once, for all sessions.",
	Instead:   "Set the sequence after the highest number of the column.",
	Manual:    []string{"https://www.postgresql.org/docs/current/sql-altersequence.html", "https://www.postgresql.org/docs/current/functions-sequence.html"},
	Kinds:     rule.AlterTable | rule.Data | rule.Another,
	Statement: checkRestart,
}

func checkRestart(p *rule.Pass, s *rule.Stmt) {
	switch x := pgparse.Unwrap(s.Node).(type) {
	case *pgparse.AlterSeqStmt:
		if seq, ok := s.Before.Resolve(x.GetSequence()); ok && resetsToStart(x.GetOptions()) {
			judgeRestart(p, s, seq)
		}
	case *pgparse.AlterTableStmt:
		for _, c := range p.ListCommands(s) {
			if c.Subtype != pgparse.AlterTableType_AT_SetIdentity || !resetsToStart(c.Def.GetList().GetItems()) {
				continue
			}
			if col := s.AlteredRelation().Column(c.Name); col != nil && col.Sequence != 0 {
				judgeRestart(p, s, s.Before.Relation(col.Sequence))
			}
		}
	case *pgparse.SelectStmt:
		for _, t := range x.GetTargetList() {
			f := t.GetResTarget().GetVal().GetFuncCall()
			if name := f.GetFuncname(); len(name) == 0 || pgparse.LastText(name) != "setval" || len(f.GetArgs()) < 2 || !isFirstNumber(f.GetArgs()[1]) {
				continue
			}
			seq, _ := analysis.NamedSequence(s.Before, f.GetArgs()[0])
			judgeRestart(p, s, seq)
		}
	}
}

// resetsToStart reports whether options reset a sequence to its beginning. A greater number may be
// above the numbers of all rows.
func resetsToStart(options []*pgparse.Node) bool {
	for _, o := range options {
		if d := o.GetDefElem(); d.GetDefname() == "restart" {
			return d.GetArg() == nil || d.GetArg().GetInteger() != nil && d.GetArg().GetInteger().GetIval() <= 1
		}
	}
	return false
}

// isFirstNumber reports whether a number is the first that a sequence gives.
func isFirstNumber(n *pgparse.Node) bool {
	i := n.GetAConst().GetIval()
	return n.GetAConst() != nil && !n.GetAConst().GetIsnull() && i != nil && i.GetIval() <= 1
}

// judgeRestart judges a sequence that begins again.
func judgeRestart(p *rule.Pass, s *rule.Stmt, seq *catalog.Relation) {
	if seq == nil || seq.Seq == nil || !p.InUse(seq) {
		return
	}
	tables := s.Before.TakersOf(seq.OID)
	if owner := s.Before.Relation(seq.Seq.OwnerTable); owner != nil && !slices.Contains(tables, owner) {
		tables = append(tables, owner)
	}
	for _, t := range tables {
		for _, c := range t.Columns {
			if c.Takes != seq.OID && (c.Sequence != seq.OID || !takesOwnSequence(c)) || !p.InUse(t) || !t.Kind.IsTable() || isNumberingRepaired(s, t, seq) {
				continue
			}
			r := rule.Report{
				Fact:     "sequence " + seq.Name.String() + " begins again, and it has numbered the rows of " + t.Name.String(),
				Harm:     "INSERTs that leave " + c.Name + " out get numbers that exist already",
				Instead:  "set it after the highest number:\n" + recipe.SetSequence(s.After, t, c) + ";",
				Severity: onward.Warning,
			}
			if s.Before.UniqueAlone(t, c.Attnum) {
				r.Harm += " and fail, until they have passed the highest: duplicate key value violates unique constraint"
				r.Severity = onward.Off
			}
			p.Report(s, r)
			return
		}
	}
}
