package replay

import (
	"bytes"
	"slices"

	"github.com/jackc/pgx/v5/pgproto3"

	"github.com/onward-sql/onward/internal/pgparse"
	"github.com/onward-sql/onward/internal/transcript"
	"github.com/onward-sql/onward/internal/workload"
)

// rowMoments are the events of a lane around which rows are there that the code has committed, or would commit outside of a test. The value is false if this is
// so only outside of a transaction: inside of one the code may not be through with them.
type rowMoments struct {
	// before are the first messages of what takes rows away:
	//   - a DELETE or TRUNCATE, outside of a transaction;
	//   - a ROLLBACK, if the session commits nothing: a test takes its rows back. In a session that commits, too, the code itself rolls back what must not stay;
	//   - a ROLLBACK TO the outermost savepoint of such a session, if each of these is rolled back: then each is a test.
	before map[int]bool
	// after are the server's last answers to what commits.
	after map[int]bool
}

// sessionMoments is what is known of a session while its messages are read.
type sessionMoments struct {
	prepared, portals map[string]int // the messages that prepared them
	// group is the first message since the last Sync, or -1: nothing can be asked in between.
	group int
	// begins and commits: the group has begun a transaction, and committed one.
	begins, commits bool

	everCommits, everReleases bool
	open                      []string // savepoints
	rolledBack                map[string]bool
	// rollbacks and savepoints are groups that end a transaction, and the work since the outermost savepoint.
	rollbacks, savepoints []int
}

// findRowMoments finds them in the statements of the lane's messages.
func (l *Lane) findRowMoments(statements map[int][]*pgparse.Node) rowMoments {
	out := rowMoments{map[int]bool{}, map[int]bool{}}
	sessions := map[int]*sessionMoments{}
	for i := range l.End { // statements may be prepared before the lane begins
		e := &l.Transcript.Events[i]
		if i >= l.Begin && !l.hasEvent(i) || !l.isInDatabase(e) {
			continue
		}
		s := sessions[e.Session]
		if s == nil {
			s = &sessionMoments{prepared: map[string]int{}, portals: map[string]int{}, group: -1, rolledBack: map[string]bool{}}
			sessions[e.Session] = s
		}
		list := s.readMessage(i, e, statements)
		if i < l.Begin {
			continue
		}
		switch {
		case e.Source == transcript.Ends, e.Source == transcript.Client && e.Kind == 'X':
			s.rollbacks = append(s.rollbacks, i)
		case e.Source == transcript.Server && e.Kind == 'Z':
			if s.commits {
				out.after[i] = true
			}
			s.begins, s.commits = false, false
		}
		for _, st := range list {
			if st.GetDeleteStmt() != nil || st.GetTruncateStmt() != nil {
				out.before[s.group] = out.before[s.group] || false
			}
			s.trackTransaction(st.GetTransactionStmt())
		}
		if e.Kind == 'Q' || e.Kind == 'S' {
			s.group = -1
		}
	}
	for _, s := range sessions {
		if s.everCommits {
			continue
		}
		if !s.everReleases {
			s.rollbacks = append(s.rollbacks, s.savepoints...)
		}
		for _, i := range s.rollbacks {
			out.before[i] = true
		}
	}
	return out
}

// readMessage notes a message of the client. It returns the statements that it executes.
func (s *sessionMoments) readMessage(i int, e *transcript.Event, statements map[int][]*pgparse.Node) []*pgparse.Node {
	if e.Source != transcript.Client || !slices.Contains([]byte("QPBDECSH"), e.Kind) {
		return nil
	}
	if s.group < 0 {
		s.group = i
	}
	first, second := readNames(e)
	switch e.Kind {
	case 'Q':
		return statements[i]
	case 'P':
		s.prepared[first] = i
	case 'B':
		s.portals[first] = s.prepared[second]
	case 'E':
		return statements[s.portals[first]]
	}
	return nil
}

// readNames returns the one or two names with which a message begins.
func readNames(e *transcript.Event) (first, second string) {
	head, rest, _ := bytes.Cut(e.Body, []byte{0})
	next, _, _ := bytes.Cut(rest, []byte{0})
	return string(head), string(next)
}

// trackTransaction takes a statement that begins or ends a transaction, or a part of one; nil is none.
func (s *sessionMoments) trackTransaction(st *pgparse.TransactionStmt) {
	name := st.GetSavepointName()
	switch st.GetKind() {
	case pgparse.TransactionStmtKind_TRANS_STMT_BEGIN, pgparse.TransactionStmtKind_TRANS_STMT_START:
		s.begins, s.open = true, nil
	case pgparse.TransactionStmtKind_TRANS_STMT_COMMIT, pgparse.TransactionStmtKind_TRANS_STMT_COMMIT_PREPARED:
		s.everCommits, s.commits, s.open = true, true, nil
	case pgparse.TransactionStmtKind_TRANS_STMT_SAVEPOINT:
		s.open = append(s.open, name)
	case pgparse.TransactionStmtKind_TRANS_STMT_RELEASE:
		if len(s.open) == 1 && !s.rolledBack[s.open[0]] {
			s.everReleases = true
		}
		if place := slices.Index(s.open, name); place >= 0 {
			s.open = s.open[:place]
		}
		delete(s.rolledBack, name)
	case pgparse.TransactionStmtKind_TRANS_STMT_ROLLBACK:
		if s.open = nil; !s.begins {
			s.rollbacks = append(s.rollbacks, s.group)
		}
	case pgparse.TransactionStmtKind_TRANS_STMT_ROLLBACK_TO:
		if len(s.open) > 0 && s.open[0] == name {
			s.savepoints, s.open, s.rolledBack[name] = append(s.savepoints, s.group), s.open[:1], true
		}
	}
}

// FindTest returns the test that sent a message, or that a session was in at an event; "" if it is unknown. A comment of the statement knows it best.
func FindTest(t *transcript.Transcript, event int) string {
	if event >= len(t.Events) {
		return ""
	}
	if test := workload.ReadTags(findStatementText(t, event)).Test; test != "" {
		return test
	}
	for i := event; i >= 0; i-- {
		if e := &t.Events[i]; e.Session == t.Events[event].Session && e.Source == transcript.Test {
			return string(e.Body)
		}
	}
	return ""
}

// findStatementText returns the text of a statement that a message sends, or executes.
func findStatementText(t *transcript.Transcript, event int) string {
	e := &t.Events[event]
	var execute pgproto3.Execute
	if e.Kind != 'E' || execute.Decode(e.Body) != nil {
		return sentText(e)
	}
	prepared, bound := "", false
	for i := event; i >= 0; i-- {
		x := &t.Events[i]
		if x.Session != e.Session || x.Source != transcript.Client || x.Kind != 'B' && x.Kind != 'P' {
			continue
		}
		first, second := readNames(x)
		switch {
		case x.Kind == 'B' && !bound && first == execute.Portal:
			bound, prepared = true, second
		case x.Kind == 'P' && bound && first == prepared:
			return sentText(x)
		}
	}
	return ""
}
