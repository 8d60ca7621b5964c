package replay

import (
	"context"
	"encoding/binary"
	"fmt"
	"io"
	"net"
	"sync"
	"time"

	"github.com/onward-sql/onward/internal/transcript"
)

// Lane is a range of a transcript's events on one database. A replay sends its messages to another database.
type Lane struct {
	Transcript *transcript.Transcript
	// Database is the name that the sessions give. Begin and End bound the events: those from Begin on, up to End.
	Database   string
	Begin, End int
	// Recorded is what the server answered when it was recorded, by the events of the messages.
	Recorded map[int]*Answer
	// Settings are messages of sessions that began before Begin, which are sent when they are opened: they set what the session goes on with. They are indices of
	// events.
	Settings []int

	moments rowMoments
	// since is the first event of the database. Before Begin, sessions may have prepared statements from there on.
	since int
	// owners has a number for each event; the lane has those that owned names. nil: it has all.
	owners []int
	owned  map[int]bool
}

// Target is where a lane is replayed.
type Target struct {
	// Open opens a connection for a session, which is ready for queries. pid is its process.
	Open func(ctx context.Context, s *transcript.Session) (conn net.Conn, pid uint32, err error)
	// Cancel ends the statement of a process.
	Cancel func(ctx context.Context, pid uint32)
	// Patience is for how long an answer is waited for.
	Patience time.Duration
}

// player replays a lane.
type player struct {
	lane     Lane
	target   Target
	sessions map[int]*playedSession
	order    []*playedSession
	// replaced are values that the server had made when they were recorded, such as a random UUID, and what it makes now.
	replaced *replacements
}

// playedSession is a session that is replayed.
type playedSession struct {
	conn net.Conn
	pid  uint32

	mu      sync.Mutex
	changed *sync.Cond
	track   *tracker
	// described are the columns of prepared statements when they were recorded, by name.
	described map[string][]Column
	ended     bool // the server has closed the connection
	asked     *question

	// Of the recording: how many ReadyForQuery messages came, and how many other answers since.
	ready, others int
}

// Error says why a lane could not be replayed.
type Error struct{ Err error }

func (e *Error) Error() string { return e.Err.Error() }

// Unwrap returns the reason.
func (e *Error) Unwrap() error { return e.Err }

// Play replays a lane, and returns the answers in the order of their messages; these have what the server refuses. Errors: an [Error] if a connection could
// not be opened, and the context's.
func Play(ctx context.Context, lane Lane, target Target) ([]*Answer, error) {
	p := newPlayer(lane, target)
	defer p.closeSessions()
	ignore := func(int) {}
	if err := p.playEvents(ctx, ignore, ignore); err != nil {
		return nil, err
	}
	for _, s := range p.order {
		s.awaitCondition(p.target.Patience, func() bool { return len(s.track.owed) == 0 })
	}
	p.closeSessions()
	return p.listAnswers(), nil
}

func newPlayer(lane Lane, target Target) *player {
	return &player{
		lane: lane, target: target, sessions: map[int]*playedSession{},
		replaced: &replacements{values: map[string][]byte{}, lengths: map[int]bool{}, numbers: map[int]map[int64]int64{}},
	}
}

// playEvents does what the events say, and calls before and after with the index of each.
func (p *player) playEvents(ctx context.Context, before, after func(i int)) error {
	for _, i := range p.lane.Settings {
		if err := p.resendSetting(ctx, i); err != nil {
			return err
		}
	}
	for i := p.lane.Begin; i < p.lane.End; i++ {
		if err := ctx.Err(); err != nil {
			return err
		}
		before(i)
		if err := p.playEvent(ctx, i); err != nil {
			return err
		}
		after(i)
	}
	return nil
}

// isInDatabase reports whether an event is one of a session of the lane's database.
func (l *Lane) isInDatabase(e *transcript.Event) bool {
	return l.Transcript.Sessions[e.Session].Database == l.Database
}

// hasEvent reports whether the event with an index belongs to the lane.
func (l *Lane) hasEvent(i int) bool {
	return l.isInDatabase(&l.Transcript.Events[i]) && (l.owners == nil || l.owned[l.owners[i]])
}

// listAnswers merges the answers of all sessions.
func (p *player) listAnswers() []*Answer {
	byEvent := map[int]*Answer{}
	for _, s := range p.order {
		for _, a := range s.track.answers {
			byEvent[a.Event] = a
		}
	}
	var out []*Answer
	numbers := p.replaced.mergeNumbers()
	for i := p.lane.Begin; i < p.lane.End; i++ {
		if a := byEvent[i]; a != nil {
			a.numbers = numbers
			if recorded := p.lane.Recorded[i]; recorded != nil {
				a.SQL = recorded.SQL
			}
			out = append(out, a)
		}
	}
	return out
}

// playEvent does what an event says.
func (p *player) playEvent(ctx context.Context, i int) error {
	e := &p.lane.Transcript.Events[i]
	if !p.lane.hasEvent(i) {
		return nil
	}
	s, err := p.openSession(ctx, e)
	if err != nil {
		return err
	}
	switch e.Source {
	case transcript.Client:
		body := p.replaced.replaceValues(e.Kind, e.Body)
		if e.Kind == 'B' {
			body = s.fitResultFormats(p.replaced.replaceNumbers(e.Session, body))
		}
		s.rememberColumns(e.Kind, e.Body, p.lane.Recorded[i])
		s.sendMessage(i, e.Kind, body)
	case transcript.Server:
		p.awaitAnswer(ctx, s, e.Kind)
	case transcript.Ends:
		s.closeSession()
	}
	return nil
}

// openSession returns the session of an event, and opens it if it is not open.
func (p *player) openSession(ctx context.Context, e *transcript.Event) (*playedSession, error) {
	if s := p.sessions[e.Session]; s != nil {
		return s, nil
	}
	conn, pid, err := p.target.Open(ctx, &p.lane.Transcript.Sessions[e.Session])
	if err != nil {
		return nil, &Error{err}
	}
	s := &playedSession{conn: conn, pid: pid, track: newTracker(e.Session), described: map[string][]Column{}}
	s.changed = sync.NewCond(&s.mu)
	p.sessions[e.Session] = s
	p.order = append(p.order, s)
	go s.readMessages(p)
	return s, nil
}

// resendSetting sends a message that a session had sent before the lane begins, and waits for its answer.
func (p *player) resendSetting(ctx context.Context, i int) error {
	e := &p.lane.Transcript.Events[i]
	s, err := p.openSession(ctx, e)
	if err != nil {
		return err
	}
	s.sendMessage(i, e.Kind, e.Body)
	if e.Kind != 'Q' {
		s.sendMessage(i, 'S', nil)
	}
	s.awaitCondition(p.target.Patience, func() bool { return len(s.track.owed) == 0 })
	s.mu.Lock()
	defer s.mu.Unlock()
	s.track.answers, s.track.ready = nil, 0
	return nil
}

// sendMessage sends a message.
func (s *playedSession) sendMessage(event int, kind byte, body []byte) {
	s.mu.Lock()
	s.track.trackSentMessage(event, kind, body)
	s.mu.Unlock()
	s.writeFrame(kind, body)
}

func (s *playedSession) writeFrame(kind byte, body []byte) {
	frame := make([]byte, 5, 5+len(body))
	frame[0] = kind
	binary.BigEndian.PutUint32(frame[1:], uint32(len(body)+4)) //nolint:gosec // bodies are bounded
	if _, err := s.conn.Write(append(frame, body...)); err != nil {
		s.markEnded()
	}
}

// awaitAnswer waits until the server has answered as much as it had when the transcript was recorded.
func (p *player) awaitAnswer(ctx context.Context, s *playedSession, kind byte) {
	switch kind {
	case 'N', 'A', 'S', 'K', 'R', 'v', 'D', 'd':
		return
	case 'Z':
		s.ready, s.others = s.ready+1, 0
	default:
		s.others++
	}
	ready, otherCount := s.ready, s.others
	arrived := func() bool {
		t := s.track
		return t.ready > ready || t.ready == ready && (t.others >= otherCount || t.failed)
	}
	if kind == 'Z' {
		arrived = func() bool { return s.track.ready >= ready }
	}
	if s.awaitCondition(p.target.Patience, arrived) {
		return
	}
	p.target.Cancel(ctx, s.pid) // it waits for a lock, or runs on
	if !s.awaitCondition(p.target.Patience, arrived) {
		s.closeSession()
	}
}

// awaitCondition waits until a condition on the answers holds. It reports whether it does, or the connection has ended.
func (s *playedSession) awaitCondition(patience time.Duration, holds func() bool) bool {
	expired := false
	timer := time.AfterFunc(patience, func() {
		s.mu.Lock()
		defer s.mu.Unlock()
		expired = true
		s.changed.Broadcast()
	})
	defer timer.Stop()
	s.mu.Lock()
	defer s.mu.Unlock()
	for !holds() && !s.ended {
		if expired {
			return false
		}
		s.changed.Wait()
	}
	return true
}

// readMessages takes what the server sends.
func (s *playedSession) readMessages(p *player) {
	defer s.markEnded()
	var head [5]byte
	for {
		if _, err := io.ReadFull(s.conn, head[:]); err != nil {
			return
		}
		body, err := readBody(s.conn, binary.BigEndian.Uint32(head[1:]))
		if err != nil {
			return
		}
		s.mu.Lock()
		if s.asked != nil {
			s.asked.receiveMessage(head[0], body)
			s.changed.Broadcast()
			s.mu.Unlock()
			continue
		}
		current := s.track.currentAnswer()
		row := -1
		if head[0] == 'D' && current != nil {
			row = len(current.hashes)
		}
		s.track.receiveMessage(head[0], body)
		s.changed.Broadcast()
		s.mu.Unlock()
		switch {
		case current == nil:
		case row >= 0:
			p.replaced.learnRow(p.lane.Recorded[current.Event], row, body)
		case (head[0] == 'G' || head[0] == 'W') && (p.lane.Recorded[current.Event] == nil || !p.lane.Recorded[current.Event].copies):
			s.writeFrame('f', []byte("no data was recorded\x00"))
		}
	}
}

// maxMessage bounds a message of the server.
const maxMessage = 256 << 20

func readBody(r io.Reader, size uint32) ([]byte, error) {
	if size < 4 || size > maxMessage {
		return nil, fmt.Errorf("the server sent a message of %d bytes", size)
	}
	body := make([]byte, size-4)
	_, err := io.ReadFull(r, body)
	return body, err
}

func (s *playedSession) markEnded() {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.ended = true
	s.changed.Broadcast()
}

// closeSession ends a session. The server notices it at once, so that its locks are gone when the next message is sent.
func (s *playedSession) closeSession() {
	s.writeFrame('X', nil)
	s.awaitCondition(time.Second, func() bool { return false })
	_ = s.conn.Close()
}

func (p *player) closeSessions() {
	for _, s := range p.order {
		s.mu.Lock()
		ended := s.ended
		s.mu.Unlock()
		if ended {
			_ = s.conn.Close()
			continue
		}
		s.closeSession()
	}
}
