package queuedb

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"errors"
	"log/slog"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/riverqueue/river"

	"github.com/onward-sql/onward/apply"
	"github.com/onward-sql/onward/internal/fleet"
	"github.com/onward-sql/onward/onward"
)

// targetKind is River's name for the jobs.
const targetKind = "onward_target"

// River's queues. A statement that takes hours does not keep slices from running.
const (
	sliceQueue = "slices"
	longQueue  = "statements"
)

// The times of a job. River must not begin a job again that still runs, so rescueAfter and the timeouts are above everything
// that a job may take. dispatch notices a killed worker earlier, by its heartbeats.
const (
	sliceLength  = 60 * time.Second
	sliceTimeout = 10 * time.Minute
	longTimeout  = 48 * time.Hour
	rescueAfter  = 15 * time.Minute
	// maxAttempts counts errors of the queue database alone: waiting is no attempt.
	maxAttempts = 100
	// reachedTime is the duration from which a slice shows that its target could be reached.
	reachedTime = 30 * time.Second
	// otherSnooze is the pause after which a worker of another version may take the job.
	otherSnooze = 30 * time.Second
)

// TargetArgs are the arguments of a job. Run is different for each job, because River compares a new job with those that it has completed.
type TargetArgs struct {
	Rollout int64  `json:"rollout"` // the id of the release's row
	Target  string `json:"target"`  // its name
	Run     int64  `json:"run"`
	// Long: the next step may take longer than a slice.
	Long bool `json:"long"`
	// Queue is River's queue of a release whose work needs code on the worker's machine; "" for others.
	Queue string `json:"queue,omitempty"`
}

// Kind returns River's name for the jobs.
func (TargetArgs) Kind() string { return targetKind }

// InsertOpts returns the queue of the job.
func (a TargetArgs) InsertOpts() river.InsertOpts {
	name := sliceQueue
	switch {
	case a.Queue != "":
		name = a.Queue
	case a.Long: // an old job of the target, which ends at once, may have the same queue
		name = longQueue
	}
	return river.InsertOpts{Queue: name, MaxAttempts: maxAttempts, UniqueOpts: river.UniqueOpts{ByArgs: true}}
}

// machineQueue returns River's queue of a release whose work needs code on the worker's machine. River allows few letters in the name.
func machineQueue(release string) string {
	sum := sha256.Sum256([]byte(release))
	return "release_" + hex.EncodeToString(sum[:16])
}

// targetWorker does the jobs.
type targetWorker struct {
	river.WorkerDefaults[TargetArgs]
	w *Worker
}

// Timeout limits a job. It is never unlimited: River would not begin such a job again after its worker was killed.
func (t *targetWorker) Timeout(job *river.Job[TargetArgs]) time.Duration {
	if job.Args.Long {
		return longTimeout
	}
	return sliceTimeout
}

// NextRetry is the pause after an error of the queue database. River's own pause grows with the attempts, and they are never forgotten.
func (t *targetWorker) NextRetry(*river.Job[TargetArgs]) time.Time {
	return time.Now().Add(defaultSnooze)
}

// Work works on a target for a slice of time. The job is over when the target is, and snoozes otherwise.
func (t *targetWorker) Work(ctx context.Context, job *river.Job[TargetArgs]) error {
	t.w.metrics.running.Inc()
	defer t.w.metrics.running.Dec()
	return t.w.runSlice(ctx, &job.Args)
}

// slice is the state of a target at the beginning of a job.
type slice struct {
	args     *TargetArgs
	release  string
	work     string
	settings *Settings
	before   *apply.SliceError
	away     time.Duration // since when the target cannot be reached
}

// runSlice works on a target. The error says when River calls it again.
func (w *Worker) runSlice(ctx context.Context, args *TargetArgs) error {
	s, err := w.beginSlice(ctx, args)
	switch {
	case errors.Is(err, errOtherRelease):
		return river.JobSnooze(otherSnooze)
	case err != nil || s == nil:
		return err
	}
	began := time.Now()
	logger := w.queue.logger.With("release", s.release, "target", args.Target)
	t, err := w.targets.FindTarget(ctx, args.Target)
	if err == nil && t == nil {
		return w.endSlice(ctx, s, logger, &onward.RolloutTarget{State: w.targets.missingState(s.settings), Note: "no list of targets has it"}, nil)
	}
	if err != nil {
		return w.endSlice(ctx, s, logger, &onward.RolloutTarget{State: onward.RolloutUnreachable, Note: "the targets cannot be listed"}, nil)
	}
	work, err := w.c.MakeWork(w.newJob(s))
	if err != nil {
		logger.Error("the target is left to other workers", "error", err)
		return w.leaveTarget(ctx, s, err.Error())
	}
	reached := false
	p, err := fleet.RunTarget(ctx, fleet.Config{
		Release: s.release, Digest: s.work, Chosen: s.settings.Chosen, Verify: s.settings.Verify, SearchPath: s.settings.SearchPath,
		Work: func(ctx context.Context, t *fleet.Target, record func(pid int) error) (int, error) {
			reached = true
			return work(ctx, t, record)
		},
		Repeats: true, Who: w.c.Who, Tell: func(words string) { logger.Debug(words) },
	}, t)
	took := time.Since(began)
	w.metrics.countSlice(p.State, took)
	if reached && took > reachedTime {
		s.away = 0
	}
	return w.endSlice(ctx, s, logger, p, err)
}

// newJob describes the work of a slice.
func (w *Worker) newJob(s *slice) *Job {
	j := &Job{Release: s.release, Digest: s.work, SearchPath: s.settings.SearchPath, Work: s.settings.Work}
	if !s.settings.OnMachine {
		j.Slice = &apply.Slice{Length: w.c.sliceLength, Long: s.args.Long, Stop: w.draining, Before: s.before}
	}
	return j
}

// beginSlice records that this worker has the target. It returns nil if another job has replaced this one.
func (w *Worker) beginSlice(ctx context.Context, args *TargetArgs) (*slice, error) {
	s := &slice{args: args}
	var text, body, step string
	var waited, awaySeconds float64
	err := w.queue.inTransaction(ctx, func(tx pgx.Tx) error {
		return tx.QueryRow(ctx, `UPDATE onward_queue.target AS t SET holder = $4, seen = clock_timestamp() FROM onward_queue.rollout AS r
		WHERE r.id = t.rollout AND t.rollout = $1 AND t.name = $2 AND t.run = $3 AND t.state = 'running'
		RETURNING r.release, r.work, r.settings, r.body, t.step, t.waited, coalesce(extract(epoch FROM clock_timestamp() - t.away), 0)::float8`,
			args.Rollout, args.Target, args.Run, w.holder).Scan(&s.release, &s.work, &text, &body, &step, &waited, &awaySeconds)
	})
	if errors.Is(err, pgx.ErrNoRows) {
		return nil, nil
	}
	if err != nil {
		return nil, err
	}
	if s.settings, err = decodeSettings(text); err != nil {
		return nil, errors.Join(err, w.queue.updateTarget(ctx, args, "holder = '', seen = NULL"))
	}
	s.settings.Work, s.away = json.RawMessage(body), secondsToDuration(awaySeconds)
	if waited > 0 {
		s.before = &apply.SliceError{Step: step, Waited: secondsToDuration(waited)}
	}
	return s, nil
}

func secondsToDuration(n float64) time.Duration { return time.Duration(n * float64(time.Second)) }

// endSlice records the result of a slice. failed is an error of [fleet.RunTarget].
func (w *Worker) endSlice(ctx context.Context, s *slice, logger *slog.Logger, p *onward.RolloutTarget, failed error) error {
	ctx = context.WithoutCancel(ctx) // the result is recorded after a timeout, too
	sliceErr, heldErr := new(apply.SliceError), new(apply.HeldError)
	switch {
	case errors.As(failed, &sliceErr):
		logger.Debug("the slice is over", "step", sliceErr.Step, "waited", sliceErr.Waited)
		if sliceErr.Long != s.args.Long {
			return w.changeQueue(ctx, s, sliceErr)
		}
		return w.pauseSlice(ctx, s, sliceErr)
	case errors.As(failed, &heldErr):
		logger.Debug("another process has the target", "holder", heldErr.Holder)
		return w.postponeTarget(ctx, s, heldErr.Error(), false)
	case failed != nil:
		return w.stopRollout(ctx, s, logger, failed)
	}
	switch p.State {
	case onward.RolloutPending, onward.RolloutRunning:
		return w.postponeTarget(ctx, s, p.Note, false)
	case onward.RolloutInterrupted, onward.RolloutUnreachable:
		if w.isDraining() {
			return w.postponeTarget(ctx, s, p.Note, false)
		}
		if s.away < s.settings.Within {
			if s.away == 0 {
				logger.Info("the target waits", "why", p.Note)
			}
			return w.postponeTarget(ctx, s, p.Note, true)
		}
		p.State = onward.RolloutUnreachable
	}
	logger.Info("the target has ended", "state", p.State, "note", p.Note)
	return w.finishTarget(ctx, s, p.State, p.ExitCode, p.Note)
}

// finishTarget records that no further job is needed.
func (w *Worker) finishTarget(ctx context.Context, s *slice, state onward.RolloutState, exitCode int, note string) error {
	err := w.queue.updateTarget(ctx, s.args, `state = $4, exit_code = $5, note = $6, run = NULL, job = NULL, long = false, holder = '', seen = NULL,
		step = '', waited = 0, away = NULL, ended = clock_timestamp()`, string(state), exitCode, note)
	w.requestDispatch()
	return err
}

// pauseSlice ends a slice between two steps or batches. The next one begins when River has a free place.
func (w *Worker) pauseSlice(ctx context.Context, s *slice, sliceErr *apply.SliceError) error {
	if err := w.queue.updateTarget(ctx, s.args, "holder = '', seen = NULL, note = $4, step = $5, waited = $6, away = NULL",
		sliceErr.Error(), sliceErr.Step, sliceErr.Waited.Seconds()); err != nil {
		return err
	}
	return river.JobSnooze(0)
}

// changeQueue replaces the job by one with another timeout.
func (w *Worker) changeQueue(ctx context.Context, s *slice, sliceErr *apply.SliceError) error {
	return w.queue.inTransaction(ctx, func(tx pgx.Tx) error {
		tag, err := tx.Exec(ctx, `UPDATE onward_queue.target SET note = $4, step = $5, waited = $6, away = NULL WHERE rollout = $1 AND name = $2 AND run = $3`,
			s.args.Rollout, s.args.Target, s.args.Run, sliceErr.Error(), sliceErr.Step, sliceErr.Waited.Seconds())
		if err != nil || tag.RowsAffected() == 0 {
			return err
		}
		return w.queue.insertJob(ctx, tx, &TargetArgs{Rollout: s.args.Rollout, Target: s.args.Target, Long: sliceErr.Long})
	})
}

// postponeTarget ends a slice that could not work. isUnreachable: the target cannot be reached, which has a time limit.
func (w *Worker) postponeTarget(ctx context.Context, s *slice, note string, isUnreachable bool) error {
	if err := w.queue.updateTarget(ctx, s.args, `note = $4, away = CASE WHEN $5 AND $6 THEN coalesce(away, clock_timestamp())
		WHEN $5 THEN clock_timestamp() END`, note, isUnreachable, s.away > 0); err != nil {
		return err
	}
	return w.snoozeJob(ctx, s, w.c.snooze)
}

// leaveTarget ends a slice whose work this worker cannot do. Another one may.
func (w *Worker) leaveTarget(ctx context.Context, s *slice, note string) error {
	if err := w.queue.updateTarget(ctx, s.args, "note = $4", note); err != nil {
		return err
	}
	d := otherSnooze
	if s.settings.OnMachine { // its workers are few
		d = w.c.snooze
	}
	return w.snoozeJob(ctx, s, d)
}

// snoozeJob lets River call the job again later. After the worker's signal to end, another worker may begin it at once.
func (w *Worker) snoozeJob(ctx context.Context, s *slice, d time.Duration) error {
	if err := w.queue.updateTarget(ctx, s.args, "holder = '', seen = NULL"); err != nil {
		return err
	}
	if w.isDraining() {
		d = 0
	}
	return river.JobSnooze(d)
}

// stopRollout ends a release whose work no target can do. The target itself is not done.
func (w *Worker) stopRollout(ctx context.Context, s *slice, logger *slog.Logger, cause error) error {
	logger.Error("the release is stopped", "error", cause)
	if err := w.queue.inTransaction(ctx, func(tx pgx.Tx) error {
		return endRollout(ctx, tx, s.args.Rollout, onward.RolloutStopped, cause.Error())
	}); err != nil {
		return err
	}
	return w.finishTarget(ctx, s, onward.RolloutFailed, 0, cause.Error())
}

// updateTarget changes the row of a target, unless another job has replaced this one. Parameters begin with $4.
func (q *Queue) updateTarget(ctx context.Context, args *TargetArgs, set string, values ...any) error {
	return q.inTransaction(ctx, func(tx pgx.Tx) error {
		_, err := tx.Exec(ctx, "UPDATE onward_queue.target SET "+set+" WHERE rollout = $1 AND name = $2 AND run = $3",
			append([]any{args.Rollout, args.Target, args.Run}, values...)...)
		return err
	})
}
