package refusal

import (
	"github.com/onward-sql/onward/internal/catalog"
	"github.com/onward-sql/onward/internal/pgerror"
	"github.com/onward-sql/onward/internal/pgparse"
)

func (q *Checker) checkReindex(s *pgparse.ReindexStmt) {
	if !q.checkReindexOptions(s) {
		return
	}
	concurrent := false
	for _, p := range s.GetParams() {
		if p.GetDefElem().GetDefname() == "concurrently" {
			concurrent = pgparse.BoolValue(p.GetDefElem())
		}
	}
	switch s.GetKind() {
	case pgparse.ReindexObjectType_REINDEX_OBJECT_SYSTEM:
		if concurrent {
			q.RecordRefusal(pgerror.ReindexSystem)
		}
		return
	case pgparse.ReindexObjectType_REINDEX_OBJECT_SCHEMA:
		q.RequireObject("schema", s.GetName())
		return
	case pgparse.ReindexObjectType_REINDEX_OBJECT_DATABASE:
		return
	}
	kind := catalog.Table
	if s.GetKind() == pgparse.ReindexObjectType_REINDEX_OBJECT_INDEX {
		kind = catalog.Index
	}
	rv := s.GetRelation()
	rel := q.FindRelation(rv.GetSchemaname(), rv.GetRelname(), kind, false)
	if rel == nil {
		return
	}
	isIndex := rel.Kind == catalog.Index || rel.Kind == catalog.PartitionedIndex
	switch table := q.C.TableOf(rel); {
	case rel.Inferred:
	case kind == catalog.Index && !isIndex:
		q.RecordRefusal(pgerror.NotIndex, rel.Name.Name)
	case kind == catalog.Table && !rel.Kind.IsTable() && rel.Kind != catalog.MaterializedView:
		q.RecordRefusal(pgerror.NotTableOrView, rel.Name.Name)
	case concurrent && isIndex && table != nil && table.IsExclusionIndex(rel):
		q.RecordRefusal(pgerror.ReindexExclusion)
	case rel.Kind == catalog.PartitionedIndex && !q.V.AtLeast(14):
		q.RecordRefusal(pgerror.ReindexPartitioned)
	}
}
