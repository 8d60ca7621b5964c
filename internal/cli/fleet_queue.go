package cli

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"slices"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"github.com/onward-sql/onward/apply"
	"github.com/onward-sql/onward/guard"
	"github.com/onward-sql/onward/internal/fleet"
	"github.com/onward-sql/onward/internal/fleet/queuedb"
	"github.com/onward-sql/onward/internal/report"
	"github.com/onward-sql/onward/onward"
)

// queueFlags are the flags that put the targets of a release into a queue, for onward fleet worker.
type queueFlags struct {
	queue   string
	detach  bool
	rebuild bool // no flag: the command onward fleet rebuild
}

func (f *queueFlags) addQueueFlags(cmd *cobra.Command) {
	flags := cmd.Flags()
	flags.StringVar(&f.queue, "queue", "", "with --targets: `address` of the queue database whose workers do the work, @FILE or env:NAME that hold it")
	flags.BoolVar(&f.detach, "detach", false, "with --queue: do not wait for the end")
}

// localFlags are flags of onward apply that mean something on this machine only, or run a program.
var localFlags = []string{"health", "workload", "postgres"}

// newFleetRebuildCommand returns the command that makes the queue again.
func (a *app) newFleetRebuildCommand() *cobra.Command {
	var f applyFlags
	cmd := &cobra.Command{
		Use:   "rebuild --targets SOURCE --release NAME --plan FILE --queue ADDRESS",
		Short: "put a release into a queue again, from the ledgers of its targets",
		Long: `Forgets what the queue knows of a release, and makes its rows again from the ledgers of the
targets. Give it the flags of the onward apply that began the release. A target that a worker
has at the moment is finished first; none runs twice.

Exit code: as for onward apply --targets.`,
		Example: "  onward fleet rebuild --targets targets.txt --release v2.4 --plan plan.json --queue env:QUEUE_URL",
		Args:    checkArguments(0, 0, "no arguments"),
		RunE: func(cmd *cobra.Command, _ []string) error {
			if f.rollout.targets == "" || f.queue == "" {
				return newUsageError("--targets and --queue are missing: name the targets and the queue")
			}
			f.rebuild = true
			return a.applyToTargets(cmd, &f)
		},
	}
	cmd.Flags().SortFlags = false
	f.addApplyFlags(cmd)
	return cmd
}

// queueApply puts a plan or pending migrations into the queue. Workers have the migrations themselves.
func (a *app) queueApply(cmd *cobra.Command, f *applyFlags, c *apply.PendingConfig, to fleet.Config) error {
	if err := refuseLocalFlags(cmd, localFlags); err != nil {
		return err
	}
	work, err := newQueuedApply(c, f.rollout.searchPath)
	if err != nil {
		return err
	}
	return a.queueRollout(cmd, &f.rollout, &f.queueFlags, to, &queuedb.Settings{Work: work, OnMachine: c.Plan == nil})
}

// queueGuard puts a command into the queue. Workers have the command itself.
func (a *app) queueGuard(cmd *cobra.Command, f *guardFlags, base *guard.Config, c fleet.Config) error {
	if err := refuseLocalFlags(cmd, []string{"allow-address"}); err != nil {
		return err
	}
	work, err := newQueuedGuard(base)
	if err != nil {
		return err
	}
	return a.queueRollout(cmd, &f.rollout, &f.queueFlags, c, &queuedb.Settings{Work: work, OnMachine: true})
}

// refuseLocalFlags refuses flags that mean something on this machine only.
func refuseLocalFlags(cmd *cobra.Command, names []string) error {
	for _, name := range names {
		if cmd.Flags().Changed(name) {
			return newUsageError("--%s is not for --queue: other machines do the work", name)
		}
	}
	return nil
}

// queueRollout puts a release into the queue, and waits for its end. The settings have the work.
func (a *app) queueRollout(cmd *cobra.Command, f *rolloutFlags, qf *queueFlags, c fleet.Config, settings *queuedb.Settings) error {
	format, options, err := a.outputOptions(report.AppliedFormats()...)
	if err != nil {
		return err
	}
	address, err := a.queueAddress(qf.queue)
	if err != nil {
		return err
	}
	ctx := cmd.Context()
	survey, err := fleet.SurveyTargets(ctx, c)
	if err != nil {
		return a.endUnstartedRollout(cmd, &c, err)
	}
	q, err := queuedb.Open(ctx, address, 2, slog.New(slog.DiscardHandler))
	if err != nil {
		return err
	}
	defer q.Close()
	source := fleet.Source{Text: f.targets}
	settings.Source, settings.Late, settings.StopAfter = f.targets, source.NeedsDatabase() && !f.choosesTargets(), f.stopAfter
	settings.AtOnce, settings.PerServer, settings.Chosen, settings.Within = c.AtOnce, c.PerServer, c.Chosen, c.Within
	settings.Verify, settings.SearchPath = c.Verify, c.SearchPath
	if err := q.Start(ctx, &c, settings, survey, qf.rebuild); err != nil {
		return err
	}
	workers := "onward fleet worker takes them"
	if settings.OnMachine {
		workers = "onward fleet worker --release " + c.Release + " takes them, on machines that have the code"
	}
	a.printNote("%d targets are in the queue: %s", len(survey.Targets), workers)
	if qf.detach {
		err := a.writeRollout(&c, survey.Rollout, format, options)
		a.printNext(otherCommandWithFlags(cmd, "onward status", "targets", "db", "release", "only", "label"))
		return err
	}
	end, err := a.followQueue(ctx, q, c.Release)
	if end == nil {
		return err
	}
	c.After = ""
	if survey, err = surveyEnd(ctx, &c, end.State); err != nil {
		return err
	}
	a.code = completeRolloutResult(survey.Rollout, end)
	if err := a.writeRollout(&c, survey.Rollout, format, options); err != nil || a.code == exitClean {
		return err
	}
	next := repeatCommand(cmd)
	if a.code == exitFindings { // the release has ended in the queue
		next = otherCommandWithFlags(cmd, "onward fleet retry", "targets", "db", "release", "only", "label", "queue")
	}
	a.printNext(next)
	return nil
}

// surveyEnd reads the ledgers, which have the truth, after a release has ended in the queue. A database may be away for a moment.
func surveyEnd(ctx context.Context, c *fleet.Config, state onward.RolloutState) (*fleet.Survey, error) {
	for end := time.Now().Add(c.Within); ; {
		survey, err := fleet.SurveyTargets(ctx, *c)
		if err != nil || state != onward.RolloutDone || ctx.Err() != nil || time.Now().After(end) ||
			!slices.ContainsFunc(survey.Targets, func(t onward.RolloutTarget) bool { return t.State == onward.RolloutUnreachable }) {
			return survey, err
		}
		select {
		case <-ctx.Done():
			return survey, nil // the user does not wait
		case <-time.After(time.Second):
		}
	}
}

// completeRolloutResult completes the result with the reason that the queue has, and returns the exit code.
func completeRolloutResult(r *onward.Rollout, end *queuedb.Progress) (code int) {
	switch {
	case r.State == onward.RolloutDone: // also if the workers could not list the targets again: this process has
		return exitClean
	case end.State == onward.RolloutDone:
		r.State, r.Why = onward.RolloutInterrupted, "the workers have ended, and some targets are not done: the same command goes on with them"
		return exitFailed
	}
	r.State, r.Why = end.State, end.Why
	if end.State == onward.RolloutInterrupted {
		return exitFailed
	}
	return exitFindings
}

// queueAddress reads the address of --queue, which a long-lived process reads again.
func (a *app) queueAddress(text string) (queuedb.Address, error) {
	url, err := a.readAddress(text)
	return queuedb.Address{URL: url, Read: func() (string, error) { return a.readAddress(text) }}, err
}

// followQueue prints how far a release is, until its end. The error is a [*fleet.UnfinishedError] if the context ends before.
func (a *app) followQueue(ctx context.Context, q *queuedb.Queue, release string) (*queuedb.Progress, error) {
	last, silent := "", false
	for {
		p, err := q.ReadProgress(ctx, release)
		switch {
		case ctx.Err() != nil:
			return nil, &fleet.UnfinishedError{Why: "the workers go on; the same command waits for them again"}
		case err != nil && !silent:
			silent = true
			a.printNote("the queue does not answer; waiting for it")
		case err != nil:
		case p == nil:
			return nil, errors.New("the queue does not know the release any more: onward fleet rebuild puts it there again")
		default:
			silent = false
			if line := describeCounts(p.Counts); line != last {
				a.printNote("%s", line)
				last = line
			}
			if p.State != onward.RolloutRunning {
				return p, nil
			}
		}
		select {
		case <-ctx.Done():
		case <-time.After(time.Second):
		}
	}
}

// describeCounts returns "3 done, 2 running".
func describeCounts(counts map[onward.RolloutState]int) string {
	var list []string
	for state, count := range counts {
		list = append(list, fmt.Sprintf("%d %s", count, state))
	}
	slices.SortFunc(list, func(a, b string) int {
		return strings.Compare(a[strings.IndexByte(a, ' '):], b[strings.IndexByte(b, ' '):])
	})
	return strings.Join(list, ", ")
}
