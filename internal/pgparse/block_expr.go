package pgparse

import "strings"

// decodable mends what the parser writes for a trigger's function, which no JSON
// decoder takes: one bracket too many behind each of the variables that a trigger
// has of itself.
func decodable(text string) string {
	variables, body, found := strings.Cut(text, `],"action":`)
	if !found || !strings.Contains(variables, ",{}}") && !strings.Contains(variables, "[{}}") {
		return text
	}
	return strings.NewReplacer(",{}}", ",{}", "[{}}", "[{}").Replace(variables) + `],"action":` + body
}

// expressions lists what a body computes beside its statements, where that may call
// something: defaults, assignments, conditions, what it returns.
func expressions(tree any, out []string, depth int) []string {
	if depth > maxTree {
		return out
	}
	switch x := tree.(type) {
	case []any:
		for _, v := range x {
			out = expressions(v, out, depth+1)
		}
	case map[string]any:
		if e, ok := x["PLpgSQL_expr"].(map[string]any); ok {
			text, _ := e["query"].(string)
			switch mode, _ := e["parseMode"].(float64); mode {
			case 0: // a statement
				return out
			case 2:
			default: // x := f()
				if at := strings.IndexByte(text, '='); at >= 0 {
					text = text[at+1:]
				}
			}
			if strings.IndexByte(text, '(') >= 0 {
				out = append(out, "SELECT "+text)
			}
			return out
		}
		for _, k := range sortedKeys(x) {
			out = expressions(x[k], out, depth+1)
		}
	}
	return out
}
