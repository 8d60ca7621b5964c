package constraint

import (
	"slices"
	"strings"

	"github.com/onward-sql/onward/internal/advice"
	"github.com/onward-sql/onward/internal/analysis"
	"github.com/onward-sql/onward/internal/catalog"
	"github.com/onward-sql/onward/internal/effect"
	"github.com/onward-sql/onward/internal/pgparse"
	"github.com/onward-sql/onward/internal/rule"
	"github.com/onward-sql/onward/onward"
)

// ForeignKeyValidating flags ADD FOREIGN KEY without NOT VALID on a table that
// is in use. https://www.postgresql.org/docs/current/sql-altertable.html#SQL-ALTERTABLE-NOTES
var ForeignKeyValidating = &rule.Rule{
	ID:        "constraint-foreign-key-validating",
	Category:  onward.Locking,
	Severity:  onward.Error,
	Preset:    onward.Recommended,
	Summary:   "ADD FOREIGN KEY without NOT VALID reads the whole table while both tables refuse writes",
	Harm:      "ALTER TABLE holds SHARE ROW EXCLUSIVE on both tables while each row is looked up in the referenced one. Every INSERT, UPDATE and DELETE on either table waits.",
	Instead:   "Add the constraint NOT VALID, which locks both tables for a moment only and binds new rows, and validate it in a transaction of its own: that blocks neither reads nor writes.",
	Manual:    []string{"https://www.postgresql.org/docs/current/sql-altertable.html#SQL-ALTERTABLE-NOTES"},
	Kinds:     rule.AlterTable,
	Statement: foreignKeyValidating,
}

func foreignKeyValidating(p *rule.Pass, s *rule.Stmt) {
	// The locks are taken and the table is read in one go, however many
	// foreign keys ask for it.
	var names, others, steps []string
	var e *effect.Effect
	var way advice.Way
	partitioned, fresh := false, false
	for _, a := range added(p, s, pgparse.ConstrType_CONSTR_FOREIGN) {
		ref, _ := s.Before.Resolve(a.con.GetPktable())
		scan := p.Blocked(p.Alone(a.Command), func(e *effect.Effect) bool {
			return analysis.Scans(e) && (e.Name != ref.Name || e.Name == a.table.Name)
		})
		if scan == nil {
			if scan = filled(p, s, ref); scan == nil || !p.New(a.table.OID) {
				continue
			}
			fresh = true
		}
		e = scan
		if a.name != "" {
			names = append(names, a.name)
		}
		if other := ref.Name.String(); ref.Name != e.Name && p.InUse(ref) && !slices.Contains(others, other) {
			others = append(others, other)
		}
		steps = append(steps, a.validation(s))
		partitioned = a.table.Kind == catalog.PartitionedTable && p.Versions()[0] < 18
		add, validate := a.steps(s)
		way = advice.AddForeignKey{Add: add, Validate: validate}
		if rest, ok := remade(p, s, &a); ok {
			way = advice.KeepForeignKey{Change: rest}
		}
	}
	if e == nil {
		return
	}
	what, each := "foreign key", "each row was looked up"
	if len(steps) > 1 {
		what, each = "foreign keys", "each row was looked up in each of them"
	}
	if len(names) > 0 {
		what += " " + strings.Join(names, ", ")
	}
	kept, since := s.Under(e)
	waiting := analysis.Waiting(kept) + andOn(s, kept, others)
	instead := "add it NOT VALID, and validate it in a later transaction:\n" + strings.Join(steps, "\n")
	if len(steps) > 1 {
		instead = "add them NOT VALID, and validate each in a later transaction of its own:\n" + strings.Join(steps, "\n")
	}
	if partitioned {
		instead = "add it to each partition NOT VALID and validate it there, then add it to " + s.Altered().Name.String() + ": partitions that have it are not read again (before Postgres 18 a partitioned table takes no NOT VALID foreign key)"
	}
	read := e.Name.String()
	severity := onward.Off
	if fresh {
		read, severity = s.Altered().Name.String()+", which this release has filled", analysis.Unsure(e)
	}
	p.Report(s, rule.Report{
		Severity: severity,
		Fact:     "adding " + what + " reads all of " + read,
		Harm:     waiting + " waits until " + each + ", which takes as long as the table is big" + since,
		Instead:  instead,
		Way:      way,
	})
}

// andOn goes on with the tables that a foreign key refers to, which refuse writes,
// behind who waits for the one that has it: writes, or all, where an earlier statement
// has locked them so.
func andOn(s *rule.Stmt, e *effect.Effect, others []string) string {
	shut := len(others) > 0 && !slices.ContainsFunc(others, func(name string) bool {
		for h := range s.Held.All() {
			if h.Lock.BlocksReads() && h.Name.String() == name {
				return false
			}
		}
		return true
	})
	switch {
	case len(others) == 0:
		return ""
	case shut && e.Lock.BlocksReads():
		return " and on " + strings.Join(others, ", ")
	case e.Lock.BlocksReads():
		return ", and every INSERT, UPDATE and DELETE on " + strings.Join(others, ", ") + ","
	}
	return " and on " + strings.Join(others, ", ")
}

// filled is the effect on the table that a new one refers to, where the rows of
// the new one are looked up in it: the release has filled it. Of one that is
// still empty, nothing is.
func filled(p *rule.Pass, s *rule.Stmt, ref *catalog.Relation) *effect.Effect {
	for i := range s.Result.Effects {
		e := &s.Result.Effects[i]
		if e.Name == ref.Name && e.Scans && e.Lock >= onward.ShareRowExclusiveLock && p.Existing(e) && !p.Small(e.Name) {
			return e
		}
	}
	return nil
}
