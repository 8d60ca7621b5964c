package jscode

import (
	"strings"

	"github.com/onward-sql/onward/internal/adapter"
	"github.com/onward-sql/onward/internal/pgparse"
	"github.com/onward-sql/onward/internal/script"
)

// Form says which calls of "up" send SQL.
type Form struct {
	// Receiver is the object that sends; "" for the first parameter of up.
	Receiver string
	// Send is the method whose first argument is the SQL.
	Send string
	// SQL has the SQL of methods without arguments, such as commitTransaction.
	SQL map[string]string
}

// Up is the function "up" of a migration.
type Up struct {
	// Found is set if the program has exactly one such function.
	Found bool
	// Parts has the SQL in the order of the calls.
	Parts []script.Part
	// Unread lists calls whose SQL is not known.
	Unread []Unread
}

// Unread is a call in "up" whose SQL is not known.
type Unread struct {
	// Line and Column count from 1.
	Line, Column int
	// Call is its name, such as "queryRunner.addColumn". Why says what hides its SQL.
	Call, Why string
}

// ReadUp reads the function "up" of a program.
func ReadUp(program string, f Form) Up {
	l := splitTokens(program)
	r := &reader{lexer: l, form: f, constants: map[string]int{}, lines: pgparse.NewLines(program)}
	r.closings = r.findClosings()
	r.findConstants()
	parameter, from, to := r.findUp()
	if from < 0 {
		return Up{}
	}
	r.up.Found = true
	r.receiver = f.Receiver
	if r.receiver == "" {
		r.receiver = parameter
	}
	if r.receiver != "" {
		r.readBody(from, to)
	}
	return r.up
}

// reader reads one program.
type reader struct {
	*lexer
	form     Form
	receiver string
	// constants has the token of the text that a const has, by name; -1 if two have the name.
	constants map[string]int
	// closings is from findClosings.
	closings []int
	lines    *pgparse.Lines
	up       Up
}

// findConstants finds "const NAME = TEXT;".
func (r *reader) findConstants() {
	for i := range r.tokens {
		if !r.isSpelled(i, "const") || i+3 >= len(r.tokens) || r.tokens[i+1].kind != word || !r.isSpelled(i+2, "=") {
			continue
		}
		name := r.tokenText(i + 1)
		if _, twice := r.constants[name]; twice {
			r.constants[name] = -1
		} else {
			r.constants[name] = i + 3
		}
	}
}

func (r *reader) tokenText(i int) string { return r.program[r.tokens[i].start:r.tokens[i].end] }

// findUp returns the first parameter of the function "up" and the tokens of its body, from inclusive, to exclusive;
// from is -1 if there is none, or if there are two.
func (r *reader) findUp() (parameter string, from, to int) {
	from = -1
	for i := range r.tokens {
		if !r.isSpelled(i, "up") {
			continue
		}
		open := r.skipToParameters(i + 1)
		if open < 0 {
			continue
		}
		end := r.closings[open]
		body := r.skipToBody(end + 1)
		if body < 0 {
			continue
		}
		if from >= 0 {
			return "", -1, -1
		}
		if open+1 < end && r.tokens[open+1].kind == word {
			parameter = r.tokenText(open + 1)
		}
		from, to = body+1, r.closings[body]
	}
	return parameter, from, to
}

// skipToParameters returns the token of the parenthesis that opens the parameters of a function whose name ends before i; -1 if it
// is no function: up(q), up = async (q), up: async function (q), up: function up(q).
func (r *reader) skipToParameters(i int) int {
	if r.isSpelled(i, "(") {
		return i
	}
	if !r.isSpelled(i, "=") && !r.isSpelled(i, ":") {
		return -1
	}
	for i++; i < len(r.tokens) && r.tokens[i].kind == word; i++ {
	}
	if r.isSpelled(i, "(") {
		return i
	}
	return -1
}

// skipToBody returns the token of the brace that opens a function's body, after its parameters and its type; -1 if there is none.
func (r *reader) skipToBody(i int) int {
	if r.isSpelled(i, ":") {
		for i++; i < len(r.tokens) && r.isOfType(i); i++ {
		}
	}
	if r.isSpelled(i, "=>") {
		i++
	}
	if r.isSpelled(i, "{") {
		return i
	}
	return -1
}

// isOfType reports whether a token may be part of a type such as Promise<void>.
func (r *reader) isOfType(i int) bool {
	return r.tokens[i].kind == word || r.tokens[i].kind == symbol && strings.Contains("<>.[]", r.tokenText(i))
}

// findClosings returns, for each token that is an opening parenthesis, bracket or brace, the token that closes it; the end if it is
// missing.
func (r *reader) findClosings() []int {
	out := make([]int, len(r.tokens))
	var open []int
	for i, t := range r.tokens {
		if t.kind != symbol {
			continue
		}
		switch r.tokenText(i) {
		case "(", "[", "{":
			out[i] = len(r.tokens)
			open = append(open, i)
		case ")", "]", "}":
			if last := len(open) - 1; last >= 0 {
				out[open[last]] = i
				open = open[:last]
			}
		}
	}
	return out
}

// sometimes are the words that begin a statement whose parts may not run, or run more than once.
var sometimes = map[string]bool{
	"if": true, "else": true, "for": true, "while": true, "do": true, "switch": true, "try": true, "catch": true, "finally": true,
}

// readBody reads the calls between two tokens. A block or a function inside runs under a condition, in a loop, or later.
func (r *reader) readBody(from, to int) {
	for i := from; i < to; i++ {
		switch {
		case r.isSpelled(i, "{"):
			end := r.closings[i]
			r.readSometimes(i, end)
			i = end
		case r.tokens[i].kind == word && sometimes[r.tokenText(i)] && !r.isSpelled(i-1, "."):
			end := r.statementEnd(i, to)
			r.readSometimes(i, end)
			i = end
		case r.isReceiver(i):
			i = r.readCall(i)
		}
	}
}

// statementEnd returns the last token of a statement that begins with a word of sometimes.
func (r *reader) statementEnd(i, to int) int {
	for i++; i < to; i++ {
		switch {
		case r.isSpelled(i, "("), r.isSpelled(i, "["):
			i = r.closings[i]
		case r.isSpelled(i, "{"):
			return r.closings[i]
		case r.isSpelled(i, ";"):
			return i
		}
	}
	return to
}

// isReceiver reports whether a token is the object that sends SQL.
func (r *reader) isReceiver(i int) bool {
	return r.tokens[i].kind == word && r.tokenText(i) == r.receiver && !r.isSpelled(i-1, ".")
}

// readSometimes lists the uses of the receiver between two tokens.
func (r *reader) readSometimes(from, to int) {
	for i := from; i < min(to, len(r.tokens)); i++ {
		if r.isReceiver(i) {
			r.addUnread(i, "it runs only under a condition, in a loop or in a function")
		}
	}
}

// readCall reads a use of the receiver at i, and returns its last token.
func (r *reader) readCall(i int) int {
	if !r.isSpelled(i+1, ".") || !r.isSpelled(i+3, "(") {
		r.addUnread(i, "the object may be used elsewhere")
		return i
	}
	method, end := r.tokenText(i+2), r.closings[i+3]
	if sql := r.form.SQL[method]; sql != "" {
		r.addPart(script.Part{SQL: sql, Start: -1}, i)
		return end
	}
	if method != r.form.Send {
		r.addUnread(i, "its SQL is known only when it runs")
		return end
	}
	if !r.readText(i + 4) {
		r.addUnread(i, "its text is put together when it runs")
	}
	return end
}

// readText reads an argument that begins at token i: a text, a sum of texts, or the name of a constant. It reports whether it
// is constant.
func (r *reader) readText(i int) bool {
	first, raw := i, true
	var value strings.Builder
	for {
		if i >= len(r.tokens) {
			return false
		}
		t := r.tokens[i]
		if at, known := r.constants[r.tokenText(i)]; t.kind == word && known && at > 0 && !r.isSpelled(i+1, ".") {
			if !r.isWholeText(at) {
				return false
			}
			t = r.tokens[at]
			first = min(first, i)
			raw = false
		}
		if t.kind != text {
			return false
		}
		value.WriteString(t.value)
		raw = raw && t.raw
		if !r.isSpelled(i+1, "+") {
			break
		}
		raw = false
		i += 2
	}
	if !r.isSpelled(i+1, ",") && !r.isSpelled(i+1, ")") {
		return false
	}
	part := script.Part{SQL: strings.TrimSpace(value.String()), Start: -1}
	if part.SQL == "" {
		return true
	}
	if raw {
		part = adapter.TrimmedPart(r.program, r.tokens[first].start+1, r.tokens[first].end-1)
	}
	part.Message = true
	r.addPart(part, first)
	return true
}

// isWholeText reports whether a constant is one text, and nothing is added to it.
func (r *reader) isWholeText(i int) bool {
	return r.tokens[i].kind == text && !r.isSpelled(i+1, "+") && !r.isSpelled(i+1, ".") && !r.isSpelled(i+1, "[")
}

// addPart adds SQL; the token at is its position if the program does not have the same bytes.
func (r *reader) addPart(p script.Part, at int) {
	if p.Start < 0 {
		p.Line, p.Column = r.lines.Position(r.tokens[at].start)
		p.EndLine, p.EndColumn = r.lines.Position(r.tokens[at].end)
	}
	r.up.Parts = append(r.up.Parts, p)
}

// addUnread adds the call of the receiver at token i.
func (r *reader) addUnread(i int, why string) {
	u := Unread{Call: r.receiver, Why: why}
	if r.isSpelled(i+1, ".") && i+2 < len(r.tokens) && r.tokens[i+2].kind == word {
		u.Call += "." + r.tokenText(i+2)
	}
	u.Line, u.Column = r.lines.Position(r.tokens[i].start)
	r.up.Unread = append(r.up.Unread, u)
}
