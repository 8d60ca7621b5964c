package pgparse

import "strings"

// fixTriggerJSON fixes the parser's invalid JSON for trigger functions: it has an extra
// bracket after each variable that every trigger function has.
func fixTriggerJSON(text string) string {
	variables, body, found := strings.Cut(text, `],"action":`)
	if !found || !strings.Contains(variables, ",{}}") && !strings.Contains(variables, "[{}}") {
		return text
	}
	return strings.NewReplacer(",{}}", ",{}", "[{}}", "[{}").Replace(variables) + `],"action":` + body
}

// listExpressions lists the expressions of a body, outside its SQL statements, that may call
// a function: defaults, assignments, conditions, return values.
func listExpressions(tree any, out []string, depth int) []string {
	if depth > maxTree {
		return out
	}
	switch x := tree.(type) {
	case []any:
		for _, v := range x {
			out = listExpressions(v, out, depth+1)
		}
	case map[string]any:
		if e, ok := x["PLpgSQL_expr"].(map[string]any); ok {
			text, _ := e["query"].(string)
			switch mode, _ := e["parseMode"].(float64); mode {
			case 0: // a statement
				return out
			case 2:
			default: // x := f()
				if equalsSign := strings.IndexByte(text, '='); equalsSign >= 0 {
					text = text[equalsSign+1:]
				}
			}
			if strings.IndexByte(text, '(') >= 0 {
				out = append(out, "SELECT "+text)
			}
			return out
		}
		for _, k := range sortedKeys(x) {
			out = listExpressions(x[k], out, depth+1)
		}
	}
	return out
}
