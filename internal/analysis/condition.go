package analysis

import (
	"slices"
	"strings"

	"github.com/onward-sql/onward/internal/catalog"
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
	// sources are the other FROM items that have few rows.
	sources []*pgparse.Node
	batch   bool
}

// bounds reports whether a condition by itself leaves few rows.
func (c *condition) bounds(n *pgparse.Node) bool {
	switch x := pgparse.Unwrap(n).(type) {
	case *pgparse.BoolExpr:
		switch x.Boolop {
		case pgparse.BoolExprType_OR_EXPR:
			for _, a := range x.Args {
				if !slices.ContainsFunc(predicate.Conjuncts(a), c.bounds) {
					return false
				}
			}
			return true
		case pgparse.BoolExprType_AND_EXPR:
			return slices.ContainsFunc(x.Args, c.bounds)
		}
	case *pgparse.A_Expr:
		switch x.Kind {
		case pgparse.A_Expr_Kind_AEXPR_OP, pgparse.A_Expr_Kind_AEXPR_OP_ANY, pgparse.A_Expr_Kind_AEXPR_IN, pgparse.A_Expr_Kind_AEXPR_NOT_DISTINCT:
			return operator(x) == "=" && (c.equal(x.Lexpr, x.Rexpr) || c.equal(x.Rexpr, x.Lexpr))
		case pgparse.A_Expr_Kind_AEXPR_BETWEEN, pgparse.A_Expr_Kind_AEXPR_BETWEEN_SYM:
			if c.key(x.Lexpr) {
				c.batch = true
				return true
			}
		}
	case *pgparse.SubLink:
		// key IN (SELECT … LIMIT n)
		if x.SubLinkType == pgparse.SubLinkType_ANY_SUBLINK && len(x.OperName) == 0 && c.key(x.Testexpr) {
			e, batch := c.query(x.Subselect.GetSelectStmt())
			c.batch = c.batch || batch
			return e == Few
		}
	}
	return false
}

// equal reports whether "left = right" picks few rows: a key on the left, and
// on the right something that has few values.
func (c *condition) equal(left, right *pgparse.Node) bool {
	if !c.key(left) {
		return false
	}
	if col := right.GetColumnRef(); col != nil {
		// A column of another FROM item, or of the table itself. An unqualified
		// name is a variable as far as can be seen.
		names := columnPath(col)
		if len(names) < 2 {
			return c.table.Column(names[len(names)-1]) == nil && len(c.sources) == 0
		}
		i := slices.IndexFunc(c.sources, func(n *pgparse.Node) bool { return sourceName(n) == names[0] })
		c.batch = c.batch || i >= 0 && c.batchedFrom(c.level, c.sources[i])
		return i >= 0 || c.variable(names[0])
	}
	if sub := right.GetSubLink(); sub != nil && sub.SubLinkType == pgparse.SubLinkType_ARRAY_SUBLINK {
		e, batch := c.query(sub.Subselect.GetSelectStmt())
		c.batch = c.batch || batch
		return e == Few
	}
	return true
}

// variable reports whether a qualifier is no table of the statement: in a
// PL/pgSQL block a record, as in r.id.
func (c *condition) variable(name string) bool {
	return name != c.alias && c.at.Before.Lookup("", name) == nil && (name == "rec" || name == "r" || name == "row" || name == "record" || strings.HasSuffix(name, "_rec") || strings.HasSuffix(name, "_row") || strings.HasSuffix(name, "_record"))
}

// ranged reports whether the conditions bound a key from both sides.
func (c *condition) ranged(conds []*pgparse.Node) bool {
	low, high := false, false
	for _, n := range conds {
		x, ok := pgparse.Unwrap(n).(*pgparse.A_Expr)
		if !ok || !c.key(x.Lexpr) {
			continue
		}
		switch operator(x) {
		case ">", ">=":
			low = true
		case "<", "<=":
			high = true
		}
	}
	return low && high
}

// telling are names of columns that tell rows apart, where no unique index is
// known to do so.
var telling = []string{"id", "uuid", "guid", "key", "name", "slug", "code", "email", "username", "version"}

// key reports whether an expression is a column that tells rows apart.
func (c *condition) key(n *pgparse.Node) bool {
	if row := n.GetRowExpr(); row != nil {
		return slices.ContainsFunc(row.Args, c.key)
	}
	if f := n.GetFuncCall(); f != nil && len(f.Args) == 1 { // lower(name)
		return c.key(f.Args[0])
	}
	if cast := n.GetTypeCast(); cast != nil {
		return c.key(cast.Arg)
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
	if name == "ctid" || slices.Contains(telling, name) {
		return true
	}
	attr := c.table.Column(name)
	if attr == nil {
		return false
	}
	for _, oid := range c.table.Indexes {
		i := c.at.Before.Relation(oid)
		if i != nil && i.Index != nil && i.Index.Unique && len(i.Index.Keys) > 0 && i.Index.Keys[0].Column == attr.Attnum && (len(i.Index.Keys) == 1 || !c.sorts(attr)) {
			return true
		}
	}
	return false
}

// holdsForAll reports whether a condition holds for every deployed row: the
// column is new in this release and has no value yet.
func (c *condition) holdsForAll(n *pgparse.Node) bool {
	test, ok := pgparse.Unwrap(n).(*pgparse.NullTest)
	if !ok || test.Nulltesttype != pgparse.NullTestType_IS_NULL {
		return false
	}
	names := columnPath(test.Arg.GetColumnRef())
	if len(names) == 0 {
		return false
	}
	attr := c.table.Column(names[len(names)-1])
	if attr == nil || attr.Inferred || attr.Default != nil || c.Gave(c.table, attr) {
		return false
	}
	// The table was never seen created, or had no such column.
	deployed := c.at.Deployed.Relation(c.table.OID)
	return deployed == nil || deployed.Attr(attr.Attnum) == nil
}

// sorting are the ends of names of columns that put many rows into few classes.
var sorting = []string{"type", "kind", "status", "state", "role", "category", "class", "level"}

// sorts reports whether a column has few values for many rows: by its type, or its name.
func (c *condition) sorts(a *catalog.Column) bool {
	if a.Type.Name.Name == "bool" {
		return true
	}
	if u := c.at.Before.Type(a.Type.OID); u != nil && u.Kind == catalog.Enum {
		return true
	}
	return slices.ContainsFunc(sorting, func(end string) bool { return a.Name == end || strings.HasSuffix(a.Name, "_"+end) })
}

// picks reports whether a condition compares a column with a constant.
func (c *condition) picks(n *pgparse.Node) bool {
	x := n.GetAExpr()
	return x != nil && x.Kind == pgparse.A_Expr_Kind_AEXPR_OP && operator(x) == "=" && x.Lexpr.GetColumnRef() != nil && x.Rexpr.GetAConst() != nil
}

func operator(x *pgparse.A_Expr) string { return pgparse.Last(x.Name) }

func columnPath(c *pgparse.ColumnRef) []string {
	var out []string
	for _, f := range c.GetFields() {
		if s := f.GetString_(); s != nil {
			out = append(out, s.GetSval())
		}
	}
	return out
}

// sourceName is what a FROM item is called in conditions.
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
