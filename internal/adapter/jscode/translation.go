package jscode

import (
	"slices"

	"github.com/onward-sql/onward/internal/adapter/jsrun"
	"github.com/onward-sql/onward/internal/script"
)

// Value, Field and Link are what a run of a program records.
type (
	// Value is an argument of a call.
	Value = jsrun.Value
	// Field is a property of an object.
	Field = jsrun.Field
	// Link is a part of a chain: a name, which may be called.
	Link = jsrun.Link
)

// Kinds of values.
const (
	Unknown, Text, Number, Word = jsrun.Unknown, jsrun.Text, jsrun.Number, jsrun.Word
	List, Object                = jsrun.List, jsrun.Object
	Chain, Callback, Template   = jsrun.Chain, jsrun.Callback, jsrun.Template
)

// Translation is what a call sends.
type Translation struct {
	Statements []Statement
	// Why says why that is not known. Idle is set if it changes nothing. Needs is the table about which it asks whether it, or a column
	// of it, exists.
	Why   string
	Idle  bool
	Needs string
}

// RefuseIf is for a project that changes some statements before it sends them. If differs is true for one, the call is not judged, for
// that reason.
func (t Translation) RefuseIf(differs func(sql string) bool, reason string) Translation {
	if slices.ContainsFunc(t.Statements, func(s Statement) bool { return differs(s.SQL) }) {
		return Translation{Why: reason}
	}
	if differs(t.Needs) {
		t.Needs = ""
	}
	return t
}

// TranslateSent returns the statement of a call whose only argument is the text that it sends.
func TranslateSent(call Value) Translation {
	links := call.Links[1:]
	if len(links) != 1 || !links[0].Called || len(links[0].Arguments) != 1 {
		return Translation{Why: "its SQL is known only when it runs"}
	}
	text := links[0].Arguments[0]
	if text.Kind != Text {
		return Translation{Why: "its text is put together when it runs"}
	}
	return Translation{Statements: []Statement{{Text: text}}}
}

// IsBuilt reports whether a builder wrote the SQL of a statement. The SQL of a text is "": the reader has it.
func IsBuilt(sql string) bool { return sql != "" }

// Statement is SQL that a call sends: a text of the program, or else SQL. Conditional is set if the call may leave it out. At is the part
// of the call that makes the SQL, if it is not the whole call. Outside is set if it is not in the transaction that a call opened.
type Statement struct {
	Text        Value
	SQL         string
	Conditional bool
	Outside     bool
	At          *Value
}

// Up is what the function "up" of a migration did.
type Up struct {
	// Parts has the SQL in the order of the calls. Those under a condition and in a loop are marked.
	Parts []script.Part
	// Unread lists calls whose SQL is not known.
	Unread []Unread
	// Imports are the files of the revision that it imports.
	Imports []string
	// NotRun is set if nothing of it ran.
	NotRun bool
}

// Unread is a call in "up" whose SQL is not known.
type Unread struct {
	// Line and Column count from 1.
	Line, Column int
	// Call is its name, such as "queryRunner.addColumn". Why says what hides its SQL.
	Call, Why string
	// NoUp is set if there is no function up. Exhausted is set if the run ended at a bound.
	NoUp, Exhausted bool
}
