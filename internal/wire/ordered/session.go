package ordered

import (
	"fmt"
	"slices"
	"strconv"
	"strings"
	"sync"

	"github.com/jackc/pgx/v5/pgproto3"
	"github.com/jackc/pgx/v5/pgtype"

	"github.com/onward-sql/onward/internal/wire"
)

// maxOwed bounds the messages of a client that the server has not answered.
const maxOwed = 100_000

// session follows one client. Its methods are called one at a time; the log's lock protects what sessions share.
type session struct {
	log    *Log
	number int
	lost   bool

	prepared map[string]prepared
	portals  map[string]portal
	owed     []owed

	// transaction is the open one; 0 for none. own are its statements, saved the savepoints in it.
	transaction int
	own         []*Statement
	saved       []savepoint
	// group are the statements since the last Sync.
	group []*Statement
}

// prepared is a statement of the extended protocol.
type prepared struct {
	text string
	cut  bool // the text was too long, and is not whole
	oids []uint32
}

// portal is a prepared statement with its values.
type portal struct {
	prepared prepared
	values   []value
	unread   string // why its SQL is not read; "" if it is
	begun    bool   // it was executed, and may have more rows
}

// owed is a message that the server has not answered.
type owed struct {
	kind      byte
	name      string     // Describe: the prepared statement
	statement *Statement // Query and Execute; nil if it continues a portal
}

// savepoint is a name, and how many statements of the transaction were before it.
type savepoint struct {
	name   string
	before int
}

// EndReading ends the log of a session: the rest of its messages makes no sense.
func (s *session) EndReading(reason string) {
	s.lost = true
	s.log.mu.Lock()
	defer s.log.mu.Unlock()
	s.log.lost = reason
}

// Close ends a session: an open transaction is rolled back.
func (s *session) Close() {
	s.log.mu.Lock()
	defer s.log.mu.Unlock()
	s.endTransaction(false)
}

// Client takes a message that the server is about to get.
func (s *session) Client(kind byte, body []byte, size int) {
	if s.lost {
		return
	}
	if len(s.owed) > maxOwed {
		s.EndReading("a client sent too many messages without an answer")
		return
	}
	switch kind {
	case 'Q':
		var m pgproto3.Query
		cut := size > len(body)
		if cut {
			m.String = string(body)
		} else if m.Decode(body) != nil {
			return
		}
		s.recordSentStatement('Q', &Statement{Sent: m.String, Message: true, Unread: tooLongReason(cut)})
	case 'P':
		s.prepareStatement(body, size)
	case 'B':
		s.bindPortal(body, size)
	case 'D':
		var m pgproto3.Describe
		if m.Decode(body) == nil && m.ObjectType == 'S' {
			s.owed = append(s.owed, owed{kind: 'D', name: m.Name})
		}
	case 'E':
		var m pgproto3.Execute
		if m.Decode(body) != nil {
			return
		}
		p := s.portals[m.Portal]
		if p.begun {
			s.owed = append(s.owed, owed{kind: 'E'})
			return
		}
		p.begun = true
		s.portals[m.Portal] = p
		st := &Statement{Sent: p.prepared.text, Unread: p.unread, values: p.values, oids: p.prepared.oids}
		s.recordSentStatement('E', st)
	case 'S', 'F':
		s.owed = append(s.owed, owed{kind: 'S'})
	}
}

// prepareStatement takes a Parse message.
func (s *session) prepareStatement(body []byte, size int) {
	var m pgproto3.Parse
	if size > len(body) {
		name, text, _ := strings.Cut(string(body), "\x00")
		s.prepared[name] = prepared{text: text, cut: true}
		return
	}
	if m.Decode(body) == nil {
		s.prepared[m.Name] = prepared{text: m.Query, oids: m.ParameterOIDs}
	}
}

// bindPortal takes a Bind message.
func (s *session) bindPortal(body []byte, size int) {
	var m pgproto3.Bind
	if size > len(body) {
		name, rest, _ := strings.Cut(string(body), "\x00")
		statement, _, _ := strings.Cut(rest, "\x00")
		s.portals[name] = portal{prepared: s.prepared[statement], unread: "the values of its parameters are too long"}
		return
	}
	if m.Decode(body) != nil {
		return
	}
	p := portal{prepared: s.prepared[m.PreparedStatement], values: make([]value, len(m.Parameters))}
	p.unread = tooLongReason(p.prepared.cut)
	for i, data := range m.Parameters {
		p.values[i] = value{data: append([]byte(nil), data...), null: data == nil, binary: wire.IsBinary(m.ParameterFormatCodes, i)}
	}
	s.portals[m.DestinationPortal] = p
}

func tooLongReason(cut bool) string {
	if cut {
		return "it is longer than " + strconv.Itoa(wire.MaxText>>20) + " MB"
	}
	return ""
}

// recordSentStatement keeps a statement that the server is about to run.
func (s *session) recordSentStatement(kind byte, st *Statement) {
	st.Session, st.SQL = s.number, st.Sent
	s.owed = append(s.owed, owed{kind: kind, statement: st})
	s.log.mu.Lock()
	defer s.log.mu.Unlock()
	s.log.keepStatement(st)
}

// Limits of what a log keeps.
const (
	MaxStatements = 200_000
	MaxBytes      = 128 << 20
)

// Statement is a statement, or a message with several, that a client sent.
type Statement struct {
	// Session numbers the connections from 1.
	Session int `json:"session"`
	// Sent is the text that was sent, SQL the text with the values of its parameters.
	Sent string `json:"sent,omitempty"`
	SQL  string `json:"sql"`
	// Message is set if the text came in one message of the simple protocol, which may have several statements.
	Message bool `json:"message,omitempty"`
	// Transaction numbers the transactions of the log from 1; 0 if the statement commits by itself.
	Transaction int     `json:"transaction,omitempty"`
	Control     Control `json:"control,omitempty"`
	// Tags are the server's answers: "CREATE TABLE", "UPDATE 3".
	Tags []string `json:"tags,omitempty"`
	// Failed is the server's error; "" for none. Undone is set if the statement was rolled back.
	Failed string `json:"failed,omitempty"`
	Undone bool   `json:"undone,omitempty"`
	// Unread says why the SQL is not what the server ran; "" if it is.
	Unread string `json:"unread,omitempty"`
	// Rows is set if the client sent rows for COPY after it.
	Rows bool `json:"rows,omitempty"`

	values   []value
	oids     []uint32
	answered bool
}

// Control says what a statement does to its transaction.
type Control string

// The kinds of transaction commands.
const (
	Begins    Control = "begin"
	Commits   Control = "commit"
	RollsBack Control = "rollback"
	Saves     Control = "savepoint" // also RELEASE and ROLLBACK TO
)

// Log is a [wire.Sink] that keeps the statements of all sessions in the order in which they were sent.
type Log struct {
	types *pgtype.Map

	mu           sync.Mutex
	statements   []*Statement
	sessions     int
	transactions int
	bytes        int
	full         string
	lost         string
}

// NewLog makes an empty log.
func NewLog() *Log { return &Log{types: pgtype.NewMap()} }

// Session starts to follow a client.
func (l *Log) Session(wire.Startup) wire.Tap {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.sessions++
	s := &session{log: l, number: l.sessions, prepared: map[string]prepared{}, portals: map[string]portal{}}
	s.owed = append(s.owed, owed{kind: 'S'}) // the first ReadyForQuery
	return s
}

// Err says why the log is incomplete; nil if it is complete.
func (l *Log) Err() error {
	l.mu.Lock()
	defer l.mu.Unlock()
	for _, reason := range []string{l.full, l.lost} {
		if reason != "" {
			return fmt.Errorf("not all statements could be kept: %s", reason)
		}
	}
	return nil
}

// Statements returns the statements that the server has answered, in order. The proxy must be closed.
func (l *Log) Statements() []*Statement {
	l.mu.Lock()
	defer l.mu.Unlock()
	out := slices.DeleteFunc(slices.Clone(l.statements), func(s *Statement) bool { return !s.answered })
	for _, s := range out {
		l.fillValues(s)
	}
	return out
}

// keepStatement keeps a statement, or notes that there are too many. The log is locked.
func (l *Log) keepStatement(s *Statement) {
	l.bytes += len(s.Sent)
	for _, v := range s.values {
		l.bytes += len(v.data)
	}
	switch {
	case len(l.statements) >= MaxStatements:
		l.full = fmt.Sprintf("there are more than %d", MaxStatements)
	case l.bytes > MaxBytes:
		l.full = fmt.Sprintf("they have more than %d MB", MaxBytes>>20)
	default:
		l.statements = append(l.statements, s)
	}
}

// nextTransaction returns a new number. The log is locked.
func (l *Log) nextTransaction() int {
	l.transactions++
	return l.transactions
}
