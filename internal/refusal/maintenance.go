package refusal

import (
	"github.com/onward-sql/onward/internal/catalog"
	"github.com/onward-sql/onward/internal/pgerror"
	"github.com/onward-sql/onward/internal/pgparse"
)

// checkVacuum checks VACUUM and ANALYZE.
func (q *Checker) checkVacuum(s *pgparse.VacuumStmt) {
	if !q.checkVacuumOptions(s) || pgparse.BoolOption(s.GetOptions(), "only_database_stats", false) {
		return
	}
	for _, n := range s.GetRels() {
		rv := n.GetVacuumRelation().GetRelation()
		rel := q.FindTable(rv)
		if rel == nil {
			continue
		}
		if !rv.GetInh() && !q.V.AtLeast(18) {
			q.RecordRefusal(pgerror.SyntaxAt, "ONLY")
			return
		}
		if !q.checkAnalyzedColumns(rel, n.GetVacuumRelation().GetVaCols()) {
			return
		}
	}
}

func (q *Checker) checkCluster(s *pgparse.ClusterStmt) {
	if repack := pgparse.RepackOf(s); repack != nil {
		q.checkRepack(s, repack)
		return
	}
	rv := s.GetRelation()
	if rv.GetRelname() == "" {
		return
	}
	rel := q.FindTable(rv)
	if rel == nil {
		return
	}
	index := q.findClusterIndex(rel, s.GetIndexname())
	switch {
	case index != nil && !q.checkClusterIndex(index):
	case hasParentheses(s) && !q.V.AtLeast(14):
		q.RecordRefusal(pgerror.SyntaxAt, "(")
	case rel.Kind == catalog.PartitionedTable && !q.V.AtLeast(15):
		q.RecordRefusal(pgerror.ClusterPartitioned)
	case index == nil && s.GetIndexname() == "" && q.IsFullyKnown(rel):
		q.RecordRefusal(pgerror.NeverClustered, rel.Name.Name)
	}
}

// checkRepack checks REPACK.
func (q *Checker) checkRepack(s *pgparse.ClusterStmt, repack *pgparse.Repack) {
	for _, n := range s.GetParams() {
		switch name := n.GetDefElem().GetDefname(); name {
		case "full", "freeze", "index_cleanup", "truncate", "parallel", "skip_locked", "process_toast", "process_main", "buffer_usage_limit":
			q.RecordRefusal(pgerror.RepackOption, name)
			return
		}
	}
	if s.GetRelation().GetRelname() == "" {
		if repack.Concurrently {
			q.RecordRefusal(pgerror.RepackUnnamed)
		}
		return
	}
	rel := q.FindTable(s.GetRelation())
	if rel == nil || rel.Inferred {
		return
	}
	index := q.findClusterIndex(rel, s.GetIndexname())
	switch {
	case !rel.Kind.IsTable() && rel.Kind != catalog.MaterializedView:
		q.RecordRefusal(pgerror.NotTableOrView, rel.Name.Name)
	case len(repack.Columns) > 0 && !repack.Analyze:
		q.RecordRefusal(pgerror.AnalyzeColumns)
	case repack.UsingIndex && index != nil && !q.checkClusterIndex(index):
	case repack.UsingIndex && index == nil && q.IsFullyKnown(rel) && rel.Kind != catalog.PartitionedTable:
		if name := s.GetIndexname(); name != "" {
			q.RecordRefusal(pgerror.IndexMissingFor, name, rel.Name.Name)
		} else {
			q.RecordRefusal(pgerror.NeverClustered, rel.Name.Name)
		}
	case !q.checkAnalyzedColumns(rel, repack.Columns):
	case repack.Concurrently:
		q.checkRepackConcurrently(rel)
	}
}

// checkRepackConcurrently refuses a table whose changes cannot be decoded row by row.
func (q *Checker) checkRepackConcurrently(rel *catalog.Relation) {
	switch {
	case rel.Kind == catalog.PartitionedTable || rel.Kind == catalog.MaterializedView, rel.Persistence != catalog.Permanent,
		rel.ReplicaIdentity == "full" || rel.ReplicaIdentity == "nothing":
		q.RecordRefusal(pgerror.RepackRelation, rel.Name.Name)
	case q.IsFullyKnown(rel) && !rel.HasReplicaIdentity():
		q.RecordRefusal(pgerror.RepackRelation, rel.Name.Name)
	}
}

// hasParentheses reports whether a CLUSTER has its options in parentheses, as far
// as the parse tree tells: CLUSTER VERBOSE t has one too, a word before the
// name.
func hasParentheses(s *pgparse.ClusterStmt) bool {
	list := s.GetParams()
	if len(list) != 1 {
		return len(list) > 0
	}
	o := list[0].GetDefElem()
	return o.GetArg() != nil || s.GetRelation().GetLocation()-o.GetLocation() != int32(len("VERBOSE "))
}

// checkClusterIndex refuses an index that has no order for all rows.
func (q *Checker) checkClusterIndex(index *catalog.Relation) bool {
	switch i := index.Index; {
	case i == nil:
	case i.Predicate != nil:
		q.RecordRefusal(pgerror.ClusterPartial, index.Name.Name)
		return false
	case contains([]string{"gin", "hash", "brin", "spgist"}, i.Method):
		q.RecordRefusal(pgerror.ClusterUnordered, index.Name.Name)
		return false
	}
	return true
}

// findClusterIndex returns the index of a CLUSTER: the named one, or the one that was
// used before.
func (q *Checker) findClusterIndex(rel *catalog.Relation, name string) *catalog.Relation {
	if name != "" {
		return q.C.IndexNamed(rel, name)
	}
	for _, i := range q.C.IndexesOf(rel) {
		if i.Index != nil && i.Index.Clustered {
			return i
		}
	}
	return nil
}

func (q *Checker) checkLockTables(s *pgparse.LockStmt) {
	for _, n := range s.GetRelations() {
		if rel := q.FindTable(n.GetRangeVar()); rel != nil && !rel.Kind.IsTable() && rel.Kind != catalog.View {
			q.RecordRefusal(pgerror.NotLockable, rel.Name.Name)
			return
		}
	}
}

func (q *Checker) checkTruncate(s *pgparse.TruncateStmt) {
	var list []*catalog.Relation
	for _, n := range s.GetRelations() {
		rv := n.GetRangeVar()
		rel := q.FindTable(rv)
		if rel == nil {
			continue
		}
		if !rel.Kind.IsTable() && rel.Kind != catalog.ForeignTable {
			q.RecordRefusal(pgerror.NotTable, rel.Name.Name)
			return
		}
		if rel.Kind == catalog.PartitionedTable && !rv.GetInh() {
			q.RecordRefusal(pgerror.TruncateOnly)
			return
		}
		for _, t := range q.C.ListTree(rel, rv.GetInh()) {
			if t.Kind == catalog.ForeignTable && !q.V.AtLeast(14) {
				q.RecordRefusal(pgerror.NotTable, t.Name.Name)
				return
			}
			list = append(list, t)
		}
	}
	if s.GetBehavior() == pgparse.DropBehavior_DROP_CASCADE {
		return
	}
	for _, t := range list {
		for _, ref := range q.C.ListReferences(t, true) {
			if !contains(list, ref.From) {
				q.RecordRefusal(pgerror.TruncateReferenced)
				return
			}
		}
	}
}
