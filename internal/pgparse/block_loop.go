package pgparse

import (
	"cmp"
	"maps"
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

// readVariables records the names of a body's variables. It also records the values of variables
// that are declared once, with a constant, and never assigned to.
func (w *blockWalk) readVariables(tree any) {
	f := functionBody(tree)
	vars, _ := f["datums"].([]any)
	w.values = map[string]string{}
	count := map[string]int{}
	for _, d := range vars {
		v := jsonPart(d, "PLpgSQL_var")
		name, _ := v["refname"].(string)
		w.names = append(w.names, name)
		count[name]++
		if text, _, ok := w.evalConstant(exprText(v["default_val"])); ok {
			w.values[name] = text
		}
	}
	if len(w.values) > 0 {
		eachAssigned(f["action"], func(name string) { delete(w.values, name) }, func() { clear(w.values) })
	}
	for name, n := range count {
		if n > 1 {
			delete(w.values, name)
		}
	}
}

// eachAssigned calls one for each name that the statements of a body may assign to, and all
// if they may assign to any name.
func eachAssigned(v any, one func(name string), all func()) {
	switch x := v.(type) {
	case []any:
		for _, e := range x {
			eachAssigned(e, one, all)
		}
	case map[string]any:
		for key, e := range x {
			switch m, _ := e.(map[string]any); key {
			case "PLpgSQL_stmt_assign": // its text begins with the target
				target, _, _ := strings.Cut(exprText(m["expr"]), "=")
				one(strings.ToLower(strings.Trim(target, " \t\n:\"")))
			case "PLpgSQL_row":
				fields, _ := m["fields"].([]any)
				for _, field := range fields {
					c, _ := field.(map[string]any)
					name, _ := c["name"].(string)
					one(name)
				}
			case "PLpgSQL_rec", "PLpgSQL_var":
				name, _ := m["refname"].(string)
				one(name)
			case "PLpgSQL_stmt_foreach_a", "PLpgSQL_stmt_getdiag", "PLpgSQL_stmt_call": // targets without a name
				all()
			}
			eachAssigned(e, one, all)
		}
	}
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
		if reverse, _ := f["reverse"].(bool); !ok || !ok2 || reverse || (high-low)/step >= mostTurns {
			return nil
		}
		for i := low; i <= high; i += step {
			out = append(out, map[string]string{name: strconv.Itoa(i)})
		}
	case "PLpgSQL_stmt_foreach_a":
		number, _ := f["varno"].(float64)
		if slice, _ := f["slice"].(float64); slice > 0 || int(number) >= len(w.names) {
			return nil
		}
		for _, value := range w.constantArray(parseExpr(exprText(f["expr"]))) {
			out = append(out, map[string]string{w.names[int(number)]: value})
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
	if known {
		eachAssigned(body, func(name string) {
			for bound := range turns[0] {
				known = known && bound != name && !strings.HasPrefix(bound, name+".")
			}
		}, func() { known = false })
	}
	if !known {
		w.walkTree(body, line, true, true)
		return
	}
	w.rounds += len(turns)
	conditional = conditional || mayLeaveLoop(body)
	values, within, again := w.values, w.within, w.again
	for i, turn := range turns {
		w.values, w.within, w.again = maps.Clone(values), true, again || i > 0
		maps.Copy(w.values, turn)
		w.walkTree(body, line, conditional, loop)
	}
	w.values, w.within, w.again = values, within, again
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
	text, _, ok := w.evalConstant(exprText(v))
	n, err := strconv.Atoi(text)
	return n, ok && err == nil && n > -1e6 && n < 1e6
}

// constantArray returns the elements of an array of constants; nil for another expression.
func (w *blockWalk) constantArray(n *Node) []string {
	for n.GetTypeCast() != nil {
		n = n.GetTypeCast().GetArg()
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
