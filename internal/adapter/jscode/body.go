package jscode

import (
	"slices"
	"strings"
)

// condition is what has to hold for a call.
type condition struct {
	// some is set if it is under a condition, loop if it may run more than once.
	some, loop bool
	// needs are tables that must exist, and line is the condition that says so.
	needs []string
	line  int
}

// sometimes are the words that begin a statement whose parts may not run, or run more than once.
var sometimes = map[string]bool{
	"if": true, "else": true, "for": true, "while": true, "do": true, "switch": true, "try": true, "catch": true, "finally": true,
}

// readBody reads the calls between two tokens.
func (r *reader) readBody(from, to int) {
	outside := r.condition
	r.nested++
	defer func() { r.condition, r.nested = outside, r.nested-1 }()
	to = min(to, len(r.tokens))
	for i := from; i < to && r.spend(1); i++ {
		switch {
		case r.nested > maxDepth:
			r.readSometimes(i, to)
			return
		case r.isWord(i, "if") && r.isSpelled(i+1, "(") && r.findClosing(i+1) < to:
			i = r.readCondition(i, to)
		case r.isBlock(i, "try"), r.isBlock(i, "finally"):
			i = r.readBlock(i+1, min(to, r.findClosing(i+1)), r.condition)
		case r.tokens[i].kind == word && sometimes[r.tokenText(i)] && !r.isSpelled(i-1, "."):
			i = r.readSome(i, to)
		case r.isSpelled(i, "=>"):
			end := min(to, r.skipExpression(i+1))
			r.readSometimes(i, end)
			i = end - 1
		case r.isSpelled(i, "{"):
			end := r.findClosing(i)
			r.readSometimes(i, end)
			i = end
		case r.isReceiver(i) && r.isOperand(i):
			end := min(to, r.skipExpression(i))
			r.readSometimes(i, end)
			i = end - 1
		case r.isReceiver(i):
			i = r.readCall(i)
		case r.helperAt(i) != nil:
			i = r.readHelper(i)
		case r.tokens[i].kind == filled:
			r.readTemplate(i)
		}
	}
}

// isWord reports whether token i is a keyword.
func (r *reader) isWord(i int, spelling string) bool {
	return r.isSpelled(i, spelling) && !r.isSpelled(i-1, ".")
}

// isBlock reports whether token i is a keyword before a block.
func (r *reader) isBlock(i int, spelling string) bool {
	return r.isWord(i, spelling) && r.isSpelled(i+1, "{")
}

// readBlock reads the statement from token i to its last one, and returns that.
func (r *reader) readBlock(i, end int, c condition) int {
	outside := r.condition
	r.condition = c
	if r.isSpelled(i, "{") {
		i++
	}
	r.readBody(i, min(end+1, len(r.tokens)))
	r.condition = outside
	return end
}

// readSome reads a statement whose parts may not run, or run more than once, and returns its last token.
func (r *reader) readSome(i, to int) int {
	c := r.condition
	c.some = true
	c.loop = c.loop || r.isWord(i, "for") || r.isWord(i, "while") || r.isWord(i, "do")
	if r.isWord(i, "else") && r.isWord(i+1, "if") {
		return i // the condition is read by itself
	}
	end := r.statementEnd(i, to)
	first := i + 1
	if r.isWord(first, "await") {
		first++ // for await (…)
	}
	if r.isSpelled(first, "(") {
		r.readBody(first+1, min(to, r.findClosing(first)))
		first = r.findClosing(first) + 1
	}
	return r.readBlock(first, min(end, to), c)
}

// readCondition reads the statement "if" at token i, and returns its last token. If it ends the function, the rest of the body runs under
// the condition that it does not hold.
func (r *reader) readCondition(i, to int) int {
	last := r.findClosing(i + 1)
	r.readBody(i+2, last)
	end := r.branchEnd(last+1, to)
	inside, rest := r.condition, r.condition
	inside.some, rest.some = true, true
	if table, negated := r.neededTable(i+2, last); table != "" {
		line, _ := r.lines.Position(r.tokens[i].start)
		needs := &inside
		if negated {
			needs = &rest
		}
		needs.needs, needs.line = append(slices.Clone(needs.needs), table), line
	}
	r.readBlock(last+1, end, inside)
	returns := r.hasReturn(last+1, end)
	if r.isSpelled(end+1, "else") && r.isSpelled(end+2, "{") {
		end = r.readBlock(end+2, min(to, r.findClosing(end+2)), rest)
	}
	if returns {
		r.condition = rest
	}
	return end
}

// neededTable returns the table that exists if the condition between two tokens holds, or, if that is negated, does not.
func (r *reader) neededTable(from, to int) (table string, negated bool) {
	for ; from < to && (r.isSpelled(from, "!") || r.isSpelled(from, "(") || r.isSpelled(from, "await")) && r.spend(1); from++ {
		negated = negated != r.isSpelled(from, "!")
	}
	v, next := r.parseChain(from, 0)
	for ; next < to && r.isSpelled(next, ")"); next++ {
	}
	if next != to || v.Kind != Chain {
		return "", false
	}
	if at, known := r.constants[v.Links[0].Name]; known && at > 0 && len(v.Links) == 1 {
		for ; r.isSpelled(at, "await") || r.isSpelled(at, "("); at++ {
		}
		v, next = r.parseChain(at, 0)
		if v.Kind != Chain || !r.isSpelled(next, ";") && !r.startsLine(next) {
			return "", false
		}
	}
	if len(v.Links) < 2 || !slices.Contains(r.receivers, v.Links[0].Name) {
		return "", false
	}
	return r.form.Translate(v).Needs, negated
}

// branchEnd returns the last token of the statement at token i.
func (r *reader) branchEnd(i, to int) int {
	if r.isSpelled(i, "{") {
		return min(to, r.findClosing(i))
	}
	return r.statementEnd(i-1, to)
}

// statementEnd returns the last token of a statement that begins with a word of sometimes, or after token i.
func (r *reader) statementEnd(i, to int) int {
	for i++; i < to && r.spend(1); i++ {
		switch {
		case r.isSpelled(i, "("), r.isSpelled(i, "["):
			i = r.findClosing(i)
		case r.isSpelled(i, "{"):
			return r.findClosing(i)
		case r.isSpelled(i, ";"):
			return i
		}
	}
	return to
}

// hasReturn reports whether a statement ends the function, and not only a function or a block inside.
func (r *reader) hasReturn(i, end int) bool {
	if r.isSpelled(i, "{") {
		i++
	}
	for ; i < end && r.spend(1); i++ {
		switch {
		case r.isWord(i, "return"):
			return true
		case r.isSpelled(i, "("), r.isSpelled(i, "["), r.isSpelled(i, "{"):
			i = r.findClosing(i)
		}
	}
	return false
}

// isOperand reports whether the value that begins at token i is an operand of &&, || or ?:.
func (r *reader) isOperand(i int) bool {
	for i--; r.isSpelled(i, "await") || r.isSpelled(i, "(") || r.isSpelled(i, "!"); i-- {
	}
	for _, operator := range [...]string{"&", "|", "?", ":"} {
		if r.isSpelled(i, operator) {
			return true
		}
	}
	return false
}

// isReceiver reports whether a token is an object that sends SQL.
func (r *reader) isReceiver(i int) bool {
	if r.tokens[i].kind != word || r.isSpelled(i-1, ".") {
		return false
	}
	return slices.Contains(r.receivers, r.tokenText(i))
}

// isIdle reports whether the use of a receiver at token i changes nothing.
func (r *reader) isIdle(i int) bool {
	v, _ := r.parseChain(i, 0)
	return v.Kind == Chain && len(v.Links) > 1 && r.form.Translate(v).Idle
}

// readSometimes lists the uses of the receivers between two tokens.
func (r *reader) readSometimes(from, to int) {
	for i := from; i < min(to, len(r.tokens)) && r.spend(1); i++ {
		if r.isReceiver(i) && !r.isIdle(i) {
			r.addUnread(i, r.callName(i), "it runs only under a condition, in a loop or in a function")
		}
	}
}

// readTemplate lists a template that uses a receiver.
func (r *reader) readTemplate(i int) {
	for _, p := range r.tokens[i].pieces {
		for _, name := range r.receivers {
			if strings.Contains(r.program[p.start:p.end], name+".") {
				r.addUnread(i, name, "it is called in a template")
				return
			}
		}
	}
}
