package catalog

import (
	"slices"
	"strings"

	"github.com/onward-sql/onward/internal/pgerror"
	"github.com/onward-sql/onward/internal/pgparse"
)

// https://www.postgresql.org/docs/current/sql-createfunction.html
func (f *fold) createFunction(s *pgparse.CreateFunctionStmt) {
	schema, n := pgparse.SchemaAndName(s.GetFuncname())
	fn := &Function{Name: f.fullNameForCreate(schema, n), Kind: "function", Volatility: "volatile", BodyOffset: -1, Source: f.sql}
	if s.GetIsProcedure() {
		fn.Kind = "procedure"
	}
	for _, p := range s.GetParameters() {
		f.addParameter(fn, p.GetFunctionParameter())
	}
	outs := fn.outParams()
	switch r := s.GetReturnType(); {
	case r != nil:
		fn.Returns, fn.ReturnsSet = f.TypeOf(r), fn.ReturnsSet || r.GetSetof()
	default:
		fn.Returns = outputType(outs)
	}
	if s.GetSqlBody() != nil {
		fn.Language, fn.Uses = "sql", f.bodyDependencies(s.GetSqlBody())
		for _, x := range fn.Uses {
			f.bodied = f.bodied.insertKey(f.own, x.Relation, struct{}{})
		}
	}
	for _, o := range s.GetOptions() {
		f.applyFunctionOption(fn, o.GetDefElem())
	}
	if f.checkFunctionForm(s, fn); f.failed {
		return
	}
	f.storeFunction(fn, s.GetReplace())
}

func (f *fold) addParameter(fn *Function, par *pgparse.FunctionParameter) {
	p := Param{Name: par.GetName(), Type: f.TypeOf(par.GetArgType()), In: true}
	switch par.GetMode() {
	case pgparse.FunctionParameterMode_FUNC_PARAM_OUT:
		p.In, p.Out = false, true
	case pgparse.FunctionParameterMode_FUNC_PARAM_TABLE:
		p.In, p.Out = false, true
		fn.ReturnsSet = true
	case pgparse.FunctionParameterMode_FUNC_PARAM_INOUT:
		p.Out = true
	case pgparse.FunctionParameterMode_FUNC_PARAM_VARIADIC:
		fn.Variadic = true
	}
	fn.Params = append(fn.Params, p)
	if p.In || fn.Kind == "procedure" {
		fn.Args = append(fn.Args, p.Type)
	}
	if p.In && par.GetDefexpr() != nil {
		fn.Defaults++
	}
}

// outParams are the parameters that make a function's result.
func (fn *Function) outParams() []Param {
	var out []Param
	for _, p := range fn.Params {
		if p.Out {
			out = append(out, p)
		}
	}
	return out
}

// outputType returns the result type of a function with output parameters.
func outputType(outs []Param) Type {
	switch len(outs) {
	case 0:
		return Type{}
	case 1:
		return outs[0].Type
	}
	return Type{Name: Name{"pg_catalog", "record"}}
}

func (f *fold) applyFunctionOption(fn *Function, d *pgparse.DefElem) {
	switch d.GetDefname() {
	case "volatility":
		fn.Volatility = strings.ToLower(constText(d.GetArg()))
	case "language":
		fn.Language = strings.ToLower(constText(d.GetArg()))
	case "window":
		fn.Window = constText(d.GetArg()) == "true"
	case "security":
		fn.SecurityDefiner = constText(d.GetArg()) == "true"
	case "set":
		v := d.GetArg().GetVariableSetStmt()
		if strings.EqualFold(v.GetName(), "search_path") {
			fn.SetSearchPath = v.GetKind() != pgparse.VariableSetKind_VAR_RESET && v.GetKind() != pgparse.VariableSetKind_VAR_SET_DEFAULT
			fn.Path = nil
			for _, n := range v.GetArgs() {
				fn.Path = append(fn.Path, constText(n))
			}
			fn.EmptyPath = v.GetKind() == pgparse.VariableSetKind_VAR_SET_VALUE && !slices.ContainsFunc(v.GetArgs(), func(n *pgparse.Node) bool {
				schema := constText(n)
				return schema != "" && schema != "pg_catalog" && schema != "pg_temp"
			})
		}
		if v.GetKind() == pgparse.VariableSetKind_VAR_RESET_ALL {
			fn.SetSearchPath, fn.EmptyPath, fn.Path = false, false, nil
		}
	case "as":
		list := pgparse.ListItems(d.GetArg())
		if len(list) == 1 {
			fn.Body = pgparse.StringText(list[0])
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
	list := f.functionsNamed(fn.Name)
	i := slices.IndexFunc(list, func(o *Function) bool { return hasSameArguments(o.Args, fn.Args) })
	if i < 0 {
		fn.OID = f.newOID()
		if o := f.Object("default privileges", Name{"", "default privileges"}); o != nil {
			fn.Closed = o.Closed
		}
		list = appendShared(f, list, fn)
	} else {
		if !replace {
			f.addProblem(f.isHistoryComplete(), pgerror.FunctionExists, fn.Name.Name)
		} else if no := f.checkFunctionReplace(list[i], fn); no != nil {
			f.addRefusal(f.isHistoryComplete(), no)
			last := &f.problems[len(f.problems)-1]
			last.Replaced, last.By = list[i], fn
		}
		if f.failed {
			return
		}
		fn.OID, fn.Closed, fn.Grants, fn.Taken = list[i].OID, list[i].Closed, list[i].Grants, list[i].Taken
		list = slices.Clone(list)
		list[i] = fn
	}
	f.setFunctions(fn.Name, list)
	f.recordObjectUse(fn.Returns.OID, fn.OID)
	for _, t := range fn.Args {
		f.recordObjectUse(t.OID, fn.OID)
	}
	for _, p := range fn.Params {
		f.recordObjectUse(p.Type.OID, fn.OID)
	}
}

func (f *fold) functionsNamed(name Name) []*Function {
	list, _ := f.functions.get(name)
	return list
}

func hasSameArguments(a, b []Type) bool {
	if len(a) != len(b) {
		return false
	}
	for i := range a {
		if !isSameType(a[i], b[i]) {
			return false
		}
	}
	return true
}

// isSameType reports whether two types are one to a function: lengths and
// dimensions do not count. A type may have another name by now.
func isSameType(a, b Type) bool {
	return (a.Name == b.Name || a.OID != 0 && a.OID == b.OID) && (a.Array > 0) == (b.Array > 0)
}

// FunctionWith returns the overload that a statement means; nil if none was seen, or the statement does not say which.
func (c *Catalog) FunctionWith(o *pgparse.ObjectWithArgs) *Function {
	if _, list, index := c.findFunction(o); index >= 0 {
		return list[index]
	}
	return nil
}

// findFunction finds the overload that a statement means; its place in list is
// -1 when there is none.
func (c *Catalog) findFunction(o *pgparse.ObjectWithArgs) (name Name, list []*Function, index int) {
	schema, n := pgparse.SchemaAndName(o.GetObjname())
	list = c.Functions(schema, n)
	if len(list) == 0 {
		return c.fullNameForCreate(schema, n), nil, -1
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
		args = append(args, c.TypeOf(a.GetTypeName()))
	}
	index = slices.IndexFunc(list, func(fn *Function) bool { return hasSameArguments(fn.Args, args) })
	return name, list, index
}

// https://www.postgresql.org/docs/current/sql-alterfunction.html
func (f *fold) alterFunction(s *pgparse.AlterFunctionStmt) {
	name, list, index := f.findFunction(s.GetFunc())
	if index < 0 {
		return // not seen: nothing is held that could change
	}
	fn := *list[index]
	for _, a := range s.GetActions() {
		f.applyFunctionOption(&fn, a.GetDefElem())
	}
	list = slices.Clone(list)
	list[index] = &fn
	f.setFunctions(name, list)
}

// IsCalledByQueries reports whether queries call the function. The server calls the functions of
// triggers.
func (fn *Function) IsCalledByQueries() bool {
	return fn.Returns.Name.Name != "trigger" && fn.Returns.Name.Name != "event_trigger"
}

// Signature is the function's name with its argument types: "f(integer, text)".
func (fn *Function) Signature() string {
	args := make([]string, len(fn.Args))
	for i, a := range fn.Args {
		args[i] = a.String()
	}
	return fn.Name.String() + "(" + strings.Join(args, ", ") + ")"
}

// TakesArguments reports whether a function can be called with the arguments of another one. Defaults fill in the rest.
func (fn *Function) TakesArguments(args []Type) bool {
	return len(args) <= len(fn.Args) && len(args) >= len(fn.Args)-fn.Defaults && slices.EqualFunc(args, fn.Args[:len(args)], Type.IsAlike)
}

func (f *fold) renameFunction(o *pgparse.ObjectWithArgs, to string) {
	name, list, index := f.findFunction(o)
	if index < 0 {
		return
	}
	f.moveFunction(name, list, index, Name{name.Schema, to})
}

func (f *fold) moveFunction(name Name, list []*Function, index int, to Name) {
	fn := *list[index]
	fn.Name = to
	f.setFunctions(name, slices.Delete(slices.Clone(list), index, index+1))
	f.setFunctions(to, appendShared(f, f.functionsNamed(to), &fn))
	if len(list) > 1 {
		return
	}
	f.markDropped("function", name)
	calls := func(t *Trigger) bool { return t.Function == name }
	for _, r := range f.CalledBy(name.Name) {
		if !slices.ContainsFunc(r.Triggers, calls) {
			continue
		}
		r = f.editRelation(r.OID)
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
