package relation

import (
	"slices"

	"github.com/onward-sql/onward/internal/analysis"
	"github.com/onward-sql/onward/internal/catalog"
	"github.com/onward-sql/onward/internal/effect"
	"github.com/onward-sql/onward/internal/recipe"
	"github.com/onward-sql/onward/internal/rule"
	"github.com/onward-sql/onward/onward"
)

// PartitionAttachDefaultScan flags a new partition, attached or created, beside a
// default partition that has to be read for rows that belong into the new one.
// https://www.postgresql.org/docs/current/sql-altertable.html#SQL-ALTERTABLE-ATTACH-PARTITION
var PartitionAttachDefaultScan = &rule.Rule{
	ID:       "partition-attach-default-scan",
	Category: onward.Locking,
	Severity: onward.Error,
	Summary:  "a new partition reads the whole default partition while nobody else can read it",
	Harm: "The server looks for rows that belong into the new partition: it reads all of the default partition under ACCESS EXCLUSIVE. " +
		"Every query that reaches it waits, and that is every query without the partition key.",
	Instead: "Give the default partition a CHECK that excludes the new bounds, NOT VALID, and validate it in a transaction of its own; " +
		"then nothing is read. Or do without a default partition.",
	Manual:    []string{"https://www.postgresql.org/docs/current/sql-altertable.html#SQL-ALTERTABLE-DESC-ATTACH-PARTITION"},
	Kinds:     rule.CreateTable | rule.AlterTable,
	Statement: checkAttachDefaultScan,
}

func checkAttachDefaultScan(p *rule.Pass, s *rule.Stmt) {
	if s.Result.Refused != nil {
		return
	}
	for _, parent := range listParents(p, s) {
		if reportLikelyDefault(p, s, parent) {
			continue
		}
		d := s.Before.Relation(parent.Default)
		if d == nil || !p.InUse(d) || p.IsSmall(d.Name) {
			continue
		}
		e := findDefaultScan(p, s, d)
		if e == nil {
			continue
		}
		harm := analysis.DescribeWaiting(e) + " waits until it is read, and every query on " + parent.Name.String()
		if parentEffect := findEffect(&s.Result, parent.Name); parentEffect == nil || !parentEffect.Lock.BlocksReads() {
			harm += " that does not name the partition key" // ATTACH
		}
		con := catalog.ObjectName(d.Name.Name, "", "excludes")
		check := "…not within the new bounds…"
		if in := analysis.PartitionCondition(s.SQL, parent); in != "" {
			check = "NOT (" + in + ")"
		}
		p.Report(s, rule.Report{
			Fact: "a new partition of " + parent.Name.String() + " reads all of its default partition " + e.Name.String(),
			Harm: harm,
			Instead: "prove first that it holds no such row; validating blocks nobody, in a transaction of its own:\n" +
				recipe.FormatStatements(recipe.AddUnvalidated(d.Name, con, "CHECK ("+check+")"), recipe.ValidateConstraint(d.Name, con), s.SQL),
		})
	}
}

// reportLikelyDefault reports a table that may be the default partition of a table whose partitions are not known: it is called like one, and
// an earlier statement of the migration uses it.
func reportLikelyDefault(p *rule.Pass, s *rule.Stmt, parent *catalog.Relation) bool {
	if parent == nil || !parent.Inferred || parent.Default != 0 {
		return false
	}
	name := catalog.Name{Schema: parent.Name.Schema, Name: parent.Name.Name + "_default"}
	if r := s.Before.Lookup(name.Schema, name.Name); r != nil && !r.Inferred || p.IsSmall(name) || !isUsedEarlier(s, name) {
		return false
	}
	p.Report(s, rule.Report{
		Fact:     "a new partition of " + parent.Name.String() + " reads all of " + name.String() + ", if that is its default partition",
		Harm:     "every query on " + name.String() + " waits until it is read, and every query on " + parent.Name.String() + " that does not name the partition key",
		Instead:  "prove first that it holds no such row, with a CHECK that excludes the new bounds, NOT VALID, and validate that in a transaction of its own",
		Severity: onward.Warning,
	})
	return true
}

// isUsedEarlier reports whether an earlier statement of the migration reads or writes a table.
func isUsedEarlier(s *rule.Stmt, name catalog.Name) bool {
	return slices.ContainsFunc(s.Migration.Statements[:s.Index], func(priorStmt *rule.Stmt) bool { return findEffect(&priorStmt.Result, name) != nil })
}

// listParents are the partitioned tables that a statement adds a partition to.
func listParents(p *rule.Pass, s *rule.Stmt) []*catalog.Relation {
	var out []*catalog.Relation
	for _, a := range listAttachments(p, s) {
		out = append(out, a.parent)
	}
	if stmt := s.Node.GetCreateStmt(); stmt.GetPartbound() != nil {
		for _, n := range stmt.GetInhRelations() {
			r, _ := s.Before.Resolve(n.GetRangeVar())
			out = append(out, r)
		}
	}
	return out
}

// findDefaultScan returns the effect on the default partition, or on a partition of it,
// when it is read.
func findDefaultScan(p *rule.Pass, s *rule.Stmt, d *catalog.Relation) *effect.Effect {
	if e := findEffect(&s.Result, d.Name); e != nil && e.Scans {
		return e
	}
	for _, oid := range d.Partitions {
		if r := s.Before.Relation(oid); r != nil {
			if e := findEffect(&s.Result, r.Name); e != nil && e.Scans && p.InUse(r) {
				return e
			}
		}
	}
	return nil
}
