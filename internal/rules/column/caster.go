package column

import (
	"slices"

	"github.com/onward-sql/onward/internal/catalog"
	"github.com/onward-sql/onward/internal/pgparse"
	"github.com/onward-sql/onward/internal/rule"
)

// caster looks for casts to an enum type in a statement.
type caster struct {
	s     *rule.Stmt
	typ   *catalog.UserType
	name  string
	value string // that the transaction added
}

// hasCast reports whether the statement casts something to the type that may be
// the new value.
func (c *caster) hasCast() bool {
	found := false
	pgparse.Walk(c.s.Node, func(msg any) bool {
		if t, ok := msg.(*pgparse.TypeCast); ok && c.isCastTo(t.TypeName) {
			found = found || c.mayHaveValue(t.Arg)
		}
		return !found
	})
	return found
}

func (c *caster) isCastTo(t *pgparse.TypeName) bool {
	schema, name := pgparse.SchemaAndName(t.GetNames())
	if name != c.name {
		return false
	}
	typ := c.s.Before.LookupType(schema, name)
	return typ == nil || c.typ == nil || typ.OID == c.typ.OID
}

// mayHaveValue reports whether an expression may have the new value as its text: what a
// column holds, or is computed from one.
func (c *caster) mayHaveValue(n *pgparse.Node) bool {
	switch x := pgparse.Unwrap(n).(type) {
	case *pgparse.TypeCast:
		return c.mayHaveValue(x.Arg)
	case *pgparse.CaseExpr:
		for _, w := range x.Args {
			if c.mayHaveValue(w.GetCaseWhen().GetResult()) {
				return true
			}
		}
		return c.mayHaveValue(x.Defresult)
	case *pgparse.CoalesceExpr:
		return slices.ContainsFunc(x.Args, c.mayHaveValue)
	case *pgparse.FuncCall:
		return slices.ContainsFunc(x.Args, c.mayHaveValue)
	case *pgparse.A_Expr:
		return c.mayHaveValue(x.Lexpr) || c.mayHaveValue(x.Rexpr)
	case *pgparse.SubLink:
		return x.SubLinkType == pgparse.SubLinkType_EXPR_SUBLINK || x.SubLinkType == pgparse.SubLinkType_ARRAY_SUBLINK
	case *pgparse.ColumnRef:
		return c.mayHoldValue(x)
	}
	return false
}

// mayHoldValue reports whether a column may hold the new value: not one of an enum type
// that does not have it, and not one that the statement's condition says is
// something else.
func (c *caster) mayHoldValue(ref *pgparse.ColumnRef) bool {
	if len(ref.Fields) == 0 || c.excludesValue(ref) {
		return false
	}
	name := pgparse.LastText(ref.Fields)
	known := false
	for i := range c.s.Result.Effects {
		t := c.s.Before.Relation(c.s.Result.Effects[i].OID)
		if t == nil {
			continue
		}
		col := t.Column(name)
		if col == nil || col.Inferred {
			continue
		}
		known = true
		u := c.s.Before.Type(col.Type.OID)
		if u == nil || u.Kind != catalog.Enum || u.Inferred || c.typ == nil || u.OID != c.typ.OID && slices.Contains(u.Labels, c.value) {
			return true
		}
	}
	// A name that is no column is a variable of the block around it.
	return !known && c.s.Parent < 0
}

// excludesValue reports whether the statement compares the column with constants, of
// which none is the new value.
func (c *caster) excludesValue(ref *pgparse.ColumnRef) bool {
	found, hasValue := false, false
	pgparse.Walk(c.s.Node, func(msg any) bool {
		x, ok := msg.(*pgparse.A_Expr)
		if !ok || x.Kind != pgparse.A_Expr_Kind_AEXPR_OP && x.Kind != pgparse.A_Expr_Kind_AEXPR_IN || len(x.Name) != 1 || x.Name[0].GetString_().GetSval() != "=" {
			return true
		}
		left := pgparse.Unwrap(x.Lexpr)
		if col, ok := left.(*pgparse.ColumnRef); !ok || !slices.EqualFunc(col.Fields, ref.Fields, pgparse.Equal) {
			return true
		}
		list := []*pgparse.Node{x.Rexpr}
		if l := x.Rexpr.GetList(); l != nil {
			list = l.Items
		}
		for _, n := range list {
			k := n.GetAConst()
			if k.GetSval() == nil {
				return true
			}
			hasValue = hasValue || k.GetSval().GetSval() == c.value
		}
		found = true
		return true
	})
	return found && !hasValue
}
