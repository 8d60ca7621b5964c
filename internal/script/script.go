// Package script makes a migration's SQL into statements with exact positions
// and the transactions they run in.
//
// A transaction is what the runner makes it: one file sent in one transaction,
// one file sent as one message (which Postgres runs as one implicit
// transaction), or statement by statement. BEGIN and COMMIT in the text come on
// top. DO blocks are opened: the statements inside them are statements of the
// script too.
package script

import (
	"github.com/onward-sql/onward/internal/fault"
	"github.com/onward-sql/onward/internal/pgparse"
	"github.com/onward-sql/onward/onward"
)

// Source is a migration as its adapter hands it over.
type Source struct {
	// Text is the whole file: what positions and suppression comments are
	// counted in.
	Text string
	// Written is the file as its author wrote it, where the names of schemas that
	// the runner fills in stand for themselves in Text; "" where it is Text. It is
	// as long.
	Written string
	// Parts are the pieces of SQL that the runner executes, in order.
	Parts []Part
	// Code is what programs do to rows between the parts.
	Code []Code
	// Replaces are the texts that such programs put in the place of others.
	Replaces []Replacement
	// Mode is how the runner sends them.
	Mode onward.Transaction
	// Psql: psql sends it, which keeps its own commands to itself.
	Psql bool
	// Rows: its runner sends the lines behind COPY … FROM STDIN as rows, as psql does.
	Rows bool
	// Strings is how strings end when the session comes to it.
	Strings pgparse.Strings
	// LineComment begins a comment in Text: "--", or "#" for Python.
	LineComment string
}

// Part is a piece of SQL of a migration.
type Part struct {
	// SQL is the text that is executed.
	SQL string
	// Start is the byte offset of SQL in Source.Text, where it stands there
	// letter for letter; -1 when a framework rendered it.
	Start int
	// Line, Column, EndLine and EndColumn are the place of rendered SQL: the
	// operation it was rendered from. They count from 1.
	Line, Column, EndLine, EndColumn int
	// Operation is what a framework rendered the part from; zero for SQL that
	// the author wrote.
	Operation Operation
	// Message: the runner sends the part as one message of its own: where no
	// transaction is open, several statements in it are one implicit transaction.
	Message bool
	// Block is not 0 where the runner opens a transaction around the parts that
	// have one number, for onward.TransactionNone.
	Block int
	// Name is what the runner records the part by, where it does so part by
	// part, and Sum the text that it compares with what was applied: "" where it
	// takes any. Again: it runs again when that changes.
	Name, Sum string
	Again     bool
}

// Operation is an operation of a framework that SQL was rendered from.
type Operation struct {
	// Class is the framework's name for it: "AddField".
	Class string
	// Model and Field are what it is about, as the author wrote them; "" for
	// none.
	Model, Field string
}

// Rendered reports whether the framework wrote the SQL, and no function of the
// author's.
func (o Operation) Rendered() bool { return o.Class != "" && o.Class != "RunPython" }

// Code is work of a program on the rows of a table. Its statements are not known.
type Code struct {
	// Name is the function's.
	Name string
	// Table is its name, with a schema or without, as a mapper writes it.
	Table string
	// Verb is what is done, for messages: "updates", "deletes"; "saves" and "removes",
	// each row by itself; "goes over" where it writes something else for each.
	Verb string
	// Whole: it works on all rows, or most; Few: on few, and no more. Batches:
	// it comes to all of them few at a time.
	Whole, Few, Batches bool
	// Apart: not in the transaction of the parts around it.
	Apart bool
	// Parts is how many of Source.Parts run before it.
	Parts int
	// Line is where the program is called.
	Line int
}

// Replacement is a text of a column that a program replaces.
type Replacement struct {
	// Name is the program's function, Line where it is called.
	Name string
	Line int
	// Table is its name as a mapper writes it.
	Table, Column, Old, Now string
}

// Statement is one statement of a script.
type Statement struct {
	// Index is its position in Script.Statements.
	Index int
	// SQL is its text without the ';'.
	SQL string
	// Node is its syntax tree, nil when it could not be parsed. Locations in
	// it count bytes from the start of SQL.
	Node *pgparse.Node
	// Err says why Node is nil; ErrLine and ErrColumn where in the file.
	Err                *pgparse.SyntaxError
	ErrLine, ErrColumn int
	// Start and End are byte offsets in Source.Text; -1 for rendered SQL.
	Start, End int
	// Line, Column, EndLine, EndColumn are the place in the file, from 1.
	Line, Column, EndLine, EndColumn int
	// Tx numbers the transactions of the script from 1; 0: the statement
	// commits by itself.
	Tx int
	// Origin says who opened the transaction that the statement runs in.
	Origin Origin
	// Parent is the index of the DO statement that this one stands in, -1
	// for a statement of the file itself.
	Parent int
	// In is the function that the statement stands in, where it runs because
	// another statement calls that; "" for none.
	In string
	// callers are the functions in one another, with blanks between.
	callers string
	// Conditional marks a statement in a DO block that may be skipped (IF,
	// CASE, exception handler); Loop one that may run many times.
	Conditional, Loop bool
	// Expressions are queries of what a block, or the body of what is called,
	// computes beside its statements.
	Expressions []string
	// Opaque says what is hidden in the statement: dynamic SQL, a language
	// that is not read. "" for none.
	Opaque string
	// Operation is what the framework rendered it from; zero where the author
	// wrote it.
	Operation Operation

	part    int             // the index in Source.Parts
	strings pgparse.Strings // how its strings were taken to end
}

// Origin is who opened a transaction.
type Origin uint8

// The origins of transactions.
const (
	// Alone: the statement is its own transaction.
	Alone Origin = iota
	// Runner: the migration tool opened it around the file.
	Runner
	// Message: several statements in one simple-query message.
	Message
	// Explicit: a BEGIN in the file.
	Explicit
)

// Part is the index in Source.Parts of what the statement is a part of.
func (s *Statement) Part() int { return s.part }

// InBlock reports whether Postgres refuses here what cannot run inside a
// transaction block.
func (s *Statement) InBlock() bool { return s.Origin != Alone || s.Parent >= 0 }

// Script is a migration's SQL, taken apart.
type Script struct {
	Source       Source
	Statements   []*Statement
	Suppressions []Suppression
	Controls     []Control
	// Last is the number of the last transaction; Rollback holds the
	// transactions that end in ROLLBACK.
	Last     int
	Rollback map[int]bool
	// Open reports that the file ends inside a transaction that it opened.
	Open bool
	// End is what is open in the session behind its last statement.
	End Origin
	// Strings is how strings end behind it.
	Strings pgparse.Strings
	// Added is how many statements are there by Call.
	Added int

	lines *pgparse.Lines
	// bodies are the DO blocks that stand in Source.Text letter by letter.
	bodies []pgparse.Comment
}

// Control is a transaction command that does not do what it says.
type Control struct {
	// Statement is the index of the command.
	Statement int
	Kind      ControlKind
}

// ControlKind is what is wrong with a transaction command.
type ControlKind uint8

// The kinds of misplaced transaction commands.
const (
	// BeginInside: BEGIN in a transaction that the runner opened: a warning
	// and nothing else; the COMMIT that goes with it ends the runner's.
	BeginInside ControlKind = iota + 1
	// CommitOfRunner: COMMIT or ROLLBACK ends the transaction that the runner
	// opened; what follows runs without one.
	CommitOfRunner
	// NestedBegin: BEGIN inside a transaction that the file itself opened.
	NestedBegin
	// CommitWithout: COMMIT or ROLLBACK where no transaction is open.
	CommitWithout
)

// Lines gives the line index of Source.Text.
func (s *Script) Lines() *pgparse.Lines { return s.lines }

// Build takes a source apart. The only error is pgparse.ErrTooLarge.
func Build(src Source) (s *Script, err error) {
	defer func() {
		if r := recover(); r != nil {
			s, err = nil, fault.Of(r)
		}
	}()
	s = &Script{Source: src, lines: pgparse.NewLines(src.Text), Rollback: map[int]bool{}, Strings: src.Strings}
	b := builder{Script: s}
	for i, part := range src.Parts {
		if err := b.part(i, part); err != nil {
			return nil, err
		}
	}
	b.transactions()
	s.Suppressions = suppressions(s.Source, s.lines, s.bodies)
	return s, nil
}

type builder struct{ *Script }

// part adds the statements of one part.
func (b builder) part(index int, p Part) error {
	file, err := pgparse.SplitBy(p.SQL, pgparse.Reader{
		Psql: b.Source.Psql, Message: p.Message || b.Source.Mode == onward.TransactionMessage,
		Block: p.Block != 0 || b.Source.Mode == onward.TransactionFile, Strings: b.Strings,
	})
	if err != nil {
		return err
	}
	b.Strings = file.Strings
	if file.Src != p.SQL {
		b.rewrite(p, file.Src)
	}
	for i := range file.Stmts {
		st := &file.Stmts[i]
		if b.Source.Psql && st.Err != nil && pgparse.Idle(p.SQL[st.Start:st.End]) {
			continue
		}
		s := &Statement{
			SQL: file.Src[st.Start:st.End], Node: st.Node, Err: st.Err, Parent: -1, part: index, strings: st.Strings,
			Start: -1, End: -1,
			Line: p.Line, Column: p.Column, EndLine: p.EndLine, EndColumn: p.EndColumn,
			Operation: p.Operation,
		}
		if p.Start >= 0 {
			s.Start, s.End = p.Start+st.Start, p.Start+st.End
			s.Line, s.Column = b.lines.Position(s.Start)
			s.EndLine, s.EndColumn = b.lines.Position(s.End)
		}
		s.ErrLine, s.ErrColumn = s.Line, s.Column
		if s.Err != nil && p.Start >= 0 {
			s.ErrLine, s.ErrColumn = b.lines.Position(p.Start + s.Err.Offset)
		}
		b.add(s)
		b.open(s)
	}
	return nil
}

// rewrite puts the text of a part as it was read in the place of what was written.
func (b builder) rewrite(p Part, read string) {
	if p.Start < 0 {
		return
	}
	src := &b.Source
	if src.Written == "" {
		src.Written = src.Text
	}
	src.Text = src.Text[:p.Start] + read + src.Text[p.Start+len(read):]
}

func (b builder) add(s *Statement) {
	s.Index = len(b.Statements)
	b.Statements = append(b.Statements, s)
}
