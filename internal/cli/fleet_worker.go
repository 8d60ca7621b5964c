package cli

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net"
	"net/http"
	"time"

	"github.com/spf13/cobra"

	"github.com/onward-sql/onward/apply"
	"github.com/onward-sql/onward/audit"
	"github.com/onward-sql/onward/internal/fleet"
	"github.com/onward-sql/onward/internal/fleet/queuedb"
	"github.com/onward-sql/onward/internal/live"
	"github.com/onward-sql/onward/onward"
)

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
