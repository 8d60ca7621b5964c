package script

import (
	"github.com/onward-sql/onward/internal/pgparse"
	"github.com/onward-sql/onward/onward"
)

// transactions gives each statement the transaction it runs in.
func (b builder) transactions() {
	t := tracker{Script: b.Script, part: -1}
	top := 0
	for _, s := range b.Statements {
		if s.Parent < 0 {
			top++
		}
	}
	switch b.Source.Mode {
	case onward.TransactionFile:
		t.outer = Runner
	case onward.TransactionMessage:
		// A message with one statement is an ordinary statement.
		if top > 1 {
			t.outer = Message
		}
	case onward.TransactionPipeline:
		// The runner's own record goes in the same pipeline, so that a single
		// statement is not alone either.
		t.outer, t.pipeline = Message, true
	}
	t.open(t.outer)
	t.run()
}

// Continue gives the statements of a script, which its runner sends in the transaction
// of the script before, those that they run in where that one ended the runner's: in
// what it began again, or in none.
func (s *Script) Continue(before *Script) {
	if before.End == Runner || s.Source.Mode != onward.TransactionFile {
		return
	}
	s.Controls, s.Rollback = nil, map[int]bool{}
	t := tracker{Script: s, part: -1}
	t.open(before.End)
	t.run()
}

// run goes through the statements.
func (t *tracker) run() {
	switch t.Source.Mode {
	case onward.TransactionNone, onward.TransactionFile:
		if t.outer != Message {
			t.messages, t.parts = t.Script.messages(), t.Source.Parts
		}
	}
	for _, s := range t.Statements {
		t.statement(s)
	}
	t.Last, t.End = t.last, t.origin
	if t.origin == Message {
		t.End = Alone
	}
	// The runner's own COMMIT ends one that the file began again.
	t.Open = t.origin == Explicit && t.Source.Mode != onward.TransactionFile
}

// tracker follows the transaction state of the session through a script.
type tracker struct {
	*Script
	outer  Origin // what the runner makes of the file
	origin Origin // what is open now; Alone: nothing
	tx     int
	last   int // the last one's number
	// messages has the parts that are messages of several statements; part
	// is the one of the statement before.
	messages map[int]bool
	parts    []Part
	part     int
	// block is the number of the parts that the open transaction is around.
	block int
	// pipeline: the file is sent in one; begun, once a statement of its open
	// implicit transaction ran.
	pipeline, begun bool
}

// messages finds the parts that are sent as one message and hold more than one
// statement.
func (s *Script) messages() map[int]bool {
	statements := map[int]int{}
	for _, s := range s.Statements {
		if s.Parent < 0 {
			statements[s.part]++
		}
	}
	out := map[int]bool{}
	for i, p := range s.Source.Parts {
		if p.Message && statements[i] > 1 {
			out[i] = true
		}
	}
	return out
}

// enter opens and ends the transactions of parts: those that the runner opens,
// and the implicit ones of messages.
func (t *tracker) enter(s *Statement) {
	if t.messages == nil || s.part == t.part {
		return
	}
	t.part = s.part
	block := t.parts[s.part].Block
	if t.origin == Message || block != t.block {
		t.open(Alone)
	}
	if block != t.block && block > 0 {
		t.open(Runner)
	}
	t.block = block
	if t.messages[s.part] && t.origin == Alone {
		t.open(Message)
	}
}

func (t *tracker) open(o Origin) {
	t.origin, t.begun = o, false
	if o == Alone {
		t.tx = 0
		return
	}
	t.last++
	t.tx = t.last
}

func (t *tracker) statement(s *Statement) {
	if s.Parent >= 0 {
		parent := t.Statements[s.Parent]
		s.Tx, s.Origin = parent.Tx, parent.Origin
		return
	}
	t.enter(s)
	ctl := s.Node.GetTransactionStmt()
	if t.pipeline && t.origin == Message {
		head := withOthers
		if !t.begun {
			head = atHead(s.Node)
		}
		t.begun = head != byItself
		if head != withOthers {
			return
		}
	}
	if ctl == nil {
		s.Tx, s.Origin = t.tx, t.origin
		if t.origin == Alone && t.outer == Alone && t.hasInner(s) {
			// A DO block is one transaction of its own.
			t.last++
			s.Tx = t.last
		}
		return
	}
	switch ctl.Kind {
	case pgparse.TransactionStmtKind_TRANS_STMT_BEGIN, pgparse.TransactionStmtKind_TRANS_STMT_START:
		t.begin(s)
	case pgparse.TransactionStmtKind_TRANS_STMT_COMMIT, pgparse.TransactionStmtKind_TRANS_STMT_ROLLBACK,
		pgparse.TransactionStmtKind_TRANS_STMT_PREPARE:
		t.end(s, ctl)
	default: // SAVEPOINT and what belongs to it; two-phase commands
		s.Tx, s.Origin = t.tx, t.origin
	}
}

// begin follows BEGIN and START TRANSACTION.
func (t *tracker) begin(s *Statement) {
	switch t.origin {
	case Explicit:
		t.note(s, NestedBegin)
	case Runner:
		t.note(s, BeginInside)
	case Message:
		// The implicit transaction becomes an ordinary one: what came
		// before in the message belongs to it.
		t.origin = Explicit
	default:
		t.open(Explicit)
	}
	s.Tx, s.Origin = t.tx, t.origin
}

// end follows COMMIT, ROLLBACK and PREPARE TRANSACTION.
func (t *tracker) end(s *Statement, ctl *pgparse.TransactionStmt) {
	s.Tx, s.Origin = t.tx, t.origin
	switch t.origin {
	case Runner:
		t.note(s, CommitOfRunner)
	case Alone, Message:
		t.note(s, CommitWithout)
	}
	if ctl.Kind == pgparse.TransactionStmtKind_TRANS_STMT_ROLLBACK && t.tx > 0 {
		t.Rollback[t.tx] = true
	}
	next := Alone
	if t.outer == Message || t.messages[t.part] {
		// The rest of the message is an implicit transaction again.
		next = Message
	}
	if ctl.Chain {
		next = Explicit
	}
	t.open(next)
}

func (t *tracker) hasInner(s *Statement) bool {
	next := s.Index + 1
	return next < len(t.Statements) && t.Statements[next].Parent == s.Index
}

func (t *tracker) note(s *Statement, k ControlKind) {
	t.Controls = append(t.Controls, Control{Statement: s.Index, Kind: k})
}
