package cli

import (
	"context"
	"fmt"
	"io"
	"time"

	"github.com/spf13/cobra"

	"github.com/onward-sql/onward/config"
	"github.com/onward-sql/onward/internal/fleet"
	"github.com/onward-sql/onward/internal/report"
	"github.com/onward-sql/onward/internal/report/html"
	"github.com/onward-sql/onward/onward"
)

// printRolloutStatus prints how far a release is on its targets, once or again and again. The exit code is for CI.
func (a *app) printRolloutStatus(cmd *cobra.Command, f *statusFlags) error {
	format, options, err := a.outputOptions(append(report.AppliedFormats(), report.FormatHTML)...)
	if err != nil {
		return err
	}
	watches := cmd.Flags().Changed("watch")
	switch {
	case f.schema != "":
		return newUsageError("--schema is for one database, and not for --targets")
	case f.like != "" && !f.drift:
		return newUsageError("--like is for --drift")
	case watches && f.watch < leastWatch:
		return newUsageError("--watch %s: the least interval is %s", f.watch, leastWatch)
	case watches && format == report.FormatHTML && a.flags.output == "":
		return newUsageError("--watch with --format html rewrites a page: add --output FILE")
	case watches && format != report.FormatHTML && (format == report.FormatJSON || a.flags.output != ""):
		return newUsageError("--watch prints to the terminal, or rewrites a page with --format html and --output FILE")
	}
	read, err := a.rolloutReader(f)
	if err != nil {
		return err
	}
	var r *onward.Rollout
	if watches {
		r, err = a.watchRollout(cmd.Context(), f.watch, format, options, read)
	} else if r, err = read(cmd.Context()); err == nil {
		err = a.writeResult(func(w io.Writer) error {
			return writeRolloutAs(w, format, options, &html.RolloutPage{Rollout: r, At: time.Now()})
		})
	}
	switch { // the codes of docs/fleet.md: 1 if a target failed or differs, 3 if the release is not finished
	case r == nil:
	case r.State == onward.RolloutFailed || len(r.Drift) > 0:
		a.code = exitFindings
	case r.State != onward.RolloutDone:
		a.code = exitFailed
	}
	return err
}

// writeRolloutAs writes a release in a format.
func writeRolloutAs(w io.Writer, format report.Format, options report.Options, p *html.RolloutPage) error {
	if format == report.FormatHTML {
		return html.WriteRollout(w, p)
	}
	return report.WriteRollout(w, format, p.Rollout, options)
}

// rolloutReader returns a function that lists the targets and reads their ledgers.
func (a *app) rolloutReader(f *statusFlags) (func(context.Context) (*onward.Rollout, error), error) {
	waves, err := fleet.ParseWaves(f.waves)
	if err != nil {
		return nil, err
	}
	list, err := a.newTargetList(&f.targetFlags, f.db)
	if err != nil {
		return nil, err
	}
	return func(ctx context.Context) (*onward.Rollout, error) {
		targets, err := list(ctx)
		if err != nil {
			return nil, err
		}
		r, err := fleet.ReadStatus(ctx, targets, f.release, waves)
		if f.drift && f.release == "" && isAny[*config.InputError](err) { // nothing was begun, and the schemas can be compared
			r, err = &onward.Rollout{Schema: onward.RolloutSchema, State: onward.RolloutDone}, nil
			r.Waves, r.Targets = []onward.RolloutWave{}, []onward.RolloutTarget{}
		}
		if err == nil {
			r.Readiness = f.readReadiness(ctx, targets, r)
		}
		if err == nil && f.drift {
			r.Drift, err = fleet.FindDrift(ctx, targets, f.like)
		}
		return r, err
	}, nil
}

// readReadiness reads from the ledgers of targets which code may be deployed now on all of them.
func (f *targetFlags) readReadiness(ctx context.Context, list []*fleet.Target, r *onward.Rollout) []onward.Readiness {
	return f.prefixChosenTargets(fleet.ReadReadiness(ctx, list, r))
}

// choosesTargets reports whether flags choose some of the targets.
func (f *targetFlags) choosesTargets() bool { return len(f.only)+len(f.labels) > 0 }

// prefixChosenTargets says at the beginning of each text that it is about the chosen targets, if flags choose some.
func (f *targetFlags) prefixChosenTargets(list []onward.Readiness) []onward.Readiness {
	for i := range list {
		if f.choosesTargets() {
			list[i].Text = "On the chosen targets: " + list[i].Text
		}
	}
	return list
}

// readinessTimeout limits how long readFinalReadiness may take.
const readinessTimeout = 10 * time.Second

// readFinalReadiness is readReadiness after a run, even if the run was interrupted.
func (f *targetFlags) readFinalReadiness(ctx context.Context, c *fleet.Config, r *onward.Rollout) []onward.Readiness {
	ctx, stop := context.WithTimeout(context.WithoutCancel(ctx), readinessTimeout)
	defer stop()
	list, err := c.List(ctx)
	if err != nil {
		return nil // the command has reported it
	}
	return f.readReadiness(ctx, list, r)
}

// clearScreen moves the cursor of a terminal to the upper left corner and clears the screen.
const clearScreen = "\x1b[H\x1b[2J"

// watchRollout prints a release again and again, until all targets are done or the user interrupts it. Ledgers that cannot be read for a while do not
// end it.
func (a *app) watchRollout(ctx context.Context, interval time.Duration, format report.Format, options report.Options,
	read func(context.Context) (*onward.Rollout, error)) (*onward.Rollout, error) {
	r, err := read(ctx)
	if err != nil {
		return nil, err
	}
	isDone := func(r *onward.Rollout) bool { return r.State == onward.RolloutDone }
	return watchUntilFinished(ctx, a, interval, r, read, isDone, func(w watched[*onward.Rollout]) error {
		return a.writeWatchedRollout(format, options, &html.RolloutPage{Rollout: w.value, At: w.at, Problem: w.problem, Reload: w.reload})
	})
}

// writeWatchedRollout rewrites the page, or the screen of a terminal.
func (a *app) writeWatchedRollout(format report.Format, options report.Options, page *html.RolloutPage) error {
	if format == report.FormatHTML {
		return a.replaceOutput(func(w io.Writer) error { return html.WriteRollout(w, page) })
	}
	if a.writesToTerminal() {
		if _, err := fmt.Fprint(a.out, clearScreen); err != nil {
			return err
		}
	}
	return report.WriteRollout(a.out, format, page.Rollout, options)
}
