package relation

import (
	"github.com/onward-sql/onward/internal/analysis"
	"github.com/onward-sql/onward/internal/catalog"
	"github.com/onward-sql/onward/internal/effect"
	"github.com/onward-sql/onward/internal/pgparse"
	"github.com/onward-sql/onward/internal/rule"
	"github.com/onward-sql/onward/onward"
)

// PartitionMadeElsewhere flags work on the partitions of a deployed table that no migration
// makes. A partitioned table without one takes no row: where code uses it, a
// program, a job or an extension has made them.
// https://www.postgresql.org/docs/current/ddl-partitioning.html
var PartitionMadeElsewhere = &rule.Rule{
	ID:       "partition-made-elsewhere",
	Category: onward.Locking,
	Severity: onward.Error,
	Summary:  "a statement works on each partition of a table whose partitions no migration makes",
	Harm: "A statement on a partitioned table acts on each of its partitions. The migrations have none, but a table without a partition takes no row: " +
		"a job or an extension creates them, and they have the rows. The statement reads, writes or indexes all of them in one transaction, " +
		"under a lock on the parent and on each.",
	Instead:   "Do it partition by partition, as for a table that is big; or give the server's schema (--db, --schema): then the safe form is printed.",
	Manual:    []string{"https://www.postgresql.org/docs/current/ddl-partitioning.html"},
	Kinds:     rule.CreateIndex | rule.AlterTable,
	Statement: flagUnknownPartitions,
}

func flagUnknownPartitions(p *rule.Pass, s *rule.Stmt) {
	rv := s.Node.GetIndexStmt().GetRelation()
	if rv == nil {
		rv = s.Node.GetAlterTableStmt().GetRelation()
	}
	if rv == nil || s.Before.Complete || s.Result.Refused != nil {
		return
	}
	table, known := s.Before.Resolve(rv)
	if !known || !hasNoPartitions(table) || !p.InUse(table) || p.IsSmall(table.Name) {
		return
	}
	deployed := p.Release.Deployed.Relation(table.OID)
	if !hasNoPartitions(deployed) {
		return // the release has taken what it had
	}
	if len(listAttachments(p, s)) > 0 {
		return // what is attached is read, and a default partition: not each
	}
	e := simulatePartitionEffect(s, table)
	if e == nil {
		return
	}
	u := p.Code.FindUses(deployed.Name, "")
	if u.IsIdle() {
		return
	}
	name := table.Name.String()
	e.Name = table.Name
	r := rule.Report{
		Fact:     "each partition of " + name + " is " + describeWork(e) + "; the migrations that can be read make none of them",
		Harm:     analysis.DescribeWaiting(e) + " waits until that is done for all partitions, and the time grows with all of them together",
		Instead:  "do it partition by partition; give the server's schema (--db or --schema), and the safe form is printed",
		Severity: onward.Warning,
		Evidence: u.AllEvidence(),
	}
	if u.Used {
		r.Severity = onward.Error
	}
	if s.Node.GetIndexStmt() != nil {
		r.Instead = "create the index ON ONLY " + analysis.QuoteTable(table.Name) +
			", build it on each partition CONCURRENTLY, and attach those: it becomes valid with the last"
	}
	p.Report(s, r)
}

// hasNoPartitions reports whether a table is partitioned and no partition of it is known.
func hasNoPartitions(t *catalog.Relation) bool {
	return t != nil && t.Kind == catalog.PartitionedTable && !t.Inferred && !t.Partial && len(t.Partitions) == 0
}

// simulatePartitionEffect returns what the statement would do to a partition if the table had one;
// nil if that takes no time.
func simulatePartitionEffect(s *rule.Stmt, table *catalog.Relation) *effect.Effect {
	name := catalog.Name{Schema: table.Name.Schema, Name: table.Name.Name + " partition"}
	bound := "DEFAULT"
	if table.Strategy == "hash" {
		bound = "FOR VALUES WITH (MODULUS 1, REMAINDER 0)"
	}
	sql := "CREATE TABLE " + analysis.QuoteTable(name) + " PARTITION OF " + analysis.QuoteTable(table.Name) + " " + bound
	file, err := pgparse.SplitText(sql)
	if err != nil || len(file.Stmts) != 1 {
		return nil
	}
	nextCatalog, _ := s.Before.Apply(file.Stmts[0].Node, sql)
	versions := s.Results[len(s.Results)-1].Versions
	result := effect.EffectOf(s.Node, nextCatalog, effect.NewVersion(versions[len(versions)-1]), effect.Inputs{TimeZone: s.Settings.TimeZone})
	e := findEffect(&result, name)
	if e == nil || e.Instant || !e.Scans && !e.Rewrites && !e.BuildsIndex && !e.RebuildsIndex {
		return nil
	}
	return e
}

// describeWork says what is done to a partition.
func describeWork(e *effect.Effect) string {
	switch {
	case e.Rewrites:
		return "rewritten"
	case e.BuildsIndex, e.RebuildsIndex:
		return "indexed"
	}
	return "scanned in full"
}
