package column

import (
	"cmp"
	"strings"

	"github.com/onward-sql/onward/internal/analysis"
	"github.com/onward-sql/onward/internal/catalog"
	"github.com/onward-sql/onward/internal/pgparse"
	"github.com/onward-sql/onward/internal/recipe"
	"github.com/onward-sql/onward/internal/rule"
	"github.com/onward-sql/onward/onward"
)

// IdentityStartsOver flags a column with numbers whose new identity, or new
// sequence, begins at 1. https://www.postgresql.org/docs/current/sql-altertable.html#SQL-ALTERTABLE-DESC-GENERATED-IDENTITY
var IdentityStartsOver = &rule.Rule{
	ID:       "column-identity-starts-over",
	Category: onward.Compatibility,
	Severity: onward.Error,
	Summary:  "the identity or sequence that takes the place of a sequence begins at 1 again",
	Harm: "ADD GENERATED … AS IDENTITY makes a sequence of its own, which knows nothing of the numbers that the rows have. " +
		"INSERTs that leave the column out get 1, 2, 3, … and fail on the primary key until they have passed the highest number.",
	Instead: "Set the new sequence after the highest number in the same transaction, or give it START WITH.",
	Manual: []string{
		"https://www.postgresql.org/docs/current/sql-altertable.html#SQL-ALTERTABLE-DESC-GENERATED-IDENTITY",
		"https://www.postgresql.org/docs/current/functions-sequence.html",
	},
	Kinds:     rule.AlterTable,
	Statement: checkIdentityStartsOver,
}

func checkIdentityStartsOver(p *rule.Pass, s *rule.Stmt) {
	for _, c := range p.ListCommands(s) {
		numbering := "identity"
		switch {
		case !p.InUse(s.AlteredRelation()):
			continue
		case c.Subtype == pgparse.AlterTableType_AT_AddIdentity && !setsFirstValue(c.Def.GetConstraint().GetOptions()):
		case c.Subtype == pgparse.AlterTableType_AT_ColumnDefault && usesNewSequence(p, s, c.Name):
			numbering = "new sequence"
		default:
			continue
		}
		deployed, altered := p.Release.Deployed.Relation(s.AlteredRelation().OID), s.After.Relation(s.AlteredRelation().OID)
		if deployed == nil || altered == nil || altered.Column(c.Name) == nil {
			continue
		}
		numbered, firstIndex := altered.Column(c.Name), s.Index
		if numbering != "identity" {
			firstIndex = 0 // a sequence that has a name can be set before the column takes it
		}
		if listSequenceSetters(s.Migration).maySet(cmp.Or(numbered.Takes, numbered.Sequence), firstIndex) {
			continue
		}
		old := deployed.Column(c.Name)
		if old == nil || !isNumbered(old) && (classes[old.Type.Name.Name] != "integer" || !s.Before.UniqueAlone(s.AlteredRelation(), old.Attnum)) {
			continue
		}
		r := rule.Report{
			Fact:     "the " + numbering + " of column " + c.Name + " of " + s.AlteredRelation().Name.String() + " begins at 1, and rows are numbered already",
			Harm:     "INSERTs that leave " + c.Name + " out get numbers that exist already",
			Instead:  "set it after the highest number, in the same transaction:\n" + recipe.SetSequence(s.After, altered, numbered) + ";",
			Severity: onward.Warning,
		}
		if !isNumbered(old) { // by the code, that is: its numbers may be far from these
			r.Fact = strings.Replace(r.Fact, "rows are numbered already", "rows have numbers of their own", 1)
			r.Harm = strings.Replace(r.Harm, "numbers that exist already", "numbers that rows may have", 1)
		}
		if s.Before.UniqueAlone(s.AlteredRelation(), old.Attnum) {
			r.Harm += " and fail: duplicate key value violates unique constraint"
			if isNumbered(old) {
				r.Severity = onward.Off
			}
		}
		p.Report(c, r)
	}
}

// usesNewSequence reports whether the new default of a column takes its numbers from
// a sequence that the release made, and that begins at 1. The transaction must keep that default.
func usesNewSequence(p *rule.Pass, s *rule.Stmt, column string) bool {
	t, tableAtCommit := s.After.Relation(s.AlteredRelation().OID), s.Tx.After.Relation(s.AlteredRelation().OID)
	if t == nil || t.Column(column) == nil {
		return false
	}
	if tableAtCommit != nil && tableAtCommit.Column(column) != nil && tableAtCommit.Column(column).Takes != t.Column(column).Takes {
		return false
	}
	seq := s.After.Relation(t.Column(column).Takes)
	return seq != nil && seq.Seq != nil && p.IsNew(seq.OID) && !seq.Seq.Moved
}

// setsFirstValue reports whether the options of a sequence set its first value.
func setsFirstValue(options []*pgparse.Node) bool {
	for _, o := range options {
		if name := o.GetDefElem().GetDefname(); name == "start" || name == "restart" || name == "minvalue" {
			return true
		}
	}
	return false
}

// setters are the statements of a migration that set a sequence, or may do so.
type setters []setter

type setter struct {
	index    int
	sequence catalog.OID // 0: any
}

// maySet reports whether a statement from an index on may set a sequence.
func (list setters) maySet(sequence catalog.OID, firstIndex int) bool {
	for _, x := range list {
		if x.index >= firstIndex && (x.sequence == 0 || x.sequence == sequence) {
			return true
		}
	}
	return false
}

func listSequenceSetters(m *rule.Migration) setters {
	return rule.BuildOnce(&m.Notes, func() (out setters) {
		for _, s := range m.Statements {
			if s.Node == nil || s.Opaque != "" {
				out = append(out, setter{s.Index, 0})
				continue
			}
			for _, oid := range analysis.ListSetSequences(s.Before, s.After, s.Node, s.SQL) {
				out = append(out, setter{s.Index, oid})
			}
		}
		return out
	})
}
