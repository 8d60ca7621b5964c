package rehearse

import (
	"context"
	"fmt"
	"sync"
	"time"

	"github.com/jackc/pgx/v5"

	"github.com/onward-sql/onward/onward"
)

// sampler watches a session from another connection while its statements run:
// what they wait for, and what they lock where nothing can be asked afterwards,
// because a statement that commits by itself leaves no lock behind. It also
// ends statements that run for too long or fill the disk.
//
// It may do more than the migrations may, so it looks from another database than
// theirs: what they make is not there.
type sampler struct {
	conn     *pgx.Conn
	database string
	pid      int64
	maxBytes int64
	quit     context.CancelFunc
	done     chan struct{}
	wake     chan struct{}

	mu       sync.Mutex
	now      *samples // nil while no statement runs
	deadline time.Time
	limit    time.Duration
	reason   string // why the statement was ended
	ended    time.Time
}

// samples is what was seen of one statement.
type samples struct {
	begun time.Time
	of    map[uint32]*sampled
	// waited is for how long anything was waited for; last when the last look
	// saw it waiting.
	waited time.Duration
	last   time.Time
}

// sampled is what was seen of one relation.
type sampled struct {
	lock           onward.Lock
	asked, granted time.Time // granted: zero while it is waited for
	gone           time.Time // when the lock was seen for the last time
}

// How often to look: often at first, for statements that take milliseconds.
const (
	quickLook, quickLooks = time.Millisecond, 20
	slowLook              = 5 * time.Millisecond
	sizeLook              = 500 * time.Millisecond
	patience              = 5 * time.Second // between asking a statement to end and ending its session
)

func newSampler(ctx context.Context, v *version, db string, pid uint32) (*sampler, error) {
	role := watchName
	if v.Superuser {
		role = "" // nobody else may end a superuser's session
	}
	c, err := v.server.Connect(ctx, role, "")
	if err != nil {
		return nil, fmt.Errorf("connect: %w", err)
	}
	loop, quit := context.WithCancel(context.WithoutCancel(ctx))
	s := &sampler{conn: c, database: db, pid: int64(pid), maxBytes: v.MaxBytes, quit: quit, done: make(chan struct{}), wake: make(chan struct{}, 1)}
	go s.run(loop)
	return s, nil
}

func (s *sampler) close(ctx context.Context) {
	s.quit()
	<-s.done
	_ = s.conn.Close(ctx)
}

// begin watches a statement that is about to be sent.
func (s *sampler) begin() {
	s.mu.Lock()
	s.now = &samples{begun: time.Now(), of: map[uint32]*sampled{}}
	s.mu.Unlock()
	select {
	case s.wake <- struct{}{}:
	default:
	}
}

// end gives what was seen.
func (s *sampler) end() *samples {
	s.mu.Lock()
	defer s.mu.Unlock()
	out, now := s.now, time.Now()
	s.now = nil
	if !out.last.IsZero() {
		out.waited += now.Sub(out.last)
	}
	for _, r := range out.of {
		if r.granted.IsZero() { // between the last look and now
			r.granted = now
		}
	}
	return out
}

// limitError is the end of a statement that was ended here.
type limitError struct {
	reason string
	err    error
}

func (e *limitError) Error() string { return e.reason + ": " + e.err.Error() }
func (e *limitError) Unwrap() error { return e.err }

// bound limits the statement that is about to be sent. The function it gives
// takes the statement's error and puts the reason to it when it was ended.
func (s *sampler) bound(limit time.Duration) func(error) error {
	s.mu.Lock()
	s.deadline, s.limit, s.reason, s.ended = time.Now().Add(limit), limit, "", time.Time{}
	s.mu.Unlock()
	return func(err error) error {
		s.mu.Lock()
		defer s.mu.Unlock()
		s.deadline = time.Time{}
		if err != nil && s.reason != "" {
			return &limitError{s.reason, err}
		}
		return err
	}
}

func (s *sampler) run(ctx context.Context) {
	defer close(s.done)
	looks := 0
	var sized time.Time
	for {
		s.mu.Lock()
		now := s.now
		s.mu.Unlock()
		if now == nil {
			looks = 0
			select {
			case <-s.wake:
			case <-ctx.Done():
				return
			}
			continue
		}
		pause := slowLook
		if looks++; looks <= quickLooks {
			pause = quickLook
		}
		select {
		case <-time.After(pause):
		case <-ctx.Done():
			return
		}
		if err := s.sample(ctx, now); err != nil {
			return // the server is gone: who runs the statement hears of it
		}
		if time.Since(sized) > sizeLook && looks > quickLooks {
			sized = time.Now()
			if err := s.size(ctx); err != nil {
				return
			}
		}
		if err := s.police(ctx); err != nil {
			return
		}
	}
}

const sampleLocks = `SELECT locktype OPERATOR(pg_catalog.=) 'relation', COALESCE(relation, 0::pg_catalog.oid), mode, granted FROM pg_catalog.pg_locks
	WHERE pid OPERATOR(pg_catalog.=) $1 AND (NOT granted OR locktype OPERATOR(pg_catalog.=) 'relation' AND relation OPERATOR(pg_catalog.>=) 16384::pg_catalog.oid)`

// sample looks once.
func (s *sampler) sample(ctx context.Context, into *samples) error {
	rows, err := s.conn.Query(ctx, sampleLocks, s.pid)
	if err != nil {
		return err
	}
	var seen []looked
	waits := false
	var relation, granted bool
	var oid uint32
	var mode string
	_, err = pgx.ForEachRow(rows, []any{&relation, &oid, &mode, &granted}, func() error {
		waits = waits || !granted
		if !relation {
			return nil
		}
		var l onward.Lock
		if err := l.UnmarshalText([]byte(mode)); err != nil {
			return err
		}
		seen = append(seen, looked{oid, l, granted})
		return nil
	})
	if err != nil {
		return err
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.now != into {
		return nil // the statement ended meanwhile
	}
	into.add(seen, waits)
	return nil
}

// looked is a lock as one look saw it.
type looked struct {
	oid     uint32
	mode    onward.Lock
	granted bool
}

// add adds what one look saw; waits: something was waited for.
func (into *samples) add(seen []looked, waits bool) {
	now := time.Now()
	switch {
	case waits && !into.last.IsZero():
		into.waited += now.Sub(into.last)
		into.last = now
	case waits:
		into.last = now
	default:
		into.last = time.Time{}
	}
	for _, l := range seen {
		r := into.of[l.oid]
		if r == nil {
			r = &sampled{asked: now}
			if len(into.of) == 0 || now.Sub(into.begun) < slowLook {
				r.asked = into.begun
			}
			into.of[l.oid] = r
		}
		r.lock, r.gone = max(r.lock, l.mode), now
		if l.granted && r.granted.IsZero() {
			r.granted = now
			if r.asked.Equal(into.begun) && now.Sub(into.begun) < slowLook || now.Sub(r.asked) == 0 {
				r.granted = r.asked
			}
		}
		if !l.granted {
			r.granted = time.Time{}
		}
	}
}

// size ends a statement that fills the disk.
func (s *sampler) size(ctx context.Context) error {
	var bytes int64
	if err := s.conn.QueryRow(ctx, "SELECT pg_catalog.pg_database_size($1::pg_catalog.name)", s.database).Scan(&bytes); err != nil {
		return err
	}
	if bytes > s.maxBytes {
		s.mu.Lock()
		if s.reason == "" {
			s.reason = fmt.Sprintf("ended because the database had grown to %d MB (the limit is %d MB)", bytes>>20, s.maxBytes>>20)
		}
		s.mu.Unlock()
	}
	return nil
}

// police ends the statement when there is a reason.
func (s *sampler) police(ctx context.Context) error {
	s.mu.Lock()
	if s.reason == "" && !s.deadline.IsZero() && time.Now().After(s.deadline) {
		s.reason = fmt.Sprintf("ended after %s", s.limit)
	}
	act := s.reason != "" && s.now != nil
	if act && s.ended.IsZero() {
		s.ended = time.Now()
	}
	hard := act && time.Since(s.ended) > patience
	s.mu.Unlock()
	if !act {
		return nil
	}
	sql := "SELECT pg_catalog.pg_cancel_backend($1)"
	if hard {
		sql = "SELECT pg_catalog.pg_terminate_backend($1)"
	}
	_, err := s.conn.Exec(ctx, sql, s.pid)
	return err
}
