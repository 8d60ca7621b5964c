// Package opened puts into a script what its statements run without saying it: the
// bodies of functions that are called, and what triggers, rules, defaults, checks, casts
// and the like set off. A rule then sees these statements where they run.
package opened

import (
	"github.com/onward-sql/onward/internal/catalog"
	"github.com/onward-sql/onward/internal/catalog/builtin"
	"github.com/onward-sql/onward/internal/fault"
	"github.com/onward-sql/onward/internal/pgparse"
	"github.com/onward-sql/onward/internal/script"
)

// MaxCalled bounds the statements that the calls of a script add: functions call each
// other.
const MaxCalled = 2000

// Bodies are the bodies that were read: some are called again and again.
type Bodies struct {
	bodies map[*catalog.Function]functionBody
	// carried has what the bodies do beside rows: see fires.go. changing are the
	// names of the functions whose bodies may change more than rows.
	carried  map[*catalog.Function]carried
	changing map[string]bool
	suspects []catalog.Name // which of them are not read yet
	events   map[string]*eventTrigger
	prepared map[string]*pgparse.Node
	// implied are the functions that run without being called by name, by what they
	// stand behind: see fires_implied.go.
	implied map[string][]catalog.Name
	// said is what was said to be hidden in the script.
	script *script.Script
	said   map[string]bool
}

func New(c *catalog.Catalog) *Bodies {
	o := &Bodies{
		bodies: map[*catalog.Function]functionBody{}, carried: map[*catalog.Function]carried{},
		changing: map[string]bool{}, events: map[string]*eventTrigger{}, prepared: map[string]*pgparse.Node{}, implied: map[string][]catalog.Name{},
	}
	c.EachFunction(func(fn *catalog.Function) bool {
		o.learn(fn.Name, fn.Body)
		return true
	})
	return o
}

type functionBody struct {
	statements  []pgparse.BlockStatement
	expressions []string
	why         string // it could not be read
}

// Open adds what the functions do that a statement calls: SELECT f(), CALL p(),
// PERFORM f() in a DO block. What is not known of them is said in Opaque.
func (o *Bodies) Open(c *catalog.Catalog, s *script.Script, at int) {
	defer func() {
		if r := recover(); r != nil { // it costs what the statement sets off
			s.Statements[at].Opaque = joined(s.Statements[at].Opaque, "what it calls: "+fault.Of(r).Error())
		}
	}()
	o.calls(c, s, at)
	o.fires(c, s, at)
	o.note(s.Statements[at].Node)
}

// calls opens the functions that a statement is there to call.
func (o *Bodies) calls(c *catalog.Catalog, s *script.Script, at int) {
	st := s.Statements[at]
	calls, alone := called(st.Node)
	for _, call := range calls {
		schema, name := pgparse.SchemaAndName(call.GetFuncname())
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
			b := o.body(fn)
			if s.Added > MaxCalled {
				b.why = "as the file calls too much"
			}
			if b.why != "" {
				st.Opaque = joined(st.Opaque, "call of "+name+"(), "+b.why)
			} else {
				st.Expressions = append(st.Expressions, b.expressions...)
				s.Call(at, name, b.statements)
			}
		}
	}
}

// body is the body of a function, read once.
func (o *Bodies) body(fn *catalog.Function) functionBody {
	b, known := o.bodies[fn]
	if !known {
		b = bodyOf(fn)
		o.bodies[fn] = b
	}
	return b
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
func bodyOf(fn *catalog.Function) functionBody {
	switch {
	case fn.Language == "sql":
		return functionBody{statements: []pgparse.BlockStatement{{SQL: fn.Body, Line: 1}}}
	case fn.Language != "plpgsql":
		return functionBody{why: "a function in " + fn.Language}
	case fn.Source == "":
		return functionBody{why: "whose body is not known"}
	}
	block, err := pgparse.ParseBlock(fn.Source)
	if err != nil {
		return functionBody{why: "whose body could not be read: " + err.Error()}
	}
	return functionBody{statements: block.Statements, expressions: block.Expressions}
}
