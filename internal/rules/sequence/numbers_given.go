package sequence

import (
	"fmt"
	"slices"

	"github.com/onward-sql/onward/internal/catalog"
	"github.com/onward-sql/onward/internal/pgparse"
	"github.com/onward-sql/onward/internal/rule"
)

// numbers looks at the values that an INSERT has for a column with a sequence of
// its own.
func numbers(p *rule.Pass, s *rule.Stmt, x *pgparse.InsertStmt) {
	t := s.Before.Lookup(x.GetRelation().GetSchemaname(), x.GetRelation().GetRelname())
	if t == nil || !t.Kind.IsTable() || t.Persistence == catalog.Temporary {
		return
	}
	given := targets(t, x)
	for _, col := range t.Columns {
		if !takes(col) || p.New(t.OID) && !p.New(col.Sequence) || !s.Before.UniqueAlone(t, col.Attnum) {
			continue
		}
		at := slices.Index(given, col)
		if at < 0 || x.GetOverride() == pgparse.OverridingKind_OVERRIDING_USER_VALUE {
			p.Keep(defaulted{s, t.OID})
			continue
		}
		n := numbered{by: s, table: t.OID, column: col.Attnum}
		if q := x.GetSelectStmt().GetSelectStmt(); len(q.GetValuesLists()) > 0 {
			var high int32
			if n.what, high = listed(q, at, col.Name); high > far && !p.New(t.OID) {
				continue
			}
		} else if copied(q, at) {
			n.what = "values of " + col.Name + " that a query gives"
		}
		if n.what != "" {
			p.Keep(n)
		}
	}
}

// listed are the numbers that VALUES have for a column: "id 1 to 3"; "" when a
// sequence could not give them. high is the greatest.
func listed(q *pgparse.SelectStmt, at int, name string) (what string, high int32) {
	var low int32
	for _, row := range q.GetValuesLists() {
		items := row.GetList().GetItems()
		if at >= len(items) || items[at].GetAConst().GetIval() == nil {
			continue
		}
		if v := items[at].GetAConst().GetIval().GetIval(); v > 0 {
			if low == 0 || v < low {
				low = v
			}
			high = max(high, v)
		}
	}
	switch {
	case low == 0:
		return "", 0
	case low == high:
		return fmt.Sprintf("%s %d", name, low), high
	}
	return fmt.Sprintf("%s %d to %d", name, low, high), high
}

// takes reports whether a column takes its default from the sequence that it
// owns.
func takes(c *catalog.Column) bool {
	if c.TakesNumber() {
		return true
	}
	f := c.Default.GetFuncCall().GetFuncname()
	return c.Sequence != 0 && len(f) > 0 && pgparse.Last(f) == "nextval"
}

// targets are the columns that an INSERT has values for, in order; nil for one
// that is not known.
func targets(t *catalog.Relation, x *pgparse.InsertStmt) []*catalog.Column {
	if len(x.GetCols()) == 0 {
		return t.Columns
	}
	out := make([]*catalog.Column, len(x.GetCols()))
	for i, n := range x.GetCols() {
		out[i] = t.Column(n.GetResTarget().GetName())
	}
	return out
}

// copied reports whether a query gives the column what another column holds.
func copied(q *pgparse.SelectStmt, i int) bool {
	for q.GetLarg() != nil {
		q = q.GetLarg()
	}
	if i >= len(q.GetTargetList()) || len(q.GetFromClause()) == 0 {
		return false
	}
	col := q.GetTargetList()[i].GetResTarget().GetVal().GetColumnRef()
	return col != nil && col.GetFields()[len(col.GetFields())-1].GetAStar() == nil
}
