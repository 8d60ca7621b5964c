package serve

import (
	"context"
	"errors"
	"fmt"
	"sync"
	"time"

	"github.com/onward-sql/onward/apply"
	"github.com/onward-sql/onward/config"
	"github.com/onward-sql/onward/internal/address"
	"github.com/onward-sql/onward/internal/fleet"
	"github.com/onward-sql/onward/internal/fleet/queuedb"
	"github.com/onward-sql/onward/onward"
)

// releaseSource reads releases and changes them.
type releaseSource interface {
	// readRelease returns a release; for "", the newest one.
	readRelease(ctx context.Context, release string) (*snapshot, error)
	// readPlans returns the plans on a target. The error says why they are not known.
	readPlans(ctx context.Context, name string) ([]apply.PlanStatus, error)
	// makeChange carries a change out.
	makeChange(ctx context.Context, c *change) error
}

// snapshot is the state of a release that a page shows.
type snapshot struct {
	releases []fleet.Release
	rollout  *onward.Rollout                // nil if no release was begun
	steps    map[string]*onward.AppliedStep // by target: its current step

	plans        []apply.PlanStatus // of the target of the page
	plansProblem string
}

// findTarget returns a target of the release; nil if it has none with the name.
func (s *snapshot) findTarget(name string) *onward.RolloutTarget {
	if s.rollout == nil {
		return nil
	}
	for i := range s.rollout.Targets {
		if t := &s.rollout.Targets[i]; t.Name == name {
			return t
		}
	}
	return nil
}

// change is a command of a reader.
type change struct {
	kind, release, target, reason string
	who                           string
}

// The kinds of changes.
const (
	pauseChange  = "pause"
	resumeChange = "resume"
	skipChange   = "skip"
	retryChange  = "retry"
)

// ledgers reads the ledgers of the targets.
type ledgers struct {
	list  *fleet.TargetList
	waves []fleet.Amount
	queue *queuedb.Queue // nil: one process runs the releases
}

func (l *ledgers) readRelease(ctx context.Context, release string) (*snapshot, error) {
	targets, err := l.list.CopyAll(ctx)
	if err != nil {
		return nil, err
	}
	releases, r, err := fleet.ReadReleases(ctx, targets, release, l.waves)
	if release == "" && errors.As(err, new(*config.InputError)) {
		return &snapshot{}, nil
	}
	if err != nil {
		return nil, err
	}
	return &snapshot{releases: releases, rollout: r, steps: fleet.ReadOpenSteps(ctx, selectRunning(targets, r))}, nil
}

func (l *ledgers) readPlans(ctx context.Context, name string) ([]apply.PlanStatus, error) {
	t, err := l.findTarget(ctx, name)
	if err != nil {
		return nil, err
	}
	plans, err := apply.ReadSchemaPlans(ctx, t.Address, t.Schema)
	if err != nil {
		return nil, address.RedactError(err, t.Address)
	}
	return plans, nil
}

func (l *ledgers) findTarget(ctx context.Context, name string) (*fleet.Target, error) {
	t, err := l.list.FindTarget(ctx, name)
	if err == nil && t == nil {
		err = &config.InputError{Err: fmt.Errorf("the list of targets does not have %q", name)}
	}
	return t, err
}

func (l *ledgers) makeChange(ctx context.Context, c *change) error {
	switch c.kind {
	case pauseChange, resumeChange:
		targets, err := l.list.CopyAll(ctx)
		if err != nil {
			return err
		}
		actor := c.who
		if c.kind == resumeChange {
			actor = ""
		}
		return fleet.Pause(ctx, targets, c.release, actor)
	}
	t, err := l.findTarget(ctx, c.target)
	if err != nil {
		return err
	}
	list := []*fleet.Target{t}
	if c.kind == skipChange {
		return l.queue.Skip(ctx, list, c.release, c.reason, c.who)
	}
	return l.queue.Retry(ctx, list, c.release, c.who)
}

// mostRunning bounds the targets whose steps are read.
const mostRunning = 64

// selectRunning returns targets that are running.
func selectRunning(targets []*fleet.Target, r *onward.Rollout) (out []*fleet.Target) {
	running := map[string]bool{}
	for i := range r.Targets {
		if t := &r.Targets[i]; t.State == onward.RolloutRunning && len(running) < mostRunning {
			running[t.Name] = true
		}
	}
	for _, t := range targets {
		if running[t.Name] {
			out = append(out, t)
		}
	}
	return out
}

// queued reads a queue database. Pauses and steps are in the ledgers.
type queued struct {
	queue   *queuedb.Queue
	ledgers *ledgers // nil: no list of targets was given

	mu     sync.Mutex // of what follows
	pauses map[string]string
	due    time.Time // when the pauses are read again
}

func (q *queued) readRelease(ctx context.Context, release string) (*snapshot, error) {
	releases, err := q.queue.ReadReleases(ctx)
	if err != nil || len(releases) == 0 {
		return &snapshot{}, err
	}
	if release == "" {
		release = releases[0].Name
	}
	out := &snapshot{releases: releases}
	if out.rollout, err = q.queue.ReadRollout(ctx, release); err != nil || q.ledgers == nil {
		return out, err
	}
	targets, err := q.ledgers.list.CopyAll(ctx)
	if err != nil {
		return nil, err
	}
	out.steps = fleet.ReadOpenSteps(ctx, selectRunning(targets, out.rollout))
	pauses, err := q.readPauses(ctx, targets)
	if err != nil {
		return nil, err
	}
	if out.rollout.State == onward.RolloutRunning {
		fleet.MarkPaused(out.rollout, pauses[release])
	}
	return out, nil
}

// Each database has its own row of a pause, so they are read seldom.
const (
	pausesEvery = 10 * time.Second
	pausesRest  = 10 // of the time that they took
)

func (q *queued) readPauses(ctx context.Context, targets []*fleet.Target) (map[string]string, error) {
	q.mu.Lock()
	defer q.mu.Unlock()
	if time.Now().Before(q.due) {
		return q.pauses, nil
	}
	began := time.Now()
	pauses, err := fleet.ReadPauses(ctx, targets)
	if err != nil {
		return nil, err
	}
	q.pauses, q.due = pauses, time.Now().Add(max(pausesEvery, pausesRest*time.Since(began)))
	return pauses, nil
}

func (q *queued) readPlans(ctx context.Context, name string) ([]apply.PlanStatus, error) {
	if q.ledgers == nil {
		return nil, &config.InputError{Err: errors.New("the steps are in the target's ledger: add --targets, as for onward fleet worker")}
	}
	return q.ledgers.readPlans(ctx, name)
}

func (q *queued) makeChange(ctx context.Context, c *change) error {
	if err := q.ledgers.makeChange(ctx, c); err != nil {
		return err
	}
	q.mu.Lock()
	q.due = time.Time{}
	q.mu.Unlock()
	return nil
}
