package ordered

import (
	"fmt"
	"slices"
	"sync"

	"github.com/jackc/pgx/v5/pgtype"

	"github.com/onward-sql/onward/internal/wire"
)

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
