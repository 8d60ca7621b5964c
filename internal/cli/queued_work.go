package cli

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"log/slog"
	"net"
	"net/http"
	"os"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"github.com/onward-sql/onward/apply"
	"github.com/onward-sql/onward/audit"
	"github.com/onward-sql/onward/guard"
	"github.com/onward-sql/onward/internal/fleet"
	"github.com/onward-sql/onward/internal/fleet/queuedb"
	"github.com/onward-sql/onward/internal/live"
	"github.com/onward-sql/onward/onward"
)

// queuedApply is the work of an onward apply --queue, as the queue stores it for workers. It has no address of a target.
type queuedApply struct {
	Plan           *onward.Plan     `json:"plan"`
	Pending        *queuedPending   `json:"pending,omitempty"` // instead of a plan
	Name           string           `json:"name"`
	Through        onward.PlanPhase `json:"through"`
	To             string           `json:"to,omitempty"`
	Role           string           `json:"role,omitempty"`
	Table          string           `json:"table,omitempty"`
	Unproven       string           `json:"unproven,omitempty"`
	Within         time.Duration    `json:"within"`
	MaxStall       time.Duration    `json:"max_stall"`
	Parallel       int              `json:"parallel"`
	Publications   []string         `json:"publications,omitempty"`
	UnknownVersion bool             `json:"unknown_version,omitempty"`
	Triggers       []string         `json:"triggers,omitempty"`
	AsSuperuser    bool             `json:"as_superuser,omitempty"`
	OldSnapshots   string           `json:"old_snapshots,omitempty"`
	WaitStandbys   bool             `json:"wait_standbys,omitempty"`
	Throttle       apply.Limits     `json:"throttle"`
	Evidence       *apply.Evidence  `json:"evidence,omitempty"`
	SearchPath     string           `json:"search_path"`
}

// queuedPending says which pending migrations a worker applies. The worker reads them from its own repository.
type queuedPending struct {
	Head   string `json:"head,omitempty"`
	Base   string `json:"base,omitempty"`
	Source string `json:"source,omitempty"`
	Accept bool   `json:"accept_findings,omitempty"`
	Adopt  bool   `json:"adopt,omitempty"`
	// Migrations is the digest of the migrations that the worker must have.
	Migrations string `json:"migrations"`
}

// newQueuedApply describes the work for the queue.
func newQueuedApply(c *apply.PendingConfig, searchPath string) ([]byte, error) {
	q := queuedApply{
		Plan: c.Plan, Name: c.Name, Through: c.Through, To: c.To, Role: c.Role, Table: c.Table, Unproven: c.Unproven, Within: c.Within, MaxStall: c.MaxStall,
		Parallel: c.Parallel, Publications: c.AcceptPublications, Triggers: c.AcceptTriggers, AsSuperuser: c.AsSuperuser,
		OldSnapshots: c.AcceptOldSnapshots, WaitStandbys: c.WaitForStandbys,
		UnknownVersion: c.UnknownVersion, Throttle: c.Throttle, Evidence: c.Evidence, SearchPath: searchPath,
	}
	if c.Plan == nil {
		q.Pending = &queuedPending{
			Head: c.Repository.Head, Base: c.Repository.Base, Source: c.Source, Accept: c.AcceptFindings, Adopt: c.Adopt, Migrations: c.Migrations,
		}
	}
	return json.Marshal(q)
}

// pendingConfig returns the work for one slice, with the worker's own repository.
func (q *queuedApply) pendingConfig(s *apply.Slice, repository audit.Config) *apply.PendingConfig {
	out := &apply.PendingConfig{Repository: repository, Table: q.Table, Config: apply.Config{
		Plan: q.Plan, Name: q.Name, Through: q.Through, To: q.To, Role: q.Role, Unproven: q.Unproven, Within: q.Within, MaxStall: q.MaxStall, Parallel: q.Parallel,
		AcceptPublications: q.Publications, AcceptTriggers: q.Triggers, AsSuperuser: q.AsSuperuser,
		AcceptOldSnapshots: q.OldSnapshots, WaitForStandbys: q.WaitStandbys,
		UnknownVersion: q.UnknownVersion, Throttle: q.Throttle, Evidence: q.Evidence, Slice: s,
	}}
	if p := q.Pending; p != nil {
		out.Repository.Head, out.Repository.Base = p.Head, p.Base
		out.Source, out.AcceptFindings, out.Adopt, out.Migrations = p.Source, p.Accept, p.Adopt, p.Migrations
	}
	return out
}

// queuedGuard is what a worker knows of onward guard. The command is the worker's own: nothing in the queue may start a program.
type queuedGuard struct {
	Within    time.Duration `json:"within"`
	MaxStall  time.Duration `json:"max_stall"`
	Statement time.Duration `json:"statement_timeout,omitempty"`
	Again     bool          `json:"again,omitempty"`
}

// queuedCommand is the work of onward guard.
type queuedCommand struct {
	Guard *queuedGuard `json:"guard"`
}

// newQueuedGuard describes the work for the queue.
func newQueuedGuard(c *guard.Config) ([]byte, error) {
	return json.Marshal(queuedCommand{&queuedGuard{Within: c.Within, MaxStall: c.MaxStall, Statement: c.StatementTimeout, Again: c.Again}})
}

// readQueuedWork reads the work: one of both. An unknown key is of a newer release of onward.
func readQueuedWork(text []byte) (*queuedApply, *queuedGuard, error) {
	var kind map[string]json.RawMessage
	if err := json.Unmarshal(text, &kind); err != nil {
		return nil, nil, otherReleaseError(err)
	}
	d := json.NewDecoder(bytes.NewReader(text))
	d.DisallowUnknownFields()
	if kind["guard"] != nil {
		q := queuedCommand{}
		if err := d.Decode(&q); err != nil {
			return nil, nil, otherReleaseError(err)
		}
		return nil, q.Guard, nil
	}
	q := &queuedApply{}
	err := d.Decode(q)
	if err == nil && (q.Plan == nil) == (q.Pending == nil) {
		err = errors.New("it has no plan")
	}
	if err != nil {
		return nil, nil, otherReleaseError(err)
	}
	q.Throttle.Health = "" // nothing in the queue may start a program here
	return q, nil, nil
}

func otherReleaseError(err error) error {
	return fmt.Errorf("the work was put into the queue by another release of onward: %w", err)
}

// workMaker makes the work of a worker's slices.
type workMaker struct {
	release    string // whose code is on this machine; "" for none
	repository audit.Config
	command    guard.Config // without a command if none was given
	logger     *slog.Logger
}

// makeWork returns the work of a slice. The error says why another worker must do it.
func (m *workMaker) makeWork(j *queuedb.Job) (fleet.Work, error) {
	steps, guarded, err := readQueuedWork(j.Work)
	switch {
	case err != nil:
		return nil, err
	case (guarded != nil || steps.Pending != nil) && j.Release != m.release: // also if somebody has put it into the queue of all workers
		return nil, errors.New("this worker was not started for the release " + j.Release)
	case guarded != nil:
		return m.newGuardWork(j, guarded)
	}
	return newApplyWork(steps.pendingConfig(j.Slice, m.repository), steps.SearchPath, func(t *fleet.Target) func(apply.Event) { return logEvents(m.logger, t) },
		func(*onward.Applied, error) {}), nil
}

// newGuardWork returns the work that runs the worker's own command, which must be the one with which the release was begun.
func (m *workMaker) newGuardWork(j *queuedb.Job, q *queuedGuard) (fleet.Work, error) {
	c := m.command
	if fleet.DigestCommand(c.Command, j.SearchPath) != j.Digest {
		return nil, errors.New("this worker has another command than the onward guard that began the release")
	}
	c.Within, c.MaxStall, c.StatementTimeout, c.Again = q.Within, q.MaxStall, q.Statement, q.Again
	return fleet.GuardCommand(c, j.SearchPath), nil
}

// newWorkerCommand returns the worker's own command.
func newWorkerCommand(f *workerFlags, command []string, logger *slog.Logger) guard.Config {
	out := &outputLog{logger}
	return guard.Config{
		Command: command, Release: f.release, Env: os.Environ(), Out: out, Err: out, Allow: f.allow, Logger: slog.New(slog.DiscardHandler),
		Tell: func(words string) { logger.Info("guard", "event", words) },
	}
}

// outputLog writes the output of commands to the log. It gets a line with the name of its target at a time.
type outputLog struct{ logger *slog.Logger }

// Write logs a line.
func (o *outputLog) Write(line []byte) (int, error) {
	target, text, _ := strings.Cut(strings.TrimSuffix(string(line), "\n"), " | ")
	o.logger.Info("output", "target", target, "line", text)
	return len(line), nil
}

// logEvents returns what writes a target's events to the log.
func logEvents(logger *slog.Logger, t *fleet.Target) func(apply.Event) {
	return func(e apply.Event) {
		step := ""
		if e.Step != nil {
			step = e.Step.ID
		}
		logger.Debug("step", "target", t.Name, "step", step, "event", e.Kind, "words", e.Words, "rows", e.Total)
	}
}

// workerFlags are the flags of onward fleet worker.
type workerFlags struct {
	queue, targets, db, listen, release string
	allow                               []string
	atOnce                              int
	drain                               time.Duration
}

// Defaults and limits of a worker.
const (
	defaultDrain  = 25 * time.Second // below the 30 seconds that Kubernetes gives
	mostAtOnce    = 1000
	queueSessions = 6 // besides one for each slice
)

func (a *app) newFleetWorkerCommand() *cobra.Command {
	var f workerFlags
	cmd := &cobra.Command{
		Use:   "worker --queue ADDRESS --targets SOURCE [--release NAME -- COMMAND [ARGUMENT]…]",
		Short: "do the work for releases in a queue",
		Long: `Takes targets of releases that onward apply or guard --targets --queue has put into a queue
database. Run as many workers as you like, on as many machines. The queue has the names of targets
and the plan. Each worker finds their addresses in its own --targets, so no password is in the
queue.

A release of onward guard, or of pending migrations, needs code on the worker's machine: only workers
with its name in --release and the same command take its targets. The queue cannot choose the
command.

A backfill runs in slices of a minute, so that other targets have their turn. After a kill,
another worker goes on within a minute. SIGTERM ends the worker after the running batches.
Log lines are JSON, on standard error.

Exit code: 0 it was asked to end; 2 usage or input; 3 the queue cannot be used.`,
		Example: `  onward fleet worker --queue env:QUEUE_URL --targets targets.txt
  onward fleet worker --queue env:QUEUE_URL --targets 'schemas:tenant_*' --db env:DATABASE_URL
  onward fleet worker --queue env:QUEUE_URL --targets targets.txt --listen 127.0.0.1:9187
  onward fleet worker --queue env:QUEUE_URL --targets targets.txt --release v2.4 -- ./migrate up`,
		RunE: func(cmd *cobra.Command, args []string) error { return a.runWorker(cmd.Context(), &f, args) },
	}
	flags := cmd.Flags()
	flags.SortFlags = false
	flags.StringVar(&f.queue, "queue", "", "`address` of the queue database, @FILE or env:NAME that hold it")
	flags.StringVar(&f.targets, "targets", "", "all `targets`: schemas:PATTERN or query:SQL on --db, a file, or a directory")
	flags.StringVar(&f.db, "db", "", "`address` of the database, @FILE or env:NAME that hold it, for schemas: and query:")
	flags.StringVar(&f.release, "release", "", "also take targets of this `release`, whose code is on this machine: after it, the command of onward guard")
	flags.StringArrayVar(&f.allow, "allow-address", nil,
		"`HOST[:PORT]` that the command may name beside its target's; its sessions there are not guarded (repeatable)")
	flags.IntVar(&f.atOnce, "at-once", fleet.DefaultAtOnce, "the largest `number` of slices that this process runs at once")
	flags.DurationVar(&f.drain, "drain", defaultDrain, "the `time` after SIGTERM after which running statements are cancelled")
	flags.StringVar(&f.listen, "listen", "", "`HOST:PORT` for /healthz and /metrics (Prometheus)")
	return cmd
}

// runWorker takes targets until the process gets a signal.
func (a *app) runWorker(ctx context.Context, f *workerFlags, command []string) error {
	switch {
	case f.queue == "" || f.targets == "":
		return newUsageError("--queue and --targets are missing: name the queue, and the list of all targets")
	case f.atOnce < 1 || f.atOnce > mostAtOnce:
		return newUsageError("--at-once %d: 1 to %d slices", f.atOnce, mostAtOnce)
	case len(command) > 0 && f.release == "":
		return newUsageError("--release is missing: a command is for one release, whose code is on this machine")
	case len(f.allow) > 0 && len(command) == 0:
		return newUsageError("--allow-address is for a command: name it after --")
	case f.drain <= 0:
		return newUsageError("--drain is a time such as 25s")
	}
	address, err := a.queueAddress(f.queue)
	if err != nil {
		return err
	}
	source, err := a.newTargetSource(f.targets, f.db)
	if err != nil {
		return err
	}
	repository := audit.Config{Logger: a.newLogger()}
	if repository.Settings, err = a.readConfigFile(); err != nil {
		return err
	}
	level := slog.LevelInfo
	if a.flags.verbose > 0 {
		level = slog.LevelDebug
	}
	logger := slog.New(slog.NewJSONHandler(a.err, &slog.HandlerOptions{Level: level}))
	ctx = live.WithNewerServer(ctx, onward.PreviewMajor, func(major int) { logger.Warn(newerServerNote(major)) })
	a.patience.Store(int64(f.drain + time.Minute)) // Worker.Run ends by itself
	if a.collector != nil {
		a.collector.stopPacing()
	}
	q, err := queuedb.Open(ctx, address, f.atOnce+queueSessions, logger)
	if err != nil {
		return err
	}
	defer q.Close()
	work := &workMaker{release: f.release, repository: repository, command: newWorkerCommand(f, command, logger), logger: logger}
	w := q.NewWorker(queuedb.WorkerConfig{
		AtOnce: f.atOnce, Source: source, Who: apply.ProcessName("fleet worker"), Drain: f.drain,
		Release: f.release, MakeWork: work.makeWork,
	})
	if f.listen != "" {
		stop, err := serveHealth(f.listen, w.Handler(), logger)
		if err != nil {
			return err
		}
		defer stop()
	}
	if err := w.Run(ctx); err != nil && !errors.Is(err, context.DeadlineExceeded) {
		return fmt.Errorf("the queue: %w", err)
	}
	return nil
}

// serveHealth serves a handler until stop is called.
func serveHealth(address string, h http.Handler, logger *slog.Logger) (stop func(), err error) {
	listener, err := net.Listen("tcp", address)
	if err != nil {
		return nil, newUsageError("--listen: %v", err)
	}
	logger.Info("health and metrics are served", "address", listener.Addr().String())
	server := &http.Server{Handler: h, ReadHeaderTimeout: 5 * time.Second, ReadTimeout: 10 * time.Second, WriteTimeout: 10 * time.Second}
	go func() { _ = server.Serve(listener) }()
	return func() { _ = server.Close() }, nil
}
