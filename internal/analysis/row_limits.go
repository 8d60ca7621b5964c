package analysis

import (
	"slices"
	"strings"

	"github.com/onward-sql/onward/internal/catalog"
	"github.com/onward-sql/onward/internal/catalog/builtin"
	"github.com/onward-sql/onward/internal/lazyregexp"
	"github.com/onward-sql/onward/internal/pgparse"
	"github.com/onward-sql/onward/internal/predicate"
	"github.com/onward-sql/onward/internal/query"
)

// condition is a WHERE on one table.
type condition struct {
	*writes
	level *query.Level
	table *catalog.Relation
	// alias is the table's name in the condition.
	alias string
	// sources are the other FROM items with few rows.
	sources []*pgparse.Node
	batch   bool
}

// limitsRows reports whether a condition alone limits the rows to few.
func (c *condition) limitsRows(n *pgparse.Node) bool {
	switch x := pgparse.Unwrap(n).(type) {
	case *pgparse.BoolExpr:
		switch x.Boolop {
		case pgparse.BoolExprType_OR_EXPR:
			for _, a := range x.Args {
				if !slices.ContainsFunc(predicate.ListConjuncts(a), c.limitsRows) {
					return false
				}
			}
			return true
		case pgparse.BoolExprType_AND_EXPR:
			return slices.ContainsFunc(x.Args, c.limitsRows)
		}
	case *pgparse.A_Expr:
		switch x.Kind {
		case pgparse.A_Expr_Kind_AEXPR_OP, pgparse.A_Expr_Kind_AEXPR_OP_ANY, pgparse.A_Expr_Kind_AEXPR_IN, pgparse.A_Expr_Kind_AEXPR_NOT_DISTINCT:
			return operatorName(x) == "=" && (c.isSelectiveEquality(x.Lexpr, x.Rexpr) || c.isSelectiveEquality(x.Rexpr, x.Lexpr))
		case pgparse.A_Expr_Kind_AEXPR_BETWEEN, pgparse.A_Expr_Kind_AEXPR_BETWEEN_SYM:
			if c.isKey(x.Lexpr) {
				c.batch = true
				return true
			}
		}
	case *pgparse.SubLink:
		// key IN (SELECT … LIMIT n)
		if x.SubLinkType == pgparse.SubLinkType_ANY_SUBLINK && len(x.OperName) == 0 && c.isKey(x.Testexpr) {
			e, batch := c.readExtent(x.Subselect.GetSelectStmt())
			c.batch = c.batch || batch
			return e == Few
		}
	}
	return false
}

// isSelectiveEquality reports whether "left = right" selects few rows: left is a key, and right has few
// values.
func (c *condition) isSelectiveEquality(left, right *pgparse.Node) bool {
	if !c.isKeyForValue(left, predicate.EndValue(right)) {
		return false
	}
	if col := right.GetColumnRef(); col != nil {
		// A column of another FROM item, or of the table itself. An unqualified name that
		// is no column counts as a variable.
		names := columnPath(col)
		if len(names) < 2 {
			return c.table.Column(names[len(names)-1]) == nil && len(c.sources) == 0
		}
		i := slices.IndexFunc(c.sources, func(n *pgparse.Node) bool { return sourceName(n) == names[0] })
		c.batch = c.batch || i >= 0 && c.isBatchSource(c.level, c.sources[i])
		return i >= 0 || c.isVariable(names[0])
	}
	if sub := right.GetSubLink(); sub != nil && sub.SubLinkType == pgparse.SubLinkType_ARRAY_SUBLINK {
		e, batch := c.readExtent(sub.Subselect.GetSelectStmt())
		c.batch = c.batch || batch
		return e == Few
	}
	return true
}

// isVariable reports whether a qualifier is no entry of FROM: in a PL/pgSQL block a
// record, as in r.id.
func (c *condition) isVariable(name string) bool {
	return name != c.alias && !c.isSource(name) && c.at.Before.Lookup("", name) == nil &&
		(name == "rec" || name == "r" || name == "row" || name == "record" || strings.HasSuffix(name, "_rec") || strings.HasSuffix(name, "_row") ||
			strings.HasSuffix(name, "_record"))
}

// isSource reports whether a name is the name of an entry of FROM, in this query or one around it.
func (c *condition) isSource(name string) bool {
	for l := c.level; l != nil; l = l.Outer {
		if slices.ContainsFunc(l.Sources, func(s *query.Source) bool { return s.Alias == name }) {
			return true
		}
	}
	return false
}

// isRangeLimited reports whether the conditions limit a key on both sides.
func (c *condition) isRangeLimited(conds []*pgparse.Node) bool {
	low, high := false, false
	for _, n := range conds {
		x, ok := pgparse.Unwrap(n).(*pgparse.A_Expr)
		if !ok || !c.isKey(x.Lexpr) {
			continue
		}
		switch operatorName(x) {
		case ">", ">=":
			low = true
		case "<", "<=":
			high = true
		}
	}
	return low && high
}

// telling are names of columns that usually identify rows, for tables without a known
// unique index on them.
var telling = []string{"id", "uuid", "guid", "key", "name", "slug", "code", "email", "username", "version"}

// isKey reports whether an expression is a column that tells rows apart.
func (c *condition) isKey(n *pgparse.Node) bool { return c.isKeyForValue(n, nil) }

// isKeyForValue is isKey for rows in which the column has a value; nil if it is not known.
func (c *condition) isKeyForValue(n *pgparse.Node, value *predicate.Value) bool {
	if row := n.GetRowExpr(); row != nil {
		return slices.ContainsFunc(row.Args, c.isKey)
	}
	if f := n.GetFuncCall(); f != nil && len(f.Args) == 1 { // lower(name)
		return c.isKey(f.Args[0])
	}
	if cast := n.GetTypeCast(); cast != nil {
		return c.isKeyForValue(cast.Arg, value)
	}
	col := n.GetColumnRef()
	if col == nil {
		return false
	}
	names := columnPath(col)
	if len(names) == 0 || len(names) > 1 && names[0] != c.alias && names[0] != c.table.Name.Name && names[0] != c.table.Name.Schema {
		return false
	}
	name := names[len(names)-1]
	attr := c.table.Column(name)
	if name == "ctid" || slices.Contains(telling, name) && !c.isIndexedForRepeats(attr) {
		return true
	}
	if attr == nil {
		return false
	}
	single := c.isIdentifier(attr, value)
	for _, oid := range c.table.Indexes {
		i := c.at.Before.Relation(oid)
		if i != nil && i.Index != nil && (i.Index.Unique || single) && len(i.Index.Keys) > 0 && i.Index.Keys[0].Column == attr.Attnum &&
			(len(i.Index.Keys) == 1 || !c.hasFewValues(attr)) {
			return !indexExcludesValue(i.Index.Predicate, name, value)
		}
	}
	return false
}

// isIndexedForRepeats reports whether an index on the column alone lets its values repeat: one that holds no ids.
func (c *condition) isIndexedForRepeats(attr *catalog.Column) bool {
	if attr == nil || strings.HasSuffix(attr.Name, "id") {
		return false
	}
	return slices.ContainsFunc(c.table.Indexes, func(oid catalog.OID) bool {
		i := c.at.Before.Relation(oid)
		return i != nil && i.Index != nil && !i.Index.Unique && len(i.Index.Keys) == 1 && i.Index.Keys[0].Column == attr.Attnum && i.Index.Predicate == nil
	})
}

// uuids matches a UUID as text.
var uuids = lazyregexp.New(`^(?i)\{?[0-9a-f]{8}(-?[0-9a-f]{4}){3}-?[0-9a-f]{12}\}?$`)

// isIdentifier reports whether a column is compared with a literal that identifies one case: a UUID. A foreign key's value
// may be shared by many rows.
func (c *condition) isIdentifier(a *catalog.Column, value *predicate.Value) bool {
	return value != nil && uuids.MatchString(value.Text) && !slices.ContainsFunc(c.table.Constraints, func(k *catalog.Constraint) bool {
		return k.Kind == catalog.ForeignKey && slices.Contains(k.Columns, a.Attnum)
	})
}

// indexExcludesValue reports whether a partial index has no row with a value in a column.
func indexExcludesValue(where *pgparse.Node, column string, value *predicate.Value) bool {
	return value != nil && slices.ContainsFunc(predicate.ListConjuncts(where), func(n *pgparse.Node) bool { return predicate.ExcludesValue(n, column, value) })
}

// holdsForAllRows reports whether a condition holds for every deployed row: the
// column is new in this release and has no value yet.
func (c *condition) holdsForAllRows(n *pgparse.Node) bool {
	test, ok := pgparse.Unwrap(n).(*pgparse.NullTest)
	if !ok || test.Nulltesttype != pgparse.NullTestType_IS_NULL {
		return false
	}
	names := columnPath(test.Arg.GetColumnRef())
	if len(names) == 0 {
		return false
	}
	attr := c.table.Column(names[len(names)-1])
	if attr == nil || attr.Inferred || attr.Default != nil || c.WasUpdated(c.table, attr) {
		return false
	}
	// The table's creation was never seen, or it had no such column.
	deployed := c.at.Deployed.Relation(c.table.OID)
	return deployed == nil || deployed.Attr(attr.Attnum) == nil
}

// sorting are endings of names of columns that divide many rows into few classes.
var sorting = []string{"type", "kind", "status", "state", "role", "category", "class", "level"}

// hasFewValues reports whether a column has few distinct values, by its type or its name.
func (c *condition) hasFewValues(a *catalog.Column) bool {
	if a.Type.Name.Name == "bool" {
		return true
	}
	if u := c.at.Before.Type(a.Type.OID); u != nil && u.Kind == catalog.Enum {
		return true
	}
	return slices.ContainsFunc(sorting, func(end string) bool { return a.Name == end || strings.HasSuffix(a.Name, "_"+end) })
}

func operatorName(x *pgparse.A_Expr) string { return pgparse.LastText(x.Name) }

func columnPath(c *pgparse.ColumnRef) []string {
	var out []string
	for _, f := range c.GetFields() {
		if s := f.GetString_(); s != nil {
			out = append(out, s.GetSval())
		}
	}
	return out
}

// sourceName returns the name of a FROM item in conditions.
func sourceName(n *pgparse.Node) string {
	switch x := pgparse.Unwrap(n).(type) {
	case *pgparse.RangeVar:
		if a := x.GetAlias().GetAliasname(); a != "" {
			return a
		}
		return x.Relname
	case *pgparse.RangeSubselect:
		return x.GetAlias().GetAliasname()
	case *pgparse.RangeFunction:
		return x.GetAlias().GetAliasname()
	}
	return ""
}

// GivesOneRow reports whether a query gives at most one row however many it reads: it has an aggregate
// and no groups.
func GivesOneRow(q *pgparse.SelectStmt) bool {
	if q == nil || q.GetLarg() != nil || len(q.GetGroupClause()) > 0 {
		return false
	}
	hasAggregate := false
	for _, target := range q.GetTargetList() {
		pgparse.Walk(target, func(msg any) bool {
			switch x := msg.(type) {
			case *pgparse.SubLink:
				return false
			case *pgparse.FuncCall:
				hasAggregate = hasAggregate || x.GetOver() == nil && builtin.IsAggregate(pgparse.LastText(x.GetFuncname()))
			}
			return !hasAggregate
		})
	}
	return hasAggregate
}

// FirstSource returns the first relation of a query's FROM; nil for none. Its rows are copied by an INSERT … SELECT, and the other
// relations are joined to them.
func FirstSource(q *pgparse.SelectStmt) *pgparse.RangeVar {
	for q.GetLarg() != nil {
		q = q.GetLarg()
	}
	if len(q.GetFromClause()) == 0 {
		return nil
	}
	n := q.GetFromClause()[0]
	for n.GetJoinExpr() != nil {
		n = n.GetJoinExpr().GetLarg()
	}
	return n.GetRangeVar()
}
