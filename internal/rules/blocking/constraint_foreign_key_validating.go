package blocking

import (
	"slices"
	"strings"

	"github.com/onward-sql/onward/internal/advice"
	"github.com/onward-sql/onward/internal/analysis"
	"github.com/onward-sql/onward/internal/catalog"
	"github.com/onward-sql/onward/internal/effect"
	"github.com/onward-sql/onward/internal/pgparse"
	"github.com/onward-sql/onward/internal/prose"
	"github.com/onward-sql/onward/internal/rule"
	"github.com/onward-sql/onward/onward"
)

// ConstraintForeignKeyValidating flags ADD FOREIGN KEY without NOT VALID on a table that
// is in use. https://www.postgresql.org/docs/current/sql-altertable.html#SQL-ALTERTABLE-NOTES
var ConstraintForeignKeyValidating = &rule.Rule{
	ID:       "constraint-foreign-key-validating",
	Category: onward.Locking,
	Severity: onward.Error,
	Summary:  "ADD FOREIGN KEY without NOT VALID reads the whole table while writes to both tables are blocked",
	Harm: "ALTER TABLE holds SHARE ROW EXCLUSIVE on both tables while each row is looked up in the referenced one. " +
		"Every INSERT, UPDATE and DELETE on either table waits.",
	Instead: "Add the constraint NOT VALID, which locks both tables for a moment only and applies to new rows, and validate it in a transaction of its own: " +
		"that blocks neither reads nor writes.",
	Manual:    []string{"https://www.postgresql.org/docs/current/sql-altertable.html#SQL-ALTERTABLE-NOTES"},
	Kinds:     rule.AlterTable,
	Statement: checkForeignKeyValidating,
}

// validated are the foreign keys of a statement that read the rows.
type validated struct {
	sharedWork
	others             []catalog.Name
	way                advice.Way
	partitioned, fresh bool
}

func findValidatedForeignKeys(p *rule.Pass, s *rule.Stmt) (v validated) {
	for _, a := range listAllConstraints(p, s, pgparse.ConstrType_CONSTR_FOREIGN) {
		ref, _ := s.Before.Resolve(a.con.GetPktable())
		scan := p.FindBlocked(p.EffectsAlone(a.Command), func(e *effect.Effect) bool {
			return analysis.IsScanned(e) && (e.Name != ref.Name || e.Name == a.table.Name)
		})
		if scan == nil {
			if scan = findFilledReference(p, s, ref); scan == nil || !p.IsNew(a.table.OID) {
				continue
			}
			v.fresh = true
		}
		v.add(a.Command, scan, a.name, a.validateLaterSQL(s))
		if ref.Name != scan.Name && p.InUse(ref) && !slices.Contains(v.others, ref.Name) {
			v.others = append(v.others, ref.Name)
		}
		v.partitioned = a.table.Kind == catalog.PartitionedTable && p.Versions()[0] < 18
		add, validate := a.validationSteps(s)
		v.way = advice.AddForeignKey{Add: add, Validate: validate}
		if rest, ok := findRemadeForeignKey(p, s, &a); ok {
			v.way = advice.KeepForeignKey{Change: rest}
		}
	}
	return v
}

func checkForeignKeyValidating(p *rule.Pass, s *rule.Stmt) {
	v := findValidatedForeignKeys(p, s)
	e := v.e
	if e == nil {
		return
	}
	constraints := v.describeConstraints("foreign key", "foreign keys")
	each := prose.PickForm(len(v.steps), "each row was looked up", "each row was looked up in each of them")
	strongest, since := s.StrongestLock(e)
	waiting := analysis.DescribeWaiting(strongest) + describeReferencedTables(s, strongest, v.others)
	instead := prose.PickForm(len(v.steps), "add it NOT VALID, and validate it in a later transaction:\n",
		"add them NOT VALID, and validate each in a later transaction of its own:\n") + strings.Join(v.steps, "\n")
	if v.partitioned {
		instead = "add it to each partition NOT VALID and validate it there, then add it to " + s.AlteredRelation().Name.String() +
			": partitions that have it are not read again (before Postgres 18 a partitioned table takes no NOT VALID foreign key)"
	}
	read, grows := e.Name.String(), e.Name
	severity := onward.Off
	if v.fresh {
		grows = catalog.Name{}
		read, severity = s.AlteredRelation().Name.String()+", which this release has filled", analysis.UnsureSeverity(e)
	}
	p.Report(v.at, rule.Report{
		Severity: severity,
		Fact:     "adding " + constraints + " reads all of " + read,
		Harm:     waiting + " waits until " + each + ", and the time grows with the table" + since,
		Grows:    grows,
		Instead:  instead,
		Way:      v.way,
	})
}

// describeReferencedTables appends to a sentence about waiting sessions the tables that the foreign key
// references. These are locked against writes, or against everything if an earlier statement
// has locked them so.
func describeReferencedTables(s *rule.Stmt, e *effect.Effect, tables []catalog.Name) string {
	if len(tables) == 0 {
		return ""
	}
	var names []string
	open := false // for reads
	for _, t := range tables {
		names = append(names, t.String())
		open = open || s.FindHeldLock(&effect.Effect{Name: t}, func(h *rule.Held) bool { return h.Lock.BlocksReads() }) == nil
	}
	if open && e.Lock.BlocksReads() {
		return ", and every INSERT, UPDATE and DELETE on " + strings.Join(names, ", ") + ","
	}
	return " and on " + strings.Join(names, ", ")
}

// findFilledReference returns the effect on the table that a new one refers to, where the rows of
// the new one are looked up in it: the release has filled it. For one that is
// still empty, it returns nil.
func findFilledReference(p *rule.Pass, s *rule.Stmt, ref *catalog.Relation) *effect.Effect {
	for i := range s.Result.Effects {
		e := &s.Result.Effects[i]
		if e.Name == ref.Name && e.Scans && e.Lock >= onward.ShareRowExclusiveLock && p.IsExisting(e) && !p.IsSmall(e.Name) {
			return e
		}
	}
	return nil
}
