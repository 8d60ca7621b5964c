package queuedb

import (
	"context"
	"crypto/rand"
	"encoding/json"
	"fmt"
	"log/slog"
	"net/http"
	"sync/atomic"
	"time"

	"github.com/VictoriaMetrics/metrics"
	"github.com/jackc/pgx/v5"
	"github.com/riverqueue/river"
	"github.com/riverqueue/river/riverdriver/riverpgxv5"

	"github.com/onward-sql/onward/apply"
	"github.com/onward-sql/onward/internal/fleet"
	"github.com/onward-sql/onward/onward"
)

// WorkerConfig is what [NewWorker] needs.
type WorkerConfig struct {
	// AtOnce limits the slices of this process: the attempts on targets, each of which ends after a while so that others have their turn.
	// As many long statements run beside them.
	AtOnce int
	// Source lists the targets.
	Source fleet.Source
	// Release is a release whose work needs code on this machine: see [Settings.OnMachine]. "" means that this worker takes other releases only.
	Release string
	// MakeWork returns the work on a target for one slice. The error says why this worker must leave the job to others.
	MakeWork func(j *Job) (fleet.Work, error)
	// Who works, for the ledgers.
	Who string
	// Drain limits how long a statement may go on after the signal to end.
	Drain time.Duration

	sliceLength, snooze time.Duration // 0 means the defaults; tests have shorter ones
}

// Job is the work of a slice.
type Job struct {
	Release, Digest, SearchPath string
	// Work is [Settings.Work].
	Work json.RawMessage
	// Slice limits the work; nil if it has no places to stop.
	Slice *apply.Slice
}

// Worker takes jobs from a queue.
type Worker struct {
	c       *WorkerConfig
	queue   *Queue
	targets *targetList
	holder  string // identifies this process in the queue
	metrics *workerMetrics
	beaten  atomic.Int64 // when the queue answered last, in Unix seconds

	draining chan struct{} // closed when the worker must end
	soon     chan struct{} // dispatch is due

	// unlisted has, by release, since when this worker has tried to list its targets again at its end. Only dispatchUntil uses it.
	unlisted map[int64]time.Time
}

// The rhythm of a worker.
const (
	heartbeat     = 5 * time.Second
	dispatchEvery = time.Second
	defaultSnooze = 2 * time.Second
	// A job begins fetchCooldown after its target's turn, or fetchPoll after a snooze.
	fetchCooldown = 10 * time.Millisecond
	fetchPoll     = 500 * time.Millisecond
)

// NewWorker returns a worker.
func (q *Queue) NewWorker(c WorkerConfig) *Worker {
	if c.sliceLength == 0 {
		c.sliceLength = sliceLength
	}
	if c.snooze == 0 {
		c.snooze = defaultSnooze
	}
	return &Worker{
		c: &c, queue: q, targets: newTargetList(c.Source), holder: c.Who + " " + rand.Text(), metrics: newWorkerMetrics(),
		draining: make(chan struct{}), soon: make(chan struct{}, 1), unlisted: map[int64]time.Time{},
	}
}

// riverConfig returns River's settings. Each worker knows each kind of job: the leader among them discards lost jobs of other kinds.
func (w *Worker) riverConfig() *river.Config {
	workers := river.NewWorkers()
	river.AddWorker(workers, &targetWorker{w: w})
	queues := map[string]river.QueueConfig{sliceQueue: {MaxWorkers: w.c.AtOnce}, longQueue: {MaxWorkers: w.c.AtOnce}}
	if w.c.Release != "" {
		queues[machineQueue(w.c.Release)] = river.QueueConfig{MaxWorkers: w.c.AtOnce}
	}
	return &river.Config{
		Schema: schemaName, PollOnly: w.queue.pooled, Workers: workers, JobTimeout: sliceTimeout, RescueStuckJobsAfter: rescueAfter,
		Queues: queues, FetchCooldown: fetchCooldown, FetchPollInterval: fetchPoll, SoftStopTimeout: w.c.Drain,
		Logger: w.queue.riverLogger(),
	}
}

// Run takes jobs until the context ends. Then it finishes its slices, and leaves the rest to other workers.
func (w *Worker) Run(ctx context.Context) error {
	client, err := river.NewClient(riverpgxv5.New(w.queue.pool), w.riverConfig())
	if err != nil {
		return err
	}
	uncanceledCtx := context.WithoutCancel(ctx)
	if err := client.Start(uncanceledCtx); err != nil {
		return err
	}
	w.queue.logger.Info("the worker takes targets", "who", w.c.Who, "at_once", w.c.AtOnce, "poll_only", w.queue.pooled)
	beats, stop := context.WithCancel(uncanceledCtx)
	ended := make(chan struct{})
	go func() {
		defer close(ended)
		w.sendHeartbeats(beats)
	}()
	w.dispatchUntil(ctx)
	w.queue.logger.Info("the worker ends: its slices stop at the next batch", "patience", w.c.Drain)
	close(w.draining)
	patience, cancel := context.WithTimeout(uncanceledCtx, w.c.Drain+queuePatience)
	defer cancel()
	err = client.Stop(patience)
	stop()
	<-ended
	return err
}

// sendHeartbeats tells the queue that this worker is alive.
func (w *Worker) sendHeartbeats(ctx context.Context) {
	for {
		if err := w.sendHeartbeat(ctx); err == nil {
			w.beaten.Store(time.Now().Unix())
		} else if ctx.Err() == nil {
			w.metrics.queueErrors.Inc()
			w.queue.logger.Warn("the queue does not answer", "error", err)
		}
		select {
		case <-ctx.Done():
			return
		case <-time.After(heartbeat):
		}
	}
}

func (w *Worker) sendHeartbeat(ctx context.Context) error {
	ctx, stop := context.WithTimeout(ctx, heartbeat)
	defer stop()
	return w.queue.inTransaction(ctx, func(tx pgx.Tx) error {
		_, err := tx.Exec(ctx, "UPDATE onward_queue.target SET seen = clock_timestamp() WHERE state = 'running' AND holder = $1", w.holder)
		return err
	})
}

// IsAlive reports whether the queue has answered lately, and the worker takes targets.
func (w *Worker) IsAlive() bool {
	return !w.isDraining() && time.Since(time.Unix(w.beaten.Load(), 0)) < lostAfter
}

// isDraining reports whether the worker got its signal to end.
func (w *Worker) isDraining() bool {
	select {
	case <-w.draining:
		return true
	default:
		return false
	}
}

// requestDispatch makes this worker look for the next targets at once.
func (w *Worker) requestDispatch() {
	select {
	case w.soon <- struct{}{}:
	default:
	}
}

// dispatchUntil lets targets begin until the context ends. Each worker does this in turn.
func (w *Worker) dispatchUntil(ctx context.Context) {
	for {
		ended, err := w.queue.dispatch(ctx, w.c.Release)
		if err == nil {
			err = w.finishRollouts(ctx, ended)
		}
		if err != nil && ctx.Err() == nil {
			w.metrics.queueErrors.Inc()
			w.queue.logger.Warn("no further target begins now", "error", err)
		}
		select {
		case <-ctx.Done():
			return
		case <-w.soon:
		case <-time.After(dispatchEvery):
		}
	}
}

// workerMetrics count what a worker does, in Prometheus' format.
type workerMetrics struct {
	set         *metrics.Set
	running     *metrics.Counter
	queueErrors *metrics.Counter
	seconds     *metrics.Histogram
}

func newWorkerMetrics() *workerMetrics {
	set := metrics.NewSet()
	return &workerMetrics{
		set: set, running: set.NewCounter("onward_worker_running"), queueErrors: set.NewCounter("onward_worker_queue_errors_total"),
		seconds: set.NewHistogram("onward_worker_slice_seconds"),
	}
}

// countSlice counts a slice and the state in which it left its target.
func (m *workerMetrics) countSlice(state onward.RolloutState, took time.Duration) {
	m.set.GetOrCreateCounter(fmt.Sprintf("onward_worker_slices_total{state=%q}", state)).Inc()
	m.seconds.Update(took.Seconds())
}

// Handler returns the handler of /healthz, which fails while the worker ends or the queue does not answer, and of /metrics.
func (w *Worker) Handler() http.Handler {
	mux := http.NewServeMux()
	mux.HandleFunc("GET /healthz", func(out http.ResponseWriter, _ *http.Request) {
		if !w.IsAlive() {
			http.Error(out, "the worker ends, or the queue does not answer", http.StatusServiceUnavailable)
			return
		}
		_, _ = fmt.Fprintln(out, "ok")
	})
	mux.HandleFunc("GET /metrics", func(out http.ResponseWriter, _ *http.Request) { w.metrics.set.WritePrometheus(out) })
	return mux
}

// targetList is the worker's own list of targets. The queue has names only: whoever can write to it cannot choose the addresses that a
// worker connects to.
type targetList struct {
	fleet.TargetList
	source fleet.Source
}

func newTargetList(source fleet.Source) *targetList {
	return &targetList{source: source, TargetList: fleet.TargetList{
		List: func(ctx context.Context) ([]*fleet.Target, error) { return fleet.ListTargets(ctx, source) }, Fresh: source.NeedsDatabase(),
	}}
}

// missingState is the state of a target that is not in the list. A database lists its schemas itself, so a schema without a line was
// dropped. A file may be an old one.
func (l *targetList) missingState(s *Settings) onward.RolloutState {
	if l.Fresh && s.Source == l.source.Text {
		return onward.RolloutGone
	}
	return onward.RolloutUnreachable
}

// riverLogger returns the logger for River.
func (q *Queue) riverLogger() *slog.Logger { return slog.New(&quietHandler{q.logger.Handler()}) }

// quietHandler lowers River's messages by a level: its start and end are details of the worker.
type quietHandler struct{ slog.Handler }

// Enabled asks for the lower level.
func (h *quietHandler) Enabled(ctx context.Context, level slog.Level) bool {
	return h.Handler.Enabled(ctx, lowerLevel(level))
}

// Handle writes a message with the lower level.
func (h *quietHandler) Handle(ctx context.Context, r slog.Record) error {
	r.Level = lowerLevel(r.Level)
	return h.Handler.Handle(ctx, r)
}

// WithAttrs keeps the lower level.
func (h *quietHandler) WithAttrs(list []slog.Attr) slog.Handler {
	return &quietHandler{h.Handler.WithAttrs(list)}
}

// WithGroup keeps the lower level.
func (h *quietHandler) WithGroup(name string) slog.Handler {
	return &quietHandler{h.Handler.WithGroup(name)}
}

func lowerLevel(level slog.Level) slog.Level {
	if level == slog.LevelInfo {
		return slog.LevelDebug
	}
	return level
}
