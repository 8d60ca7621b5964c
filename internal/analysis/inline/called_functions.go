// Package inline adds the statements of called functions to a script: the bodies of functions
// that a statement calls, and the code that it fires through triggers, rules, defaults,
// checks, casts and the like. A rule then sees these statements at the place of the call.
package inline

import (
	"errors"
	"slices"

	"github.com/onward-sql/onward/internal/catalog"
	"github.com/onward-sql/onward/internal/catalog/builtin"
	"github.com/onward-sql/onward/internal/fault"
	"github.com/onward-sql/onward/internal/pgparse"
	"github.com/onward-sql/onward/internal/script"
)

// MaxCalled limits the statements that calls add to a script, because functions call each
// other.
const MaxCalled = 2000

// Inliner adds the statements of called functions to scripts. It caches function bodies,
// since some functions are called many times.
type Inliner struct {
	bodies map[*catalog.Function]functionBody // by function; see bodyFor
	// effectsByFunction caches what bodies do besides changing rows: see fired_code.go.
	// changingNames are the names of functions whose bodies may change more than rows.
	effectsByFunction map[*catalog.Function]sideEffects
	changingNames     map[string]bool
	suspects          []catalog.Name // functions that may belong to changingNames, and are not read yet
	// eventTriggers are the event triggers by their names.
	eventTriggers map[string]*eventTrigger
	// prepared are the statements of PREPARE by their names.
	prepared map[string]*pgparse.Node
	// impliedCalls are the functions that run without being named, by the object that calls
	// them: see extension_calls.go.
	impliedCalls map[string][]catalog.Name
	// reported has the messages about hidden code that were already reported for script.
	script   *script.Script
	reported map[string]bool
}

// New returns an Inliner for a deployed schema.
func New(c *catalog.Catalog) *Inliner {
	in := &Inliner{
		bodies: map[*catalog.Function]functionBody{}, effectsByFunction: map[*catalog.Function]sideEffects{},
		changingNames: map[string]bool{}, eventTriggers: map[string]*eventTrigger{}, prepared: map[string]*pgparse.Node{}, impliedCalls: map[string][]catalog.Name{},
	}
	c.EachFunction(func(fn *catalog.Function) bool {
		in.recordSuspect(fn.Name, fn.Body)
		return true
	})
	return in
}

type functionBody struct {
	statements  []pgparse.BlockStatement
	expressions []string
	why         string // it could not be read
	exceeded    bool   // because of a limit of onward's
}

// InlineCalls adds the statements of the functions that a statement calls: SELECT f(), CALL p(),
// PERFORM f() in a DO block. Code that cannot be read is described in Opaque.
func (in *Inliner) InlineCalls(c *catalog.Catalog, s *script.Script, stmtIndex int) {
	defer func() {
		if r := recover(); r != nil { // only the code that the statement runs is lost
			s.Statements[stmtIndex].EditRare().Opaque = joinReasons(s.Statements[stmtIndex].Opaque, "what it calls: "+fault.FromPanic(r).Error())
		}
	}()
	in.addCalls(c, s, stmtIndex)
	in.addFiredCode(c, s, stmtIndex)
	in.recordFireableCode(s.Statements[stmtIndex].Node)
}

// addCalls adds the bodies of the functions that a statement calls directly.
func (in *Inliner) addCalls(c *catalog.Catalog, s *script.Script, stmtIndex int) {
	st := s.Statements[stmtIndex]
	calls, readsNoTable := listTopLevelCalls(st.Node)
	for _, call := range calls {
		schema, name := pgparse.SchemaAndName(call.GetFuncname())
		if schema == "pg_catalog" || st.IsInside(name) {
			continue
		}
		fn := findOverload(c.Functions(schema, name), len(call.GetArgs()))
		switch {
		case fn == nil && schema == "" && builtin.Known(name):
			// A function of Postgres.
		case fn == nil && !readsNoTable && ddlFunctions[name] == 0 && !hiddenDDL[name]:
			// A function of an extension in a query of a table: most likely it only computes values.
		case fn == nil:
			if statements := extensionStatements(c, name, call); statements != nil && readsNoTable {
				s.AddCall(stmtIndex, name, statements)
				continue
			}
			st.EditRare().Opaque = joinReasons(st.Opaque, "call of "+name+"()")
		case fn.Volatility != "volatile": // it cannot write
		default:
			b := in.bodyFor(fn) // a copy: what is changed below is not cached
			if s.Added > MaxCalled {
				b.why, b.exceeded = "as the file calls too much", true
			}
			if b.why != "" {
				rare := st.EditRare()
				rare.Opaque, rare.Exceeded = joinReasons(st.Opaque, "call of "+name+"(), "+b.why), rare.Exceeded || b.exceeded
			} else {
				st.EditRare().Expressions = append(slices.Clip(st.Expressions), b.expressions...)
				s.AddCall(stmtIndex, name, b.statements)
			}
		}
	}
}

// bodyFor returns the body of a function, and caches it.
func (in *Inliner) bodyFor(fn *catalog.Function) functionBody {
	b, known := in.bodies[fn]
	if !known {
		b = readBody(fn)
		in.bodies[fn] = b
	}
	return b
}

func joinReasons(list, more string) string {
	if list == "" {
		return more
	}
	return list + ", " + more
}

// listTopLevelCalls returns the calls that a statement consists of: of CALL, and of the targets and the FROM of a SELECT. Calls inside of
// expressions are not among them. readsNoTable: the statement reads no table.
func listTopLevelCalls(node *pgparse.Node) (calls []*pgparse.FuncCall, readsNoTable bool) {
	if call := node.GetCallStmt(); call != nil {
		return []*pgparse.FuncCall{call.GetFunccall()}, true
	}
	sel := node.GetSelectStmt()
	if sel == nil || sel.GetIntoClause() != nil || len(sel.GetValuesLists()) > 0 {
		return nil, false
	}
	readsNoTable = true
	for _, t := range sel.GetTargetList() {
		if f := t.GetResTarget().GetVal().GetFuncCall(); f != nil {
			calls = append(calls, f)
		}
	}
	for _, from := range sel.GetFromClause() {
		functions := from.GetRangeFunction()
		if functions == nil {
			readsNoTable = false
			continue
		}
		for _, list := range functions.GetFunctions() {
			if items := list.GetList().GetItems(); len(items) > 0 && items[0].GetFuncCall() != nil {
				calls = append(calls, items[0].GetFuncCall())
			}
		}
	}
	return calls, readsNoTable
}

// findOverload returns the function that accepts a number of arguments; nil if there is none,
// or several.
func findOverload(list []*catalog.Function, args int) *catalog.Function {
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

// readBody reads a function's statements; the why of the result says why it could not.
func readBody(fn *catalog.Function) functionBody {
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
		var wrong *pgparse.SyntaxError
		return functionBody{why: "whose body could not be read: " + err.Error(), exceeded: errors.As(err, &wrong)}
	}
	return functionBody{statements: block.Statements, expressions: block.Expressions}
}
