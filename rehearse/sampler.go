package rehearse

import (
	"cmp"
	"context"
	"fmt"
	"slices"
	"sync"
	"time"

	"github.com/jackc/pgx/v5"

	"github.com/onward-sql/onward/onward"
)

// sampler watches a session from another connection while its statements run:
// what they wait for and, if nothing can be asked afterwards because the
// statement commits by itself, what they lock. It also ends statements that run
// too long or fill the disk.
//
// It has more rights than the migrations, so it connects to another database
// than theirs, which does not contain what they make.
type sampler struct {
	conn     *pgx.Conn
	database string
	pid      int64
	maxBytes int64
	quit     context.CancelFunc
	done     chan struct{}
	wake     chan struct{}

	mu             sync.Mutex
	currentSamples *samples // nil while no statement runs
	deadline       time.Time
	overdue        string // the reason for an end at the deadline
	reason         string // why the statement was cancelled
	ended          time.Time
}

// samples holds the observations of one statement.
type samples struct {
	startedAt  time.Time
	byRelation map[uint32]*relationSamples
	// waited is the total time of waits; last is the last sample in which it
	// was waiting.
	waited time.Duration
	last   time.Time
}

// relationSamples holds the observations of one relation.
type relationSamples struct {
	// modes are its locks in the order in which they were requested, each stronger than the one before. A statement often begins
	// with a weak lock and takes the strong one at its end.
	modes    []lockRequest
	lastSeen time.Time // when a lock was last seen
}

// lockRequest is a lock that a statement requested while it ran.
type lockRequest struct {
	lock                 onward.Lock
	requestedAt, granted time.Time // granted: zero while waiting
}

// strongestRequest returns the strongest lock that was seen.
func (r *relationSamples) strongestRequest() lockRequest { return r.modes[len(r.modes)-1] }

// findRequest returns when a lock was requested that is at least as strong as the given one. If no sample saw one, the
// statement requested it after the last sample.
func (r *relationSamples) findRequest(lock onward.Lock) lockRequest {
	for _, m := range r.modes {
		if m.lock >= lock {
			return m
		}
	}
	return lockRequest{lock: lock, requestedAt: r.lastSeen, granted: r.lastSeen}
}

// The intervals between samples: short at first, for statements that take
// milliseconds.
const (
	quickLook, quickLooks = time.Millisecond, 20
	slowLook              = 5 * time.Millisecond
	sizeLook              = 500 * time.Millisecond
	patience              = 5 * time.Second // between cancelling a statement and ending its session
)

func newSampler(ctx context.Context, v *version, db string, pid uint32) (*sampler, error) {
	role := watchName
	if v.Superuser {
		role = "" // only a superuser may end a superuser's session
	}
	c, err := v.server.Connect(ctx, role, "")
	if err != nil {
		return nil, fmt.Errorf("connect: %w", err)
	}
	loop, quit := context.WithCancel(context.WithoutCancel(ctx))
	s := &sampler{conn: c, database: db, pid: int64(pid), maxBytes: v.MaxBytes, quit: quit, done: make(chan struct{}), wake: make(chan struct{}, 1)}
	go s.sampleUntilClosed(loop)
	return s, nil
}

func (s *sampler) closeConn(ctx context.Context) {
	s.quit()
	<-s.done
	_ = s.conn.Close(ctx)
}

// startSampling watches a statement that is about to be sent.
func (s *sampler) startSampling() {
	s.mu.Lock()
	s.currentSamples = &samples{startedAt: time.Now(), byRelation: map[uint32]*relationSamples{}}
	s.mu.Unlock()
	select {
	case s.wake <- struct{}{}:
	default:
	}
}

// stopSampling returns the observations.
func (s *sampler) stopSampling() *samples {
	s.mu.Lock()
	defer s.mu.Unlock()
	out, now := s.currentSamples, time.Now()
	s.currentSamples = nil
	if !out.last.IsZero() {
		out.waited += now.Sub(out.last)
	}
	for _, r := range out.byRelation {
		for i := range r.modes {
			if r.modes[i].granted.IsZero() { // granted after the last sample
				r.modes[i].granted = now
			}
		}
	}
	return out
}

// limitError says that onward cancelled a statement.
type limitError struct {
	reason string
	err    error
}

func (e *limitError) Error() string { return e.reason + ": " + e.err.Error() }
func (e *limitError) Unwrap() error { return e.err }

// limitStatement limits the statement that is about to be sent. The returned function
// adds the reason to the statement's error if it was cancelled.
func (s *sampler) limitStatement(limit time.Duration, reason string) func(error) error {
	s.mu.Lock()
	s.deadline, s.overdue, s.reason, s.ended = time.Now().Add(limit), reason, "", time.Time{}
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

func (s *sampler) sampleUntilClosed(ctx context.Context) {
	defer close(s.done)
	looks := 0
	var sized time.Time
	for {
		s.mu.Lock()
		now := s.currentSamples
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
		if err := s.takeSample(ctx, now); err != nil {
			return // the server is gone: whoever runs the statement notices
		}
		if time.Since(sized) > sizeLook && looks > quickLooks {
			sized = time.Now()
			if err := s.noteIfTooLarge(ctx); err != nil {
				return
			}
		}
		if err := s.cancelOverdue(ctx); err != nil {
			return
		}
	}
}

const sampleLocks = `SELECT locktype OPERATOR(pg_catalog.=) 'relation', COALESCE(relation, 0::pg_catalog.oid), mode, granted FROM pg_catalog.pg_locks
	WHERE pid OPERATOR(pg_catalog.=) $1 AND (NOT granted OR locktype OPERATOR(pg_catalog.=) 'relation' AND relation OPERATOR(pg_catalog.>=) 16384::pg_catalog.oid)`

// takeSample takes one sample.
func (s *sampler) takeSample(ctx context.Context, target *samples) error {
	rows, _ := s.conn.Query(ctx, sampleLocks, s.pid)
	var seen []sampledLock
	waits := false
	var relation, granted bool
	var oid uint32
	var mode string
	_, err := pgx.ForEachRow(rows, []any{&relation, &oid, &mode, &granted}, func() error {
		waits = waits || !granted
		if !relation {
			return nil
		}
		var l onward.Lock
		if err := l.UnmarshalText([]byte(mode)); err != nil {
			return err
		}
		seen = append(seen, sampledLock{oid, l, granted})
		return nil
	})
	if err != nil {
		return err
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.currentSamples != target {
		return nil // the statement has ended meanwhile
	}
	target.addSample(seen, waits)
	return nil
}

// sampledLock is a lock in one sample.
type sampledLock struct {
	oid     uint32
	mode    onward.Lock
	granted bool
}

// addSample adds one sample; waits: the session was waiting.
func (s *samples) addSample(seen []sampledLock, waits bool) {
	now := time.Now()
	switch {
	case waits && !s.last.IsZero():
		s.waited += now.Sub(s.last)
		s.last = now
	case waits:
		s.last = now
	default:
		s.last = time.Time{}
	}
	// The server lists locks in no order. Of those that it has granted, a weaker one may be the later: it adds nothing.
	slices.SortStableFunc(seen, func(a, b sampledLock) int {
		if a.granted != b.granted {
			if a.granted {
				return -1
			}
			return 1
		}
		return cmp.Compare(b.mode, a.mode)
	})
	for _, l := range seen {
		r := s.byRelation[l.oid]
		requested := now
		// The first lock is what the statement begins with.
		if now.Sub(s.startedAt) < slowLook || len(s.byRelation) == 0 {
			requested = s.startedAt
		}
		if r == nil {
			r = &relationSamples{}
			s.byRelation[l.oid] = r
		}
		r.lastSeen = now
		r.addLock(l, requested)
	}
}

// addLock adds a lock that a sample saw. requested is when it was requested, if no earlier sample saw it.
func (r *relationSamples) addLock(seen sampledLock, requested time.Time) {
	i := slices.IndexFunc(r.modes, func(m lockRequest) bool { return m.lock == seen.mode })
	switch {
	case i >= 0 && !seen.granted:
		r.modes[i].granted = time.Time{}
	case i >= 0 && r.modes[i].granted.IsZero():
		r.modes[i].granted = r.lastSeen
	case i >= 0 || len(r.modes) > 0 && seen.mode < r.strongestRequest().lock:
	case seen.granted:
		r.modes = append(r.modes, lockRequest{lock: seen.mode, requestedAt: requested, granted: requested})
	default:
		r.modes = append(r.modes, lockRequest{lock: seen.mode, requestedAt: requested})
	}
}

// noteIfTooLarge notes the reason to cancel a statement that fills the disk; cancelOverdue cancels it.
func (s *sampler) noteIfTooLarge(ctx context.Context) error {
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

// cancelOverdue cancels the statement if there is a reason.
func (s *sampler) cancelOverdue(ctx context.Context) error {
	s.mu.Lock()
	if s.reason == "" && !s.deadline.IsZero() && time.Now().After(s.deadline) {
		s.reason = s.overdue
	}
	act := s.reason != "" && s.currentSamples != nil
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
