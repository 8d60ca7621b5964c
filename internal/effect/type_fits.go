package effect

import (
	"github.com/onward-sql/onward/internal/answer"
	"github.com/onward-sql/onward/internal/catalog"
	"github.com/onward-sql/onward/internal/pgparse"
	"github.com/onward-sql/onward/internal/predicate"
	"github.com/onward-sql/onward/internal/refuse"
)

// stillFits refuses a type with which a CHECK, or an index's condition or key,
// cannot be made anew. What they compare the column with keeps the type that it
// got when it was written: 'new'::text is no value of an enum.
func (a *alter) stillFits(rel *catalog.Relation, col *catalog.Column, to catalog.Type) bool {
	if col.Inferred || !col.Type.Known() || !to.Known() || answer.Same(col.Type, to) {
		return true
	}
	for _, con := range rel.Constraints {
		if con.Kind == catalog.Check && !contains(a.droppedConstraints, con) && !a.comparesStill(con.Expr, col, to) {
			return false
		}
	}
	for _, i := range a.C.IndexesOf(rel) {
		if i.Index == nil || a.dropped(i.OID) {
			continue
		}
		for _, k := range i.Index.Keys {
			if k.Column != col.Attnum {
				continue
			}
			class := k.Opclass
			if class == col.Type.Name.Name+"_ops" && !(class == "inet_ops" && i.Index.Method == "gist") || class == "array_ops" {
				class = "" // the old type's default is not kept
			}
			if no := a.Unfit(i.Index.Method, class, to); no != nil {
				a.Deny(no)
				return false
			}
		}
		if !a.comparesStill(i.Index.Predicate, col, to) {
			return false
		}
	}
	return true
}

// comparesStill refuses a type that has no operator for a comparison of the
// column with constants.
func (a *alter) comparesStill(expr *pgparse.Node, col *catalog.Column, to catalog.Type) bool {
	if expr == nil || a.Domain(col.Type) != nil || !contains(plainly, col.Type.Name.Name) && !a.Enum(col.Type) {
		return true
	}
	fits := true
	pgparse.Walk(expr, func(m any) bool {
		e, ok := m.(*pgparse.A_Expr)
		if !ok || !fits {
			return fits
		}
		with := e.GetRexpr()
		if !predicate.IsColumn(e.GetLexpr(), col.Name) {
			if with = e.GetLexpr(); !predicate.IsColumn(e.GetRexpr(), col.Name) {
				return true
			}
		}
		if t, ok := a.constantType(with, col.Type); ok && t.Known() && !a.equates(to, t) && !a.equates(t, to) {
			a.Refuse(refuse.NoOperator, to.String(), answer.Operator(e), t.String())
			fits = false
		}
		return fits
	})
	return fits
}

// plainly are the types that are compared as they are: a varchar, for one, is
// cast to text, and will be.
var plainly = []string{"text", "int2", "int4", "int8", "numeric", "float4", "float8", "date", "timestamp", "timestamptz", "uuid", "bool"}

// constantType is the type of constants that a column is compared with; ok is
// false when something else is there too.
func (a *alter) constantType(n *pgparse.Node, column catalog.Type) (t catalog.Type, ok bool) {
	var list []*pgparse.Node
	switch m := pgparse.Unwrap(n).(type) {
	case *pgparse.A_Const:
		switch {
		case m.GetIsnull():
			return t, false
		case m.GetSval() != nil:
			return column, true
		case m.GetIval() != nil:
			return plain("pg_catalog", "int4"), true
		}
		return t, false
	case *pgparse.TypeCast:
		_, constant := pgparse.Unwrap(m.GetArg()).(*pgparse.A_Const)
		t = a.C.TypeOf(m.GetTypeName())
		return t, constant && t.Array == 0
	case *pgparse.List:
		list = m.GetItems()
	case *pgparse.A_ArrayExpr:
		list = m.GetElements()
	}
	for _, e := range list {
		if t, ok = a.constantType(e, column); !ok {
			return t, false
		}
	}
	return t, ok
}
