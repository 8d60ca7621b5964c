// Package messagelog keeps the messages of a proxy's clients, and the server's answers, whole and in the order in which
// they came, over all connections: a transcript, which can be replayed.
//
//	log := messagelog.New()
//	proxy, err := wire.Listen(ctx, wire.Config{Server: server, Whole: log})
//	… run a command …
//	err = proxy.Close()
//	t := log.Transcript()
//
// It keeps values: what it returns is as secret as the rows of the database. Its memory is bounded.
package messagelog

import (
	"fmt"
	"maps"
	"slices"
	"sync"

	"github.com/onward-sql/onward/internal/transcript"
	"github.com/onward-sql/onward/internal/wire"
)

// Limits of what a log keeps.
const (
	MaxEvents = 1_000_000
	MaxBytes  = transcript.MaxBytes / 2 // of bodies; a stored transcript is longer
	MaxRows   = 200                     // of a result
)

// Log is for [wire.Config.Whole]. Its methods may be called concurrently.
type Log struct {
	maxEvents, maxBytes int

	mu       sync.Mutex
	sessions []transcript.Session
	events   []transcript.Event
	bytes    int
	full     string // why nothing more is kept
}

// New makes an empty log.
func New() *Log { return &Log{maxEvents: MaxEvents, maxBytes: MaxBytes} }

// Session starts to follow a client.
func (l *Log) Session(start wire.Startup) wire.Tap {
	return &session{log: l, start: start, app: start.Parameters[applicationName], number: noNumber}
}

// Transcript returns the sessions, events and notes. The proxy must be closed.
func (l *Log) Transcript() *transcript.Transcript {
	l.mu.Lock()
	defer l.mu.Unlock()
	t := &transcript.Transcript{Sessions: slices.Clone(l.sessions), Events: l.events}
	if l.full != "" {
		t.Notes = append(t.Notes, "the transcript ends before the command did: "+l.full)
	}
	lost := 0
	for i := range t.Sessions {
		if t.Sessions[i].Lost != "" {
			lost++
		}
	}
	if lost > 0 {
		t.Notes = append(t.Notes, fmt.Sprintf("%d of %d sessions are not whole", lost, len(t.Sessions)))
	}
	return t
}

// keepSession numbers a session. The log is locked.
func (l *Log) keepSession(start wire.Startup) (number int) {
	for name, value := range start.Parameters {
		l.bytes += len(name) + len(value)
	}
	l.sessions = append(l.sessions, transcript.Session{User: start.User, Database: start.Database, Parameters: maps.Clone(start.Parameters)})
	return len(l.sessions) - 1
}

// keepEvent keeps an event, or notes that there are too many. The log is locked.
func (l *Log) keepEvent(e transcript.Event) {
	if l.full != "" {
		return
	}
	switch l.bytes += len(e.Body); {
	case len(l.events) >= l.maxEvents:
		l.full = fmt.Sprintf("there are more than %d messages", l.maxEvents)
	case l.bytes > l.maxBytes:
		l.full = fmt.Sprintf("there are more than %d MB", l.maxBytes>>20)
	default:
		e.Body = append([]byte(nil), e.Body...)
		l.events = append(l.events, e)
	}
}
