package cli

import (
	"context"
	"sync"

	"github.com/spf13/cobra"

	"github.com/onward-sql/onward/apply"
	"github.com/onward-sql/onward/audit"
	"github.com/onward-sql/onward/internal/fleet"
	"github.com/onward-sql/onward/internal/readiness"
	"github.com/onward-sql/onward/onward"
)

// oneDatabaseFlags are the flags of onward apply that --targets refuses.
var oneDatabaseFlags = []string{"schema", "replica", "notify", "notify-after", "events"}

// applyToTargets runs apply on many databases, or a plan on many schemas.
func (a *app) applyToTargets(cmd *cobra.Command, f *applyFlags) error {
	for _, name := range oneDatabaseFlags {
		if cmd.Flags().Changed(name) {
			return newUsageError("--%s is for one database, and not for --targets", name)
		}
	}
	f.many = true
	base, err := a.applyConfig(cmd, f)
	if err != nil {
		return err
	}
	r := audit.Config{Head: f.head, Base: f.base, Logger: a.newLogger()}
	if r.Settings, err = a.readConfigFile(); err != nil {
		return err
	}
	c, err := a.rolloutConfig(&f.rollout, f.db, f.within, "apply")
	if err != nil {
		return err
	}
	words := []string{f.through, f.to, f.role, f.source, f.head, f.base}
	pending := &apply.PendingConfig{Config: base, Repository: r, Source: f.source, Table: f.table, AcceptFindings: f.accept, Adopt: f.adopt}
	if base.Plan != nil {
		words = append(words, base.Plan.Digest)
	} else {
		if pending.Migrations, err = apply.DigestMigrations(cmd.Context(), r, f.source); err != nil {
			return err
		}
		words = append(words, pending.Migrations)
	}
	if f.rollout.searchPath != defaultSearchPath {
		words = append(words, f.rollout.searchPath)
	}
	c.Digest = fleet.DigestApply(words...)
	if base.Through == onward.Contract {
		// The contract breaks code that another database may still need.
		c.Release, c.After = f.rollout.release+" contract", f.rollout.release
	}
	judge := new(rolloutJudge)
	c.Judge = func(r *onward.Rollout) []onward.Readiness {
		return f.rollout.prefixChosenTargets(judge.judgeRollout(r))
	}
	if base.Plan != nil {
		c.Judge = func(r *onward.Rollout) []onward.Readiness {
			if list := f.rollout.readFinalReadiness(cmd.Context(), &c, r); len(list) > 0 {
				return list
			}
			return []onward.Readiness{*readiness.JudgePlan(base.Plan)} // no target has begun it
		}
	}
	if f.queue != "" {
		return a.queueApply(cmd, f, pending, c)
	}
	c.Work = newApplyWork(pending, f.rollout.searchPath, a.targetEventPrinter, judge.addTarget)
	return a.runRollout(cmd, c, false)
}

// rolloutJudge says which code may be deployed on all targets of a release of pending migrations, from those that this process has worked on.
type rolloutJudge struct {
	mu   sync.Mutex
	done []onward.Readiness // of a target that is done
}

// addTarget notes the end of the work on a target.
func (j *rolloutJudge) addTarget(r *onward.Applied, err error) {
	if err == nil && r != nil {
		j.mu.Lock()
		defer j.mu.Unlock()
		j.done = r.Readiness
	}
}

// judgeRollout judges the release.
func (j *rolloutJudge) judgeRollout(r *onward.Rollout) (out []onward.Readiness) {
	j.mu.Lock()
	defer j.mu.Unlock()
	var missing []string
	for i := range r.Targets {
		t := &r.Targets[i]
		switch t.State {
		case onward.RolloutDone, onward.RolloutGone:
		case onward.RolloutSkipped:
			missing = append(missing, t.Name+" (skipped)")
		default:
			missing = append(missing, t.Name)
		}
	}
	for i := range j.done {
		out = append(out, *readiness.JudgeTargets(&j.done[i], missing))
	}
	return out
}

// newApplyWork returns the work that runs apply on a target. base lacks the target. tell returns the function that
// receives the events of a target, and end receives its result.
func newApplyWork(base *apply.PendingConfig, searchPath string, tell func(*fleet.Target) func(apply.Event), end func(*onward.Applied, error)) fleet.Work {
	return fleet.ApplySteps(func(ctx context.Context, t *fleet.Target) (r *onward.Applied, err error) {
		defer func() { end(r, err) }()
		c := *base
		c.DB, c.Config.Schema, c.SearchPath, c.Tell = t.Address, t.Schema, t.SearchPath(searchPath), tell(t)
		if c.Plan != nil {
			return apply.RunPlanAndRecord(ctx, c)
		}
		return apply.Pending(ctx, c)
	})
}

// targetEventPrinter prints what a target waits for; with -v, each finished step.
func (a *app) targetEventPrinter(t *fleet.Target) func(apply.Event) {
	return func(e apply.Event) {
		switch e.Kind {
		case apply.Held, apply.Waits, apply.Throttled:
		case apply.Finished, apply.Lost, apply.Sends:
			if a.flags.verbose == 0 {
				return
			}
		default:
			return
		}
		step := ""
		if e.Step != nil {
			step = e.Step.ID + " "
		}
		a.printNote("%s: %s%s  %s", t.Name, step, e.Kind, e.Words)
	}
}
