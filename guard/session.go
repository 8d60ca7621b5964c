package guard

import (
	"bytes"
	"context"
	"fmt"
	"slices"
	"strconv"
	"strings"
	"sync"
	"sync/atomic"
	"time"
	"unicode"
	"unicode/utf8"

	"github.com/jackc/pgx/v5/pgproto3"

	"github.com/onward-sql/onward/internal/catalog"
	"github.com/onward-sql/onward/internal/lazyregexp"
	"github.com/onward-sql/onward/internal/pgparse"
	"github.com/onward-sql/onward/internal/queue"
	"github.com/onward-sql/onward/internal/wire"
)

// session is one of the command's sessions, as the proxy sees it. Its methods of the tap interface
// are called one at a time.
type session struct {
	run     *run
	guarded bool // its database is the one that is guarded

	mu            sync.Mutex
	read          reader
	schemaAtBegin *catalog.Catalog       // the schema when the transaction began
	wire          *wire.Session          // nil until something was sent
	prepared      map[string]prepared    // statements, by name
	portals       map[string][]statement // by name
	// pending are the statements whose answers are outstanding; messageEnd ends those of a message.
	pending []statement
	// unforwarded are the statements of messages that were not forwarded yet.
	unforwarded  []statement
	status       byte // of the transaction: I, T, E
	busy         bool
	message      []statement   // what the client's message does, or its messages since the last Sync
	openMessages int           // messages whose answers are outstanding
	asked        bool          // the server is asked for a transaction ID at the end of the message that runs
	hasID        bool          // the answer: the transaction has one
	queried      bool          // a query has run in the open transaction
	wrote        bool          // in the open transaction
	failed       bool          // since the server was last ready
	rolledBack   bool          // ROLLBACK was the last statement
	ending       bool          // COMMIT was sent and is not answered yet
	held         bool          // a strong lock was requested in this transaction
	lifted       time.Duration // the raised lock_timeout for a statement that drains; 0 if it is not raised
	setsTimeout  bool          // the client sets lock_timeout itself
	cancelReason string        // why onward cancelled its statement
	repackAtEnd  bool          // its REPACK (CONCURRENTLY) waits for the lock at its end
	// pid is its server process. disconnected: it has ended. crowded: others wait for it for too long.
	pid                   atomic.Int64
	disconnected, crowded atomic.Bool
	// holding: its last message was not forwarded yet.
	holding atomic.Bool
}

// prepared is a prepared statement. settingText is its text if it may change a setting by a parameter, else "".
type prepared struct {
	statements  []statement
	settingText string
}

// setsByParameter matches a call of set_config with a parameter.
var setsByParameter = lazyregexp.New(`(?is)set_config\s*\(.*\$\d`)

// parameterOrText matches a parameter, or a text that may have what looks like one.
var parameterOrText = lazyregexp.New(`'(?:[^']|'')*'|\$(\d+)`)

// fillParameters returns a statement with the values of its parameters. One whose value is binary stays, but a truth value.
func fillParameters(text string, bind *pgproto3.Bind) string {
	return parameterOrText.ReplaceAllStringFunc(text, func(found string) string {
		n, err := strconv.Atoi(strings.TrimPrefix(found, "$"))
		if err != nil || n < 1 || n > len(bind.Parameters) {
			return found
		}
		switch value := string(bind.Parameters[n-1]); {
		case bind.Parameters[n-1] == nil:
			return "NULL"
		case value == "\x00" || value == "f" || value == "false":
			return "false"
		case value == "\x01" || value == "t" || value == "true":
			return "true"
		case strings.ContainsFunc(value, unicode.IsControl) || !utf8.ValidString(value):
			return found
		default:
			return pgparse.QuoteLiteral(value)
		}
	})
}

// messageEnd marks the end of a message's statements.
var messageEnd = statement{}

func (s *session) Client(kind byte, body []byte, size int) {
	s.mu.Lock()
	defer s.mu.Unlock()
	whole := len(body) == size
	switch kind {
	case 'Q':
		text, _, _ := bytes.Cut(body, []byte{0})
		s.message = nil
		s.recordSentStatements(s.parseStatements(string(text), whole))
		s.endMessage()
	case 'F': // a call of a function by its number
		s.wrote = true
		s.endMessage()
	case 'P':
		name, rest, _ := bytes.Cut(body, []byte{0})
		text, _, _ := bytes.Cut(rest, []byte{0})
		p := prepared{statements: s.parseStatements(string(text), whole)}
		if whole && setsByParameter.Match(text) {
			p.settingText = string(text)
		}
		s.prepared[string(name)] = p
	case 'B':
		portal, rest, _ := bytes.Cut(body, []byte{0})
		name, _, _ := bytes.Cut(rest, []byte{0})
		p := s.prepared[string(name)]
		var bind pgproto3.Bind
		if p.settingText != "" && whole && bind.Decode(body) == nil {
			p.statements = s.parseStatements(fillParameters(p.settingText, &bind), true)
		}
		s.portals[string(portal)] = p.statements
	case 'E':
		portal, _, _ := bytes.Cut(body, []byte{0})
		s.recordSentStatements(s.portals[string(portal)])
	case 'S':
		s.endMessage()
	}
}

func (s *session) endMessage() {
	s.pending, s.busy = append(s.pending, messageEnd), true
	s.openMessages++
}

// Question asks whether the transaction has an ID, as it gets with its first write. Without one it has written nothing.
func (s *session) Question() string { return "pg_catalog.txid_current_if_assigned()" }

// Probe has the server asked if a query may have run, and if the question is sure to be answered in its transaction.
func (s *session) Probe(byte) bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	list := s.message
	s.message = nil
	if s.openMessages != 1 || s.status == 'E' {
		return false
	}
	s.asked = slices.ContainsFunc(list, func(st statement) bool { return st.queries }) &&
		!slices.ContainsFunc(list, func(st statement) bool { return st.endsTransaction }) &&
		(s.status == 'T' || len(list) > 1 || !list[0].standsAlone)
	return s.asked
}

// Probed records whether the transaction has an ID.
func (s *session) Probed(isNull bool) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.hasID = !isNull
}

// parseStatements parses a text into statements.
func (s *session) parseStatements(text string, whole bool) []statement {
	if !whole {
		return []statement{unreadStatement("a statement that is too long to be read")}
	}
	list := s.read.readStatements(text)
	if !s.guarded {
		for i := range list {
			list[i].wantedLocks = nil
		}
	}
	return list
}

// recordSentStatements records statements that are about to run.
func (s *session) recordSentStatements(list []statement) {
	for i := range list {
		st := &list[i]
		s.unforwarded = append(s.unforwarded, *st)
		s.message = append(s.message, *st)
		s.pending = append(s.pending, *st)
		if st.setsLockTimeout && !s.setsTimeout {
			s.setsTimeout = true
			s.run.addNote(ownTimeout)
		}
		if strings.HasPrefix(st.description, "COMMIT") || strings.HasPrefix(st.description, "END") {
			s.ending = s.wrote
		}
	}
	s.run.countStatements(len(list))
}

func (s *session) Server(kind byte, body []byte, _ int) {
	s.mu.Lock()
	defer s.mu.Unlock()
	switch kind {
	case 'C':
		tag, _, _ := bytes.Cut(body, []byte{0})
		s.recordFinishedStatement(string(tag))
	case 'I', 's':
		s.popStatement()
	case 'E':
		s.recordError(wire.ErrorField(body, 'C'))
	case 'Z':
		if len(body) > 0 {
			s.recordReady(body[0])
		}
	}
}

func (s *session) popStatement() statement {
	if len(s.pending) == 0 || s.pending[0].description == "" {
		return unreadStatement("a statement")
	}
	st := s.pending[0]
	s.pending = s.pending[1:]
	return st
}

// recordFinishedStatement records a statement that the server has run.
func (s *session) recordFinishedStatement(tag string) {
	st := s.popStatement()
	s.rolledBack = false
	switch {
	case tag == "COMMIT", tag == "PREPARE TRANSACTION":
		s.recordCommit()
	case tag == "ROLLBACK": // or to a savepoint, which leaves the transaction open
		s.rolledBack = true
	default:
		s.queried = s.queried || st.queries
		s.wrote = s.wrote || st.hasWritten(tag, s.asked)
	}
	if st.drains {
		s.recordCommit()
	}
}

func (s *session) recordCommit() {
	if s.wrote {
		s.run.recordCommit()
	}
	s.wrote, s.queried, s.ending = false, false, false
}

// recordError records an error.
func (s *session) recordError(code string) {
	st := s.popStatement()
	for len(s.pending) > 0 && s.pending[0].description != "" {
		s.pending = s.pending[1:]
	}
	s.failed = true
	if st.drains && st.repacks == "" {
		s.run.recordCommit() // what it has built so far is left, invalid
	}
	if code != "25P02" { // not an error that only follows an earlier one in its transaction
		s.run.recordError(s, &st, code)
	}
}

// recordReady records that the server is ready for the next message.
func (s *session) recordReady(status byte) {
	if len(s.pending) > 0 && s.pending[0].description == "" {
		s.pending = s.pending[1:]
	}
	s.busy = len(s.pending) > 0
	s.wrote = s.wrote || s.hasID && s.queried
	s.openMessages, s.asked, s.hasID = max(0, s.openMessages-1), false, false
	switch status {
	case 'I':
		if s.failed || s.rolledBack {
			s.wrote, s.queried, s.ending = false, false, false
			if s.schemaAtBegin != nil {
				s.read.schema = s.schemaAtBegin
			}
		} else {
			s.recordCommit()
		}
		s.held, s.schemaAtBegin = false, s.read.schema
		s.run.keepSchema(s)
	default:
		s.ending = false
	}
	s.crowded.Store(false)
	s.failed, s.rolledBack, s.status, s.repackAtEnd = false, false, status, false
}

// Hold waits before forwarding a statement that takes a strong lock.
func (s *session) Hold(ctx context.Context, w *wire.Session) {
	if f := s.run.g.c.OnSession; s.pid.Swap(int64(w.PID())) == 0 && f != nil {
		f(w.PID())
	}
	s.mu.Lock()
	s.wire = w
	list, lifted, setsTimeout := s.unforwarded, s.lifted, s.setsTimeout
	s.unforwarded = nil
	var limit time.Duration // lock_timeout of a statement that drains
	var wanted []queue.WantedLock
	var words []string
	var refused *statement
	for i := range list {
		if list[i].laterDrop != nil && refused == nil {
			refused = &list[i]
		}
		switch {
		case list[i].repacks != "":
			limit = max(limit, queue.RepackLockTimeout)
		case list[i].drains:
			limit = queue.Drain
		}
		if len(list[i].wantedLocks) > 0 {
			wanted, words = append(wanted, list[i].wantedLocks...), append(words, list[i].description)
		}
	}
	inside := s.held
	s.mu.Unlock()
	if len(list) == 0 {
		return
	}
	if refused != nil {
		w.Disconnect("55000", s.run.recordLaterDropUse(refused).Error())
		return
	}
	s.holding.Store(true)
	defer s.holding.Store(false)
	for i := range list {
		if list[i].repacks == "" {
			continue
		}
		if err := s.run.holdRepack(s, &list[i]); err != nil {
			w.Disconnect("55000", err.Error())
			return
		}
	}
	s.liftTimeout(ctx, w, limit, lifted, setsTimeout)
	if len(wanted) > 0 {
		s.run.holdStatement(s, strings.Join(words[:min(3, len(words))], "; "), wanted, inside)
		s.mu.Lock()
		s.held = true
		s.mu.Unlock()
	}
}

// liftTimeout raises the lock_timeout to a limit for a statement that drains, and restores it afterwards; a limit of 0 restores it. Such a
// statement blocks nobody while it waits, and leaves an invalid index if it is cancelled.
func (s *session) liftTimeout(ctx context.Context, w *wire.Session, limit, lifted time.Duration, setsTimeout bool) {
	if setsTimeout || limit == lifted {
		return
	}
	sql := "RESET lock_timeout"
	if limit > 0 {
		sql = fmt.Sprintf("SET lock_timeout = '%dms'", limit.Milliseconds())
	}
	ctx, stop := context.WithTimeout(ctx, patience)
	defer stop()
	if err := w.Run(ctx, sql); err != nil {
		s.run.log.Info("lock_timeout was not changed", "error", err)
		return
	}
	s.mu.Lock()
	s.lifted = limit
	s.mu.Unlock()
}

func (s *session) EndReading(reason string) {
	s.run.addNote(reason + ": what a session sends is no longer watched")
	s.run.recordCommit()
}

func (s *session) Close() {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.ending { // the answer to its COMMIT was lost
		s.run.recordCommit()
	}
	s.disconnected.Store(true)
}
