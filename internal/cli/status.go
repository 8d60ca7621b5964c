package cli

import (
	"bytes"
	"context"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"time"

	"github.com/spf13/cobra"

	"github.com/onward-sql/onward/apply"
	"github.com/onward-sql/onward/config"
	"github.com/onward-sql/onward/internal/fleet"
	"github.com/onward-sql/onward/internal/report"
	"github.com/onward-sql/onward/internal/report/html"
	"github.com/onward-sql/onward/onward"
)

// leastWatch is the shortest interval that --watch accepts.
const leastWatch = time.Second

// statusFlags are the flags of onward status.
type statusFlags struct {
	targetFlags
	db, schema string
	waves      string
	watch      time.Duration
	drift      bool
	like       string
}

func (a *app) newStatusCommand() *cobra.Command {
	var f statusFlags
	cmd := &cobra.Command{
		Use:   "status --db ADDRESS",
		Short: "the plans on a database, and how far each is",
		Long: `Reads the schema onward_ledger of a database: the plans that were begun there, their steps
that are done, running or waiting, and the next step. Changes nothing.

--format html draws the steps along the deploy, with their progress. With --watch the command
rewrites the file of --output again and again, and the page reloads itself. It ends when all
plans are done or taken back, or at Ctrl-C.

With --targets it prints how far a release is on many databases or schemas, from the schema
onward_fleet of each: a line for each wave, the worst first, and the targets that are not done.
--watch prints that again and again in the terminal. --format html draws a bar for each wave.
--drift compares the schemas of the targets, and groups those that differ from most others.

Exit code: 0 done, 2 usage or input, 3 the database cannot be read. With --targets: 0 all have
the release, 1 a target failed or differs, 2 usage or input, 3 not finished.`,
		Example: `  onward status --db env:DATABASE_URL
  onward status --db env:DATABASE_URL --format html --output status.html --watch 5s
  onward status --targets 'schemas:tenant_*' --db env:DATABASE_URL --release v2.4
  onward status --targets 'schemas:tenant_*' --db env:DATABASE_URL --watch 2s`,
		Args: checkArguments(0, 0, "no arguments"),
		RunE: func(cmd *cobra.Command, _ []string) error { return a.printStatus(cmd, &f) },
	}
	flags := cmd.Flags()
	flags.SortFlags = false
	flags.StringVar(&f.db, "db", "", "`address` of the database, @FILE or env:NAME that hold it; nothing is changed there")
	flags.StringVar(&f.schema, "schema", "", "the plans of this `schema` alone, from onward apply --targets or --schema")
	flags.DurationVar(&f.watch, "watch", 0, "with --format html and --output, or with --targets: read the database and print again at this `interval`")
	f.addTargetFlags(cmd)
	flags.BoolVar(&f.drift, "drift", false, "with --targets: compare the schemas of the targets, and print the statements that make them alike")
	flags.StringVar(&f.like, "like", "", "with --drift: the `name` of the target that the others should be like (default: most of them)")
	flags.StringVar(&f.waves, "waves", fleet.DefaultWaves, "with --targets: the `parts` that have the release after each wave, as they were given before")
	return cmd
}

// printStatus prints the plans on a database, once or again and again.
func (a *app) printStatus(cmd *cobra.Command, f *statusFlags) error {
	watch := f.watch
	if hasTargets, err := f.hasTargetsOrRefuse(cmd, "waves", "drift", "like"); err != nil {
		return err
	} else if hasTargets {
		return a.printRolloutStatus(cmd, f)
	}
	format, options, err := a.outputOptions(append(report.AppliedFormats(), report.FormatHTML)...)
	if err != nil {
		return err
	}
	if cmd.Flags().Changed("watch") {
		switch {
		case format != report.FormatHTML || a.flags.output == "":
			return newUsageError("--watch rewrites a page: add --format html and --output FILE")
		case watch < leastWatch:
			return newUsageError("--watch %s: the least interval is %s", watch, leastWatch)
		}
	}
	url, err := a.requireDatabase(f.db)
	if err != nil {
		return err
	}
	read := func(ctx context.Context) ([]apply.PlanStatus, error) {
		plans, err := apply.ReadSchemaPlans(ctx, url, f.schema)
		for _, p := range plans {
			p.Applied.Next = fillAddress(cmd, p.Applied.Next)
		}
		return plans, err
	}
	plans, err := read(cmd.Context())
	if err != nil {
		return err
	}
	if watch > 0 {
		return a.watchStatus(cmd.Context(), plans, watch, read)
	}
	if format == report.FormatHTML {
		return a.writeResult(func(w io.Writer) error { return html.WriteStatus(w, newStatusPage(plans)) })
	}
	var list []*onward.Applied
	for _, p := range plans {
		list = append(list, p.Applied)
	}
	return a.writeResult(func(w io.Writer) error { return report.WritePlanStatus(w, format, list, options) })
}

func newStatusPage(plans []apply.PlanStatus) *html.StatusPage {
	page := &html.StatusPage{At: time.Now()}
	for _, p := range plans {
		page.Plans = append(page.Plans, html.StatusPlan{Plan: p.Plan, Applied: p.Applied})
	}
	return page
}

// watchStatus rewrites the page until all plans are done or the user interrupts it. A database that cannot be read for a
// while does not end it: the page says so.
func (a *app) watchStatus(ctx context.Context, plans []apply.PlanStatus, interval time.Duration,
	read func(context.Context) ([]apply.PlanStatus, error)) error {
	a.printNote("rewriting %s at intervals of %s; Ctrl-C ends it", a.flags.output, interval)
	_, err := watchUntilFinished(ctx, a, interval, plans, read, areFinished, func(w watched[[]apply.PlanStatus]) error {
		page := newStatusPage(w.value)
		page.At, page.Problem, page.Reload = w.at, w.problem, w.reload
		return a.replaceOutput(func(out io.Writer) error { return html.WriteStatus(out, page) })
	})
	return err
}

// areFinished reports whether there are plans, and all are done or taken back.
func areFinished(plans []apply.PlanStatus) bool {
	for _, p := range plans {
		if p.Applied.State != onward.ApplyDone && p.Applied.State != onward.ApplyAbandoned {
			return false
		}
	}
	return len(plans) > 0
}

// replaceOutput replaces the file of --output at once: a page that reloads itself never sees a half of it.
func (a *app) replaceOutput(print func(io.Writer) error) error {
	var b bytes.Buffer
	if err := print(&b); err != nil {
		return err
	}
	fail := func(err error) error { return fmt.Errorf("write the result: %w", err) }
	f, err := os.CreateTemp(filepath.Dir(a.flags.output), ".onward-*.html")
	if err != nil {
		return fail(err)
	}
	defer os.Remove(f.Name())
	_, err = f.Write(b.Bytes())
	if wrong := f.Close(); err == nil {
		err = wrong
	}
	if err == nil {
		err = os.Chmod(f.Name(), 0o644)
	}
	if err == nil {
		err = os.Rename(f.Name(), a.flags.output)
	}
	if err != nil {
		return fail(err)
	}
	return nil
}

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
