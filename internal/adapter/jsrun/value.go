package jsrun

import (
	"strings"

	"github.com/onward-sql/onward/internal/lazyregexp"
)

// Kinds of values.
const (
	Unknown  = "u"
	Text     = "t"
	Number   = "n"
	Word     = "w" // true, false, null or undefined
	List     = "l"
	Object   = "o"
	Chain    = "c" // a name with members and calls: knex.schema.raw("…"), new Date()
	Callback = "f"
	// Template is the argument of a tag. Its items are its texts and the values between them.
	Template = "e"
)

// Value is an argument of a call.
type Value struct {
	Kind string `json:"k"`
	// Text is the content of a text, or the spelling of a number or a word.
	Text string `json:"s,omitempty"`
	// Items are the elements of a list, or the pieces of a template.
	Items []Value `json:"i,omitempty"`
	// Fields are the properties of an object.
	Fields []Field `json:"o,omitempty"`
	// Links are the parts of a chain. It has at least one.
	Links []Link `json:"n,omitempty"`
	// New is set for a chain after the word new.
	New bool `json:"w,omitempty"`
	// Calls are the chains that a callback began with its first parameter. Read is set if it did nothing that depends on
	// unknown values.
	Calls []Value `json:"f,omitempty"`
	Read  bool    `json:"r,omitempty"`
	Place Place   `json:"p,omitzero"`
}

// Field is a property of an object.
type Field struct {
	Name  string `json:"n"`
	Value Value  `json:"v"`
}

// Link is a part of a chain: a name, which may be called.
type Link struct {
	Name string `json:"n"`
	// Called is set if it has arguments, Tagged if its argument is a template.
	Called    bool    `json:"c,omitempty"`
	Tagged    bool    `json:"t,omitempty"`
	Arguments []Value `json:"a,omitempty"`
}

// clearEmptyChains makes chains without a part unknown: the child's answer is not trusted.
func (v *Value) clearEmptyChains() {
	if v.Kind == Chain && len(v.Links) == 0 {
		v.Kind = Unknown
	}
	for i := range v.Items {
		v.Items[i].clearEmptyChains()
	}
	for i := range v.Fields {
		v.Fields[i].Value.clearEmptyChains()
	}
	for i := range v.Calls {
		v.Calls[i].clearEmptyChains()
	}
	for _, l := range v.Links {
		for i := range l.Arguments {
			l.Arguments[i].clearEmptyChains()
		}
	}
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

// IsWord reports whether a value is this word: true, false, null or undefined.
func (v Value) IsWord(word string) bool { return v.Kind == Word && v.Text == word }

// IsMissing reports whether a value is null or undefined.
func (v Value) IsMissing() bool { return v.IsWord("null") || v.IsWord("undefined") }

// plainNumber matches the numbers that JavaScript writes as the program does.
var plainNumber = lazyregexp.New(`^-?(?:0|[1-9]\d{0,14})(?:\.\d{0,5}[1-9])?$`)

// PlainNumber returns the spelling of a number, if JavaScript prints it in the same way. Texts are not numbers.
func (v Value) PlainNumber() (spelling string, ok bool) {
	return v.Text, v.Kind == Number && plainNumber.MatchString(v.Text)
}

// SQLConstant writes a text or a number as SQL. ok is false for other values.
func (v Value) SQLConstant() (sql string, ok bool) {
	if v.Kind == Text {
		return "'" + strings.ReplaceAll(v.Text, "'", "''") + "'", true
	}
	return v.PlainNumber()
}
