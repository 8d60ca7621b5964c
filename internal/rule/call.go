package rule

import (
	"github.com/onward-sql/onward/internal/catalog"
	"github.com/onward-sql/onward/internal/catalog/builtin"
	"github.com/onward-sql/onward/internal/pgparse"
	"github.com/onward-sql/onward/internal/script"
)

// maxCalled bounds the statements of a script whose calls are opened: functions
// call each other.
const maxCalled = 2000

// opened are the bodies that were read: some are called again and again.
type opened map[*catalog.Function]functionBody

type functionBody struct {
	statements []pgparse.BlockStatement
	why        string // it could not be read
}

// open adds what the functions do that a statement calls: SELECT f(), CALL p(),
// PERFORM f() in a DO block. What is not known of them is said in Opaque.
func (o opened) open(c *catalog.Catalog, s *script.Script, at int) {
	st := s.Statements[at]
	calls, alone := called(st.Node)
	if len(calls) == 0 || len(s.Statements) > maxCalled {
		return
	}
	for _, call := range calls {
		name := call.GetFuncname()[len(call.GetFuncname())-1].GetString_().GetSval()
		schema := ""
		if n := len(call.GetFuncname()); n > 1 {
			schema = call.GetFuncname()[n-2].GetString_().GetSval()
		}
		if schema == "pg_catalog" || st.Inside(name) {
			continue
		}
		fn := overload(c.Functions(schema, name), len(call.GetArgs()))
		switch {
		case fn == nil && schema == "" && builtin.Known(name), fn == nil && !alone:
			// Postgres' own; or one of an extension that reads rows.
		case fn == nil:
			st.Opaque = joined(st.Opaque, "call of "+name+"()")
		case fn.Volatility != "volatile":
		default:
			b, known := o[fn]
			if !known {
				b.statements, b.why = bodyOf(fn)
				o[fn] = b
			}
			if b.why != "" {
				st.Opaque = joined(st.Opaque, "call of "+name+"(), "+b.why)
			} else {
				s.Call(at, name, b.statements)
			}
		}
	}
}

func joined(list, more string) string {
	if list == "" {
		return more
	}
	return list + ", " + more
}

// called are the functions that a statement is there to call. alone: it reads no
// table.
func called(node *pgparse.Node) (calls []*pgparse.FuncCall, alone bool) {
	if call := node.GetCallStmt(); call != nil {
		return []*pgparse.FuncCall{call.GetFunccall()}, true
	}
	sel := node.GetSelectStmt()
	if sel == nil || sel.GetIntoClause() != nil || len(sel.GetValuesLists()) > 0 {
		return nil, false
	}
	alone = true
	for _, t := range sel.GetTargetList() {
		if f := t.GetResTarget().GetVal().GetFuncCall(); f != nil {
			calls = append(calls, f)
		}
	}
	for _, from := range sel.GetFromClause() {
		functions := from.GetRangeFunction()
		if functions == nil {
			alone = false
			continue
		}
		for _, list := range functions.GetFunctions() {
			if items := list.GetList().GetItems(); len(items) > 0 && items[0].GetFuncCall() != nil {
				calls = append(calls, items[0].GetFuncCall())
			}
		}
	}
	return calls, alone
}

// overload picks the function that takes so many arguments; nil when there is
// none, or several.
func overload(list []*catalog.Function, args int) *catalog.Function {
	var found *catalog.Function
	for _, f := range list {
		if args > len(f.Args) && !f.Variadic || args < len(f.Args)-f.Defaults {
			continue
		}
		if found != nil {
			return nil
		}
		found = f
	}
	return found
}

// bodyOf reads a function's statements; why says what is in the way.
func bodyOf(fn *catalog.Function) (body []pgparse.BlockStatement, why string) {
	switch {
	case fn.Language == "sql":
		return []pgparse.BlockStatement{{SQL: fn.Body, Line: 1}}, ""
	case fn.Language != "plpgsql":
		return nil, "a function in " + fn.Language
	case fn.Source == "":
		return nil, "whose body is not known"
	}
	block, err := pgparse.ParseBlock(fn.Source)
	if err != nil {
		return nil, "whose body could not be read: " + err.Error()
	}
	return block.Statements, ""
}
