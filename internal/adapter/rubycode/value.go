package rubycode

import (
	"iter"
	"strings"
)

// ValueKind is the kind of a [Value].
type ValueKind byte

// The kinds of values.
const (
	// Unknown is a value that is known only when the program runs.
	Unknown ValueKind = iota
	String
	Symbol
	// Number and Keyword (true, false, nil, self) have their spelling.
	Number
	Keyword
	Array
	// Hash has keys and values as items, in turns.
	Hash
	// Constant is the name of a class or a module that the program does not define as a value.
	Constant
	// Proc is a block or a lambda.
	Proc
	// Object is something that the [Handler] made.
	Object
)

// Value is the value of an expression.
type Value struct {
	Kind   ValueKind
	Text   string
	Items  []Value
	Object any
	// Needs is a table about whose existence a question asks. Absent is set if the answer yes means that it does not exist.
	Needs  string
	Absent bool

	block *Block
	scope *scope
	// native is a block of the handler.
	native func()
	// from is the text of the program that is this value byte for byte; nil if there is none.
	from *node
}

// The values of keywords.
var (
	Nil   = Value{Kind: Keyword, Text: "nil"}
	True  = Value{Kind: Keyword, Text: "true"}
	False = Value{Kind: Keyword, Text: "false"}
)

// NewString returns a text.
func NewString(s string) Value { return Value{Kind: String, Text: s} }

// NewBool returns true or false.
func NewBool(b bool) Value {
	if b {
		return True
	}
	return False
}

// IsWord reports whether a value is this keyword.
func (v Value) IsWord(word string) bool { return v.Kind == Keyword && v.Text == word }

// IsName reports whether a value is a text or a symbol.
func (v Value) IsName() bool { return v.Kind == String || v.Kind == Symbol }

// IsTrue reports whether a condition with the value holds; known is false if that is not known.
func (v Value) IsTrue() (holds, known bool) {
	switch v.Kind {
	case Unknown, Object:
		return false, false
	case Keyword:
		return v.Text != "nil" && v.Text != "false", true
	}
	return true, true
}

// GetKey returns the value of a key of a hash.
func (v Value) GetKey(key string) (Value, bool) {
	if v.Kind != Hash {
		return Value{}, false
	}
	for i := len(v.Items) - 2; i >= 0; i -= 2 {
		if v.Items[i].IsName() && v.Items[i].Text == key {
			return v.Items[i+1], true
		}
	}
	return Value{}, false
}

// IsLiteral reports whether a value is known, with all that is in it.
func (v Value) IsLiteral() bool {
	switch v.Kind {
	case Unknown, Object, Constant:
		return false
	case Array, Hash:
		for _, item := range v.Items {
			if !item.IsLiteral() {
				return false
			}
		}
	}
	return true
}

// ProcText returns the text that a block without parameters gives: -> { "now()" }. ok is false if it is no constant.
func (r *Run) ProcText(v Value) (text string, ok bool) {
	if v.Kind != Proc || v.block == nil || len(v.block.parameters) > 0 {
		return "", false
	}
	result := r.callBlock(v, nil)
	return result.Text, result.Kind == String
}

// callTextMethod returns the result of a method of a text; false if the method is not known.
func callTextMethod(v Value, name string, arguments []Value) (Value, bool) {
	s := v.Text
	switch name {
	case "to_s", "freeze", "to_str", "html_safe", "dup", "itself", "+@", "-@":
		if name == "to_s" && v.Kind == Symbol {
			return NewString(s), true
		}
		return v, true
	case "to_sym", "intern":
		return Value{Kind: Symbol, Text: s}, true
	case "squish":
		s = strings.Join(strings.Fields(s), " ")
	case "strip":
		s = strings.TrimSpace(s)
	case "chomp":
		s = strings.TrimSuffix(s, "\n")
	case "strip_heredoc":
		s = stripIndent(s)
	case "upcase":
		s = strings.ToUpper(s)
	case "downcase":
		s = strings.ToLower(s)
	case "lines":
		return newTextArray(strings.Lines(s)), true
	case "split":
		if len(arguments) == 0 {
			return newTextArray(strings.FieldsSeq(s)), true
		}
		if arguments[0].Kind == String && arguments[0].Text != "" {
			return newTextArray(strings.SplitSeq(s, arguments[0].Text)), true
		}
		return Value{}, false
	case "empty?", "blank?":
		return NewBool(strings.TrimSpace(s) == ""), true
	case "present?":
		return NewBool(strings.TrimSpace(s) != ""), true
	default:
		return Value{}, false
	}
	return NewString(s), true
}

// newTextArray returns the texts. If they are more than a run may hold, so many that it ends.
func newTextArray(texts iter.Seq[string]) Value {
	out := Value{Kind: Array}
	for s := range texts {
		if out.Items = append(out.Items, NewString(s)); len(out.Items)*valueBytes > mostBytes {
			break
		}
	}
	return out
}

// stripIndent removes the white space that all lines have.
func stripIndent(s string) string {
	indent := -1
	for line := range strings.Lines(s) {
		trimmed := strings.TrimLeft(line, " \t")
		if strings.TrimSpace(trimmed) != "" && (indent < 0 || len(line)-len(trimmed) < indent) {
			indent = len(line) - len(trimmed)
		}
	}
	var b strings.Builder
	for line := range strings.Lines(s) {
		b.WriteString(line[min(max(indent, 0), len(line)-len(strings.TrimLeft(line, " \t"))):])
	}
	return b.String()
}

// everySecond returns the keys or the values of a hash.
func (v Value) everySecond(from int) Value {
	out := Value{Kind: Array}
	for i := from; i < len(v.Items); i += 2 {
		out.Items = append(out.Items, v.Items[i])
	}
	return out
}

// callArrayMethod returns the result of a method of a list or a hash; false if the method is not known.
func callArrayMethod(v Value, name string, arguments []Value) (Value, bool) {
	switch name {
	case "freeze", "to_a", "to_h", "with_indifferent_access", "dup", "compact", "symbolize_keys", "entries":
		return v, true
	case "count", "size", "length":
		return Value{}, len(arguments) == 0
	case "join":
		separator := ""
		if len(arguments) > 0 {
			separator = arguments[0].Text
		}
		var list []string
		for _, item := range v.Items {
			if !item.IsName() && item.Kind != Number {
				return Value{}, false
			}
			list = append(list, item.Text)
		}
		return NewString(strings.Join(list, separator)), v.Kind == Array
	case "empty?", "blank?":
		return NewBool(len(v.Items) == 0), true
	case "any?", "present?":
		return NewBool(len(v.Items) > 0), len(arguments) == 0
	case "reverse":
		out := Value{Kind: Array}
		for i := len(v.Items) - 1; i >= 0; i-- {
			out.Items = append(out.Items, v.Items[i])
		}
		return out, v.Kind == Array
	case "first":
		if len(arguments) == 0 && len(v.Items) > 0 && v.Kind == Array {
			return v.Items[0], true
		}
	case "last":
		if len(arguments) == 0 && len(v.Items) > 0 && v.Kind == Array {
			return v.Items[len(v.Items)-1], true
		}
	case "keys":
		return v.everySecond(0), v.Kind == Hash
	case "values":
		return v.everySecond(1), v.Kind == Hash
	case "+", "merge", "concat", "push":
		out := Value{Kind: v.Kind, Items: append([]Value(nil), v.Items...)}
		for _, a := range arguments {
			if a.Kind != v.Kind {
				return Value{}, false
			}
			out.Items = append(out.Items, a.Items...)
		}
		return out, true
	case "[]", "fetch":
		if v.Kind == Hash && len(arguments) == 1 && arguments[0].IsName() {
			return v.GetKey(arguments[0].Text)
		}
	}
	return Value{}, false
}

// NewBlock returns a block that does something.
func NewBlock(body func()) Value { return Value{Kind: Proc, native: body} }
