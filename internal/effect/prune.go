package effect

import (
	"slices"
	"strings"

	"github.com/onward-sql/onward/internal/answer"
	"github.com/onward-sql/onward/internal/catalog"
	"github.com/onward-sql/onward/internal/pgparse"
	"github.com/onward-sql/onward/internal/predicate"
)

// prune takes away the partitions that a condition leaves out, of those that a
// name has brought since mark: they are not locked either.
func (r *run) prune(mark int, tables []*catalog.Relation, rv *pgparse.RangeVar, where *pgparse.Node) []*catalog.Relation {
	named := r.C.Lookup(rv.GetSchemaname(), rv.GetRelname())
	if where == nil || named == nil || named.Kind != catalog.PartitionedTable {
		return tables
	}
	out := func(rel *catalog.Relation) bool { return rel != nil && rel != named && r.pruned(rel, rv, where) }
	before := len(r.Effects)
	kept := r.Effects[:mark]
	for _, e := range r.Effects[mark:] {
		if !out(r.C.Relation(e.OID)) {
			kept = append(kept, e)
		}
	}
	if r.Effects = kept; len(kept) == before {
		return tables
	}
	r.index = nil
	return slices.DeleteFunc(slices.Clone(tables), out)
}

// pruned reports whether a condition with constants shows that a partition has
// none of the rows, so that the planner leaves it out. rv is what the query
// calls the table that the partition is found through.
// https://www.postgresql.org/docs/current/ddl-partitioning.html#DDL-PARTITION-PRUNING
func (r *run) pruned(part *catalog.Relation, rv *pgparse.RangeVar, where *pgparse.Node) bool {
	if where == nil || part.Parent == 0 {
		return false
	}
	for n := 0; n < maxDepth; n++ {
		parent := r.C.Relation(part.Parent)
		if parent == nil {
			return false
		}
		if r.leftOut(parent, part, rv, where) {
			return true
		}
		part = parent
	}
	return false
}

// leftOut is pruned for one level.
func (r *run) leftOut(parent, part *catalog.Relation, rv *pgparse.RangeVar, where *pgparse.Node) bool {
	if len(parent.PartitionKey) != 1 || part.OID == 0 || len(parent.Partitions) > answer.MostCompared {
		return false
	}
	col := parent.Attr(parent.PartitionKey[0].Column)
	if col == nil || col.Inferred || col.Type.Name.Schema != "pg_catalog" && !r.Enum(col.Type) {
		return false
	}
	for _, cond := range predicate.Conjuncts(where) {
		if !ofTable(cond, rv) {
			continue
		}
		wanted := predicate.Values(cond, col.Name)
		switch low, high, ok := answer.Ends(part.Bound); {
		case part.OID == parent.Default:
			// The rest is left out where other partitions have all values.
			if len(wanted) > 0 && !slices.ContainsFunc(wanted, func(v *predicate.Value) bool { return !r.elsewhere(parent, v) }) {
				return true
			}
		case ok:
			if contains(inOrder, col.Type.Name.Name) && predicate.Disjoint(cond, col.Name, predicate.Interval{Low: low, High: high}) {
				return true
			}
		default:
			if list, ok := listed(part.Bound); ok && len(wanted) > 0 && !slices.ContainsFunc(wanted, func(v *predicate.Value) bool { return mayEqual(list, v) }) {
				return true
			}
		}
	}
	return false
}

// inOrder are the types whose constants are compared as they are written.
var inOrder = []string{"int2", "int4", "int8", "numeric", "float4", "float8", "date", "timestamp", "timestamptz"}

// elsewhere reports whether a partition other than the default surely has a value.
func (r *run) elsewhere(parent *catalog.Relation, v *predicate.Value) bool {
	for _, p := range r.C.Rels(parent.Partitions) {
		low, high, ok := answer.Ends(p.Bound)
		if ok && low.Kind == v.Kind && (answer.Before(low, v) || low.Is(v)) && answer.Before(v, high) {
			return true
		}
		if list, _ := listed(p.Bound); slices.ContainsFunc(list, func(b *predicate.Value) bool { return b != nil && b.Is(v) }) {
			return true
		}
	}
	return false
}

// mayEqual reports whether a value may be one of a list.
func mayEqual(list []*predicate.Value, v *predicate.Value) bool {
	return slices.ContainsFunc(list, func(b *predicate.Value) bool { return b == nil || b.Kind != v.Kind || b.Is(v) })
}

// listed are the constants of a partition by list: "FOR VALUES IN ('a', 'b')".
func listed(words string) (list []*predicate.Value, ok bool) {
	rest, is := strings.CutPrefix(words, "FOR VALUES IN (")
	if !is || strings.Contains(rest, "''") {
		return nil, false
	}
	for _, v := range strings.Split(strings.TrimSuffix(rest, ")"), ", ") {
		list = append(list, answer.Literal(v))
	}
	return list, true
}

// ofTable reports whether the columns of a comparison are those of the table
// that a query calls rv, as far as they say it.
func ofTable(cond *pgparse.Node, rv *pgparse.RangeVar) bool {
	ok := true
	pgparse.Walk(cond, func(m any) bool {
		if ref, is := m.(*pgparse.ColumnRef); is {
			f := ref.GetFields()
			ok = ok && (len(f) == 1 || len(f) == 2 && pgparse.Text(f[0]) == calledBy(rv))
		}
		return ok
	})
	return ok
}

// calledBy is the name by which a query calls a table.
func calledBy(rv *pgparse.RangeVar) string {
	if a := rv.GetAlias().GetAliasname(); a != "" {
		return a
	}
	return rv.GetRelname()
}

// findsRows is scanFor for the target of a statement: one that is joined by a
// column with an index is looked up row by row, or read in the order of the
// index.
func (r *run) findsRows(t *catalog.Relation, rv *pgparse.RangeVar, where *pgparse.Node) {
	r.at(t).RowLocks = true
	switch {
	case where != nil && stored(t) && !t.Inferred && t.Parent == 0 && r.joined(t, rv, where):
		r.at(t).Rows = true
	default:
		r.scanFor(t, where)
	}
}

// joined reports whether a condition equates the first column of an index of a
// table with what another one has.
func (r *run) joined(t *catalog.Relation, rv *pgparse.RangeVar, where *pgparse.Node) bool {
	own := func(n, other *pgparse.Node) bool {
		f := n.GetColumnRef().GetFields()
		is := len(f) == 2 && pgparse.Text(f[0]) == calledBy(rv)
		if len(f) == 1 { // it is no other's where the other one says whose it is
			g := other.GetColumnRef().GetFields()
			is = other == nil || len(g) == 2 && pgparse.Text(g[0]) != calledBy(rv)
		}
		return is && r.leads(t, n)
	}
	equates := func(cond *pgparse.Node) bool {
		e := cond.GetAExpr()
		return e.GetKind() == pgparse.A_Expr_Kind_AEXPR_OP && answer.Operator(e) == "=" &&
			(own(e.GetLexpr(), e.GetRexpr()) || own(e.GetRexpr(), e.GetLexpr()))
	}
	for _, cond := range predicate.Conjuncts(where) {
		sub := cond.GetSubLink()
		switch {
		case equates(cond):
			return true
		case sub.GetSubLinkType() == pgparse.SubLinkType_ANY_SUBLINK && len(sub.GetOperName()) == 0 && own(sub.GetTestexpr(), nil):
			return true
		case sub.GetSubLinkType() == pgparse.SubLinkType_EXISTS_SUBLINK:
			for _, inner := range predicate.Conjuncts(sub.GetSubselect().GetSelectStmt().GetWhereClause()) {
				if equates(inner) {
					return true
				}
			}
		}
	}
	return false
}
