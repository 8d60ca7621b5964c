package guard

import (
	"context"
	"errors"
	"slices"
	"strings"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgconn"

	"github.com/onward-sql/onward/config"
	"github.com/onward-sql/onward/internal/catalog"
	"github.com/onward-sql/onward/internal/effect"
	"github.com/onward-sql/onward/internal/live"
	"github.com/onward-sql/onward/internal/queue"
	"github.com/onward-sql/onward/internal/wire"
	"github.com/onward-sql/onward/onward"
)

// eye is the session beside those of the command: it asks who waits for whom.
type eye struct{ live.Beside }

// open looks at the database. The errors are those of [Run].
func open(ctx context.Context, c *Config) (*guard, error) {
	p, err := newPlace(c.DB)
	if err != nil {
		return nil, err
	}
	server, err := wire.ParseServer(c.DB)
	if err != nil {
		return nil, err
	}
	shared, err := live.Shared(ctx, c.DB)
	if err != nil {
		return nil, err
	}
	if shared {
		return nil, &config.InputError{Err: errors.New("a pooler in front of the database shares its sessions, so that a timeout that is set for one would reach others: name the server itself")}
	}
	e := &eye{live.Beside{URL: c.DB, Name: "onward guard", Settings: map[string]string{"lock_timeout": ms(queue.FirstStall)}}} // as the command's: a pooler may not take it
	err = e.Do(ctx, func(context.Context, *pgx.Conn) error { return nil })
	var down *live.ServerError
	if refused := new(pgconn.PgError); errors.As(err, &down) && errors.As(down.Err, &refused) && refused.Code == "08P01" {
		err = &config.InputError{Err: errors.New("a pooler in front of the database takes no lock_timeout with a connection: name the server itself")}
	}
	if err != nil {
		return nil, err
	}
	return &guard{c: c, place: p, server: server, eye: e}, nil
}

// schema reads the schema and the version. A schema that cannot be read costs the look at what
// statements lock beside what they name.
func (e *eye) schema(ctx context.Context) (*catalog.Catalog, *effect.Version, error) {
	s, err := live.ReadSchema(ctx, e.URL)
	if err != nil {
		return nil, nil, err
	}
	var path []string
	err = e.Do(ctx, func(ctx context.Context, conn *pgx.Conn) error {
		return conn.QueryRow(ctx, "SELECT current_schemas(false)::text[]").Scan(&path)
	})
	if err != nil {
		return nil, nil, err
	}
	return s.Catalog.WithSearchPath(path), effect.NewVersion(s.Major), nil
}

// inTheWay are those in the way of a statement, but for the command's own sessions.
func (e *eye) inTheWay(ctx context.Context, line *queue.Line, own map[int]bool) (list []queue.Holder, err error) {
	err = e.Do(ctx, func(ctx context.Context, conn *pgx.Conn) (err error) {
		list, err = line.InTheWay(ctx, conn)
		return err
	})
	return slices.DeleteFunc(list, func(h queue.Holder) bool { return own[h.PID] }), err
}

// sentences names those in the way.
func (e *eye) sentences(ctx context.Context, line *queue.Line, own map[int]bool) []string {
	list, err := e.inTheWay(ctx, line, own)
	if err != nil {
		return nil
	}
	return queue.Sentences(list)
}

// wait holds a statement back until nobody is in its way. In a transaction that has strong locks
// already, behind which others may wait, it is held back for the longest stall at most.
func (r *run) wait(s *session, words string, wanted []queue.Wanted, inside bool) {
	until := r.until
	if inside {
		until = time.Now().Add(r.g.c.MaxStall)
	}
	line := &queue.Line{Wanted: wanted, Age: queue.OldEnough}
	begun := time.Now()
	var teller queue.Teller
	var out onward.GuardedWait
	for {
		list, err := r.g.eye.inTheWay(r.ctx, line, r.pids())
		if err != nil {
			r.log.Info("who is in the way is not known", "error", err)
		}
		if err != nil || len(list) == 0 {
			break
		}
		who := queue.Sentences(list)
		out.InTheWay = who
		if r.ctx.Err() == nil && teller.News(list) {
			r.g.c.Tell(words + " is held back: " + strings.Join(who, "; "))
		}
		if out.Passed = time.Now().After(until) || r.ctx.Err() != nil || s.crowded.Load(); out.Passed {
			break
		}
		_ = queue.Pause(r.ctx, queue.Look)
	}
	if out.InTheWay == nil {
		return
	}
	out.Statement, out.TookMS = words, time.Since(begun).Milliseconds()
	r.mu.Lock()
	defer r.mu.Unlock()
	r.out.Waited = append(r.out.Waited, out)
}

// watch looks at the queues behind the command's sessions while it runs, and ends what makes others
// wait for too long.
func (r *run) watch() {
	for r.ctx.Err() == nil {
		r.bypass.check(r.ctx)
		for _, s := range r.live() {
			s.mu.Lock()
			idle := s.wire == nil || !s.busy && s.status == 'I'
			s.mu.Unlock()
			if !idle {
				r.behind(s)
			}
		}
		_ = queue.Pause(r.ctx, queue.Watch)
	}
}

// behind looks at the queue behind one session.
func (r *run) behind(s *session) {
	var tail queue.Tail
	err := r.g.eye.Do(r.ctx, func(ctx context.Context, conn *pgx.Conn) (err error) {
		tail, err = queue.Behind(ctx, conn, int(s.pid.Load()))
		return err
	})
	if err != nil || tail.Count == 0 {
		return
	}
	r.mu.Lock()
	if r.out.Behind == nil {
		r.out.Behind = &onward.GuardedQueue{}
	}
	b := r.out.Behind
	b.Most, b.LongestMS = max(b.Most, tail.Count), max(b.LongestMS, tail.Longest.Milliseconds())
	r.mu.Unlock()
	if tail.TooLong() {
		r.end(s, tail.String())
	}
}

// end cancels what a session is doing, or cuts off one that waits for the command with a transaction
// open.
func (r *run) end(s *session, why string) {
	s.crowded.Store(true)
	s.mu.Lock()
	w, busy := s.wire, s.busy
	if s.holding.Load() { // it goes on, and is cancelled at the next look
		s.mu.Unlock()
		return
	}
	if busy {
		s.ended = why
	}
	s.mu.Unlock()
	if busy {
		if err := w.Cancel(r.ctx); err != nil {
			r.log.Info("its own session was not cancelled", "error", err)
		}
		return
	}
	s.mu.Lock()
	begun := s.status != 'I'
	s.mu.Unlock()
	if !begun {
		return
	}
	r.mu.Lock()
	r.blame = true
	r.mu.Unlock()
	r.lose(onward.GuardedLoss{Statement: "a transaction that waited for the command", SQLSTATE: "57014", Message: why})
	w.Cut("57014", "others waited behind this transaction for too long, and it was ended")
}
