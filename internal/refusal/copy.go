package refusal

import (
	"github.com/onward-sql/onward/internal/catalog"
	"github.com/onward-sql/onward/internal/pgerror"
	"github.com/onward-sql/onward/internal/pgparse"
)

func (q *Checker) checkCopy(s *pgparse.CopyStmt) {
	if !q.checkCopyOptions(s) {
		return
	}
	freeze := pgparse.BoolOption(s.GetOptions(), "freeze", false)
	switch {
	case freeze && !s.GetIsFrom() && q.V.AtLeast(17):
		q.RecordRefusal(pgerror.CopyFreezeTo)
	case s.GetQuery() != nil:
		q.checkQuery(pgparse.Unwrap(s.GetQuery()))
	case s.GetIsFrom():
		q.checkCopyFrom(s, freeze)
	default:
		q.checkCopyTo(s)
	}
}

// checkCopyFrom checks COPY … FROM.
func (q *Checker) checkCopyFrom(s *pgparse.CopyStmt, freeze bool) {
	t := q.FindTable(s.GetRelation())
	switch {
	case t == nil:
	case t.Kind == catalog.MaterializedView || t.Kind == catalog.Sequence:
		q.RecordRefusal(pgerror.CopyTo, t.Kind.String(), t.Name.Name)
	case freeze && !t.Inferred && t.Kind == catalog.ForeignTable && !q.V.AtLeast(18):
		q.RecordRefusal(pgerror.CopyFreezeNew)
	case freeze && !t.Inferred && (t.Kind == catalog.ForeignTable || t.Kind == catalog.PartitionedTable):
		q.RecordRefusal(pgerror.CopyFreeze, t.Kind.String())
	case t.Kind == catalog.View && t.View != nil && !contains(t.InsteadOf(), "insert"):
		q.RecordRefusal(pgerror.CopyTo, "view", t.Name.Name)
	case s.GetWhereClause() != nil && readsSystemColumn(s.GetWhereClause()) && q.V.AtLeast(19):
		q.RecordRefusal(pgerror.CopySystemColumn)
	}
}

// readsSystemColumn reports whether a condition names a system column.
func readsSystemColumn(where *pgparse.Node) bool {
	found := false
	pgparse.Walk(where, func(m any) bool {
		if c, ok := m.(*pgparse.ColumnRef); ok {
			found = found || isSystemColumn(pgparse.LastText(c.GetFields()))
		}
		return !found
	})
	return found
}

// checkCopyTo checks COPY … TO. The server refuses it for relations without rows of their own, such as views.
func (q *Checker) checkCopyTo(s *pgparse.CopyStmt) {
	rel := q.C.Lookup(s.GetRelation().GetSchemaname(), s.GetRelation().GetRelname())
	if rel == nil || rel.Inferred {
		q.FindTable(s.GetRelation())
		return
	}
	switch rel.Kind {
	case catalog.View, catalog.Sequence, catalog.ForeignTable:
		q.RecordRefusal(pgerror.CopyFrom, rel.Kind.String(), rel.Name.Name)
	case catalog.PartitionedTable:
		if !q.V.AtLeast(19) {
			q.RecordRefusal(pgerror.CopyFrom, rel.Kind.String(), rel.Name.Name)
		}
	case catalog.MaterializedView:
		if !q.V.AtLeast(18) {
			q.RecordRefusal(pgerror.CopyFrom, rel.Kind.String(), rel.Name.Name)
		}
	}
}
