package cli

import (
	"context"
	"io"
	"log/slog"
	"strings"

	"github.com/spf13/cobra"

	"github.com/onward-sql/onward/apply"
	"github.com/onward-sql/onward/internal/fleet"
	"github.com/onward-sql/onward/internal/fleet/queuedb"
	"github.com/onward-sql/onward/internal/prose"
	"github.com/onward-sql/onward/internal/report"
	"github.com/onward-sql/onward/onward"
)

func rolloutWriter(r *onward.Rollout, format report.Format, options report.Options) func(io.Writer) error {
	return func(w io.Writer) error { return report.WriteRollout(w, format, r, options) }
}

// newFleetCommand has the commands that another terminal sends to a release on many targets.
func (a *app) newFleetCommand() *cobra.Command {
	cmd := &cobra.Command{
		Use:   "fleet",
		Short: "pause or resume a release on many targets, skip or retry targets, work for a queue, or serve a page",
		Long: `Sends a command to a release that onward guard --targets or onward apply --targets runs, also
from another machine. The command is a row in the schema onward_fleet of the targets' databases.
A running process reads that row before each target.

onward fleet worker does the work for releases that onward apply --targets --queue has begun.

onward status --targets prints how far a release is. onward fleet serve shows it on a live page.`,
		Example: `  onward fleet pause --targets 'schemas:tenant_*' --db env:DATABASE_URL --release v2.4
  onward fleet resume --targets 'schemas:tenant_*' --db env:DATABASE_URL --release v2.4
  onward fleet skip --targets targets.txt --release v2.4 --only acme --because 'it is being moved'
  onward fleet retry --targets targets.txt --release v2.4`,
		Args: a.refuseUnknownCommand,
		RunE: func(cmd *cobra.Command, _ []string) error { return cmd.Help() },
	}
	cmd.AddCommand(
		a.newFleetControl("pause", "let no further target begin", func(ctx context.Context, list []*fleet.Target, f *fleetControlFlags) error {
			return fleet.Pause(ctx, list, f.release, apply.ProcessName("fleet pause"))
		}),
		a.newFleetControl("resume", "let a paused release go on", func(ctx context.Context, list []*fleet.Target, f *fleetControlFlags) error {
			return fleet.Pause(ctx, list, f.release, "") // nobody pauses it any more
		}),
		a.newFleetControl("skip", "leave targets out of a release, with a reason", a.skipTargets),
		a.newFleetControl("retry", "try targets again that failed or were skipped", a.retryTargets),
		a.newFleetWorkerCommand(),
		a.newFleetRebuildCommand(),
		a.newFleetServeCommand(),
	)
	return cmd
}

// skipTargets leaves targets out of a release.
func (a *app) skipTargets(ctx context.Context, list []*fleet.Target, f *fleetControlFlags) error {
	if !f.choosesTargets() {
		return newUsageError("--only is missing: name the targets to skip")
	}
	if strings.TrimSpace(f.because) == "" {
		return newUsageError("--because is missing: the ledger keeps the reason")
	}
	q, end, err := a.openControlQueue(ctx, f)
	if err != nil {
		return err
	}
	defer end()
	return q.Skip(ctx, list, f.release, f.because, apply.ProcessName("fleet skip"))
}

// retryTargets lets targets be tried again: those with names, or all that failed.
func (a *app) retryTargets(ctx context.Context, list []*fleet.Target, f *fleetControlFlags) error {
	q, end, err := a.openControlQueue(ctx, f)
	if err != nil {
		return err
	}
	defer end()
	if len(f.only) == 0 {
		if list, err = selectFailedTargets(ctx, q, list, f.release); err != nil {
			return err
		}
	}
	if len(list) == 0 {
		a.printNote("no target has failed")
		return nil
	}
	if err := q.Retry(ctx, list, f.release, apply.ProcessName("fleet retry")); err != nil {
		return err
	}
	next := "the command that began the release tries them"
	if q != nil {
		next = "the workers try them"
	}
	a.printNote("%s: %s", prose.CountNoun(len(list), "target"), next)
	return nil
}

// openControlQueue opens the queue of --queue; nil without one. With a nil queue, Skip and Retry write into the ledgers of the targets only.
func (a *app) openControlQueue(ctx context.Context, f *fleetControlFlags) (q *queuedb.Queue, end func(), err error) {
	if f.queue == "" {
		return nil, func() {}, nil
	}
	address, err := a.queueAddress(f.queue)
	if err != nil {
		return nil, nil, err
	}
	if q, err = queuedb.Open(ctx, address, 2, slog.New(slog.DiscardHandler)); err != nil {
		return nil, nil, err
	}
	return q, q.Close, nil
}

// selectFailedTargets returns the targets that failed, or that were away for too long.
func selectFailedTargets(ctx context.Context, q *queuedb.Queue, list []*fleet.Target, release string) (out []*fleet.Target, err error) {
	var r *onward.Rollout
	if q != nil {
		r, err = q.ReadRollout(ctx, release)
	} else {
		r, err = fleet.ReadStatus(ctx, list, release, []fleet.Amount{{Percent: 100}})
	}
	if err != nil {
		return nil, err
	}
	failed := map[string]bool{}
	for i := range r.Targets {
		t := &r.Targets[i]
		failed[t.Name] = t.State == onward.RolloutFailed || q != nil && t.State == onward.RolloutUnreachable
	}
	for _, t := range list {
		if failed[t.Name] {
			out = append(out, t)
		}
	}
	return out, nil
}

// fleetControlFlags are the flags of onward fleet pause and its relatives.
type fleetControlFlags struct {
	targetFlags
	db, because, queue string
}

// newFleetControl returns a command to a release.
func (a *app) newFleetControl(name, short string, run func(context.Context, []*fleet.Target, *fleetControlFlags) error) *cobra.Command {
	var f fleetControlFlags
	cmd := &cobra.Command{
		Use:     name + " --targets SOURCE --release NAME",
		Short:   short,
		Long:    "Writes a row into the schema onward_fleet of each database of the targets.\n\nExit code: 0 done, 2 usage or input, 3 a database cannot be reached.",
		Example: "  onward fleet " + name + " --targets 'schemas:tenant_*' --db env:DATABASE_URL --release v2.4",
		Args:    checkArguments(0, 0, "no arguments"),
		RunE: func(cmd *cobra.Command, _ []string) error {
			if f.targets == "" || f.release == "" {
				return newUsageError("--targets and --release are missing: name the targets and the release")
			}
			list, err := a.newTargetList(&f.targetFlags, f.db)
			if err != nil {
				return err
			}
			targets, err := list(cmd.Context())
			if err != nil {
				return err
			}
			if err := run(cmd.Context(), targets, &f); err != nil {
				return err
			}
			next := "onward status"
			if name == "pause" {
				next = "onward fleet resume"
			}
			a.printNext(otherCommandWithFlags(cmd, next, "targets", "db", "release", "only", "label"))
			return nil
		},
	}
	cmd.Flags().SortFlags = false
	cmd.Flags().StringVar(&f.db, "db", "", "`address` of the database, @FILE or env:NAME that hold it, for schemas: and query:")
	f.addTargetFlags(cmd)
	if name == "skip" || name == "retry" {
		cmd.Flags().StringVar(&f.queue, "queue", "", "`address` of the queue database, if workers run the release: @FILE or env:NAME that hold it")
	}
	switch name {
	case "skip":
		cmd.Flags().StringVar(&f.because, "because", "", "the `reason`, for the ledger")
		cmd.Example += " --only tenant_7 --because 'it is being moved'"
	case "retry":
		cmd.Long = retryHelp + cmd.Long
		cmd.Example += "\n" + cmd.Example + " --only tenant_7 --queue env:QUEUE_URL"
	}
	return cmd
}

const retryHelp = `Lets targets be tried again: those of --only, or all that failed. With --queue the workers
try them at once, also if the release has ended or was stopped. Without a queue, the next run of
the command that began the release takes them; it also takes failed targets by itself.

`
