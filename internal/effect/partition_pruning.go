package effect

import (
	"slices"
	"strings"

	"github.com/onward-sql/onward/internal/catalog"
	"github.com/onward-sql/onward/internal/pgparse"
	"github.com/onward-sql/onward/internal/predicate"
	"github.com/onward-sql/onward/internal/refusal"
)

// prunePartitions removes the partitions that a condition excludes, among the effects added since
// mark: the server does not lock them. For WHERE day = '2024-05-01' only that day's partition stays.
func (r *run) prunePartitions(mark int, tables []*catalog.Relation, rv *pgparse.RangeVar, where *pgparse.Node) []*catalog.Relation {
	target := r.C.Lookup(rv.GetSchemaname(), rv.GetRelname())
	if where == nil || target == nil || target.Kind != catalog.PartitionedTable {
		return tables
	}
	out := func(rel *catalog.Relation) bool { return rel != nil && rel != target && r.isPruned(rel, rv, where) }
	before := len(r.Effects)
	effects := r.Effects[:mark]
	for _, e := range r.Effects[mark:] {
		if !out(r.C.Relation(e.OID)) {
			effects = append(effects, e)
		}
	}
	if r.Effects = effects; len(effects) == before {
		return tables
	}
	r.index = nil
	return slices.DeleteFunc(slices.Clone(tables), out)
}

// isPruned reports whether a condition with constants shows that a partition has none of
// the rows, so that the planner excludes it. rv is the table in the query through which
// the partition is reached.
// https://www.postgresql.org/docs/current/ddl-partitioning.html#DDL-PARTITION-PRUNING
func (r *run) isPruned(part *catalog.Relation, rv *pgparse.RangeVar, where *pgparse.Node) bool {
	if where == nil || part.Parent == 0 {
		return false
	}
	for n := 0; n < maxDepth; n++ {
		parent := r.C.Relation(part.Parent)
		if parent == nil {
			return false
		}
		if r.isPrunedAtLevel(parent, part, rv, where) {
			return true
		}
		part = parent
	}
	return false
}

// isPrunedAtLevel is isPruned for one level of partitions.
func (r *run) isPrunedAtLevel(parent, part *catalog.Relation, rv *pgparse.RangeVar, where *pgparse.Node) bool {
	if len(parent.PartitionKey) != 1 || part.OID == 0 || len(parent.Partitions) > refusal.MostCompared {
		return false
	}
	col := parent.Attr(parent.PartitionKey[0].Column)
	if col == nil || col.Inferred || col.Type.Name.Schema != "pg_catalog" && !r.IsEnum(col.Type) {
		return false
	}
	for _, cond := range predicate.ListConjuncts(where) {
		if !refersOnlyToTable(cond, rv) {
			continue
		}
		wanted := predicate.AllowedValues(cond, col.Name)
		switch low, high, ok := refusal.ParseRangeBound(part.Bound); {
		case part.OID == parent.Default:
			// The default partition is excluded if other partitions hold all wanted
			// values.
			if len(wanted) > 0 && !slices.ContainsFunc(wanted, func(v *predicate.Value) bool { return !r.isInOtherPartition(parent, v) }) {
				return true
			}
		case ok:
			if contains(inOrder, col.Type.Name.Name) && predicate.IsDisjoint(cond, col.Name, predicate.Interval{Low: low, High: high}) {
				return true
			}
		default:
			if list, ok := parseListBound(part.Bound); ok && len(wanted) > 0 &&
				!slices.ContainsFunc(wanted, func(v *predicate.Value) bool { return mayEqualAny(list, v) }) {
				return true
			}
		}
	}
	return false
}

// inOrder are the types whose constants sort as written.
var inOrder = []string{"int2", "int4", "int8", "numeric", "float4", "float8", "date", "timestamp", "timestamptz"}

// isInOtherPartition reports whether a partition other than the default certainly holds a value.
func (r *run) isInOtherPartition(parent *catalog.Relation, v *predicate.Value) bool {
	for _, p := range r.C.RelationsByOID(parent.Partitions) {
		low, high, ok := refusal.ParseRangeBound(p.Bound)
		if ok && low.Kind == v.Kind && (refusal.IsBelow(low, v) || low.EqualTo(v)) && refusal.IsBelow(v, high) {
			return true
		}
		if list, _ := parseListBound(p.Bound); slices.ContainsFunc(list, func(b *predicate.Value) bool { return b != nil && b.EqualTo(v) }) {
			return true
		}
	}
	return false
}

// mayEqualAny reports whether a value may be one of a list.
func mayEqualAny(list []*predicate.Value, v *predicate.Value) bool {
	return slices.ContainsFunc(list, func(b *predicate.Value) bool { return b == nil || b.Kind != v.Kind || b.EqualTo(v) })
}

// parseListBound returns the constants of a list partition: "FOR VALUES IN ('a', 'b')".
func parseListBound(words string) (list []*predicate.Value, ok bool) {
	rest, isList := strings.CutPrefix(words, "FOR VALUES IN (")
	if !isList || strings.Contains(rest, "''") {
		return nil, false
	}
	for _, v := range strings.Split(strings.TrimSuffix(rest, ")"), ", ") {
		list = append(list, refusal.ParseLiteral(v))
	}
	return list, true
}

// refersOnlyToTable reports whether the columns of a comparison belong to the table that a query
// calls rv, as far as they are qualified.
func refersOnlyToTable(cond *pgparse.Node, rv *pgparse.RangeVar) bool {
	ok := true
	pgparse.Walk(cond, func(m any) bool {
		if ref, isRef := m.(*pgparse.ColumnRef); isRef {
			f := ref.GetFields()
			ok = ok && (len(f) == 1 || len(f) == 2 && pgparse.StringText(f[0]) == referenceName(rv))
		}
		return ok
	})
	return ok
}

// referenceName returns the name by which a query refers to a table.
func referenceName(rv *pgparse.RangeVar) string {
	if a := rv.GetAlias().GetAliasname(); a != "" {
		return a
	}
	return rv.GetRelname()
}

// markTargetScan is markRowScan for the target of a statement. If the target is joined by an
// indexed column, its rows are looked up one by one, or read in the order of the index.
func (r *run) markTargetScan(t *catalog.Relation, rv *pgparse.RangeVar, where *pgparse.Node) {
	r.effectOn(t).RowLocks = true
	switch {
	case where != nil && hasStorage(t) && !t.Inferred && t.Parent == 0 && r.isJoinedByIndex(t, rv, where):
		r.effectOn(t).Rows = true
	default:
		r.markRowScan(t, where)
	}
}

// isJoinedByIndex reports whether a condition equates the first column of an index of a table with
// a column of another table.
func (r *run) isJoinedByIndex(t *catalog.Relation, rv *pgparse.RangeVar, where *pgparse.Node) bool {
	isOwnIndexedColumn := func(n, other *pgparse.Node) bool {
		f := n.GetColumnRef().GetFields()
		matches := len(f) == 2 && pgparse.StringText(f[0]) == referenceName(rv)
		if len(f) == 1 { // it is no other's where the other one says whose it is
			g := other.GetColumnRef().GetFields()
			matches = other == nil || len(g) == 2 && pgparse.StringText(g[0]) != referenceName(rv)
		}
		return matches && r.leadsIndex(t, n)
	}
	equates := func(cond *pgparse.Node) bool {
		e := cond.GetAExpr()
		return e.GetKind() == pgparse.A_Expr_Kind_AEXPR_OP && refusal.OperatorName(e) == "=" &&
			(isOwnIndexedColumn(e.GetLexpr(), e.GetRexpr()) || isOwnIndexedColumn(e.GetRexpr(), e.GetLexpr()))
	}
	for _, cond := range predicate.ListConjuncts(where) {
		sub := cond.GetSubLink()
		switch {
		case equates(cond):
			return true
		case sub.GetSubLinkType() == pgparse.SubLinkType_ANY_SUBLINK && len(sub.GetOperName()) == 0 && isOwnIndexedColumn(sub.GetTestexpr(), nil):
			return true
		case sub.GetSubLinkType() == pgparse.SubLinkType_EXISTS_SUBLINK:
			for _, inner := range predicate.ListConjuncts(sub.GetSubselect().GetSelectStmt().GetWhereClause()) {
				if equates(inner) {
					return true
				}
			}
		}
	}
	return false
}
