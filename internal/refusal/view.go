package refusal

import (
	"github.com/onward-sql/onward/internal/catalog"
	"github.com/onward-sql/onward/internal/pgerror"
	"github.com/onward-sql/onward/internal/pgparse"
)

// checkRefresh checks REFRESH MATERIALIZED VIEW.
func (q *Checker) checkRefresh(s *pgparse.RefreshMatViewStmt) {
	rv := s.GetRelation()
	mv := q.FindRelation(rv.GetSchemaname(), rv.GetRelname(), catalog.MaterializedView, false)
	switch {
	case mv == nil:
	case mv.Kind.IsTable():
		q.RecordRefusal(pgerror.NotMaterialized, mv.Name.Name)
	case mv.Kind != catalog.MaterializedView:
		q.RecordRefusal(pgerror.NotTableOrView, mv.Name.Name)
	case !s.GetConcurrent():
	case s.GetSkipData():
		q.RecordRefusal(pgerror.RefreshNoData)
	case mv.Inferred || mv.OID == 0:
	case mv.View != nil && !mv.View.Filled:
		q.RecordRefusal(pgerror.RefreshUnpopulated)
	case q.C.RefreshIndex(mv) == nil:
		q.RecordRefusal(pgerror.RefreshConcurrently, mv.Name.Qualified())
	}
}

// checkCreateView checks CREATE VIEW.
func (q *Checker) checkCreateView(s *pgparse.ViewStmt) {
	q.checkViewOptions(s)
	q.NewName(s.GetView())
	switch s.GetWithCheckOption() {
	case pgparse.ViewCheckOption_NO_CHECK_OPTION, pgparse.ViewCheckOption_VIEW_CHECK_OPTION_UNDEFINED:
	default:
		view := &catalog.Relation{Kind: catalog.View, View: &catalog.ViewInfo{Query: s.GetQuery()}}
		if q.C.Complete && q.C.ReadOnly(view) != "" {
			q.RecordRefusal(pgerror.ViewCheckOption)
		}
	}
	q.checkQuery(pgparse.Unwrap(s.GetQuery()))
}

// checkCreateTableAs checks CREATE TABLE AS and CREATE MATERIALIZED VIEW.
func (q *Checker) checkCreateTableAs(s *pgparse.CreateTableAsStmt) {
	name := q.NewName(s.GetInto().GetRel())
	if !s.GetIfNotExists() || q.C.Lookup(name.Schema, name.Name) == nil {
		q.checkQuery(pgparse.Unwrap(s.GetQuery()))
	}
}
