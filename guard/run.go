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

	"github.com/onward-sql/onward/internal/address"
	"github.com/onward-sql/onward/internal/analysis"
	"github.com/onward-sql/onward/internal/catalog"
	"github.com/onward-sql/onward/internal/effect"
	"github.com/onward-sql/onward/internal/queue"
	"github.com/onward-sql/onward/internal/underway"
	"github.com/onward-sql/onward/internal/wire"
	"github.com/onward-sql/onward/onward"
)

// guard is one call of [Run].
type guard struct {
	c             *Config
	serverAddress *serverAddress
	server        wire.Server
	monitor       *lockMonitor // a separate session that watches the lock queues of the command's sessions
	notes         []string
	unlogged      bool // the audit trail cannot be written
	lostRepacks   int  // copies of REPACK (CONCURRENTLY)
}

func (g *guard) closeGuard() {
	ctx, stop := context.WithTimeout(context.Background(), time.Second)
	defer stop()
	g.monitor.Close(ctx)
}

// lockTimeout returns the lock_timeout of a run.
func (g *guard) lockTimeout(number int) time.Duration {
	return min(queue.FirstStall<<min(number, 8), g.c.MaxStall)
}

// run is one run of the command. It is a sink of the proxy.
type run struct {
	g           *guard
	log         *slog.Logger
	lockTimeout time.Duration
	holdUntil   time.Time // nothing is held back after that

	ctx       context.Context // ends with the command
	signalled bool            // a signal was forwarded

	mu       sync.Mutex
	out      onward.GuardedRun
	sessions []*session
	schema   *catalog.Catalog
	lostRace bool // the last error was a lost lock race
	underWay *UnderWayError
	// refusedRepack: a REPACK (CONCURRENTLY) was not forwarded. lostRepack: the last error was one that lost its copy.
	refusedRepack *RepackError
	lostRepack    bool

	laterDrops []analysis.LaterDrop // of the schema

	bypass *bypassMonitor
}

// runOnce runs the command once.
func (g *guard) runOnce(ctx context.Context, number int, began time.Time) (*run, error) {
	schema, version, err := g.monitor.readSchema(ctx)
	if err != nil {
		return nil, err
	}
	r := &run{g: g, log: g.c.Logger, lockTimeout: g.lockTimeout(number), holdUntil: began.Add(g.c.Within), schema: schema}
	if r.laterDrops, err = underway.ReadLaterDrops(ctx, g.c.DB, schema, "", g.searchPathSchemas()); err != nil {
		r.addNote("statements that use what a plan under way will drop are not refused: " + address.RedactError(err, g.c.DB).Error())
	}
	r.out.LockTimeoutMS = r.lockTimeout.Milliseconds()
	root, err := wire.NewRootFile("")
	if err != nil {
		return nil, err
	}
	defer func() { _ = root.Remove() }()
	// Sessions end when their client leaves, not when ctx ends: the proxy is closed
	// separately.
	clients := wire.NewClients(g.c.AcceptUsers)
	proxy, err := wire.Listen(context.WithoutCancel(ctx), wire.Config{
		Server:  g.server,
		Clients: clients,
		TLS:     root.TLS,
		Sink:    &sink{r, version},
		Startup: r.initialSettings,
		Logger:  g.c.Logger,
		Grace:   time.Second,
	})
	if err != nil {
		return nil, err
	}
	args, env, err := g.rewriteArguments(proxy, root)
	if err != nil {
		return nil, errors.Join(err, proxy.Close())
	}
	env = append(env, wire.PasswordVariable+"="+clients.Password())
	r.bypass = newBypassMonitor(g, proxy)
	var stop context.CancelFunc
	r.ctx, stop = context.WithCancel(context.WithoutCancel(ctx))
	watched := make(chan struct{})
	go func() { defer close(watched); r.watchQueues() }()
	start := time.Now()
	code, signalled, err := g.runCommand(ctx, args, env, r.bypass, clients)
	stop()
	<-watched
	r.cancelSessions(ctx)
	endedSessions := r.bypass.endSessions(ctx)
	if closed := proxy.Close(); closed != nil {
		r.log.Debug("close the proxy", "error", closed)
	}
	if n := proxy.Stats().Untrusted; n > 0 {
		r.addNote(wire.UntrustedNote(n, g.needsRootCertificate()))
	}
	r.signalled = signalled
	r.mu.Lock()
	defer r.mu.Unlock()
	r.out.Around = endedSessions
	r.out.ExitCode, r.out.TookMS = code, time.Since(start).Milliseconds()
	return r, err
}

// searchPathSchemas returns the schemas of the search_path that the guard was given; nil without one.
func (g *guard) searchPathSchemas() []string {
	if g.c.SearchPath == "" {
		return nil
	}
	return splitSearchPath(g.c.SearchPath)
}

// rewriteArguments returns the command's arguments and environment, with the proxy's address and root certificate.
func (g *guard) rewriteArguments(proxy *wire.Proxy, root *wire.RootFile) (args, env []string, err error) {
	g.serverAddress.host, g.serverAddress.port = proxy.Host(), proxy.Port()
	if args, env, err = g.serverAddress.rewriteCommand(g.c.Command, g.c.Env, g.c.Allow); err != nil {
		return nil, nil, err
	}
	env, err = g.addRootCertificate(env, root)
	return args, env, err
}

// initialSettings returns the initial settings of a session.
func (r *run) initialSettings(s wire.Startup) map[string]string {
	out := map[string]string{}
	if options := s.Parameters["options"]; !strings.Contains(options, "lock_timeout") {
		out["lock_timeout"] = formatMilliseconds(r.lockTimeout)
	}
	if d := r.g.c.StatementTimeout; d > 0 && !strings.Contains(s.Parameters["options"], "statement_timeout") {
		out["statement_timeout"] = formatMilliseconds(d)
	}
	if path := r.g.c.SearchPath; path != "" && s.Database == r.g.serverAddress.database && !strings.Contains(s.Parameters["options"], "search_path") {
		out["search_path"] = path
	}
	return out
}

func formatMilliseconds(d time.Duration) string {
	return strconv.FormatInt(d.Milliseconds(), 10) + "ms"
}

type sink struct {
	run     *run
	version *effect.Version
}

// Session starts watching a new session.
func (k *sink) Session(start wire.Startup) wire.Tap {
	r := k.run
	s := &session{run: r, guarded: start.Database == r.g.serverAddress.database, prepared: map[string]prepared{}, portals: map[string][]statement{}, status: 'I'}
	r.mu.Lock()
	schema := r.schema
	r.sessions = append(r.sessions, s)
	r.out.Sessions++
	r.mu.Unlock()
	if path := start.Parameters["search_path"]; path != "" && schema != nil {
		schema = schema.WithSearchPath(splitSearchPath(path))
	}
	s.read = reader{schema: schema, version: k.version, laterDrops: r.laterDrops}
	if !s.guarded {
		s.read.schema = nil
	}
	s.schemaAtBegin = s.read.schema
	_, hasTimeout := start.Parameters["lock_timeout"]
	if s.setsTimeout = hasTimeout || strings.Contains(start.Parameters["options"], "lock_timeout"); s.setsTimeout {
		r.addNote(ownTimeout)
	}
	return s
}

const ownTimeout = "the command sets lock_timeout itself: its value stays, and others may wait for the command that long, up to a second"

func splitSearchPath(path string) []string {
	var out []string
	for _, p := range strings.Split(path, ",") {
		if p = strings.Trim(strings.TrimSpace(p), `"`); p != "" && p != "$user" {
			out = append(out, p)
		}
	}
	return out
}

// addNote adds a note to the result, once.
func (r *run) addNote(words string) {
	r.mu.Lock()
	defer r.mu.Unlock()
	if !slices.Contains(r.g.notes, words) {
		r.g.notes = append(r.g.notes, words)
		r.g.c.Tell(words)
	}
}

func (r *run) countStatements(n int) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.out.Statements += n
}

// keepSchema keeps the schema that a session leaves, for sessions that begin later.
func (r *run) keepSchema(s *session) {
	if s.guarded && s.read.schema != nil {
		r.mu.Lock()
		defer r.mu.Unlock()
		r.schema = s.read.schema.WithSearchPath(r.schema.SearchPath)
	}
}

// recordCommit records that something was committed, or may have been.
func (r *run) recordCommit() {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.out.Committed = true
}

func (r *run) hasCommitted() bool {
	r.mu.Lock()
	defer r.mu.Unlock()
	return r.out.Committed
}

// hasLostRace reports whether the command failed because of a lost lock race.
func (r *run) hasLostRace() bool {
	r.mu.Lock()
	defer r.mu.Unlock()
	return r.out.ExitCode != 0 && r.lostRace
}

// reasonNotToRepeat returns why a run that lost a lock race is not repeated; "" if it is.
func (r *run) reasonNotToRepeat(c *Config, spent time.Duration) string {
	switch {
	case !r.hasLostRace():
		return ""
	case r.signalled:
		return "it was interrupted"
	case spent > c.Within:
		return "others were in its way for " + c.Within.String() + ": see who, below, and run the same again"
	case r.hasCommitted() && !c.Again:
		return "something that it wrote was committed before, so it is not run again unasked. " +
			"If it continues at that point, as tools that record what they applied do, run the same command again, or give --again"
	}
	return ""
}

// raceCodes are the SQLSTATEs of a lost lock race: a lock timeout and a deadlock.
var raceCodes = map[string]bool{"55P03": true, "40P01": true}

// recordError records an error of the server.
func (r *run) recordError(s *session, st *statement, code string) {
	isOwnCancel := s.cancelReason != "" && code == "57014"
	r.mu.Lock()
	r.lostRace = isOwnCancel || raceCodes[code]
	r.lostRepack = st.repacks != "" && (isOwnCancel || raceCodes[code] && s.repackAtEnd)
	r.mu.Unlock()
	if !isOwnCancel && !raceCodes[code] {
		return
	}
	loss := onward.GuardedLoss{Statement: st.description, SQLSTATE: code, Message: "canceling statement due to lock timeout"}
	switch {
	case isOwnCancel:
		loss.Message = s.cancelReason
		s.cancelReason = ""
	case code == "40P01":
		loss.Message = "deadlock detected"
	}
	if !isOwnCancel && len(st.wantedLocks) > 0 {
		loss.Blockers = r.g.monitor.describeBlockers(r.ctx, &queue.LockQueue{Wanted: st.wantedLocks}, r.sessionPIDs())
	}
	r.recordLoss(loss)
}

// recordLaterDropUse records a statement that is not forwarded, because it uses what a plan under way will drop.
func (r *run) recordLaterDropUse(st *statement) *UnderWayError {
	r.mu.Lock()
	defer r.mu.Unlock()
	if r.underWay == nil {
		r.underWay = &UnderWayError{st.description, st.laterDrop.Text, st.laterDrop.Plan, st.laterDrop.FinishAdvice()}
	}
	return r.underWay
}

// recordLoss records a statement that was given up.
func (r *run) recordLoss(loss onward.GuardedLoss) {
	r.mu.Lock()
	r.out.Lost = append(r.out.Lost, loss)
	r.mu.Unlock()
	words := loss.Statement + ": " + loss.Message + " (SQLSTATE " + loss.SQLSTATE + ")"
	if len(loss.Blockers) > 0 {
		words += "; " + strings.Join(loss.Blockers, "; ")
	}
	r.g.c.Tell(words)
}

// listOpenSessions returns the open sessions.
func (r *run) listOpenSessions() []*session {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.sessions = slices.DeleteFunc(slices.Clone(r.sessions), func(s *session) bool { return s.disconnected.Load() })
	return r.sessions
}

// sessionPIDs returns the server processes of the command's sessions.
func (r *run) sessionPIDs() map[int]bool {
	out := map[int]bool{}
	for _, s := range r.listOpenSessions() {
		if pid := s.pid.Load(); pid != 0 {
			out[int(pid)] = true
		}
	}
	return out
}

// cancelSessions cancels what sessions are doing after their client has gone: a server notices that
// only when it is done.
func (r *run) cancelSessions(ctx context.Context) {
	ctx, stop := context.WithTimeout(context.WithoutCancel(ctx), patience)
	defer stop()
	for _, s := range r.listOpenSessions() {
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
