package relation

import (
	"github.com/onward-sql/onward/internal/analysis"
	"github.com/onward-sql/onward/internal/catalog"
	"github.com/onward-sql/onward/internal/rule"
	"github.com/onward-sql/onward/onward"
)

// PartitionNoneLeft flags a partitioned table without a partition that takes the place of
// an existing table. One that loses its last partition is none: programs make
// partitions that no migration knows.
// https://www.postgresql.org/docs/current/ddl-partitioning.html
var PartitionNoneLeft = &rule.Rule{
	ID:       "partition-none-left",
	Category: onward.Compatibility,
	Severity: onward.Error,
	Summary:  "a partitioned table without a partition takes the place of a deployed one: every INSERT fails",
	Harm: "A partitioned table stores nothing itself. While it has no partition, and no default one, each row is refused: " +
		"\"no partition of relation found for row\". If it takes the name of an existing table, " +
		"that holds from the commit on until something has made its partitions.",
	Instead: "Create the partitions that the code writes to in the same transaction, or a default one.",
	Manual:  []string{"https://www.postgresql.org/docs/current/ddl-partitioning.html"},
	Gather:  gatherNewParents,
	Release: checkNoPartitionLeft,
}

// parentOf is a new partitioned table that took the name of a deployed table.
type parentOf struct {
	by  *rule.Stmt
	oid catalog.OID
}

// maker is a statement that may make partitions unseen.
type maker struct{}

func gatherNewParents(p *rule.Pass, m *rule.Migration) {
	for _, s := range m.Statements {
		if s.Opaque != "" || s.Node == nil || s.Node.GetCallStmt() != nil || s.Node.GetSelectStmt() != nil {
			p.KeepValue(maker{})
		}
	}
	for _, t := range m.Txs {
		for i := range t.Deltas {
			d := &t.Deltas[i]
			if old := p.ReplacedRelation(d); old != nil && old.Kind.IsTable() && d.After.Kind == catalog.PartitionedTable {
				p.KeepValue(parentOf{d.By, d.OID})
			}
		}
	}
}

func checkNoPartitionLeft(p *rule.Pass, r *rule.Release) {
	if len(rule.KeptValues[maker](p)) > 0 || r.Head.Object("extension", catalog.Name{Name: "pg_partman"}) != nil {
		return
	}
	last := map[catalog.OID]parentOf{}
	var order []catalog.OID
	for _, k := range rule.KeptValues[parentOf](p) {
		if _, ok := last[k.oid]; !ok {
			order = append(order, k.oid)
		}
		last[k.oid] = k
	}
	for _, oid := range order {
		now := r.Head.Relation(oid)
		if now == nil || now.Kind != catalog.PartitionedTable || now.Inferred || now.Partial || len(now.Partitions) > 0 {
			continue
		}
		old := r.Deployed.Lookup(now.Name.Schema, now.Name.Name)
		if old == nil || old.Kind == catalog.PartitionedTable && len(old.Partitions) == 0 {
			continue
		}
		u := p.Code.FindUses(now.Name, "")
		if u.IsIdle() {
			continue
		}
		p.Report(last[oid].by, rule.Report{
			Fact: "the partitioned table " + now.Name.String() + " no longer has a partition",
			Harm: "every INSERT of the deployed code into it fails" + u.FirstPlace() + ": no partition of relation \"" + now.Name.Name + "\" found for row",
			Instead: "create the partitions that the code writes to in the same transaction, or one for what fits in no other:\nCREATE TABLE … PARTITION OF " +
				analysis.QuoteTable(now.Name) + " DEFAULT;",
			Severity: u.DropSeverity(),
			Evidence: u.Evidence,
		})
	}
}
