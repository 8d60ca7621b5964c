package catalog

import (
	"slices"

	"github.com/onward-sql/onward/internal/pgparse"
)

// isTypeNeeded reports whether an object other than a column needs a type: a function, a
// domain over it, or an expression of a relation that casts to it.
func (f *fold) isTypeNeeded(u *UserType) bool {
	return len(f.domainsOver(u.OID)) > 0 || len(f.FunctionsWith(u.OID)) > 0 ||
		slices.ContainsFunc(f.TypedBy(u.OID), func(r *Relation) bool { return f.castsTo(r, u.OID) })
}

// dropTypeDependents drops the domains over a type and the functions with it.
func (f *fold) dropTypeDependents(u *UserType) {
	if f.depth > maxDepth {
		return
	}
	f.depth++
	defer func() { f.depth-- }()
	for _, d := range f.domainsOver(u.OID) {
		f.dropUserType(d)
	}
	f.dropFunctionsWith(u.OID)
}

// dropFunctionsWith drops the functions that take or give a type.
func (f *fold) dropFunctionsWith(typ OID) {
	for _, fn := range f.FunctionsWith(typ) {
		list := slices.DeleteFunc(slices.Clone(f.functionsNamed(fn.Name)), func(o *Function) bool { return o == fn })
		if len(list) == 0 {
			f.markDropped("function", fn.Name)
		}
		f.setFunctions(fn.Name, list)
	}
}

// columnUsersOf lists the relations with a column of a type, or of the type as a whole
// (OF), but for the type's own relation.
func (c *Catalog) columnUsersOf(typ, excludedOID OID) []OID {
	var users []OID
	for _, r := range c.TypedBy(typ) {
		if r.OID != excludedOID && (r.OfType == typ || slices.ContainsFunc(r.Columns, func(c *Column) bool { return c.Type.OID == typ })) {
			users = append(users, r.OID)
		}
	}
	return users
}

// dropColumnsOfType drops the columns of a type, and the relations that cannot be without.
func (f *fold) dropColumnsOfType(typ OID, users []OID) {
	for _, oid := range users {
		r := f.editRelation(oid)
		if r == nil {
			continue
		}
		keyed := func(c *Column) bool {
			return c.Type.OID == typ && slices.ContainsFunc(r.PartitionKey,
				func(k IndexKey) bool { return k.Column == c.Attnum || slices.Contains(k.Columns, c.Attnum) })
		}
		if r.OfType == typ || r.View != nil || slices.ContainsFunc(r.Columns, keyed) {
			f.dropRelation(oid)
			continue
		}
		for _, c := range slices.Clone(r.Columns) {
			if c.Type.OID == typ {
				f.depth++
				f.dropColumn(r, c.Name, true, true, false)
				f.depth--
			}
		}
	}
}

func (f *fold) domainsOver(typ OID) []*UserType {
	var out []*UserType
	f.EachType(func(o *UserType) bool {
		if o.Kind == Domain && o.OID != typ && o.Base.OID == typ {
			out = append(out, o)
		}
		return true
	})
	return out
}

// FunctionsWith are the functions that take or give a type, or a row of a relation. One whose arguments
// are not all known may be gone: no DROP finds it.
func (c *Catalog) FunctionsWith(typ OID) []*Function {
	if !c.isUsedByFunction(typ) {
		return nil
	}
	hasType := func(t Type) bool { return t.OID == typ }
	var out []*Function
	c.EachFunction(func(fn *Function) bool {
		if (hasType(fn.Returns) || slices.ContainsFunc(fn.Args, hasType) || slices.ContainsFunc(fn.Params, func(p Param) bool { return hasType(p.Type) })) &&
			!slices.ContainsFunc(fn.Args, func(t Type) bool { return !t.IsKnown() }) {
			out = append(out, fn)
		}
		return true
	})
	return out
}

// isUsedByFunction reports whether a function ever took or gave a type.
func (c *Catalog) isUsedByFunction(typ OID) bool {
	list, _ := c.typed.get(typ)
	for u := list; u != nil; u = u.before {
		if c.Relation(u.oid) == nil {
			return true
		}
	}
	return false
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
			if m, ok := msg.(*pgparse.TypeCast); ok && f.castTargetType(m) == typ {
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
