package usage

import (
	"github.com/onward-sql/onward/internal/catalog"
	"github.com/onward-sql/onward/internal/pgparse"
	"github.com/onward-sql/onward/internal/query"
)

// fills notes the relation whose columns an INSERT without a list takes as they are:
// INSERT INTO archive SELECT * FROM orders, also by way of DELETE … RETURNING *.
func (d *digest) fills(n *pgparse.Node) {
	s := n.GetInsertStmt()
	if len(s.GetCols()) > 0 || !allColumns(s.GetSelectStmt().GetSelectStmt().GetTargetList()) {
		return
	}
	l := query.Bind(n, query.Nothing{})
	if l.Query == nil || len(l.Query.Sources) != 1 {
		return
	}
	from := l.Query.Sources[0]
	if from.CTE != nil && from.CTE.Query != nil {
		deleted, ok := from.CTE.Query.Node.(*pgparse.DeleteStmt)
		if !ok || !allColumns(deleted.GetReturningClause().GetExprs()) {
			return
		}
		from = from.CTE.Query.Target
	}
	at, known := d.at[from.Range]
	into, written := d.at[s.GetRelation()]
	if from.Range == nil || !known || !written || at < 0 {
		return
	}
	for i := range d.q.Writes {
		if w := &d.q.Writes[i]; w.Relation == into && w.How == Inserts {
			w.From = at + 1
		}
	}
}

// allColumns reports whether a list is * alone.
func allColumns(list []*pgparse.Node) bool {
	if len(list) != 1 {
		return false
	}
	fields := list[0].GetResTarget().GetVal().GetColumnRef().GetFields()
	return len(fields) == 1 && fields[0].GetAStar() != nil
}

// Filled is an INSERT that takes the columns of a relation as they are.
type Filled struct {
	Written
	Into string
}

// Fills gives the INSERTs that take all columns of a relation, as they are, into
// another one.
func (b *Bound) Fills(n catalog.Name) []Filled {
	var out []Filled
	b.naming(n, func(path string, q *Query, i int) {
		for _, w := range q.Writes {
			if w.From == i+1 {
				out = append(out, Filled{Written{w, path}, q.Relations[w.Relation].Name})
			}
		}
	})
	return out
}
