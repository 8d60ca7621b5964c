package catalog

import (
	"slices"

	"github.com/onward-sql/onward/internal/catalog/builtin"
	"github.com/onward-sql/onward/internal/pgparse"
)

// functionName is the name of a function without its schema.
type functionName string

func (n functionName) hash() uint32 { return hashText(2166136261, string(n)) }

// CalledBy lists the relations whose triggers, policies, defaults, generation
// expressions, checks, partition key or view may call a function of that name, oldest first.
// It may list one that does not call it any more. For Postgres' own functions,
// which hardly anybody drops, it lists all relations.
func (c *Catalog) CalledBy(name string) []*Relation {
	var out []*Relation
	if isBuiltin(name) {
		c.EachRelation(func(r *Relation) bool {
			out = append(out, r)
			return true
		})
		return out
	}
	list, _ := c.called.get(functionName(name))
	return c.listUsers(list)
}

// TypedBy lists the relations that have columns of a type, a row type or the
// type of the whole relation (OF), or an expression that casts to it, oldest
// first. It may list one that has none any more.
func (c *Catalog) TypedBy(typ OID) []*Relation {
	list, _ := c.typed.get(typ)
	return c.listUsers(list)
}

// TakersOf lists the relations with a default that takes numbers from a sequence
// which its column does not own, oldest first.
func (c *Catalog) TakersOf(seq OID) []*Relation {
	list, ok := c.typed.get(seq)
	if !ok {
		return nil
	}
	return slices.DeleteFunc(c.listUsers(list), func(r *Relation) bool {
		return !slices.ContainsFunc(r.Columns, func(c *Column) bool { return c.readsSequence(seq) })
	})
}

// readsSequence reports whether the default of a column takes numbers from a sequence
// that is not its own.
func (c *Column) readsSequence(seq OID) bool {
	return seq != 0 && c.Takes == seq && c.Sequence != seq && c.Default != nil
}

// user is an entry of a linked list of the relations and functions that ever used something, newest first. An object may
// be in it more than once. Older catalogs share its end.
type user struct {
	oid    OID
	before *user
}

// listUsers are the relations of a list that are there, oldest first.
func (c *Catalog) listUsers(list *user) []*Relation {
	var oids []OID
	for u := list; u != nil; u = u.before {
		oids = append(oids, u.oid)
	}
	slices.Sort(oids)
	var out []*Relation
	for _, oid := range slices.Compact(oids) {
		if r := c.Relation(oid); r != nil {
			out = append(out, r)
		}
	}
	return out
}

// isBuiltin reports whether a function is one of Postgres' own, which is not
// listed.
func isBuiltin(name string) bool { return builtin.Known(name) }

// recordUses records which functions are called by the relations that the statement has
// created or changed, and which types they use. Earlier uses were recorded then.
func (f *fold) recordUses(before *Catalog) {
	for _, r := range f.owned {
		if r == nil {
			continue
		}
		old := before.Relation(r.OID)
		if old == nil {
			old = &Relation{Rare: &plain}
		}
		f.recordObjectUse(r.OfType, r.OID)
		f.recordRowUses(r, old)
		f.recordColumnUses(r, old)
		if r.Index != nil {
			for _, k := range r.Index.Keys {
				f.recordCallsIn(k.Expr, r.OID)
			}
			f.recordCallsIn(r.Index.Predicate, r.OID)
		}
		if r.View != nil {
			for _, fn := range r.View.Functions {
				f.recordCall(fn.Name, r.OID)
			}
		}
	}
}

// recordRowUses notes what runs when rows of a relation are read or changed:
// triggers, policies and rules that it did not have before.
func (f *fold) recordRowUses(r, old *Relation) {
	for i, t := range r.Triggers {
		if i < len(old.Triggers) && old.Triggers[i] == t {
			continue
		}
		f.recordCall(t.Function.Name, r.OID)
		f.recordCallsIn(t.When, r.OID)
	}
	for i, p := range r.Policies {
		if i < len(old.Policies) && old.Policies[i] == p {
			continue
		}
		f.recordCallsIn(p.Using, r.OID)
		f.recordCallsIn(p.Check, r.OID)
		for _, x := range p.Reads {
			f.recordObjectUse(x.Relation, r.OID)
		}
	}
	for i, u := range r.Rules {
		if i < len(old.Rules) && old.Rules[i] == u {
			continue
		}
		for _, x := range u.Uses {
			f.recordObjectUse(x.Relation, r.OID)
		}
	}
}

// recordColumnUses notes what the columns, checks and partition key of a relation
// use that it did not have before.
func (f *fold) recordColumnUses(r, old *Relation) {
	if old.PartitionKey == nil {
		for _, k := range r.PartitionKey {
			f.recordCallsIn(k.Expr, r.OID)
		}
	}
	for i, c := range r.Columns {
		if i < len(old.Columns) && old.Columns[i] == c {
			continue
		}
		f.recordObjectUse(c.Type.OID, r.OID)
		if c.Default != nextvalCall {
			f.recordCallsIn(c.Default, r.OID)
		}
		if c.Takes != c.Sequence {
			f.recordObjectUse(c.Takes, r.OID)
		}
		f.recordCallsIn(c.GeneratedExpr, r.OID)
	}
	for i, c := range r.Constraints {
		if c.Kind == Check && !(i < len(old.Constraints) && old.Constraints[i] == c) {
			f.recordCallsIn(c.Expr, r.OID)
		}
	}
}

// recordCall notes that a relation calls a function.
func (f *fold) recordCall(name string, userOID OID) {
	key := functionName(name)
	list, ok := f.called.get(key)
	switch {
	case ok && (list == nil || list.oid == userOID):
		return // one of Postgres' own, or noted just now
	case !ok && isBuiltin(name):
		f.called = f.called.insertKey(f.own, key, nil)
	default:
		f.called = f.called.insertKey(f.own, key, &user{userOID, list})
	}
}

// recordObjectUse notes that a relation has a type of the user's, takes numbers from a
// sequence that is not its own, or reads another relation in a policy.
func (f *fold) recordObjectUse(typ, userOID OID) {
	if typ == 0 {
		return
	}
	if list, ok := f.typed.get(typ); !ok || list.oid != userOID {
		f.typed = f.typed.insertKey(f.own, typ, &user{userOID, list})
	}
}

// castTargetType is the user's type that a cast is to; 0 for one of Postgres' own.
func (c *Catalog) castTargetType(m *pgparse.TypeCast) OID {
	names := m.GetTypeName().GetNames()
	if len(names) == 2 && pgparse.StringText(names[0]) == "pg_catalog" || len(names) == 1 && isBuiltinType(pgparse.StringText(names[0])) {
		return 0
	}
	return c.TypeOf(m.GetTypeName()).OID
}

// recordCallsIn notes the functions that an expression of a relation calls, and the
// types that it casts to.
func (f *fold) recordCallsIn(expr *pgparse.Node, userOID OID) {
	if expr == nil || expr.GetAConst() != nil {
		return
	}
	pgparse.Walk(expr, func(msg any) bool {
		switch m := msg.(type) {
		case *pgparse.FuncCall:
			if len(m.GetFuncname()) > 0 {
				f.recordCall(pgparse.LastText(m.GetFuncname()), userOID)
			}
		case *pgparse.TypeCast:
			f.recordObjectUse(f.castTargetType(m), userOID)
		}
		return true
	})
}
