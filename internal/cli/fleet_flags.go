package cli

import (
	"context"
	"errors"
	"strings"
	"sync"
	"time"

	"github.com/spf13/cobra"

	"github.com/onward-sql/onward/apply"
	"github.com/onward-sql/onward/audit"
	"github.com/onward-sql/onward/internal/fleet"
	"github.com/onward-sql/onward/internal/readiness"
	"github.com/onward-sql/onward/internal/report"
	"github.com/onward-sql/onward/internal/report/escape"
	"github.com/onward-sql/onward/onward"
)

// targetFlags are the flags that select a release and its targets, the databases or schemas of a fleet.
type targetFlags struct {
	targets, release string
	only, labels     []string
}

func (f *targetFlags) addTargetFlags(cmd *cobra.Command) {
	flags := cmd.Flags()
	flags.StringVar(&f.targets, "targets", "", "many `targets` instead of one database: schemas:PATTERN or query:SQL on --db, a file, or a directory")
	flags.StringVar(&f.release, "release", "", "with --targets: the `name` of the release, in the ledger of each target")
	flags.StringArrayVar(&f.only, "only", nil, "with --targets: only the target with this `name` (repeatable)")
	flags.StringArrayVar(&f.labels, "label", nil, "with --targets: only targets with this label, `KEY=VALUE` (repeatable)")
}

// hasTargetsOrRefuse reports whether the command is for many targets. Without --targets the other flags are refused.
func (f *targetFlags) hasTargetsOrRefuse(cmd *cobra.Command, otherFlags ...string) (bool, error) {
	if f.targets != "" {
		return true, nil
	}
	for _, name := range append([]string{"release", "only", "label"}, otherFlags...) {
		if cmd.Flags().Changed(name) {
			return false, newUsageError("--%s is for --targets", name)
		}
	}
	return false, nil
}

// newTargetSource reads --targets and --db.
func (a *app) newTargetSource(text, db string) (s fleet.Source, err error) {
	s = fleet.Source{Text: text, Env: a.env}
	switch {
	case s.NeedsDatabase():
		s.ReadDB = func(context.Context) (string, error) { return a.requireDatabase(db) }
		s.DB, err = a.requireDatabase(db)
	case db != "":
		err = newUsageError("--db is for --targets schemas:PATTERN and query:SQL: the targets of %s have addresses of their own", text)
	}
	return s, err
}

// newTargetList returns a function that lists the targets.
func (a *app) newTargetList(f *targetFlags, db string) (func(context.Context) ([]*fleet.Target, error), error) {
	source, err := a.newTargetSource(f.targets, db)
	if err != nil {
		return nil, err
	}
	for _, l := range f.labels {
		if !strings.Contains(l, "=") {
			return nil, newUsageError("--label %s: write KEY=VALUE", l)
		}
	}
	return func(ctx context.Context) ([]*fleet.Target, error) {
		list, err := fleet.ListTargets(ctx, source)
		if err == nil {
			list, err = fleet.SelectTargets(list, f.only, f.labels)
		}
		return list, err
	}, nil
}

// rolloutFlags say how a release reaches many targets.
type rolloutFlags struct {
	targetFlags
	after, waves, stopAfter, verify, searchPath string
	atOnce, perServer                           int
}

// defaultSearchPath is the search_path for a schema: the schema alone.
const defaultSearchPath = "{schema}"

// rolloutFlagNames are the flags that only have a meaning with --targets.
var rolloutFlagNames = []string{"after", "waves", "stop-after", "verify", "search-path", "targets-at-once", "per-server", "queue", "detach"}

func (f *rolloutFlags) addRolloutFlags(cmd *cobra.Command) {
	f.addTargetFlags(cmd)
	flags := cmd.Flags()
	flags.StringVar(&f.waves, "waves", fleet.DefaultWaves, "with --targets: the `parts` that have the release after each wave; the first is the canary")
	flags.IntVar(&f.atOnce, "targets-at-once", fleet.DefaultAtOnce, "with --targets: the largest `number` that are worked on at once")
	flags.IntVar(&f.perServer, "per-server", fleet.DefaultPerServer, "with --targets: the largest `number` of them on one server")
	flags.StringVar(&f.stopAfter, "stop-after", fleet.DefaultStopAfter, "with --targets: stop if more than this `number or part` of a wave fail")
	flags.StringVar(&f.searchPath, "search-path", defaultSearchPath, "with --targets: the search_path for a schema, such as '{schema}, public'")
	flags.StringVar(&f.verify, "verify", "", "with --targets: a `query` that returns true in a target with the release")
	flags.StringVar(&f.after, "after", "", "with --targets: the `name` of a release that every target must have first")
}

// rolloutConfig reads the flags. The work and its digest are missing.
func (a *app) rolloutConfig(f *rolloutFlags, db string, timeLimit time.Duration, command string) (c fleet.Config, err error) {
	if f.release == "" {
		return c, newUsageError("--release is missing: name the release, so that the same command can go on after an interruption")
	}
	if f.atOnce < 1 || f.perServer < 1 {
		return c, newUsageError("--targets-at-once and --per-server are numbers from 1 on")
	}
	if !strings.Contains(f.searchPath, "{schema}") {
		return c, newUsageError("--search-path %q does not have {schema}, the schema of the target", f.searchPath)
	}
	c = fleet.Config{
		Release: f.release, After: f.after, AtOnce: f.atOnce, PerServer: f.perServer, Verify: f.verify, SearchPath: f.searchPath,
		Chosen: len(f.only) > 0, Who: apply.ProcessName(command), Within: timeLimit, Tell: func(words string) { a.printNote("%s", words) },
	}
	if c.Waves, err = fleet.ParseWaves(f.waves); err != nil {
		return c, err
	}
	if c.StopAfter, err = fleet.ParseAmount(f.stopAfter); err != nil {
		return c, err
	}
	c.List, err = a.newTargetList(&f.targetFlags, db)
	return c, err
}

// runRollout runs a release on many targets, and prints how far it is. stdoutInUse: standard output belongs to the commands.
func (a *app) runRollout(cmd *cobra.Command, c fleet.Config, stdoutInUse bool) error {
	format, options, err := a.outputOptions(report.AppliedFormats()...)
	if err != nil {
		return err
	}
	a.patience.Store(int64(guardTime)) // each command got the signal, and decides itself
	r, err := fleet.Run(cmd.Context(), c)
	if r == nil {
		return a.endUnstartedRollout(cmd, &c, err)
	}
	to := a.out
	if stdoutInUse && a.flags.output == "" {
		a.out = a.err
	}
	wrong := a.writeRollout(&c, r, format, options)
	a.out = to
	return errors.Join(endRollout(cmd, &c, err), wrong)
}

// endUnstartedRollout is endRollout for a release of which no target was begun. It prints which code may be deployed.
func (a *app) endUnstartedRollout(cmd *cobra.Command, c *fleet.Config, err error) error {
	if unfinished, found := errors.AsType[*fleet.UnfinishedError](err); found && unfinished.Earlier && c.Judge != nil {
		r := &onward.Rollout{}
		for _, name := range unfinished.Missing {
			r.Targets = append(r.Targets, onward.RolloutTarget{Name: name, State: onward.RolloutPending})
		}
		for _, r := range c.Judge(r) {
			a.printNote("%s", r.Text)
		}
	}
	return endRollout(cmd, c, err)
}

// endRollout adds the command that continues to the reason why a release is not done on all targets.
func endRollout(cmd *cobra.Command, c *fleet.Config, err error) error {
	unfinished, found := errors.AsType[*fleet.UnfinishedError](err)
	if !found {
		return err
	}
	next := repeatCommand(cmd)
	switch {
	case unfinished.Earlier:
		next = otherCommandWithFlags(cmd, "onward status", "targets", "db", "only", "label") + " --release " + escape.QuoteShell(c.After)
	case unfinished.Paused:
		next = otherCommandWithFlags(cmd, "onward fleet resume", "targets", "db", "release", "only", "label")
	}
	return &nextError{err, next}
}

func (a *app) writeRollout(c *fleet.Config, r *onward.Rollout, format report.Format, options report.Options) error {
	if c.Judge != nil {
		r.Readiness = c.Judge(r)
	}
	return a.writeResult(rolloutWriter(r, format, options))
}

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
