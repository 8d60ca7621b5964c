package undo

import (
	"regexp"
	"slices"
	"strings"

	"github.com/onward-sql/onward/internal/pgparse"
	"github.com/onward-sql/onward/onward"
)

// BrokenTriggers are the triggers and functions of a step that no longer work. They use a column or a table that is gone, or a
// trigger's own table is gone.
type BrokenTriggers struct {
	Step *onward.PlanStep
	// DropSQL drops them. It is Step.Undo if the step made nothing besides.
	DropSQL string
	// Failing are the triggers in which each write of their table fails.
	Failing []Trigger
}

// Trigger is a trigger of a table.
type Trigger struct {
	Table Object
	Name  string
}

// FindBrokenTriggers returns the broken triggers and functions of the done steps, the last step first.
func FindBrokenTriggers(p *onward.Plan, droppedObjects []Object, isDone func(step string) bool) (out []BrokenTriggers) {
	for i := range slices.Backward(p.Steps) {
		s := &p.Steps[i]
		switch {
		case !isDone(s.ID):
		case slices.ContainsFunc(droppedObjects, func(o Object) bool { return onlyMakesTriggersUsing(s, o) }):
			out = append(out, BrokenTriggers{s, s.Undo, listTriggers(s)})
		default:
			if sql, failing := dropBrokenFunctions(s, droppedObjects); sql != "" {
				out = append(out, BrokenTriggers{s, sql, failing})
			}
		}
	}
	return out
}

// dropBrokenFunctions returns SQL that drops the functions of a step that write a gone table or that its triggers called, with
// the triggers of other tables that call them. failing are these triggers.
func dropBrokenFunctions(s *onward.PlanStep, droppedObjects []Object) (sql string, failing []Trigger) {
	nodes := parseStatements(s.SQL)
	isGone := func(table string) bool { return slices.Contains(droppedObjects, Object{Table: table}) }
	broken := map[string]bool{}
	var functions, triggers []string
	for _, node := range nodes {
		if f := node.GetCreateFunctionStmt(); f != nil && slices.ContainsFunc(droppedObjects, func(o Object) bool { return writesTable(f, o) }) {
			broken[quoteNames(f.Funcname)] = true
		}
		if t := node.GetCreateTrigStmt(); t != nil && isGone(tableName(t.Relation)) {
			broken[quoteNames(t.Funcname)] = true
		}
	}
	for _, node := range nodes {
		if f := node.GetCreateFunctionStmt(); f != nil && broken[quoteNames(f.Funcname)] {
			functions = append(functions, "DROP FUNCTION IF EXISTS "+quoteNames(f.Funcname)+"()")
		}
		if t := node.GetCreateTrigStmt(); t != nil && broken[quoteNames(t.Funcname)] && !isGone(tableName(t.Relation)) {
			failing = append(failing, Trigger{Object{Table: tableName(t.Relation)}, t.Trigname})
			triggers = append(triggers, "DROP TRIGGER IF EXISTS "+pgparse.QuoteIdent(t.Trigname)+" ON "+quoteRelation(t.Relation))
		}
	}
	if len(functions) == 0 { // another step's function is not this step's to drop
		return "", nil
	}
	return strings.Join(append(triggers, functions...), ";\n"), failing
}

// listTriggers returns the triggers that a step makes.
func listTriggers(s *onward.PlanStep) (out []Trigger) {
	for _, node := range parseStatements(s.SQL) {
		if t := node.GetCreateTrigStmt(); t != nil {
			out = append(out, Trigger{Object{Table: tableName(t.Relation)}, t.Trigname})
		}
	}
	return out
}

// writesTable reports whether the body of a function writes a table, judged by its text as plans write it: keywords in capitals.
func writesTable(f *pgparse.CreateFunctionStmt, o Object) bool {
	if o.Column != "" {
		return false
	}
	name := regexp.QuoteMeta(o.QuotedTable())
	if !strings.Contains(o.Table, ".") { // as in plans: the schema public may be named
		name = `(?:public\.)?` + name
	}
	pattern := `\b(?:INSERT INTO|UPDATE|DELETE FROM|TRUNCATE) ` + name + `(?:[^\w$.]|$)`
	writes := func(body string) bool {
		found, err := regexp.MatchString(pattern, body)
		return found && err == nil
	}
	return slices.ContainsFunc(f.Options, func(option *pgparse.Node) bool {
		d := option.GetDefElem()
		return d.GetDefname() == "as" && slices.ContainsFunc(pgparse.StringTexts(pgparse.ListItems(d.Arg)), writes)
	})
}

func quoteRelation(rv *pgparse.RangeVar) string {
	if rv.Schemaname == "" {
		return pgparse.QuoteIdent(rv.Relname)
	}
	return pgparse.QuoteIdent(rv.Schemaname) + "." + pgparse.QuoteIdent(rv.Relname)
}

// quoteNames returns a qualified name as SQL writes it.
func quoteNames(names []*pgparse.Node) string {
	var out []string
	for _, name := range pgparse.StringTexts(names) {
		out = append(out, pgparse.QuoteIdent(name))
	}
	return strings.Join(out, ".")
}

// onlyMakesTriggersUsing reports whether a step makes a row trigger of a column's table that uses the column, and otherwise only
// triggers and functions. If the column is gone, each write of the table fails in the trigger. Any NEW.column or OLD.column in the
// step's text counts.
func onlyMakesTriggersUsing(s *onward.PlanStep, column Object) bool {
	if column.Column == "" || !DropsOnlyTriggers(s.Undo) {
		return false
	}
	for _, node := range parseStatements(s.SQL) {
		if trigger := node.GetCreateTrigStmt(); trigger != nil && trigger.Row && tableName(trigger.Relation) == column.Table {
			uses, err := regexp.MatchString(`(?i)\b(?:new|old)\.`+regexp.QuoteMeta(pgparse.QuoteIdent(column.Column))+`(?:[^\w$]|$)`, s.SQL)
			return uses && err == nil
		}
	}
	return false
}

// DropsOnlyTriggers reports whether an undo drops triggers and functions, and nothing else.
func DropsOnlyTriggers(sql string) bool {
	list := parseStatements(sql)
	drops := false
	return !slices.ContainsFunc(list, func(node *pgparse.Node) bool {
		if node.GetTransactionStmt() != nil || node.GetVariableSetStmt().GetIsLocal() {
			return false // BEGIN, COMMIT and SET LOCAL around the drops
		}
		kind := node.GetDropStmt().GetRemoveType()
		drops = drops || kind == pgparse.ObjectType_OBJECT_TRIGGER
		return kind != pgparse.ObjectType_OBJECT_TRIGGER && kind != pgparse.ObjectType_OBJECT_FUNCTION
	}) && drops
}
