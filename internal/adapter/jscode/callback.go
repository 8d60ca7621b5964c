package jscode

import "strings"

// Function is a callback. Its body is read only if somebody asks.
type Function struct {
	// Parameters are the names of its parameters; "" for one that is no name.
	Parameters []string

	reader *reader
	// from and to are the tokens of its body. expression is set if it has none of braces.
	from, to   int
	expression bool
	// recorded is set if a run of the program has recorded its calls. complete is set if it does the same in each run.
	recorded, complete bool
	calls              []Value
}

// Calls returns the chains that begin with the function's first parameter, in their order; without a parameter, those that begin with
// "this". ok is false if it may be used in another way: under a condition, in a loop, by another function.
func (f *Function) Calls() (out []Value, ok bool) {
	if f.recorded {
		return f.calls, f.complete
	}
	name := "this"
	if len(f.Parameters) > 0 {
		name = f.Parameters[0]
	}
	if name == "" {
		return nil, f.from >= f.to
	}
	r := f.reader
	for i := f.from; i < min(f.to, len(r.tokens)) && r.spend(1); i++ {
		if end := r.sometimesEnd(f, i); end > 0 {
			if r.hasWord(i, end, name) {
				return nil, false
			}
			i = end - 1
			continue
		}
		switch {
		case name != "this" && r.isWord(i, "this"):
			return nil, false
		case r.isName(i, name):
			v, next := r.parseValue(i, 0)
			if v.Kind != Chain || len(v.Links) < 2 || r.isOperand(i) {
				return nil, false
			}
			out, i = append(out, v), next-1
		case r.tokens[i].kind == filled && strings.Contains(r.tokenText(i), name+"."):
			return nil, false
		}
	}
	return out, true
}

// sometimesEnd returns the end of a part of a function that may not run, or more than once, if it begins at token i; else 0.
func (r *reader) sometimesEnd(f *Function, i int) int {
	switch {
	case r.isSpelled(i, "=>"):
		return r.skipExpression(i + 1)
	case f.expression:
		return 0
	case r.isSpelled(i, "{"):
		return r.findClosing(i) + 1
	case r.tokens[i].kind == word && sometimes[r.tokenText(i)] && !r.isSpelled(i-1, "."):
		return r.statementEnd(i, f.to) + 1
	}
	return 0
}

// isName reports whether a token is a name, and not a member of something.
func (r *reader) isName(i int, name string) bool {
	return r.tokens[i].kind == word && r.tokenText(i) == name && !r.isSpelled(i-1, ".") && !r.isSpelled(i+1, ":")
}

// hasWord reports whether a name is used between two tokens.
func (r *reader) hasWord(from, to int, name string) bool {
	for i := from; i < min(to, len(r.tokens)) && r.spend(1); i++ {
		if r.isName(i, name) || r.tokens[i].kind == filled && strings.Contains(r.tokenText(i), name) {
			return true
		}
	}
	return false
}

// IsIdentity reports whether a function only returns its first parameter: (a) => a.
func (f *Function) IsIdentity() bool {
	return f.expression && f.to == f.from+1 && len(f.Parameters) > 0 && f.reader.isName(f.from, f.Parameters[0])
}
