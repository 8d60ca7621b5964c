package refusal

import (
	"github.com/onward-sql/onward/internal/catalog"
	"github.com/onward-sql/onward/internal/pgerror"
	"github.com/onward-sql/onward/internal/pgparse"
	"github.com/onward-sql/onward/internal/predicate"
)

// checkCast returns the server's objection to converting a column's type to another one, by a
// USING expression if there is one; nil if the conversion is possible, or if that is not
// known.
func (q *Checker) checkCast(col *catalog.Column, to catalog.Type, using *pgparse.Node) *pgerror.Refusal {
	from := col.Type
	if col.Inferred {
		from = catalog.Type{}
	}
	if using != nil {
		var no *pgerror.Refusal
		if from, no = q.typeFromUsing(using, col, from); no != nil {
			return no
		}
	}
	from, to = q.castBaseTypes(from, to)
	switch {
	case !from.IsKnown() || !to.IsKnown() || q.isAssignable(from, to):
		return nil
	case using != nil:
		return pgerror.NoAutomaticCastUsing.NewRefusal(col.Name, formatWithoutModifier(to))
	}
	return pgerror.NoAutomaticCast.NewRefusal(col.Name, formatWithoutModifier(to))
}

// typeFromUsing returns the type that a USING expression gives a column's values when it does
// nothing but cast them; the zero Type when it does more.
func (q *Checker) typeFromUsing(using *pgparse.Node, col *catalog.Column, columnType catalog.Type) (catalog.Type, *pgerror.Refusal) {
	switch m := pgparse.Unwrap(using).(type) {
	case *pgparse.ColumnRef:
		if f := m.GetFields(); len(f) > 0 && pgparse.StringText(f[len(f)-1]) == col.Name {
			return columnType, nil
		}
	case *pgparse.CollateClause:
		return q.typeFromUsing(m.GetArg(), col, columnType)
	case *pgparse.TypeCast:
		old, no := q.typeFromUsing(m.GetArg(), col, columnType)
		if no != nil || !old.IsKnown() {
			return catalog.Type{}, no
		}
		to := q.C.TypeOf(m.GetTypeName())
		if from, base := q.castBaseTypes(old, to); from.IsKnown() && base.IsKnown() && !q.isCastable(from, base) {
			return to, pgerror.NoCast.NewRefusal(formatWithoutModifier(old), formatWithoutModifier(base))
		}
		return to, nil
	}
	return catalog.Type{}, nil
}

// castBaseTypes returns the base types, below domains, between which a cast must convert; zero
// Types if the server only has to check or relabel the value.
func (q *Checker) castBaseTypes(from, to catalog.Type) (catalog.Type, catalog.Type) {
	for n := 0; n < maxDepth; n++ {
		d := q.DomainOf(to)
		if d == nil || SameType(from, to) {
			break
		}
		to = d.Base
	}
	if SameType(from, to) {
		return catalog.Type{}, catalog.Type{}
	}
	if from = q.BaseType(from); SameType(from, to) || IsRelabeling(from, to, false) {
		return catalog.Type{}, catalog.Type{}
	}
	return from, to
}

// IsConstrained reports whether a domain, or one that it rests on, restricts its
// values.
func (q *Checker) IsConstrained(d *catalog.UserType) bool {
	for n := 0; d != nil && n < maxDepth; n++ {
		if d.HasConstraint() {
			return true
		}
		d = q.DomainOf(d.Base)
	}
	return false
}

// formatWithoutModifier returns a type as errors name it, without its length or precision.
func formatWithoutModifier(t catalog.Type) string {
	t.Mods, t.ModText = nil, ""
	return t.String()
}

// checkDependents refuses a type with which a CHECK, or an index's condition or key,
// cannot be made anew. What they compare the column with keeps the type that it
// got when it was written: 'new'::text is no value of an enum.
func (a *Alteration) checkDependents(rel *catalog.Relation, col *catalog.Column, to catalog.Type) {
	if col.Inferred || !col.Type.IsKnown() || !to.IsKnown() || SameType(col.Type, to) {
		return
	}
	for _, con := range rel.Constraints {
		if con.Kind == catalog.Check {
			a.checkComparisons(con.Expr, col, to)
		}
	}
	for _, i := range a.C.IndexesOf(rel) {
		if i.Index == nil {
			continue
		}
		for _, k := range i.Index.Keys {
			if k.Column != col.Attnum {
				continue
			}
			class := k.Opclass
			if class == col.Type.Name.Name+"_ops" && !(class == "inet_ops" && i.Index.Method == "gist" && !a.V.AtLeast(19)) || class == "array_ops" {
				class = "" // the old type's default is not kept
			}
			a.KeepRefusal(a.checkOperatorClass(i.Index.Method, class, to))
		}
		a.checkComparisons(i.Index.Predicate, col, to)
	}
}

// checkComparisons refuses a type that has no operator for a comparison of the
// column with constants.
func (a *Alteration) checkComparisons(expr *pgparse.Node, col *catalog.Column, to catalog.Type) {
	if expr == nil || a.DomainOf(col.Type) != nil || !contains(plainly, col.Type.Name.Name) && !a.IsEnum(col.Type) {
		return
	}
	pgparse.Walk(expr, func(m any) bool {
		e, ok := m.(*pgparse.A_Expr)
		if !ok || a.Refusal != nil {
			return a.Refusal == nil
		}
		operand := e.GetRexpr()
		if !predicate.IsColumn(e.GetLexpr(), col.Name) {
			if operand = e.GetLexpr(); !predicate.IsColumn(e.GetRexpr(), col.Name) {
				return true
			}
		}
		if t, ok := a.constantType(operand, col.Type); ok && t.IsKnown() && !a.canCompare(to, t) && !a.canCompare(t, to) {
			a.RecordRefusal(pgerror.NoOperator, to.String(), OperatorName(e), t.String())
		}
		return true
	})
}

// plainly are the types that are compared as they are: a varchar, for one, is
// cast to text, and will be.
var plainly = []string{"text", "int2", "int4", "int8", "numeric", "float4", "float8", "date", "timestamp", "timestamptz", "uuid", "bool"}

// constantType returns the type of constants that a column is compared with; ok is
// false when something else is there too.
func (q *Checker) constantType(n *pgparse.Node, column catalog.Type) (t catalog.Type, ok bool) {
	var list []*pgparse.Node
	switch m := pgparse.Unwrap(n).(type) {
	case *pgparse.A_Const:
		switch {
		case m.GetIsnull() || m.GetSval() != nil:
			return column, true
		case m.GetBoolval() != nil:
			return catalog.Type{Name: catalog.Name{Schema: "pg_catalog", Name: "bool"}}, true
		case m.GetIval() != nil:
			return catalog.Type{Name: catalog.Name{Schema: "pg_catalog", Name: "int4"}}, true
		}
		return t, false
	case *pgparse.TypeCast:
		_, constant := pgparse.Unwrap(m.GetArg()).(*pgparse.A_Const)
		t = q.C.TypeOf(m.GetTypeName())
		return t, constant && t.Array == 0
	case *pgparse.List:
		list = m.GetItems()
	case *pgparse.A_ArrayExpr:
		list = m.GetElements()
	}
	for _, e := range list {
		if t, ok = q.constantType(e, column); !ok {
			return t, false
		}
	}
	return t, ok
}
