package index

import (
	"strings"

	"github.com/onward-sql/onward/internal/analysis"
	"github.com/onward-sql/onward/internal/catalog"
	"github.com/onward-sql/onward/internal/rule"
	"github.com/onward-sql/onward/onward"
)

// AttachIncomplete flags an index ON ONLY a partitioned table that is not valid
// at the end of the release: some partition has no index attached to it.
// https://www.postgresql.org/docs/current/ddl-partitioning.html#DDL-PARTITIONING-DECLARATIVE-MAINTENANCE
var AttachIncomplete = &rule.Rule{
	ID:       "index-attach-incomplete",
	Category: onward.Locking,
	Severity: onward.Warning,
	Summary:  "an index ON ONLY a partitioned table stays invalid: not every partition has its index attached",
	Harm: "The index of the parent becomes valid when the last partition's index is attached. " +
		"Until then no constraint can use it, and a unique one applies to no partition but those that have it.",
	Instead: "Build the index on each partition CONCURRENTLY and attach it.",
	Manual:  []string{"https://www.postgresql.org/docs/current/ddl-partitioning.html#DDL-PARTITIONING-DECLARATIVE-MAINTENANCE"},
	Gather:  gatherOnlyIndexes,
	Release: checkAttachIncomplete,
}

// onlyIndex is an index that a migration creates ON ONLY a partitioned table.
type onlyIndex struct {
	by  *rule.Stmt
	oid catalog.OID
}

func gatherOnlyIndexes(p *rule.Pass, m *rule.Migration) {
	for _, s := range m.Statements {
		stmt := s.Node.GetIndexStmt()
		if stmt == nil || stmt.GetRelation().GetInh() || s.Tx.RolledBack {
			continue
		}
		for i := range s.Deltas {
			d := &s.Deltas[i]
			if d.Kind == catalog.IndexCreated && d.NewIndex != nil && d.NewIndex.Kind == catalog.PartitionedIndex {
				p.KeepValue(onlyIndex{s, d.NewIndex.OID})
			}
		}
	}
}

func checkAttachIncomplete(p *rule.Pass, r *rule.Release) {
	for _, x := range rule.KeptValues[onlyIndex](p) {
		reportIncompleteIndex(p, r, x.by, x.oid)
	}
}

func reportIncompleteIndex(p *rule.Pass, r *rule.Release, s *rule.Stmt, oid catalog.OID) {
	index := r.Head.Relation(oid)
	if index == nil || index.Index == nil || index.Index.Valid {
		return
	}
	table := r.Head.Relation(index.Index.Table)
	if table == nil {
		return
	}
	covered := map[catalog.OID]bool{}
	for _, o := range index.Partitions {
		if child := r.Head.Relation(o); child != nil && child.Index != nil {
			covered[child.Index.Table] = true
		}
	}
	var missing []string
	first := ""
	for _, o := range table.Partitions {
		if part := r.Head.Relation(o); part != nil && !covered[o] && part.Kind != catalog.ForeignTable {
			missing = append(missing, part.Name.String())
			if first == "" {
				first = analysis.QuoteTable(part.Name)
			}
		}
	}
	if len(missing) == 0 {
		return
	}
	if len(missing) > 3 {
		missing = append(missing[:3:3], "…")
	}
	p.Report(s, rule.Report{
		Fact: "index " + index.Name.Name + " of " + table.Name.String() + " stays invalid: no index of " + strings.Join(missing, ", ") + " is attached to it",
		Harm: "queries on these partitions have no index to use, and no constraint can be built on it",
		Instead: "build the index on each of them and attach it:\nCREATE INDEX CONCURRENTLY … ON " + first + " …;\nALTER INDEX " +
			analysis.QuoteTable(index.Name) + " ATTACH PARTITION …;",
	})
}
