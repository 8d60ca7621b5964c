package jscode

import (
	"strings"

	"github.com/onward-sql/onward/internal/adapter/jsrun"
)

// ValueKind is the kind of a [Value].
type ValueKind byte

// The kinds of values.
const (
	// Unknown is an expression that is not read.
	Unknown ValueKind = iota
	// Text is a constant text, Number a number, Word one of true, false, null and undefined.
	Text
	Number
	Word
	// Template is a template after a name: sql`…`. Its items are its texts and the values between them.
	Template
	// List is [a, b], Object is {a: b}.
	List
	Object
	// Chain is a name with members and calls: knex.schema.raw("…"), new Date().
	Chain
	// Callback is a function.
	Callback
)

// Value is an expression of a program.
type Value struct {
	Kind ValueKind
	// Text is the content of a text, or the spelling of a number or a word.
	Text string
	// Items are the elements of a list, or the pieces of a template.
	Items []Value
	// Fields are the properties of an object.
	Fields []Field
	// Links are the parts of a chain.
	Links []Link
	// Function is set for a callback. New is set for a chain after the word new.
	Function *Function
	New      bool

	// first is its first token. raw is set if the program has the bytes of the text between the quotes of this token.
	first int
	raw   bool
	// place is the place of a value that a run of the program gave.
	place jsrun.Place
}

// Field is a property of an object.
type Field struct {
	Name  string
	Value Value
}

// Link is a part of a chain: a name, which may be called.
type Link struct {
	Name string
	// Called is set if it has arguments, Tagged if its argument is a template.
	Called, Tagged bool
	Arguments      []Value
	// at is its token.
	at int
}

// Field returns a property of an object.
func (v Value) Field(name string) (Value, bool) {
	for _, f := range v.Fields {
		if f.Name == name {
			return f.Value, true
		}
	}
	return Value{}, false
}

// WithText returns a text that is sent instead of this one.
func (v Value) WithText(text string) Value {
	v.Text, v.raw = text, false
	return v
}

// IsWord reports whether a value is this word: true, false, null or undefined.
func (v Value) IsWord(word string) bool { return v.Kind == Word && v.Text == word }

// maxDepth bounds how deep values and blocks are read: reading them is recursive.
const maxDepth = 40

// parseValue reads the expression that begins at token i, and returns it with the token after it.
func (r *reader) parseValue(i, depth int) (Value, int) {
	v, next := r.parseOperand(i, depth)
	if r.isSpelled(next, "+") && v.Kind == Text {
		v, next = r.parseSum(v, next, depth)
	}
	if r.isSpelled(next, "as") || r.isSpelled(next, "satisfies") {
		next = r.skipExpression(next)
	}
	if !r.endsExpression(next) {
		return Value{first: i}, max(i+1, r.skipExpression(next))
	}
	return v, max(i+1, next)
}

// parseSum reads what is added to a text at token i.
func (r *reader) parseSum(v Value, i, depth int) (Value, int) {
	var b strings.Builder
	b.WriteString(v.Text)
	for r.isSpelled(i, "+") {
		right, after := r.parseOperand(i+1, depth)
		if right.Kind != Text && right.Kind != Number || !r.spend(len(right.Text)/16) {
			return Value{first: v.first}, after
		}
		b.WriteString(right.Text)
		i = after
	}
	return Value{Kind: Text, Text: b.String(), first: v.first}, i
}

// endsExpression reports whether an expression ends before a token.
func (r *reader) endsExpression(i int) bool {
	if i >= len(r.tokens) {
		return true
	}
	t := r.tokens[i]
	if t.kind == symbol {
		return strings.Contains(",;)]}", r.tokenText(i))
	}
	return r.startsLine(i) // a statement without a semicolon
}

// startsLine reports whether a token is the first of its line.
func (r *reader) startsLine(i int) bool {
	return i == 0 || strings.Contains(r.program[r.tokens[i-1].end:r.tokens[i].start], "\n")
}

// skipExpression returns the token at which the expression that goes on at token i ends.
func (r *reader) skipExpression(i int) int {
	for i < len(r.tokens) && r.spend(1) {
		if r.tokens[i].kind == symbol {
			switch r.tokenText(i) {
			case "(", "[", "{":
				i = r.findClosing(i)
			case ",", ";", ")", "]", "}":
				return i
			}
		}
		i++
	}
	return len(r.tokens)
}

// parseOperand reads a value without operators.
func (r *reader) parseOperand(i, depth int) (Value, int) {
	for r.isSpelled(i, "await") {
		i++
	}
	if i >= len(r.tokens) || depth > maxDepth || !r.spend(1) {
		return Value{first: i}, r.skipExpression(i)
	}
	t := r.tokens[i]
	switch t.kind {
	case text:
		return r.parseAfterText(Value{Kind: Text, Text: t.value, first: i, raw: t.raw}, i+1)
	case filled:
		return r.parseAfterText(r.resolveTemplate(i, depth), i+1)
	case other:
		return Value{Kind: Number, Text: r.tokenText(i), first: i}, i + 1
	case word:
		return r.parseWord(i, depth)
	}
	switch r.tokenText(i) {
	case "-":
		if v, next := r.parseOperand(i+1, depth+1); v.Kind == Number {
			return Value{Kind: Number, Text: "-" + v.Text, first: i}, next
		}
	case "(":
		if f := r.parseFunction(i, depth); f.Kind == Callback {
			return f, r.afterFunction(f.Function)
		}
		v, next := r.parseValue(i+1, depth+1)
		if end := r.findClosing(i); next == end && v.Kind != Chain {
			v.first = i
			v.raw = false
			return r.parseAfterText(v, end+1)
		}
		return Value{first: i}, r.findClosing(i) + 1
	case "[":
		v := Value{Kind: List, first: i}
		v.Items = r.parseArguments(i, depth+1)
		return v, r.findClosing(i) + 1
	case "{":
		return r.parseObject(i, depth+1), r.findClosing(i) + 1
	}
	return Value{first: i}, r.skipExpression(i)
}

// parseAfterText returns a text unless a member of it is used: 'a'.trim().
func (r *reader) parseAfterText(v Value, next int) (Value, int) {
	if r.isSpelled(next, ".") || r.isSpelled(next, "[") || r.isSpelled(next, "?") {
		return Value{first: v.first}, r.skipExpression(next)
	}
	return v, next
}

// parseWord reads a value that begins with a word.
func (r *reader) parseWord(i, depth int) (Value, int) {
	switch spelled := r.tokenText(i); spelled {
	case "true", "false", "null", "undefined":
		return Value{Kind: Word, Text: spelled, first: i}, i + 1
	case "async", "function":
		if f := r.parseFunction(i, depth); f.Kind == Callback {
			return f, r.afterFunction(f.Function)
		}
	case "new":
		v, next := r.parseChain(i+1, depth)
		v.first, v.New = i, v.Kind == Chain
		return v, next
	}
	if r.isSpelled(i+1, "=>") {
		if f := r.parseFunction(i, depth); f.Kind == Callback {
			return f, r.afterFunction(f.Function)
		}
	}
	v, next := r.parseChain(i, depth)
	if v.Kind == Chain && len(v.Links) <= 2 && !v.Links[0].Called {
		if constant, ok := r.findConstant(v.Links, depth); ok {
			constant.first, constant.raw = i, false
			return constant, next
		}
	}
	if v.Kind == Chain && len(v.Links) == 1 && v.Links[0].Called {
		if text, ok := r.evaluateCall(v.Links[0], depth); ok {
			text.first, text.raw = i, false
			return text, next
		}
	}
	return v, next
}

// parseChain reads a name with its members and calls.
func (r *reader) parseChain(i, depth int) (Value, int) {
	v := Value{Kind: Chain, first: i}
	if i >= len(r.tokens) || r.tokens[i].kind != word {
		return Value{first: i}, r.skipExpression(i)
	}
	v.Links = []Link{{Name: r.tokenText(i), at: i}}
	for i++; i < len(r.tokens) && r.spend(1); {
		last := &v.Links[len(v.Links)-1]
		switch {
		case r.isSpelled(i, ".") && i+1 < len(r.tokens) && r.tokens[i+1].kind == word:
			v.Links = append(v.Links, Link{Name: r.tokenText(i + 1), at: i + 1})
			i += 2
		case r.isSpelled(i, "(") && !last.Called:
			last.Called, last.Arguments = true, r.parseArguments(i, depth+1)
			i = r.findClosing(i) + 1
		case (r.tokens[i].kind == text || r.tokens[i].kind == filled) && r.program[r.tokens[i].start] == '`' && !last.Called:
			last.Called, last.Tagged, last.Arguments = true, true, []Value{r.splitTemplate(i, depth+1)}
			i++
		case r.isSpelled(i, "<") && r.skipTypes(i) > 0:
			i = r.skipTypes(i)
		case r.isSpelled(i, "!") && (r.isSpelled(i+1, ".") || r.endsExpression(i+1)):
			i++
		case r.isSpelled(i, "(") || r.isSpelled(i, "[") || r.isSpelled(i, "?") && r.isSpelled(i+1, "."):
			return Value{first: v.first}, r.skipExpression(i)
		default:
			return v, i
		}
	}
	return v, i
}

// skipTypes returns the token after the types that a call has: <any>(…); 0 if they are none.
func (r *reader) skipTypes(i int) int {
	depth := 0
	for n := i; n < min(len(r.tokens), i+40) && r.spend(1); n++ {
		switch {
		case r.isSpelled(n, "<"):
			depth++
		case r.isSpelled(n, ">"):
			if depth--; depth > 0 {
				continue
			}
			if r.isSpelled(n+1, "(") || n+1 < len(r.tokens) && r.program[r.tokens[n+1].start] == '`' {
				return n + 1
			}
			return 0
		case r.isSpelled(n, "(") || r.isSpelled(n, ")") || r.isSpelled(n, "="):
			return 0
		}
	}
	return 0
}

// parseArguments reads the values between the parenthesis or bracket at token i and its end.
func (r *reader) parseArguments(i, depth int) []Value {
	var out []Value
	end := r.findClosing(i)
	for i++; i < end && r.spend(1); i++ {
		v, next := r.parseValue(i, depth)
		if !r.isSpelled(next, ",") && next != end {
			v, next = Value{first: i}, min(end, r.skipExpression(next))
		}
		out, i = append(out, v), next
	}
	return out
}

// parseObject reads the object at token i. It is unknown if a property is no name.
func (r *reader) parseObject(i, depth int) Value {
	v := Value{Kind: Object, first: i}
	end := r.findClosing(i)
	for i++; i < end && r.spend(1); i++ {
		var name string
		switch t := r.tokens[i]; {
		case t.kind == word:
			name = r.tokenText(i)
		case t.kind == text:
			name = t.value
		default:
			return Value{first: v.first}
		}
		switch {
		case r.isSpelled(i+1, ":"):
			value, next := r.parseValue(i+2, depth)
			v.Fields = append(v.Fields, Field{name, value})
			i = next
		case r.isSpelled(i+1, ",") || i+1 == end:
			value, next := r.parseWord(i, depth)
			v.Fields = append(v.Fields, Field{name, value})
			i = next
		default:
			return Value{first: v.first}
		}
		if i < end && !r.isSpelled(i, ",") {
			return Value{first: v.first}
		}
	}
	return v
}
