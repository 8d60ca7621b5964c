package catalog

import (
	"slices"
	"strings"

	"github.com/onward-sql/onward/internal/pgparse"
)

// https://www.postgresql.org/docs/current/sql-createfunction.html
func (f *fold) createFunction(s *pgparse.CreateFunctionStmt) {
	schema, n := schemaAndName(s.GetFuncname())
	fn := &Function{Name: f.nameFor(schema, n), Kind: "function", Volatility: "volatile", BodyOffset: -1, Source: f.sql}
	if s.GetIsProcedure() {
		fn.Kind = "procedure"
	}
	var outs []Type
	for _, p := range s.GetParameters() {
		par := p.GetFunctionParameter()
		t := f.TypeOf(par.GetArgType())
		switch par.GetMode() {
		case pgparse.FunctionParameterMode_FUNC_PARAM_OUT:
			outs = append(outs, t)
			if fn.Kind == "procedure" {
				fn.Args = append(fn.Args, t)
			}
			continue
		case pgparse.FunctionParameterMode_FUNC_PARAM_TABLE:
			fn.ReturnsSet = true
			outs = append(outs, t)
			continue
		case pgparse.FunctionParameterMode_FUNC_PARAM_INOUT:
			outs = append(outs, t)
		case pgparse.FunctionParameterMode_FUNC_PARAM_VARIADIC:
			fn.Variadic = true
		}
		fn.Args = append(fn.Args, t)
		if par.GetDefexpr() != nil {
			fn.Defaults++
		}
	}
	if r := s.GetReturnType(); r != nil {
		fn.Returns, fn.ReturnsSet = f.TypeOf(r), fn.ReturnsSet || r.GetSetof()
	} else if len(outs) == 1 {
		fn.Returns = outs[0]
	} else if len(outs) > 1 {
		fn.Returns = Type{Name: Name{"pg_catalog", "record"}}
	}
	if s.GetSqlBody() != nil {
		fn.Language = "sql"
	}
	for _, o := range s.GetOptions() {
		f.functionOption(fn, o.GetDefElem())
	}
	f.storeFunction(fn, s.GetReplace())
}

func (f *fold) functionOption(fn *Function, d *pgparse.DefElem) {
	switch d.GetDefname() {
	case "volatility":
		fn.Volatility = strings.ToLower(constText(d.GetArg()))
	case "language":
		fn.Language = strings.ToLower(constText(d.GetArg()))
	case "security":
		fn.SecurityDefiner = constText(d.GetArg()) == "true"
	case "set":
		v := d.GetArg().GetVariableSetStmt()
		if strings.EqualFold(v.GetName(), "search_path") {
			fn.SetSearchPath = v.GetKind() != pgparse.VariableSetKind_VAR_RESET
		}
		if v.GetKind() == pgparse.VariableSetKind_VAR_RESET_ALL {
			fn.SetSearchPath = false
		}
	case "as":
		list := items(d.GetArg())
		if len(list) == 1 {
			fn.Body = str(list[0])
			fn.BodyOffset = bodyOffset(f.sql, int(d.GetLocation()), fn.Body)
		}
	}
}

// bodyOffset is where a function's body begins in the statement; -1 when its
// text is not there letter by letter.
func bodyOffset(sql string, from int, body string) int {
	if from < 0 || from > len(sql) || body == "" {
		return -1
	}
	if i := strings.Index(sql[from:], body); i >= 0 {
		return from + i
	}
	return -1
}

// storeFunction adds or replaces an overload.
func (f *fold) storeFunction(fn *Function, replace bool) {
	list := slices.Clone(f.ownFunctions(fn.Name))
	i := slices.IndexFunc(list, func(o *Function) bool { return sameArgs(o.Args, fn.Args) })
	if i < 0 {
		fn.OID = f.newOID()
		list = append(list, fn)
	} else {
		if !replace {
			f.fail(f.sure(), "42723", "function %q already exists with same argument types", fn.Name.Name)
			if f.failed {
				return
			}
		}
		fn.OID = list[i].OID
		list[i] = fn
	}
	f.setFunctions(fn.Name, list)
}

func (f *fold) ownFunctions(name Name) []*Function {
	list, _ := f.functions.get(name)
	return list
}

func sameArgs(a, b []Type) bool {
	if len(a) != len(b) {
		return false
	}
	for i := range a {
		if a[i].Name != b[i].Name || (a[i].Array > 0) != (b[i].Array > 0) {
			return false
		}
	}
	return true
}

// findFunction finds the overload that a statement means; its place in list is
// -1 when there is none.
func (f *fold) findFunction(o *pgparse.ObjectWithArgs) (name Name, list []*Function, at int) {
	schema, n := schemaAndName(o.GetObjname())
	list = f.Functions(schema, n)
	if len(list) == 0 {
		return f.nameFor(schema, n), nil, -1
	}
	name = list[0].Name
	if o.GetArgsUnspecified() {
		if len(list) == 1 {
			return name, list, 0
		}
		return name, list, -1
	}
	args := make([]Type, 0, len(o.GetObjargs()))
	for _, a := range o.GetObjargs() {
		args = append(args, f.TypeOf(a.GetTypeName()))
	}
	at = slices.IndexFunc(list, func(fn *Function) bool { return sameArgs(fn.Args, args) })
	return name, list, at
}

// https://www.postgresql.org/docs/current/sql-alterfunction.html
func (f *fold) alterFunction(s *pgparse.AlterFunctionStmt) {
	name, list, at := f.findFunction(s.GetFunc())
	if at < 0 {
		return // not seen: nothing is held that could change
	}
	fn := *list[at]
	for _, a := range s.GetActions() {
		f.functionOption(&fn, a.GetDefElem())
	}
	list = slices.Clone(list)
	list[at] = &fn
	f.setFunctions(name, list)
}

// dropFunction drops a function, with CASCADE the triggers that call it.
func (f *fold) dropFunction(o *pgparse.ObjectWithArgs, kind pgparse.ObjectType, cascade, missingOK bool) {
	name, list, at := f.findFunction(o)
	if at < 0 {
		switch {
		case o.GetArgsUnspecified() && len(list) > 1:
			f.fail(f.sure(), "42725", "function name %q is not unique", name.Name)
		case missingOK || !f.missing("function", name) || len(list) > 0 && !f.sure():
		case o.GetArgsUnspecified():
			f.fail(true, "42883", "could not find a %s named %q", objectWord(kind), name.Name)
		default:
			args := Function{Name: name}
			for _, a := range o.GetObjargs() {
				args.Args = append(args.Args, f.TypeOf(a.GetTypeName()))
			}
			f.fail(true, "42883", "%s %s does not exist", objectWord(kind), args.Signature())
		}
		return
	}
	if len(list) == 1 && !f.releaseFunction(name, list[at], cascade) {
		return
	}
	list = slices.Delete(slices.Clone(list), at, at+1)
	if len(list) == 0 {
		f.markGone("function", name)
	}
	f.setFunctions(name, list)
}

// releaseFunction sees to the triggers and views that use a function; false
// when they forbid the drop.
func (f *fold) releaseFunction(name Name, fn *Function, cascade bool) bool {
	calls := func(t *Trigger) bool { return t.Function == name }
	var users []OID
	for _, r := range f.CalledBy(name.Name) {
		if slices.ContainsFunc(r.Triggers, calls) || r.View != nil && slices.Contains(r.View.Functions, name) {
			users = append(users, r.OID)
		}
	}
	if len(users) > 0 && !cascade {
		f.fail(f.sure(), "2BP01", "cannot drop function %s because %s", fn.Signature(), otherObjects)
		if f.failed {
			return false
		}
	}
	for _, oid := range users {
		r := f.edit(oid)
		if r == nil {
			continue
		}
		if r.View != nil && slices.Contains(r.View.Functions, name) {
			f.dropRelation(oid)
			continue
		}
		r.Triggers = slices.DeleteFunc(slices.Clone(r.Triggers), calls)
	}
	return true
}

// Signature is the function's name with its argument types: "f(integer, text)".
func (fn *Function) Signature() string {
	args := make([]string, len(fn.Args))
	for i, a := range fn.Args {
		args[i] = a.String()
	}
	return fn.Name.String() + "(" + strings.Join(args, ", ") + ")"
}

func (f *fold) renameFunction(o *pgparse.ObjectWithArgs, to string) {
	name, list, at := f.findFunction(o)
	if at < 0 {
		return
	}
	f.moveFunction(name, list, at, Name{name.Schema, to})
}

func (f *fold) moveFunction(name Name, list []*Function, at int, to Name) {
	fn := *list[at]
	fn.Name = to
	f.setFunctions(name, slices.Delete(slices.Clone(list), at, at+1))
	f.setFunctions(to, with(f.ownFunctions(to), &fn))
	if len(list) > 1 {
		return
	}
	calls := func(t *Trigger) bool { return t.Function == name }
	for _, r := range f.CalledBy(name.Name) {
		if !slices.ContainsFunc(r.Triggers, calls) {
			continue
		}
		r = f.edit(r.OID)
		r.Triggers = slices.Clone(r.Triggers)
		for i, t := range r.Triggers {
			if calls(t) {
				next := *t
				next.Function = to
				f.using = true
				r.Triggers[i] = &next
			}
		}
	}
}
