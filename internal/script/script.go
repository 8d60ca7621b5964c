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
	"math"

	"github.com/onward-sql/onward/internal/pgparse"
	"github.com/onward-sql/onward/onward"
)

// Source is a migration as its adapter returns it.
type Source struct {
	// Text is the whole file: positions and suppression comments refer to it.
	Text string
	// Written is the original file, if Text has names in place of the schemas that the
	// runner fills in; "" if Text is the original. It has the same length.
	Written string
	// Parts are the pieces of SQL that the runner executes, in order.
	Parts []Part
	// Code is the work of programs on rows between the parts.
	Code []Code
	// Replaces are values that such programs replace by others.
	Replaces []Replacement
	// Changes are all rows that such programs may write in the transaction of the parts.
	Changes []Change
	// Mode is how the runner sends them.
	Mode onward.Transaction
	// Waivers are calls of a program that silence another checker.
	Waivers []Waiver
	// Psql is set if psql sends it, and handles its own backslash commands.
	Psql bool
	// Rows is set if its runner sends the lines after COPY … FROM STDIN as rows, as psql
	// does.
	Rows bool
	// Strings is the string syntax of the session at the beginning.
	Strings pgparse.Strings
	// LineComment begins a comment in Text: "--", or "#" for Python.
	LineComment string
}

// Part is a piece of SQL of a migration.
type Part struct {
	// SQL is the text that is executed.
	SQL string
	// Start is the byte offset of SQL in Source.Text, if the text there is identical; -1
	// if a framework rendered it.
	Start int
	// Line, Column, EndLine and EndColumn are the position of rendered SQL: its
	// operation; of SQL in a program: the call that sends it. They count from 1.
	Line, Column, EndLine, EndColumn int
	// Operation is the framework's operation that was rendered; zero for SQL that the
	// author wrote.
	Operation Operation
	// Message is set if the runner sends the part as one message: unless a transaction is
	// open, several statements in it are one implicit transaction.
	Message bool
	// Block is not 0 if the runner opens a transaction around the parts with the same
	// number, for onward.TransactionNone.
	Block int
	// Connection numbers the connections of a program, 0 for the one that its tool gives to it. Beside are the others on which a
	// transaction is open that does not end before this part has run.
	Connection int
	Beside     []int
	// Name is the recorded name of the part, if the runner records parts separately. Sum
	// is the text that it compares with the applied one, "" if any text is accepted.
	// Again is set if a changed part runs again.
	Name, Sum string
	Again     bool
	// Conditional, Loop, Needs and NeedsAt hold for its statements: a program sends it under a condition, or in a loop.
	Conditional, Loop bool
	Needs             []string
	NeedsAt           int
	// AfterUnread is set if the program may have changed the schema before it, in a way that is not known.
	AfterUnread bool
	// OfRows is set if a program sent it for rows that a throwaway database had: its text is another one in production.
	OfRows bool
}

// Operation is an operation of a framework that SQL was rendered from.
type Operation struct {
	// Class is the framework's name for it: "AddField".
	Class string
	// Model and Field are its subject, as the author wrote them; "" for none.
	Model, Field string
}

// IsRendered reports whether the framework wrote the SQL, and not a function of the author.
func (o Operation) IsRendered() bool { return o.Class != "" && o.Class != "RunPython" }

// Code is a program's work on the rows of a table. Its statements are not known.
type Code struct {
	// Name is the name of the function.
	Name string
	// Table is its name, with a schema or without, as a mapper writes it.
	Table string
	// Verb is the action, for messages: "updates", "deletes"; "saves" and "removes" for
	// row by row; "goes over" if it writes a different value for each row.
	Verb string
	// Whole is set if it covers all rows, or most; Few if it covers only a few; Batches
	// if it covers all of them, a few at a time.
	Whole, Few, Batches bool
	// Apart is set if it is not in the transaction of the parts around it.
	Apart bool
	// Parts is how many of Source.Parts run before it.
	Parts int
	// Line is where the program is called.
	Line int
}

// Change is a program's write of rows of a table, one or many.
type Change struct {
	// Name is the program's function, Table is its name as a mapper writes it.
	Name, Table string
	// Verb is "INSERT", "UPDATE" or "DELETE"; Columns are those that an UPDATE sets to something.
	Verb    string
	Columns []string
	// Parts is how many of Source.Parts run before it; Line is its line.
	Parts, Line int
}

// Waiver is a call of a program that silences another checker for the statements in its block: safety_assured of strong_migrations.
type Waiver struct {
	Name string
	// Line, Column, EndLine and EndColumn are the position of the call with its block.
	Line, Column, EndLine, EndColumn int
}

// Replacement is a value of a column that a program replaces.
type Replacement struct {
	// Name is the program's function, Line the line of its call.
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
	// Err says why Node is nil; ErrLine and ErrColumn are its position in the file.
	Err                *pgparse.SyntaxError
	ErrLine, ErrColumn int
	// Start and End are byte offsets in Source.Text; -1 for rendered SQL.
	Start, End int
	// Line, Column, EndLine, EndColumn are the place in the file, from 1.
	Line, Column, EndLine, EndColumn int
	// Tx numbers the transactions of the script from 1; it is 0 if the statement commits
	// by itself.
	Tx int
	// Origin says who opened the transaction that the statement runs in.
	Origin Origin
	// Conditional marks a statement in a DO block, or in a program, that may be skipped (IF,
	// CASE, exception handler); Loop one that may run many times.
	Conditional, Loop bool
	// AfterUnread is set if the migration's program may have changed the schema before it, in a way that is not known.
	AfterUnread bool
	// OfRows is set if a program sent it for rows that a throwaway database had: its text is another one in production.
	OfRows bool
	// Parent is the index of the DO statement that contains this one, -1 for a statement
	// of the file itself.
	Parent int

	// Rare is never nil: statements without rare properties share an empty one.
	*Rare

	part int // the index in Source.Parts
}

// Rare holds properties that few statements have.
type Rare struct {
	// In is the function that contains the statement, if it runs because another
	// statement calls the function; "" for none.
	In string
	// callers are the names of the calling functions, with blanks between them.
	callers string
	// Round is shared by the statements that one EXECUTE runs in the rounds of a loop; "" for all others.
	Round string
	// Needs are the relations, as written, without which an IF skips the statement; NeedsAt is the line of the IF.
	Needs   []string
	NeedsAt int
	// Guard is the condition of the IF around a conditional statement of a DO block; "" if something else may skip it, too.
	Guard string
	// Expressions are queries for expressions in a block, or in the body of a called
	// function, besides its statements.
	Expressions []string
	// Conditions are the conditions of the IFs in a block that a Guard names.
	Conditions []string
	// Opaque says what is hidden in the statement: dynamic SQL, a language that is not
	// read. "" for nothing.
	Opaque string
	// Exceeded says that something of it is hidden because of a limit of onward's.
	Exceeded bool
	// Beside are the transactions that are open on other connections of the program, and wait for this statement.
	Beside []int
	// Operation is the framework's operation that was rendered; zero if the author wrote
	// the statement.
	Operation Operation
}

// plain is the shared empty Rare. It must not be changed.
var plain Rare

// NewStatement returns a statement at a place that no source has yet.
func NewStatement(line, column int) *Statement {
	return &Statement{Line: line, Column: column, EndLine: line, EndColumn: column, Parent: -1, Rare: &plain}
}

// EditRare returns a copy of the rare part that may be changed in place. Each call makes a new copy.
func (s *Statement) EditRare() *Rare {
	next := *s.Rare
	s.Rare = &next
	return s.Rare
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

// Part returns the index in Source.Parts of the part with the statement.
func (s *Statement) Part() int { return s.part }

// InBlock reports whether Postgres refuses, at this statement, commands that cannot run
// inside a transaction block.
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
	// Open is set if the file ends inside a transaction that it opened.
	Open bool
	// End is what is open in the session after its last statement.
	End Origin
	// EndsSession is set if the session ends with the migration.
	EndsSession bool
	// Strings is the string syntax after it.
	Strings pgparse.Strings
	// Added is how many statements were added by AddCall.
	Added int
	// Window numbers the scripts of one source from 0, if a [Reader] reads it in several; More: others follow.
	// Indexes of statements count from the first one of the window.
	Window int
	More   bool

	lines *pgparse.Lines
	// next is the part of the statement after the window.
	next int
	// bodies are the DO blocks that stand in Source.Text letter by letter.
	bodies []pgparse.Comment
	// calls are the calls of a program whose SQL stands in Source.Text.
	calls []sentCall
	// guards are the parts that begin with a [GuardStatement], which is no statement of the script.
	guards map[int]bool
}

// Control is a transaction command without its usual effect.
type Control struct {
	// Statement is the index of the command.
	Statement int
	Kind      ControlKind
}

// ControlKind says why a transaction command has not its usual effect.
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
	// CommitWithout: COMMIT or ROLLBACK although no transaction is open.
	CommitWithout
)

// HasGuard reports whether the migration has a [GuardStatement].
func (s *Script) HasGuard() bool { return len(s.guards) > 0 }

// Lines gives the line index of Source.Text.
func (s *Script) Lines() *pgparse.Lines { return s.lines }

// BuildScript takes a source apart. The only error is pgparse.ErrTooLarge.
func BuildScript(src Source) (*Script, error) { return NewReader(src).Next(math.MaxInt) }

type builder struct{ *Script }

// addFromPart adds a statement of a part, with those inside it.
func (b builder) addFromPart(index int, x *pgparse.Splitter, st *pgparse.Stmt) {
	p := b.Source.Parts[index]
	if b.Source.Psql && st.Err != nil && pgparse.IsIdleCommand(p.SQL[st.Start:st.End]) {
		return
	}
	if IsGuardStatement(x.SQL(st)) {
		b.guards[index] = true
		return
	}
	s := &Statement{
		SQL: x.SQL(st), Node: st.Node, Err: st.Err, Parent: -1, part: index,
		Start: -1, End: -1,
		Line: p.Line, Column: p.Column, EndLine: p.EndLine, EndColumn: p.EndColumn,
		Conditional: p.Conditional, Loop: p.Loop, AfterUnread: p.AfterUnread, OfRows: p.OfRows, Rare: &plain,
	}
	if p.Operation != (Operation{}) || len(p.Needs) > 0 || p.NeedsAt != 0 {
		s.Rare = &Rare{Operation: p.Operation, Needs: p.Needs, NeedsAt: p.NeedsAt}
	}
	if p.Start >= 0 {
		s.Start, s.End = p.Start+st.Start, p.Start+st.End
		s.Line, s.Column = b.lines.Position(s.Start)
		s.EndLine, s.EndColumn = b.lines.Position(s.End)
	}
	if isFirst := len(b.calls) == 0 || b.calls[len(b.calls)-1].part != index; p.Start >= 0 && p.Line > 0 && isFirst {
		b.calls = append(b.calls, sentCall{part: index, line: p.Line, statement: s.Line})
	}
	s.ErrLine, s.ErrColumn = s.Line, s.Column
	if s.Err != nil && p.Start >= 0 {
		s.ErrLine, s.ErrColumn = b.lines.Position(p.Start + s.Err.Offset)
	}
	b.addStatement(s)
	b.openDoBlock(s)
}

// rewritePart replaces the original text of a part by the text as it was read.
func (b builder) rewritePart(p Part, read string) {
	if p.Start < 0 || read == p.SQL {
		return
	}
	src := &b.Source
	if src.Written == "" {
		src.Written = src.Text
	}
	src.Text = src.Text[:p.Start] + read + src.Text[p.Start+len(read):]
}

func (b builder) addStatement(s *Statement) {
	s.Index = len(b.Statements)
	b.Statements = append(b.Statements, s)
}
