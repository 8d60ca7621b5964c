package catalog

import (
	"slices"

	"github.com/onward-sql/onward/internal/catalog/builtin"
	"github.com/onward-sql/onward/internal/pgparse"
	"github.com/onward-sql/onward/internal/query"
)

// findViewsGroupedByKey returns the views that depend on a primary key: they group by it, and read other columns of its table outside of aggregates.
// https://www.postgresql.org/docs/current/sql-select.html#SQL-GROUPBY
func (f *fold) findViewsGroupedByKey(t *Relation, key *Constraint) (out []*Relation) {
	for _, oid := range t.Dependents {
		if v := f.Relation(oid); key.Kind == PrimaryKey && !t.Inferred && v != nil && v.View != nil && f.isGroupedByKey(v, t, t.ColumnNames(key.Columns)) {
			out = append(out, v)
		}
	}
	return out
}

func (f *fold) isGroupedByKey(v, t *Relation, key []string) bool {
	aggregated := map[any]bool{}
	pgparse.Walk(v.View.Query, func(msg any) bool {
		if call, ok := msg.(*pgparse.FuncCall); ok && call.GetOver() == nil && builtin.IsAggregate(pgparse.LastText(call.GetFuncname())) {
			pgparse.Walk(call, func(inner any) bool {
				aggregated[inner] = true
				return true
			})
		}
		return true
	})
	return !query.BindStatement(v.View.Query, &ambiguousSearch{catalog: f.Catalog}).Walk(func(l *query.Level) bool {
		return !slices.ContainsFunc(l.Sources, func(s *query.Source) bool {
			if r := relationOf(s); r == nil || r.OID != t.OID {
				return false
			}
			grouped := listGroupColumns(l, s)
			return !slices.ContainsFunc(key, func(name string) bool { return !slices.Contains(grouped, name) }) &&
				readsUngrouped(l, s, grouped, aggregated)
		})
	})
}

// listGroupColumns lists the columns of an entry of FROM by which a level groups.
func listGroupColumns(l *query.Level, s *query.Source) (columns []string) {
	l.EachName(func(n query.Name) bool {
		if m, _ := l.LikeliestMeaning(n); m.Source == s {
			columns = append(columns, m.Column)
		}
		return true
	}, query.Group)
	stmt, _ := l.Node.(*pgparse.SelectStmt)
	for _, n := range stmt.GetGroupClause() {
		if i := int(n.GetAConst().GetIval().GetIval()); i > 0 && i <= len(l.Outputs) {
			if source, column := l.Outputs[i-1].FindOrigin(); source == s {
				columns = append(columns, column)
			}
		}
	}
	return columns
}

// readsUngrouped reports whether a level, after it has grouped, reads a column of an entry of FROM by which it does not group.
func readsUngrouped(l *query.Level, s *query.Source, grouped []string, aggregated map[any]bool) bool {
	found := slices.ContainsFunc(l.Outputs, func(o query.Output) bool {
		return o.Expr == nil && o.Source == s && !slices.Contains(grouped, o.Column)
	})
	visit := func(inner *query.Level, n query.Name) bool {
		m, _ := inner.LikeliestMeaning(n)
		found = found || m.Source == s && !aggregated[n.Node] && !slices.Contains(grouped, m.Column)
		return !found
	}
	l.EachName(func(n query.Name) bool {
		return visit(l, n) && n.Query.Walk(func(inner *query.Level) bool {
			return !slices.ContainsFunc(inner.Names, func(n query.Name) bool { return !visit(inner, n) })
		})
	}, query.Targets, query.Having, query.Sort, query.Distinct, query.Window)
	return found
}
