package queries

import (
	"github.com/onward-sql/onward/internal/code/facts"
	"github.com/onward-sql/onward/internal/pgparse"
	"github.com/onward-sql/onward/internal/query"
)

// recordCopiedRows records the relation whose columns an INSERT without a list copies unchanged:
// INSERT INTO archive SELECT * FROM orders, or the same with DELETE … RETURNING *.
func (d *digest) recordCopiedRows(n *pgparse.Node) {
	s := n.GetInsertStmt()
	if len(s.GetCols()) > 0 || !isOnlyStar(s.GetSelectStmt().GetSelectStmt().GetTargetList()) {
		return
	}
	l := query.BindStatement(n, query.NoRelations{})
	if l.Query == nil || len(l.Query.Sources) != 1 {
		return
	}
	from := l.Query.Sources[0]
	if from.CTE != nil && from.CTE.Query != nil {
		deleted, ok := from.CTE.Query.Node.(*pgparse.DeleteStmt)
		if !ok || !isOnlyStar(deleted.GetReturningClause().GetExprs()) {
			return
		}
		from = from.CTE.Query.Target
	}
	sourceIndex, known := d.at[from.Range]
	targetIndex, written := d.at[s.GetRelation()]
	if from.Range == nil || !known || !written || sourceIndex < 0 {
		return
	}
	for i := range d.q.Writes {
		if w := &d.q.Writes[i]; w.Relation == targetIndex && w.How == facts.Inserts {
			w.From = sourceIndex + 1
		}
	}
}

// isOnlyStar reports whether a list is only *.
func isOnlyStar(list []*pgparse.Node) bool {
	if len(list) != 1 {
		return false
	}
	fields := list[0].GetResTarget().GetVal().GetColumnRef().GetFields()
	return len(fields) == 1 && fields[0].GetAStar() != nil
}
