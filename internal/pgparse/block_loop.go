package pgparse

import (
	"cmp"
	"maps"
	"math"
	"slices"
	"strconv"
	"strings"
)

const (
	// mostTurns limits the rounds of one loop that are unrolled, mostRounds the rounds of
	// all loops of a body. Each round becomes a statement of its own.
	mostTurns  = 100
	mostRounds = 400
)

// functionBody returns the body in the parser's JSON.
func functionBody(tree any) map[string]any {
	list, _ := tree.([]any)
	for _, f := range list {
		if m := jsonPart(f, "PLpgSQL_function"); m != nil {
			return m
		}
	}
	return nil
}

// readVariables records the names of a body's variables, and the values that they have at its
// beginning, if these are constant. A name that is declared twice has no known value.
func (w *blockWalk) readVariables(tree any) {
	f := functionBody(tree)
	vars, _ := f["datums"].([]any)
	count := map[string]int{}
	for _, d := range vars {
		name, _ := jsonPart(d, "PLpgSQL_var")["refname"].(string)
		w.names = append(w.names, name)
		count[name]++
	}
	assigned := map[string]bool{}
	w.eachAssigned(f["action"], func(name string) { assigned[name] = true })
	w.values, w.arrays, w.shadowed = map[string]string{}, map[string][]string{}, map[string]bool{}
	initial := map[string]string{}
	for i, d := range vars {
		name := w.names[i]
		w.shadowed[name] = count[name] > 1
		text := exprText(jsonPart(d, "PLpgSQL_var")["default_val"])
		if name == "" || text == "" || w.shadowed[name] {
			continue
		}
		// A default that depends on another variable is evaluated when its block begins.
		value, varies, ok := w.evalConstant(text)
		switch list := w.constantArray(parseExpr(text)); {
		case list != nil && !assigned[name]:
			w.arrays[name] = list
		case ok && !assigned[name]:
			w.values[name] = value
		case ok && !varies:
			initial[name] = value
		}
	}
	maps.Copy(w.values, initial)
}

// eachAssigned calls visit for each name that statements may assign to. "" means that the name is not known.
func (w *blockWalk) eachAssigned(v any, visit func(name string)) {
	switch x := v.(type) {
	case []any:
		for _, e := range x {
			w.eachAssigned(e, visit)
		}
	case map[string]any:
		for key, e := range x {
			switch m, _ := e.(map[string]any); key {
			case "PLpgSQL_stmt_assign":
				target, _ := splitAssignment(exprText(m["expr"]))
				visit(target)
			case "PLpgSQL_row":
				fields, _ := m["fields"].([]any)
				for _, field := range fields {
					c, _ := field.(map[string]any)
					name, _ := c["name"].(string)
					visit(name)
				}
			case "PLpgSQL_rec", "PLpgSQL_var":
				name, _ := m["refname"].(string)
				visit(name)
			case "PLpgSQL_stmt_foreach_a":
				visit(w.variableByNumber(m["varno"]))
			case "PLpgSQL_stmt_getdiag", "PLpgSQL_stmt_call": // targets without a name
				visit("")
			}
			w.eachAssigned(e, visit)
		}
	}
}

// variableByNumber returns the name of the variable with a number; "" if it is not known.
func (w *blockWalk) variableByNumber(number any) string {
	n, ok := number.(float64)
	if !ok || n < 0 || int(n) >= len(w.names) {
		return ""
	}
	return w.names[int(n)]
}

// splitAssignment splits an assignment into its target and its value. The parser returns the target as written: the
// name of a block, a field or an index is removed.
func splitAssignment(text string) (target, value string) {
	target, value, _ = strings.Cut(text, "=")
	target = strings.TrimRight(strings.TrimSpace(target), ": \t\n")
	target, _, _ = strings.Cut(target, "[")
	target = strings.TrimSpace(target)
	if strings.HasPrefix(target, `"`) {
		return strings.Trim(target, `"`), value
	}
	return strings.ToLower(target), value
}

// recordAssignment records what a variable is after an assignment.
func (w *blockWalk) recordAssignment(text string) {
	target, value := splitAssignment(text)
	result, _, ok := w.evalConstant(value)
	w.forgetVariable(target)
	if slices.Contains(w.names, target) && !w.shadowed[target] && ok && !strings.Contains(text[:len(text)-len(value)], "[") {
		w.values[target] = result
	}
}

// forgetVariable removes the value of a variable, and its fields; "" means all variables.
func (w *blockWalk) forgetVariable(name string) {
	if name == "" {
		clear(w.values)
		return
	}
	last := name[strings.LastIndexByte(name, '.')+1:]
	first, _, _ := strings.Cut(name, ".")
	for known := range w.values {
		if known == name || known == last || known == first || strings.HasPrefix(known, first+".") {
			delete(w.values, known)
		}
	}
}

// forgetAssigned removes the values of all variables that statements may assign to.
func (w *blockWalk) forgetAssigned(body any) { w.eachAssigned(body, w.forgetVariable) }

// walkBranches walks the branches of a statement, of which one is executed at most.
func (w *blockWalk) walkBranches(f map[string]any, line int, loop bool, keys ...string) {
	for _, key := range keys {
		w.walkBranch(f[key], line, loop)
	}
	w.forgetAssigned(f)
}

// walkBranch walks statements that may be skipped for a reason that no [BlockStatement.Guard] names.
func (w *blockWalk) walkBranch(body any, line int, loop bool) {
	unguarded := w.unguarded
	w.unguarded = true
	w.walkOptional(body, line, loop)
	w.unguarded = unguarded
}

// walkOptional walks statements that may be skipped, with the values from before them, and restores these values.
func (w *blockWalk) walkOptional(body any, line int, loop bool) {
	if body == nil {
		return
	}
	values, needs, needsAt := maps.Clone(w.values), w.needs, w.needsAt
	w.walkTree(body, line, true, loop)
	w.values, w.needs, w.needsAt = values, needs, needsAt
}

// loopRounds returns the values of a loop's variables in each of its rounds; nil if they are
// not known.
func (w *blockWalk) loopRounds(kind string, f map[string]any) []map[string]string {
	var out []map[string]string
	switch kind {
	case "PLpgSQL_stmt_fori":
		name, _ := jsonPart(f["var"], "PLpgSQL_var")["refname"].(string)
		low, ok := w.constantNumber(f["lower"])
		high, ok2 := w.constantNumber(f["upper"])
		step := 1
		if f["step"] != nil {
			n, known := w.constantNumber(f["step"])
			if step = n; !known || n < 1 {
				return nil
			}
		}
		if reverse, _ := f["reverse"].(bool); !ok || !ok2 || reverse {
			return nil
		}
		high = min(high, low+step*mostTurns) // one round more than are unrolled
		for i := low; i <= high; i += step {
			out = append(out, map[string]string{name: strconv.Itoa(i)})
		}
	case "PLpgSQL_stmt_foreach_a":
		name := w.variableByNumber(f["varno"])
		if slice, _ := f["slice"].(float64); slice > 0 || name == "" {
			return nil
		}
		for _, value := range w.constantArray(parseExpr(exprText(f["expr"]))) {
			out = append(out, map[string]string{name: value})
		}
	case "PLpgSQL_stmt_fors":
		columns, rows := w.constantRows(exprText(f["query"]))
		for _, row := range rows {
			turn := map[string]string{}
			if rec, _ := jsonPart(f["var"], "PLpgSQL_rec")["refname"].(string); rec != "" {
				for i, c := range columns {
					turn[rec+"."+c] = row[i]
				}
			}
			fields, _ := jsonPart(f["var"], "PLpgSQL_row")["fields"].([]any)
			for i, field := range fields {
				c, _ := field.(map[string]any)
				if name, _ := c["name"].(string); i < len(row) {
					turn[name] = row[i]
				}
			}
			out = append(out, turn)
		}
	}
	return out
}

// unrollLoop walks the body of a loop once for each round, so that the text of EXECUTE is
// known in each. If the rounds are not known, it walks the body once.
func (w *blockWalk) unrollLoop(body any, turns []map[string]string, line int, conditional, loop bool) {
	known := len(turns) > 0 && len(turns) <= mostTurns && w.rounds+len(turns) <= mostRounds
	w.forgetAssigned(body) // a round sees what the round before it assigned
	if !known {
		exceeded := w.exceeded
		w.exceeded = exceeded || len(turns) > 0
		w.walkBranch(body, line, true)
		w.exceeded = exceeded
		w.forgetAssigned(body)
		return
	}
	w.rounds += len(turns)
	conditional = conditional || mayLeaveLoop(body)
	values, savedWithin, savedAgain := w.values, w.within, w.again
	for i, turn := range turns {
		w.values, w.within, w.again = maps.Clone(values), true, savedAgain || i > 0
		maps.Copy(w.values, turn)
		w.walkTree(body, line, conditional, loop)
	}
	w.values, w.within, w.again = values, savedWithin, savedAgain
}

// mayLeaveLoop reports whether a body may end a loop, or one of its rounds, early.
func mayLeaveLoop(v any) bool {
	switch x := v.(type) {
	case []any:
		return slices.ContainsFunc(x, mayLeaveLoop)
	case map[string]any:
		for key, e := range x {
			if key == "PLpgSQL_stmt_exit" || key == "PLpgSQL_stmt_return" || mayLeaveLoop(e) {
				return true
			}
		}
	}
	return false
}

func (w *blockWalk) constantNumber(v any) (int, bool) {
	n := parseExpr(exprText(v))
	if f := n.GetFuncCall(); f != nil && len(f.Args) > 0 {
		switch list := w.constantArray(f.Args[0]); LastText(f.Funcname) {
		case "array_length", "array_upper", "cardinality":
			return len(list), list != nil
		case "array_lower":
			return 1, list != nil
		}
	}
	text, _, ok := w.evalNode(n)
	number, err := strconv.Atoi(text)
	return max(min(number, math.MaxInt32), math.MinInt32), ok && err == nil
}

// constantArray returns the elements of an array of constants; nil for another expression.
func (w *blockWalk) constantArray(n *Node) []string {
	n = StripCasts(n)
	if c := n.GetColumnRef(); c != nil {
		return w.arrays[variableName(c)]
	}
	if text, ok := ConstantString(n); ok && strings.HasPrefix(text, "{") && strings.HasSuffix(text, "}") && !strings.ContainsAny(text, `"\`) {
		return strings.Split(strings.Trim(text, "{}"), ",")
	}
	if x := n.GetFuncCall(); x != nil && len(x.Args) == 2 && LastText(x.Funcname) == "string_to_array" {
		text, ok := ConstantString(x.Args[0])
		separator, ok2 := ConstantString(x.Args[1])
		if ok && ok2 {
			return strings.Split(text, separator)
		}
		return nil
	}
	var out []string
	for _, e := range n.GetAArrayExpr().GetElements() {
		text, _, ok := w.evalNode(e)
		if !ok {
			return nil
		}
		out = append(out, text)
	}
	return out
}

// constantRows returns the rows of a query of constants (VALUES, or unnest of an array) with the
// names of their columns; nil for another query.
func (w *blockWalk) constantRows(query string) (columns []string, rows [][]string) {
	tree, err := parseTree(query)
	if err != nil || len(tree.Stmts) != 1 {
		return nil, nil
	}
	q := tree.Stmts[0].GetStmt().GetSelectStmt()
	if len(q.GetTargetList()) == 1 && len(q.GetFromClause()) == 0 {
		target := q.TargetList[0].GetResTarget()
		columns = []string{cmp.Or(target.GetName(), "unnest")}
		return columns, w.unnestedRows(target.GetVal())
	}
	var names []string
	if from := q.GetFromClause(); len(from) == 1 && q.GetWhereClause() == nil && len(q.GetTargetList()) == 1 && selectsAll(q.TargetList[0].GetResTarget()) {
		var alias *Alias
		if sub := from[0].GetRangeSubselect(); sub != nil {
			q, alias = sub.GetSubquery().GetSelectStmt(), sub.GetAlias()
		} else if fn := from[0].GetRangeFunction(); fn != nil && len(fn.Functions) == 1 && !fn.Ordinality {
			alias = fn.GetAlias()
			items := fn.Functions[0].GetList().GetItems()
			if len(items) == 0 {
				return nil, nil
			}
			columns = []string{cmp.Or(alias.GetAliasname(), "unnest")}
			rows, q = w.unnestedRows(items[0]), nil
		} else {
			return nil, nil
		}
		for _, c := range alias.GetColnames() {
			names = append(names, c.GetString_().GetSval())
		}
	}
	for i, list := range q.GetValuesLists() {
		var row []string
		for _, e := range list.GetList().GetItems() {
			text, _, ok := w.evalNode(e)
			if !ok {
				return nil, nil
			}
			row = append(row, text)
			if i == 0 {
				columns = append(columns, "column"+strconv.Itoa(len(row)))
			}
		}
		if len(row) != len(columns) {
			return nil, nil
		}
		rows = append(rows, row)
	}
	copy(columns, names)
	return columns, rows
}

// selectsAll reports whether a target selects all columns, or the only one: a star, or the
// alias of an unnest or VALUES with one column.
func selectsAll(target *ResTarget) bool {
	fields := target.GetVal().GetColumnRef().GetFields()
	return len(fields) > 0 && fields[len(fields)-1].GetAStar() != nil && target.GetName() == ""
}

func (w *blockWalk) unnestedRows(n *Node) [][]string {
	x := n.GetFuncCall()
	if x == nil || len(x.Args) != 1 || LastText(x.Funcname) != "unnest" {
		return nil
	}
	var rows [][]string
	for _, value := range w.constantArray(x.Args[0]) {
		rows = append(rows, []string{value})
	}
	return rows
}

// jsonPart returns the object below a key of the parser's JSON.
func jsonPart(v any, key string) map[string]any {
	m, _ := v.(map[string]any)
	p, _ := m[key].(map[string]any)
	return p
}
