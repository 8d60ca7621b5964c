package jscode

import (
	"slices"
	"strings"

	"github.com/onward-sql/onward/internal/adapter"
	"github.com/onward-sql/onward/internal/pgparse"
	"github.com/onward-sql/onward/internal/script"
)

// Form says which calls of "up" send SQL.
type Form struct {
	// Receivers are the names of objects that send. Parameter is set if the first parameter of up is one.
	Receivers []string
	Parameter bool
	// Lazy is set if a call sends nothing before it is awaited.
	Lazy bool
	// Translate says what a chain of calls that begins with such an object sends.
	Translate func(call Value) Translation
}

// Translation is what a call sends.
type Translation struct {
	Statements []Statement
	// Why says why that is not known. Idle is set if it changes nothing. Needs is the table about which it asks whether it, or a column
	// of it, exists.
	Why   string
	Idle  bool
	Needs string
	// Body is a function that runs once as a part of the call; Senders are its parameters that send SQL, by position.
	// InTransaction is set if the call opens a transaction for it.
	Body          *Function
	Senders       []int
	InTransaction bool
	// Opens is set if the call opens a transaction, which later calls get as an argument.
	Opens bool
}

// RefuseIf returns a translation for a project in which statements with a property are not what is sent. Then the call is not judged, and why says
// the reason.
func (t Translation) RefuseIf(differs func(sql string) bool, why string) Translation {
	if slices.ContainsFunc(t.Statements, func(s Statement) bool { return differs(s.SQL) }) {
		return Translation{Why: why}
	}
	if differs(t.Needs) {
		t.Needs = ""
	}
	return t
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

// Up is the function "up" of a migration.
type Up struct {
	// Found is set if the program has exactly one such function.
	Found bool
	// Parts has the SQL in the order of the calls. Those under a condition and in a loop are marked.
	Parts []script.Part
	// Unread lists calls whose SQL is not known.
	Unread []Unread
	// Parameter is its first parameter, and Body the offset of its body if calls can be awaited there; 0 if not.
	Parameter string
	Body      int
}

// Unread is a call in "up" whose SQL is not known.
type Unread struct {
	// Line and Column count from 1.
	Line, Column int
	// Call is its name, such as "queryRunner.addColumn". Why says what hides its SQL.
	Call, Why string
}

// mostWork bounds how many values and tokens are read, for a program of a stranger.
const mostWork = 2_000_000

// ReadUp reads the function "up" of a program.
func ReadUp(program string, f Form) Up {
	work := mostWork
	r := &reader{
		lexer: splitTokens(program), form: f, constants: map[string]int{}, values: map[int]Value{}, work: &work,
		lines: pgparse.NewLines(program),
	}
	r.findConstants()
	r.findFunctions()
	up := r.findUp()
	if up == nil || work < 0 {
		return Up{}
	}
	r.up.Found = true
	if len(up.Parameters) > 0 {
		r.up.Parameter = up.Parameters[0]
	}
	if !up.expression && r.isAsync(up.from-1) {
		r.up.Body = r.tokens[up.from-1].end
	}
	r.receivers = f.Receivers
	if f.Parameter && len(up.Parameters) > 0 {
		if up.Parameters[0] == "" {
			r.addUnread(up.from, "up", "its parameter is a pattern of several names")
		} else {
			r.receivers = append([]string{up.Parameters[0]}, f.Receivers...)
		}
	}
	if len(r.receivers) > 0 {
		r.readBody(up.from, up.to)
	}
	if work < 0 {
		return Up{Found: true, Unread: []Unread{{Line: 1, Column: 1, Call: "up", Why: "the program is too long to read"}}}
	}
	return r.up
}

// reader reads one program.
type reader struct {
	*lexer
	form      Form
	receivers []string
	// constants has the token of the value that a const has, by name; -1 if two have the name. values has those that were read.
	constants map[string]int
	values    map[int]Value
	// functions has the functions of the program by name; nil if two have the name. arguments has the values of the parameters of the
	// one that is evaluated.
	functions map[string]*Function
	arguments map[string]Value
	// outer reads the program in whose template this expression is.
	outer *reader
	// work is what is left of mostWork.
	work *int
	// blocks counts transactions that calls open. block is the one of the function that is read; 0 for none.
	blocks, block int
	// nested counts functions and blocks around the call that is read. condition is what has to hold for it.
	nested    int
	condition condition
	lines     *pgparse.Lines
	up        Up
}

// spend takes n from the work that is left, and reports whether some is left.
func (r *reader) spend(n int) bool {
	*r.work -= n
	return *r.work >= 0
}

func (r *reader) tokenText(i int) string { return r.program[r.tokens[i].start:r.tokens[i].end] }

// findClosing returns the token that closes the parenthesis, bracket or brace at i; the end if it is missing.
func (r *reader) findClosing(i int) int {
	if n := r.closings[i]; n > i {
		return n
	}
	return len(r.tokens)
}

// addStatement adds SQL; the token i is its position if the program does not have the same bytes.
func (r *reader) addStatement(s Statement, i int) {
	p := script.Part{SQL: s.SQL, Start: -1, Message: true, Block: r.block}
	if s.Outside {
		p.Block = 0
	}
	if s.At != nil && s.At.first < len(r.tokens) {
		i = s.At.first
	}
	if s.SQL == "" {
		if p.SQL = strings.TrimSpace(s.Text.Text); p.SQL == "" {
			return
		}
		i = s.Text.first
		if s.Text.raw {
			t := adapter.TrimmedPart(r.program, r.tokens[i].start+1, r.tokens[i].end-1)
			p.SQL, p.Start = t.SQL, t.Start
		}
	}
	if p.Start < 0 {
		p.Line, p.Column = r.lines.Position(r.tokens[i].start)
		p.EndLine, p.EndColumn = r.lines.Position(r.tokens[i].end)
	}
	p.Conditional, p.Loop, p.Needs, p.NeedsAt = r.condition.some || s.Conditional, r.condition.loop, r.condition.needs, r.condition.line
	p.AfterUnread = len(r.up.Unread) > 0
	r.up.Parts = append(r.up.Parts, p)
}

// addUnread adds a call at token i.
func (r *reader) addUnread(i int, call, why string) {
	u := Unread{Call: call, Why: why, Line: 1, Column: 1}
	if i < len(r.tokens) {
		u.Line, u.Column = r.lines.Position(r.tokens[i].start)
	}
	r.up.Unread = append(r.up.Unread, u)
}

// callName returns the name of the call of the receiver at token i, with its first members.
func (r *reader) callName(i int) string {
	name := r.tokenText(i)
	for n := 0; n < 2 && r.isSpelled(i+1, ".") && i+2 < len(r.tokens) && r.tokens[i+2].kind == word; n++ {
		i += 2
		name += "." + r.tokenText(i)
	}
	return name
}
