package guard

import (
	"bytes"
	"context"
	"fmt"
	"strings"
	"sync"
	"sync/atomic"

	"github.com/onward-sql/onward/internal/catalog"
	"github.com/onward-sql/onward/internal/queue"
	"github.com/onward-sql/onward/internal/wire"
)

// session is one of the command's, as the proxy sees it. Its methods that are a tap's are called
// one at a time.
type session struct {
	run   *run
	known bool // it works on the database that is watched

	mu     sync.Mutex
	read   reader
	begun  *catalog.Catalog // as the schema was when the transaction began
	wire   *wire.Session    // nil until something was sent
	texts  map[string][]statement
	opened map[string][]statement // portals
	// due are the statements whose answers are to come; one without words ends a message.
	due []statement
	// ahead are those of messages that were not passed on yet.
	ahead  []statement
	status byte // of the transaction: I, T, E
	busy   bool
	wrote  bool   // in the transaction that is open
	failed bool   // since the last time that the server was ready
	back   bool   // ROLLBACK was the last
	ending bool   // COMMIT was sent, and not answered
	held   bool   // a strong lock was asked for in this transaction
	lifted bool   // lock_timeout is that of a statement that drains
	own    bool   // it sets lock_timeout itself
	ended  string // why this process cancelled what it does
	// pid is the process that serves it, gone that it has ended, crowded that others wait behind
	// it for too long.
	pid           atomic.Int64
	gone, crowded atomic.Bool
	// holding: what it sent was not passed on yet.
	holding atomic.Bool
}

// last marks the end of a message's statements.
var last = statement{}

func (s *session) Client(kind byte, body []byte, size int) {
	s.mu.Lock()
	defer s.mu.Unlock()
	whole := len(body) == size
	switch kind {
	case 'Q':
		text, _, _ := bytes.Cut(body, []byte{0})
		s.send(s.taken(string(text), whole))
		s.due, s.busy = append(s.due, last), true
	case 'P':
		name, rest, _ := bytes.Cut(body, []byte{0})
		text, _, _ := bytes.Cut(rest, []byte{0})
		s.texts[string(name)] = s.taken(string(text), whole)
	case 'B':
		portal, rest, _ := bytes.Cut(body, []byte{0})
		name, _, _ := bytes.Cut(rest, []byte{0})
		s.opened[string(portal)] = s.texts[string(name)]
	case 'E':
		portal, _, _ := bytes.Cut(body, []byte{0})
		s.send(s.opened[string(portal)])
	case 'S':
		s.due, s.busy = append(s.due, last), true
	}
}

// taken takes a text apart.
func (s *session) taken(text string, whole bool) []statement {
	if !whole {
		return []statement{{words: "a statement that is too long to be read", writes: true}}
	}
	list := s.read.read(text)
	if !s.known {
		for i := range list {
			list[i].wanted = nil
		}
	}
	return list
}

// send notes statements that are about to be run.
func (s *session) send(list []statement) {
	for i := range list {
		st := &list[i]
		s.ahead = append(s.ahead, *st)
		s.due = append(s.due, *st)
		if st.sets && !s.own {
			s.own = true
			s.run.note(ownTimeout)
		}
		if strings.HasPrefix(st.words, "COMMIT") || strings.HasPrefix(st.words, "END") {
			s.ending = s.wrote
		}
	}
	s.run.count(len(list))
}

func (s *session) Server(kind byte, body []byte, _ int) {
	s.mu.Lock()
	defer s.mu.Unlock()
	switch kind {
	case 'C':
		tag, _, _ := bytes.Cut(body, []byte{0})
		s.done(string(tag))
	case 'I', 's':
		s.pop()
	case 'E':
		s.refused(wire.Field(body, 'C'), wire.Field(body, 'M'))
	case 'Z':
		if len(body) > 0 {
			s.rest(body[0])
		}
	}
}

func (s *session) pop() statement {
	if len(s.due) == 0 || s.due[0].words == "" {
		return statement{words: "a statement", writes: true}
	}
	st := s.due[0]
	s.due = s.due[1:]
	return st
}

// done notes a statement that the server has run.
func (s *session) done(tag string) {
	st := s.pop()
	s.back = false
	switch {
	case tag == "COMMIT", tag == "PREPARE TRANSACTION":
		s.commit()
	case tag == "ROLLBACK": // or one to a savepoint, which leaves the transaction open
		s.back = true
	case st.wrote(tag):
		s.wrote = true
	}
	if st.drains {
		s.commit()
	}
}

func (s *session) commit() {
	if s.wrote {
		s.run.commit()
	}
	s.wrote, s.ending = false, false
}

// refused notes an error.
func (s *session) refused(code, message string) {
	st := s.pop()
	for len(s.due) > 0 && s.due[0].words != "" {
		s.due = s.due[1:]
	}
	s.failed = true
	if st.drains {
		s.run.commit() // what it has built so far is left, invalid
	}
	if code != "25P02" { // what comes behind an error in its transaction
		s.run.refused(s, &st, code, message)
	}
}

// rest notes that the server awaits the next message.
func (s *session) rest(status byte) {
	if len(s.due) > 0 && s.due[0].words == "" {
		s.due = s.due[1:]
	}
	s.busy = len(s.due) > 0
	switch status {
	case 'I':
		if s.failed || s.back {
			s.wrote, s.ending = false, false
			if s.begun != nil {
				s.read.schema = s.begun
			}
		} else {
			s.commit()
		}
		s.held, s.begun = false, s.read.schema
		s.run.learn(s)
	default:
		s.ending = false
	}
	s.crowded.Store(false)
	s.failed, s.back, s.status = false, false, status
}

// Hold waits before what takes a strong lock.
func (s *session) Hold(ctx context.Context, w *wire.Session) {
	s.pid.Store(int64(w.PID()))
	s.mu.Lock()
	s.wire = w
	list, lifted, own := s.ahead, s.lifted, s.own
	s.ahead = nil
	drains := false
	var wanted []queue.Wanted
	var words []string
	for i := range list {
		drains = drains || list[i].drains
		if len(list[i].wanted) > 0 {
			wanted, words = append(wanted, list[i].wanted...), append(words, list[i].words)
		}
	}
	inside := s.held
	s.mu.Unlock()
	if len(list) == 0 {
		return
	}
	s.holding.Store(true)
	defer s.holding.Store(false)
	s.lift(ctx, w, drains, lifted, own)
	if len(wanted) > 0 {
		s.run.wait(s, strings.Join(words[:min(3, len(words))], "; "), wanted, inside)
		s.mu.Lock()
		s.held = true
		s.mu.Unlock()
	}
}

// lift lets a statement that drains wait as long as it must, for it makes nobody wait meanwhile and
// leaves an invalid index when it is ended, and takes that back behind it.
func (s *session) lift(ctx context.Context, w *wire.Session, drains, lifted, own bool) {
	if own || drains == lifted {
		return
	}
	sql := "RESET lock_timeout"
	if drains {
		sql = fmt.Sprintf("SET lock_timeout = '%dms'", queue.Drain.Milliseconds())
	}
	ctx, stop := context.WithTimeout(ctx, patience)
	defer stop()
	if err := w.Run(ctx, sql); err != nil {
		s.run.log.Info("lock_timeout was not changed", "error", err)
		return
	}
	s.mu.Lock()
	s.lifted = drains
	s.mu.Unlock()
}

func (s *session) Lost(why string) {
	s.run.note(why + ": what a session sends is no longer watched")
	s.run.commit()
}

func (s *session) Close() {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.ending { // the answer to its COMMIT was lost
		s.run.commit()
	}
	s.gone.Store(true)
}
