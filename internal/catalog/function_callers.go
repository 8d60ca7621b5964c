package catalog

import (
	"cmp"
	"slices"
	"strings"

	"github.com/onward-sql/onward/internal/catalog/builtin"
	"github.com/onward-sql/onward/internal/pgparse"
)

// Caller is a relation that depends on a function: DROP FUNCTION … CASCADE changes or drops it.
type Caller struct {
	Relation *Relation
	// Whole: a view or an index, which CASCADE drops. In any other relation it
	// drops a trigger, default, constraint or policy.
	Whole bool
	// Sure: the call cannot mean another function of the same name.
	Sure bool
}

// callee searches for the calls of a function.
type callee struct {
	c    *Catalog
	name Name // without a schema if that is not known
	// fn is nil for one that no statement created: any call of its name is one.
	fn *Function
	// others are its overloads.
	others []*Function
	// hidden: a call without a schema may mean another function.
	hidden bool
}

// FunctionUsers are what needs a function: DROP FUNCTION … CASCADE changes or drops it.
type FunctionUsers struct {
	// Name is the function's name, without its schema.
	Name string
	// Callers are relations, oldest first.
	Callers []Caller
	// Domains have a default that calls the function. CASCADE drops them, with the columns of them.
	Domains []*UserType
}

// ListFunctionUsers lists what needs the function which a DROP names.
func (c *Catalog) ListFunctionUsers(o *pgparse.ObjectWithArgs) FunctionUsers {
	schema, n := pgparse.SchemaAndName(o.GetObjname())
	name, list, index := c.findFunction(o)
	x := &callee{c: c, name: Name{schema, n}}
	if index >= 0 {
		x = c.newCallee(name, list, index)
	}
	return x.newUsers(x.listCallers())
}

// UsersOfFunction lists what needs a function of the catalog.
func (c *Catalog) UsersOfFunction(fn *Function) FunctionUsers {
	list := c.Functions(fn.Name.Schema, fn.Name.Name)
	index := slices.Index(list, fn)
	if index < 0 {
		return FunctionUsers{}
	}
	x := c.newCallee(fn.Name, list, index)
	return x.newUsers(x.listCallers())
}

func (x *callee) newUsers(callers []Caller) FunctionUsers {
	domains := slices.DeleteFunc(x.listDomains(), func(u *UserType) bool { return !x.isSurelyCalledIn(u.Default) })
	return FunctionUsers{Name: x.name.Name, Callers: callers, Domains: domains}
}

// listDomains lists the domains with a check or default that calls the function, oldest first.
func (x *callee) listDomains() []*UserType {
	var out []*UserType
	x.c.EachType(func(u *UserType) bool {
		if u.Kind == Domain && (x.isSurelyCalledIn(u.Default) || slices.ContainsFunc(u.Checks, func(c *Constraint) bool { return x.isSurelyCalledIn(c.Expr) })) {
			out = append(out, u)
		}
		return true
	})
	slices.SortFunc(out, func(a, b *UserType) int { return cmp.Compare(a.OID, b.OID) })
	return out
}

func (x *callee) listCallers() []Caller {
	var out []Caller
	for _, r := range x.c.CalledBy(x.name.Name) {
		if caller, ok := x.describeCaller(r); ok {
			out = append(out, caller)
		}
	}
	return out
}

// listSureCallers lists the relations that need the function for certain.
func (x *callee) listSureCallers() []Caller {
	return slices.DeleteFunc(x.listCallers(), func(caller Caller) bool { return !caller.Sure })
}

func (c *Catalog) newCallee(name Name, list []*Function, index int) *callee {
	x := &callee{c: c, name: name, fn: list[index], hidden: builtin.Known(name.Name)}
	for i, f := range list {
		if i != index {
			x.others = append(x.others, f)
		}
	}
	if found := c.Functions("", name.Name); len(found) > 0 && found[0].Name != name {
		x.hidden = true
	}
	return x
}

// describeCaller returns how a relation calls the function.
func (x *callee) describeCaller(r *Relation) (Caller, bool) {
	out := Caller{Relation: r}
	found := false
	see := func(expr *pgparse.Node, whole bool) {
		if calls, sure := x.isCalledIn(expr); calls {
			found = true
			out.Sure, out.Whole = out.Sure || sure, out.Whole || whole
		}
	}
	for _, t := range r.Triggers {
		if x.isFiredBy(t) {
			found, out.Sure = true, true
		}
		see(t.When, false)
	}
	for _, c := range r.Columns {
		see(c.Default, false)
		see(c.GeneratedExpr, false)
	}
	for _, c := range r.Constraints {
		if c.Kind == Check {
			see(c.Expr, false)
		}
	}
	for _, p := range r.Policies {
		see(p.Using, false)
		see(p.Check, false)
	}
	for _, k := range r.PartitionKey {
		see(k.Expr, false)
	}
	if r.Index != nil {
		see(r.Index.Predicate, true)
		for _, k := range r.Index.Keys {
			see(k.Expr, true)
		}
	}
	if r.View != nil && slices.ContainsFunc(r.View.Functions, x.hasName) {
		calls, sure := x.isCalledIn(r.View.Query)
		if calls || x.fn == nil {
			found, out.Whole, out.Sure = true, true, out.Sure || sure || x.fn == nil
		}
	}
	return out, found
}

func (x *callee) hasName(n Name) bool {
	return n.Name == x.name.Name && (x.name.Schema == "" || n.Schema == x.name.Schema)
}

// isFiredBy reports whether a trigger executes the function.
func (x *callee) isFiredBy(t *Trigger) bool {
	return x.hasName(t.Function) && (x.fn == nil || len(x.fn.Args) == 0)
}

// isCalledIn reports whether an expression calls the function, and whether that is sure.
func (x *callee) isCalledIn(expr *pgparse.Node) (calls, sure bool) {
	if expr == nil || expr.GetAConst() != nil {
		return false, false
	}
	pgparse.Walk(expr, func(msg any) bool {
		call, ok := msg.(*pgparse.FuncCall)
		if !ok {
			return !sure
		}
		schema, name := pgparse.SchemaAndName(call.GetFuncname())
		switch n := len(call.GetArgs()); {
		case name != x.name.Name:
		case x.fn == nil:
			calls, sure = true, true
		case !x.fn.acceptsArgCount(n):
		default:
			calls = true
			sure = sure || (schema == x.name.Schema || schema == "" && !x.hidden) &&
				!slices.ContainsFunc(x.others, func(f *Function) bool { return f.acceptsArgCount(n) })
		}
		return !sure
	})
	return calls, sure
}

// acceptsArgCount reports whether a function can be called with that many arguments. A variadic parameter without a default takes at
// least one.
func (fn *Function) acceptsArgCount(n int) bool {
	return n >= len(fn.Args)-fn.Defaults && (n <= len(fn.Args) || fn.Variadic)
}

// AcceptsCall reports whether a call may mean the function, by the number, the names and the types of its arguments. The types are of
// the function that the call means now; that is nil if they do not matter. https://www.postgresql.org/docs/current/typeconv-func.html
func (fn *Function) AcceptsCall(call *pgparse.FuncCall, current *Function) bool {
	args, required := call.GetArgs(), len(fn.Args)-fn.Defaults
	if fn.Variadic || call.GetAggStar() {
		return true
	}
	params := slices.DeleteFunc(slices.Clone(fn.Params), func(p Param) bool { return !p.In && fn.Kind != "procedure" })
	missing := required
	for i, a := range args {
		if name := a.GetNamedArgExpr().GetName(); name != "" {
			i = slices.IndexFunc(params, func(p Param) bool { return p.Name == name })
			a = a.GetNamedArgExpr().GetArg()
		}
		if i < 0 || i >= len(fn.Args) {
			return false
		}
		if i < required {
			missing--
		}
		if c := a.GetAConst(); c.GetSval() == nil && !c.GetIsnull() && current != nil && i < len(current.Args) && !mayConvert(current.Args[i], fn.Args[i]) {
			return false
		}
	}
	return missing == 0
}

// mayConvert reports whether a function may take a value of another type than its own. Types of the schema may have casts.
func mayConvert(from, to Type) bool {
	return from.OID != 0 || to.OID != 0 || from.IsAlike(to) || strings.HasPrefix(to.Name.Name, "any") ||
		from.Array == to.Array && typeFamily(from) == typeFamily(to)
}

// typeFamily returns one word for types that convert to each other, as some of them do.
func typeFamily(t Type) string {
	for family, words := range map[string][]string{
		"number": {"int2", "int4", "int8", "numeric", "float4", "float8"}, "text": {"text", "varchar", "bpchar", "name"},
		"time": {"date", "timestamp", "timestamptz"}, "hour": {"time", "timetz", "interval"},
	} {
		if slices.Contains(words, t.Name.Name) {
			return family
		}
	}
	return t.Name.Name
}
