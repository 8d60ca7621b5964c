package catalog

import (
	"slices"

	"github.com/onward-sql/onward/internal/catalog/builtin"
	"github.com/onward-sql/onward/internal/pgparse"
)

// functionName is the name of a function without its schema.
type functionName string

func (n functionName) hash() uint32 { return hash(2166136261, string(n)) }

// CalledBy lists the relations whose triggers, defaults, generation
// expressions, checks or view may call a function of that name, oldest first.
// It may list one that does not call it any more. For Postgres' own functions,
// which hardly anybody drops, it lists all relations.
func (c *Catalog) CalledBy(name string) []*Relation {
	var out []*Relation
	if postgres(name) {
		c.Relations(func(r *Relation) bool {
			out = append(out, r)
			return true
		})
		return out
	}
	oids, _ := c.called.get(functionName(name))
	for _, oid := range oids {
		if r := c.Relation(oid); r != nil {
			out = append(out, r)
		}
	}
	return out
}

// TypedBy lists the relations that have columns of a type, a row type or the
// type of the whole relation (OF), oldest first. It may list one that has none
// any more.
func (c *Catalog) TypedBy(typ OID) []*Relation {
	oids, _ := c.typed.get(typ)
	var out []*Relation
	for _, oid := range oids {
		if r := c.Relation(oid); r != nil {
			out = append(out, r)
		}
	}
	return out
}

// postgres reports whether a function is one of Postgres' own that is not
// listed. Who takes numbers from a sequence is asked where one is dropped; the
// default of a serial column is left out, as its sequence is the column's.
func postgres(name string) bool { return name != "nextval" && builtin.Known(name) }

// noteUses notes which functions the relations call that the statement has
// made or changed, and which types they have. What they had before was noted
// then.
func (f *fold) noteUses(before *Catalog) {
	for _, r := range f.owned {
		old := before.Relation(r.OID)
		if old == nil {
			old = &Relation{}
		}
		f.typedAs(r.OfType, r.OID)
		for i, t := range r.Triggers {
			if i < len(old.Triggers) && old.Triggers[i] == t {
				continue
			}
			f.calls(t.Function.Name, r.OID)
		}
		for i, c := range r.Columns {
			if i < len(old.Columns) && old.Columns[i] == c {
				continue
			}
			f.typedAs(c.Type.OID, r.OID)
			if c.Default != nextvalCall {
				f.callsIn(c.Default, r.OID)
			}
			f.callsIn(c.GeneratedExpr, r.OID)
		}
		for i, c := range r.Constraints {
			if c.Kind == Check && !(i < len(old.Constraints) && old.Constraints[i] == c) {
				f.callsIn(c.Expr, r.OID)
			}
		}
		if r.Index != nil {
			for _, k := range r.Index.Keys {
				f.callsIn(k.Expr, r.OID)
			}
			f.callsIn(r.Index.Predicate, r.OID)
		}
		if r.View != nil {
			for _, fn := range r.View.Functions {
				f.calls(fn.Name, r.OID)
			}
		}
	}
}

// calls notes that a relation calls a function.
func (f *fold) calls(name string, by OID) {
	oids, ok := f.called.get(functionName(name))
	if ok && len(oids) == 0 {
		return // one of Postgres' own
	}
	at, found := slices.BinarySearch(oids, by)
	if found {
		return
	}
	if !ok && postgres(name) {
		f.called = f.called.set(f.own, functionName(name), nil)
		return
	}
	// A catalog before this one keeps its list.
	f.called = f.called.set(f.own, functionName(name), slices.Insert(slices.Clip(slices.Clone(oids)), at, by))
}

// typedAs notes that a relation has a type of the user's.
func (f *fold) typedAs(typ, by OID) {
	if typ == 0 {
		return
	}
	oids, _ := f.typed.get(typ)
	if at, found := slices.BinarySearch(oids, by); !found {
		f.typed = f.typed.set(f.own, typ, slices.Insert(slices.Clip(slices.Clone(oids)), at, by))
	}
}

// callsIn notes the functions that an expression of a relation calls.
func (f *fold) callsIn(expr *pgparse.Node, by OID) {
	if expr == nil || expr.GetAConst() != nil {
		return
	}
	pgparse.Walk(expr, func(msg any) bool {
		if call, ok := msg.(*pgparse.FuncCall); ok && len(call.GetFuncname()) > 0 {
			f.calls(str(call.GetFuncname()[len(call.GetFuncname())-1]), by)
		}
		return true
	})
}
