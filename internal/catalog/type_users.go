package catalog

import (
	"slices"

	"github.com/onward-sql/onward/internal/pgparse"
)

// named reports whether something beside columns needs a type: a function, a
// domain over it, or an expression of a relation that casts to it.
func (f *fold) named(u *UserType) bool {
	return len(f.domainsOver(u.OID)) > 0 || len(f.functionsWith(u.OID)) > 0 ||
		slices.ContainsFunc(f.TypedBy(u.OID), func(r *Relation) bool { return f.castsTo(r, u.OID) })
}

// dropNamed drops the domains over a type and the functions with it.
func (f *fold) dropNamed(u *UserType) {
	if f.depth > maxDepth {
		return
	}
	f.depth++
	defer func() { f.depth-- }()
	for _, d := range f.domainsOver(u.OID) {
		f.dropTypeOID(d)
	}
	for _, fn := range f.functionsWith(u.OID) {
		list := slices.DeleteFunc(slices.Clone(f.ownFunctions(fn.Name)), func(o *Function) bool { return o == fn })
		if len(list) == 0 {
			f.markGone("function", fn.Name)
		}
		f.setFunctions(fn.Name, list)
	}
}

func (f *fold) domainsOver(typ OID) []*UserType {
	var out []*UserType
	f.Types(func(o *UserType) bool {
		if o.Kind == Domain && o.OID != typ && o.Base.OID == typ {
			out = append(out, o)
		}
		return true
	})
	return out
}

// functionsWith are the functions that take or give a type. One whose arguments
// are not all known may be gone: no DROP finds it.
func (f *fold) functionsWith(typ OID) []*Function {
	is := func(t Type) bool { return t.OID == typ }
	var out []*Function
	f.EachFunction(func(fn *Function) bool {
		if (is(fn.Returns) || slices.ContainsFunc(fn.Args, is) || slices.ContainsFunc(fn.Params, func(p Param) bool { return is(p.Type) })) &&
			!slices.ContainsFunc(fn.Args, func(t Type) bool { return !t.Known() }) {
			out = append(out, fn)
		}
		return true
	})
	return out
}

// castsTo reports whether a default, check, policy, trigger or index of a
// relation casts to a type.
func (f *fold) castsTo(r *Relation, typ OID) bool {
	in := func(expr *pgparse.Node) bool {
		found := false
		if expr == nil || expr.GetAConst() != nil {
			return false
		}
		pgparse.Walk(expr, func(msg any) bool {
			if m, ok := msg.(*pgparse.TypeCast); ok && f.castTo(m) == typ {
				found = true
			}
			return !found
		})
		return found
	}
	return slices.ContainsFunc(r.Columns, func(c *Column) bool { return in(c.Default) || in(c.GeneratedExpr) }) ||
		slices.ContainsFunc(r.Constraints, func(c *Constraint) bool { return c.Kind == Check && in(c.Expr) }) ||
		slices.ContainsFunc(r.Policies, func(p *Policy) bool { return in(p.Using) || in(p.Check) }) ||
		slices.ContainsFunc(r.Triggers, func(t *Trigger) bool { return in(t.When) }) ||
		r.Index != nil && (in(r.Index.Predicate) || slices.ContainsFunc(r.Index.Keys, func(k IndexKey) bool { return in(k.Expr) }))
}
