package jscode

import "strings"

// parseFunction reads the function that begins at token i: function (a) {}, async (a) => {}, a => b. It is unknown if it is none.
func (r *reader) parseFunction(i, depth int) Value {
	first := i
	if r.isSpelled(i, "async") {
		i++
	}
	arrow := true
	if r.isSpelled(i, "function") {
		arrow = false
		if i++; r.isSpelled(i, "*") || depth > maxDepth {
			return Value{first: first}
		}
		if i < len(r.tokens) && r.tokens[i].kind == word {
			i++
		}
	}
	f := &Function{reader: r}
	switch {
	case r.isSpelled(i, "("):
		f.Parameters = r.parameterNames(i)
		i = r.skipType(r.findClosing(i) + 1)
	case arrow && i < len(r.tokens) && r.tokens[i].kind == word && r.isSpelled(i+1, "=>"):
		f.Parameters = []string{r.tokenText(i)}
		i++
	default:
		return Value{first: first}
	}
	if arrow {
		if !r.isSpelled(i, "=>") {
			return Value{first: first}
		}
		i++
	}
	if !r.setBody(f, i, arrow, depth) {
		return Value{first: first}
	}
	return Value{Kind: Callback, Function: f, first: first}
}

// setBody sets the tokens of a function's body, which begins at token i.
func (r *reader) setBody(f *Function, i int, arrow bool, depth int) bool {
	switch {
	case r.isSpelled(i, "{"):
		f.from, f.to = i+1, r.findClosing(i)
	case arrow && i < len(r.tokens):
		_, end := r.parseValue(i, depth+1)
		f.from, f.to, f.expression = i, min(end, len(r.tokens)), true
	default:
		return false
	}
	return true
}

// afterFunction returns the token after a function.
func (r *reader) afterFunction(f *Function) int {
	if f.expression {
		return f.to
	}
	return f.to + 1
}

// parameterNames returns the names between the parenthesis at token i and its end.
func (r *reader) parameterNames(i int) []string {
	var out []string
	end := r.findClosing(i)
	for i++; i < end && r.spend(1); i++ {
		next := min(end, r.skipExpression(i))
		switch {
		case r.tokens[i].kind == word:
			out = append(out, r.tokenText(i))
		case r.isSpelled(i, "{"):
			out = append(out, r.onlyName(i))
		default:
			out = append(out, "")
		}
		i = next
	}
	return out
}

// onlyName returns the variable that the pattern at token i sets: {context: queryInterface}; "" if it sets several.
func (r *reader) onlyName(i int) string {
	end := r.findClosing(i)
	switch {
	case end == i+2 && r.tokens[i+1].kind == word:
		return r.tokenText(i + 1)
	case end == i+4 && r.isSpelled(i+2, ":") && r.tokens[i+3].kind == word:
		return r.tokenText(i + 3)
	}
	return ""
}

// skipType returns the token after the type of a function or of a variable, if there is one at token i.
func (r *reader) skipType(i int) int {
	if !r.isSpelled(i, ":") {
		return i
	}
	for i++; i < len(r.tokens) && r.isOfType(i) && r.spend(1); i++ {
	}
	return i
}

// isOfType reports whether a token may be part of a type such as Promise<void>.
func (r *reader) isOfType(i int) bool {
	return r.tokens[i].kind == word || r.tokens[i].kind == symbol && strings.Contains("<>.[]|", r.tokenText(i))
}

// findUp returns the function "up"; nil if there is none, or if there are two.
func (r *reader) findUp() *Function {
	var found *Function
	for i := range r.tokens {
		if !r.isSpelled(i, "up") || r.isSpelled(i-1, ".") && !r.isSpelled(i-2, "exports") {
			continue
		}
		f := r.functionNamedAt(i)
		if f == nil {
			continue
		}
		if found != nil {
			return nil
		}
		found = f
	}
	return found
}

// isAsync reports whether the function whose body begins at token i can await calls.
func (r *reader) isAsync(i int) bool {
	for i--; i >= 0 && r.spend(1); i-- {
		switch {
		case r.isSpelled(i, "async"):
			return true
		case r.isSpelled(i, ";"), r.isSpelled(i, ","), r.isSpelled(i, "{"), r.isSpelled(i, "("):
			return false
		case r.isSpelled(i, ")"), r.isSpelled(i, "}"):
			open := i - 1
			for open >= 0 && r.spend(1) && (r.closings[open] != i || !r.isSpelled(open, "(") && !r.isSpelled(open, "{")) {
				open--
			}
			i = open
		}
	}
	return false
}

// findFunctions finds the functions of the program that have a name.
func (r *reader) findFunctions() {
	r.functions = map[string]*Function{}
	for i := range r.tokens {
		if r.tokens[i].kind != word || r.isSpelled(i-1, ".") || !r.spend(1) {
			continue
		}
		var f *Function
		switch {
		case r.isSpelled(i-1, "const") && !r.isSpelled(i+1, ":"):
			f = r.functionNamedAt(i)
		case r.isSpelled(i+1, "(") && !sometimes[r.tokenText(i)]:
			f = r.functionNamedAt(i)
		}
		if f == nil {
			continue
		}
		name := r.tokenText(i)
		if _, twice := r.functions[name]; twice {
			f = nil
		}
		r.functions[name] = f
	}
}

// functionNamedAt returns the function whose name is token i; nil if it is none: up(q) {}, up = async (q) => {}, up: async function (q) {}.
func (r *reader) functionNamedAt(i int) *Function {
	if r.isSpelled(i+1, "(") {
		f := &Function{reader: r}
		if !r.setBody(f, r.skipType(r.findClosing(i+1)+1), false, 0) {
			return nil
		}
		f.Parameters = r.parameterNames(i + 1)
		return f
	}
	at := i + 1
	if typed := r.skipType(at); r.isSpelled(typed, "=") {
		at = typed
	}
	if !r.isSpelled(at, "=") && !r.isSpelled(at, ":") {
		return nil
	}
	return r.parseFunction(at+1, 0).Function
}
