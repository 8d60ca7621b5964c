package guard

import (
	"context"
	"errors"
	"log/slog"
	"slices"
	"strconv"
	"strings"
	"sync"
	"time"

	"github.com/onward-sql/onward/internal/catalog"
	"github.com/onward-sql/onward/internal/effect"
	"github.com/onward-sql/onward/internal/queue"
	"github.com/onward-sql/onward/internal/wire"
	"github.com/onward-sql/onward/onward"
)

// guard is one call of [Run].
type guard struct {
	c      *Config
	place  *place
	server wire.Server
	eye    *eye // asks who waits for whom, beside the command's sessions
	notes  []string
}

func (g *guard) close() {
	ctx, stop := context.WithTimeout(context.Background(), time.Second)
	defer stop()
	g.eye.Close(ctx)
}

// stall is the lock_timeout of a run.
func (g *guard) stall(number int) time.Duration {
	return min(queue.FirstStall<<min(number, 8), g.c.MaxStall)
}

// run is one run of the command. It is a sink of the proxy.
type run struct {
	g     *guard
	log   *slog.Logger
	stall time.Duration
	until time.Time // nothing is held back after that

	ctx  context.Context // ends with the command
	told bool            // a signal was passed on

	mu       sync.Mutex
	out      onward.GuardedRun
	sessions []*session
	schema   *catalog.Catalog
	blame    bool // the last error was a lost race

	bypass *bypassMonitor
}

// once runs the command once.
func (g *guard) once(ctx context.Context, number int, began time.Time) (*run, error) {
	schema, version, err := g.eye.schema(ctx)
	if err != nil {
		return nil, err
	}
	r := &run{g: g, log: g.c.Logger, stall: g.stall(number), until: began.Add(g.c.Within), schema: schema}
	r.out.LockTimeoutMS = r.stall.Milliseconds()
	tls, err := wire.SelfSigned()
	if err != nil {
		return nil, err
	}
	// Sessions end when their client leaves, not when this ends: the proxy has its own end.
	proxy, err := wire.Listen(context.WithoutCancel(ctx), wire.Config{Server: g.server, TLS: tls, Sink: r.sink(version), Startup: r.settings, Logger: g.c.Logger, Grace: time.Second})
	if err != nil {
		return nil, err
	}
	args, env, err := g.arguments(proxy)
	if err != nil {
		return nil, errors.Join(err, proxy.Close())
	}
	r.bypass = newBypassMonitor(g, proxy)
	var stop context.CancelFunc
	r.ctx, stop = context.WithCancel(context.WithoutCancel(ctx))
	watched := make(chan struct{})
	go func() { defer close(watched); r.watch() }()
	start := time.Now()
	code, told, err := g.command(ctx, args, env, r.bypass)
	stop()
	<-watched
	r.cancel(ctx)
	around := r.bypass.endSessions(ctx)
	if closed := proxy.Close(); closed != nil {
		r.log.Debug("close the proxy", "error", closed)
	}
	r.told = told
	r.mu.Lock()
	defer r.mu.Unlock()
	r.out.Around = around
	r.out.ExitCode, r.out.TookMS = code, time.Since(start).Milliseconds()
	return r, err
}

// arguments are the command's and its environment, by the proxy.
func (g *guard) arguments(proxy *wire.Proxy) (args, env []string, err error) {
	g.place.host, g.place.port = proxy.Host(), proxy.Port()
	return g.place.rewriteCommand(g.c.Command, g.c.Env, g.c.Allow)
}

// settings are those that a session begins with.
func (r *run) settings(s wire.Startup) map[string]string {
	out := map[string]string{}
	if options := s.Parameters["options"]; !strings.Contains(options, "lock_timeout") {
		out["lock_timeout"] = ms(r.stall)
	}
	if d := r.g.c.StatementTimeout; d > 0 && !strings.Contains(s.Parameters["options"], "statement_timeout") {
		out["statement_timeout"] = ms(d)
	}
	return out
}

func ms(d time.Duration) string { return strconv.FormatInt(d.Milliseconds(), 10) + "ms" }

// sink makes a tap of each session.
func (r *run) sink(version *effect.Version) wire.Sink { return &sink{r, version} }

type sink struct {
	run     *run
	version *effect.Version
}

// Session watches one more.
func (k *sink) Session(start wire.Startup) wire.Tap {
	r := k.run
	s := &session{run: r, known: start.Database == r.g.place.database, texts: map[string][]statement{}, opened: map[string][]statement{}, status: 'I'}
	r.mu.Lock()
	schema := r.schema
	r.sessions = append(r.sessions, s)
	r.out.Sessions++
	r.mu.Unlock()
	if path := start.Parameters["search_path"]; path != "" && schema != nil {
		schema = schema.WithSearchPath(splitPath(path))
	}
	s.read = reader{schema: schema, version: k.version}
	if !s.known {
		s.read.schema = nil
	}
	s.begun = s.read.schema
	_, own := start.Parameters["lock_timeout"]
	if s.own = own || strings.Contains(start.Parameters["options"], "lock_timeout"); s.own {
		r.note(ownTimeout)
	}
	return s
}

const ownTimeout = "the command sets lock_timeout itself: it is left as it is, and others may wait behind it for as long as it says, up to a second"

func splitPath(path string) []string {
	var out []string
	for _, p := range strings.Split(path, ",") {
		if p = strings.Trim(strings.TrimSpace(p), `"`); p != "" && p != "$user" {
			out = append(out, p)
		}
	}
	return out
}

// note keeps what there is to know, once.
func (r *run) note(words string) {
	r.mu.Lock()
	defer r.mu.Unlock()
	if !slices.Contains(r.g.notes, words) {
		r.g.notes = append(r.g.notes, words)
		r.g.c.Tell(words)
	}
}

func (r *run) count(n int) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.out.Statements += n
}

// learn keeps the schema that a session leaves, for those that begin later.
func (r *run) learn(s *session) {
	if s.known && s.read.schema != nil {
		r.mu.Lock()
		defer r.mu.Unlock()
		r.schema = s.read.schema.WithSearchPath(r.schema.SearchPath)
	}
}

// committed notes that something that was written is there to stay, or may be.
func (r *run) commit() {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.out.Committed = true
}

func (r *run) committed() bool {
	r.mu.Lock()
	defer r.mu.Unlock()
	return r.out.Committed
}

// lost reports whether the command failed because of a lost race.
func (r *run) lost() bool {
	r.mu.Lock()
	defer r.mu.Unlock()
	return r.out.ExitCode != 0 && r.blame
}

// final is why a run that lost a race is not followed by another one; "" where it is.
func (r *run) final(c *Config, spent time.Duration) string {
	switch {
	case !r.lost():
		return ""
	case r.told:
		return "it was interrupted"
	case spent > c.Within:
		return "others were in its way for " + c.Within.String() + ": see who, below, and run the same again"
	case r.committed() && !c.Again:
		return "something that it wrote was committed before, so it is not run again unasked. " +
			"If it goes on where it was, as tools that record what they applied do, run the same command again, or give --again"
	}
	return ""
}

// races are the SQLSTATEs of a lost race: a lock that was not to be had in time, a deadlock.
var races = map[string]bool{"55P03": true, "40P01": true}

// refused notes an error that the server gave.
func (r *run) refused(s *session, st *statement, code, message string) {
	own := s.ended != "" && code == "57014"
	r.mu.Lock()
	r.blame = own || races[code]
	r.mu.Unlock()
	if !own && !races[code] {
		return
	}
	loss := onward.GuardedLoss{Statement: st.words, SQLSTATE: code, Message: "canceling statement due to lock timeout"}
	switch {
	case own:
		loss.Message = s.ended
		s.ended = ""
	case code == "40P01":
		loss.Message = "deadlock detected"
	}
	if !own && len(st.wanted) > 0 {
		loss.Blockers = r.g.eye.sentences(r.ctx, &queue.Line{Wanted: st.wanted}, r.pids())
	}
	r.lose(loss)
}

// lose notes a statement that was given up.
func (r *run) lose(loss onward.GuardedLoss) {
	r.mu.Lock()
	r.out.Lost = append(r.out.Lost, loss)
	r.mu.Unlock()
	words := loss.Statement + ": " + loss.Message + " (SQLSTATE " + loss.SQLSTATE + ")"
	if len(loss.Blockers) > 0 {
		words += "; " + strings.Join(loss.Blockers, "; ")
	}
	r.g.c.Tell(words)
}

// live are the sessions that are open.
func (r *run) live() []*session {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.sessions = slices.DeleteFunc(slices.Clone(r.sessions), func(s *session) bool { return s.gone.Load() })
	return r.sessions
}

// pids are the processes that serve the command.
func (r *run) pids() map[int]bool {
	out := map[int]bool{}
	for _, s := range r.live() {
		if pid := s.pid.Load(); pid != 0 {
			out[int(pid)] = true
		}
	}
	return out
}

// cancel ends what sessions are doing whose client has gone: a server looks at its client only
// when it is done.
func (r *run) cancel(ctx context.Context) {
	ctx, stop := context.WithTimeout(context.WithoutCancel(ctx), patience)
	defer stop()
	for _, s := range r.live() {
		s.mu.Lock()
		w, busy := s.wire, s.busy
		s.mu.Unlock()
		if w != nil && busy {
			if err := w.Cancel(ctx); err != nil {
				r.log.Debug("cancel what is left", "error", err)
			}
		}
	}
}
