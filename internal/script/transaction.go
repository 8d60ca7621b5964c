package script

import (
	"slices"

	"github.com/onward-sql/onward/internal/pgparse"
	"github.com/onward-sql/onward/onward"
)

// assignTransactions gives each statement the transaction it runs in.
func (r *Reader) assignTransactions(s *Script) {
	t := &r.tracker
	if t.Script = s; s.Window > 0 {
		t.trackAll()
		return
	}
	t.part = -1
	top := len(s.guards)
	for _, st := range s.Statements {
		if st.Parent < 0 {
			top++
		}
	}
	switch s.Source.Mode {
	case onward.TransactionFile:
		t.outer = Runner
	case onward.TransactionMessage:
		// A message with one statement is an ordinary statement.
		if top > 1 || s.More {
			t.outer = Message
		}
	case onward.TransactionPipeline:
		// The runner's own record is in the same pipeline, so a single statement is not
		// the only one.
		t.outer, t.pipeline = Message, true
	}
	t.openTransaction(t.outer)
	t.trackAll()
}

// ContinueFrom corrects the statements of a script that its runner sends in the transaction
// of the previous script. If the previous script ended that transaction, these statements
// run in the one that it began, or in none. After a script that the runner sends without a
// transaction, the runner begins one.
func (s *Script) ContinueFrom(before *Script) {
	if before.End == Runner || s.Source.Mode != onward.TransactionFile || before.Source.Mode != onward.TransactionFile {
		return
	}
	s.Controls, s.Rollback = nil, map[int]bool{}
	t := tracker{Script: s, connection: connection{part: -1}}
	t.openTransaction(before.End)
	t.trackAll()
}

// trackAll goes through the statements.
func (t *tracker) trackAll() {
	switch t.Source.Mode {
	case onward.TransactionNone, onward.TransactionFile:
		if t.outer != Message {
			several := t.messages[t.part]
			t.messages, t.parts = t.Script.findMessages(), t.Source.Parts
			if several { // of which an earlier window has statements
				t.messages[t.part] = true
			}
		}
	}
	for _, s := range t.Statements {
		t.trackStatement(s)
	}
	t.enterConnection(0)
	if t.Last, t.End = t.last, t.origin; t.More {
		return
	}
	if t.origin == Message {
		t.End = Alone
	}
	// The runner's own COMMIT ends one that the file began again.
	t.Open = t.origin == Explicit && t.Source.Mode != onward.TransactionFile
}

// tracker follows the transaction state of the connections through a script.
type tracker struct {
	*Script
	outer Origin // how the runner sends the file
	last  int    // the last transaction's number
	// messages has the parts that are messages of several statements.
	messages map[int]bool
	parts    []Part
	// pipeline is set if the file is sent in one.
	pipeline bool
	// connection is the one of the statement, number is its Part.Connection. others are those that were used before.
	connection
	number int
	others map[int]connection
}

// connection is the transaction state of a connection.
type connection struct {
	origin Origin // what is open now; Alone: nothing
	tx     int
	// part is the previous statement's part.
	part int
	// block is the number of the parts in the open transaction.
	block int
	// begun is set after a statement of the open implicit transaction of a pipeline ran.
	begun bool
}

// enterConnection goes on with another connection.
func (t *tracker) enterConnection(number int) {
	if number == t.number {
		return
	}
	if t.others == nil {
		t.others = map[int]connection{}
	}
	t.others[t.number] = t.connection
	next, exists := t.others[number]
	if !exists {
		next.part = -1
	}
	t.connection, t.number = next, number
}

// enterPart goes on with the connection of a statement's part, and records which transactions are open beside it.
func (t *tracker) enterPart(s *Statement) {
	p := &t.Source.Parts[s.part]
	t.enterConnection(p.Connection)
	t.changeTransaction(s)
	for _, number := range p.Beside {
		if tx := t.others[number].tx; tx > 0 {
			s.EditRare().Beside = append(slices.Clip(s.Beside), tx)
		}
	}
}

// findMessages finds the parts that are sent as one message and hold more than one
// statement.
func (s *Script) findMessages() map[int]bool {
	statements := map[int]int{}
	for part := range s.guards {
		statements[part]++
	}
	for _, s := range s.Statements {
		if s.Parent < 0 {
			statements[s.part]++
		}
	}
	if s.More {
		statements[s.next]++
	}
	out := map[int]bool{}
	for i, p := range s.Source.Parts {
		if p.Message && statements[i] > 1 {
			out[i] = true
		}
	}
	return out
}

// changeTransaction opens and ends the transactions of parts: those that the runner opens, and the
// implicit ones of messages.
func (t *tracker) changeTransaction(s *Statement) {
	if t.messages == nil || s.part == t.part {
		return
	}
	t.part = s.part
	block := t.parts[s.part].Block
	if t.origin == Message || block != t.block {
		t.openTransaction(Alone)
	}
	if block != t.block && block > 0 {
		t.openTransaction(Runner)
	}
	t.block = block
	if t.messages[s.part] && t.origin == Alone {
		t.openTransaction(Message)
	}
}

func (t *tracker) openTransaction(o Origin) {
	t.origin, t.begun = o, false
	if o == Alone {
		t.tx = 0
		return
	}
	t.last++
	t.tx = t.last
}

func (t *tracker) trackStatement(s *Statement) {
	if s.Parent >= 0 {
		parent := t.Statements[s.Parent]
		s.Tx, s.Origin = parent.Tx, parent.Origin
		if len(parent.Beside) > 0 {
			s.EditRare().Beside = parent.Beside
		}
		return
	}
	t.enterPart(s)
	ctl := s.Node.GetTransactionStmt()
	if t.pipeline && t.origin == Message {
		head := withOthers
		if !t.begun {
			head = classifyAtHead(s.Node)
		}
		t.begun = head != byItself
		if head != withOthers {
			return
		}
	}
	if ctl == nil {
		s.Tx, s.Origin = t.tx, t.origin
		if t.origin == Alone && t.outer == Alone && t.hasInnerStatements(s) {
			// A DO block is one transaction of its own.
			t.last++
			s.Tx = t.last
		}
		return
	}
	switch ctl.Kind {
	case pgparse.TransactionStmtKind_TRANS_STMT_BEGIN, pgparse.TransactionStmtKind_TRANS_STMT_START:
		t.trackBegin(s)
	case pgparse.TransactionStmtKind_TRANS_STMT_COMMIT, pgparse.TransactionStmtKind_TRANS_STMT_ROLLBACK,
		pgparse.TransactionStmtKind_TRANS_STMT_PREPARE:
		t.trackEnd(s, ctl)
	default: // SAVEPOINT and related commands; two-phase commands
		s.Tx, s.Origin = t.tx, t.origin
	}
}

// trackBegin handles BEGIN and START TRANSACTION.
func (t *tracker) trackBegin(s *Statement) {
	switch t.origin {
	case Explicit:
		t.recordControl(s, NestedBegin)
	case Runner:
		t.recordControl(s, BeginInside)
	case Message:
		// The implicit transaction becomes an ordinary one: the earlier part of the
		// message belongs to it.
		t.origin = Explicit
	default:
		t.openTransaction(Explicit)
	}
	s.Tx, s.Origin = t.tx, t.origin
}

// trackEnd handles COMMIT, ROLLBACK and PREPARE TRANSACTION.
func (t *tracker) trackEnd(s *Statement, ctl *pgparse.TransactionStmt) {
	s.Tx, s.Origin = t.tx, t.origin
	switch t.origin {
	case Runner:
		t.recordControl(s, CommitOfRunner)
	case Alone, Message:
		t.recordControl(s, CommitWithout)
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
	t.openTransaction(next)
}

func (t *tracker) hasInnerStatements(s *Statement) bool {
	next := s.Index + 1
	return next < len(t.Statements) && t.Statements[next].Parent == s.Index
}

func (t *tracker) recordControl(s *Statement, k ControlKind) {
	t.Controls = append(t.Controls, Control{Statement: s.Index, Kind: k})
}
