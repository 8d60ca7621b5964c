package cli

import (
	"cmp"
	"context"
	"errors"
	"io"
	"strings"
	"sync"
	"time"

	"github.com/spf13/cobra"

	"github.com/onward-sql/onward/apply"
	"github.com/onward-sql/onward/audit"
	"github.com/onward-sql/onward/internal/report"
	"github.com/onward-sql/onward/onward"
)

// applyFlags are the flags of onward apply.
type applyFlags struct {
	stepFlags
	through, to, role         string
	base, head, source, table string
	accept, adopt             bool
	unknownVersion            bool
	unproven                  string
	green                     contractQueryFlags
	evidence                  oldCodeFlags
	rollout                   rolloutFlags
	queueFlags
}

func (f *applyFlags) addApplyFlags(cmd *cobra.Command) {
	flags := cmd.Flags()
	f.stepFlags.addStepFlags(cmd, "`file` with the plan, from onward plan --format json or --write")
	f.addParallelFlag(cmd)
	flags.StringVar(&f.through, "through", string(onward.Backfill), "the last `phase` to carry out: expand, backfill or contract")
	flags.StringVar(&f.to, "to", "", "the last `step` to carry out, or the last migration")
	flags.StringVar(&f.role, "role", "", "the `role` that runs the steps, and owns what they make")
	flags.StringVar(&f.head, "head", "", "without a plan: the `revision` that has the migrations; the working tree")
	flags.StringVar(&f.base, "base", "", "without a plan: the `revision` that is deployed; the default branch")
	flags.StringVar(&f.source, "source", "", "without a plan: the `directory` of the migrations, if there are several")
	flags.StringVar(&f.table, "table", "", "the `table` in which the migrations' own tool keeps count, if it has another name")
	flags.BoolVar(&f.accept, "accept-findings", false, "without a plan: run migrations unchanged although some findings are errors")
	flags.BoolVar(&f.adopt, "adopt", false, "without a plan: run migrations although the database has tables of their names, or another tool's, "+
		"and no record of any of them")
	flags.StringVar(&f.unproven, "unproven", "", "the `reason` to run a plan that is not proven, or was changed since: onward log keeps it")
	flags.BoolVar(&f.unknownVersion, "unknown-version", false, "begin also on a server of a newer major version than this release was proven on")
	f.green.addContractQueryFlags(cmd)
	f.evidence.addOldCodeFlags(cmd)
	f.rollout.addRolloutFlags(cmd)
	f.addQueueFlags(cmd)
	completeFlag(cmd, "through", string(onward.Expand), string(onward.Backfill), string(onward.Contract))
}

func (a *app) newApplyCommand() *cobra.Command {
	var f applyFlags
	cmd := &cobra.Command{
		Use:   "apply --db ADDRESS [--plan FILE]",
		Short: "run a plan or the pending migrations on a live database, so that nobody waits",
		Long: `Carries out the steps of a plan on a live database: expand and backfill. With --through
contract it also runs the contract steps that are due after the deployed code is gone.

Without --plan it runs the repository's pending migrations in the way of their own tool, and
records them in that tool's table. The tool then continues as if it had run them. If one of
their findings is an error, they are refused.

Before each step onward waits until no blocking transaction is older than 50 ms, and names
the blocker. It asks for its lock for at most 50 ms, and tries again if it did not get the
lock: always with a limit, and never longer than --max-stall. A backfill writes small batches,
with pauses.

A plan runs only if onward plan proved it and nobody changed it since. --unproven REASON
overrides this, and onward log keeps the reason. Onward parses and judges each statement
again before its step runs; -v prints them.

Each step commits together with a row in the schema onward_ledger. You can kill onward at any
moment: the same command continues, and does nothing twice. onward status and onward log read
that schema.

With --targets the same plan or migrations run on many databases, or in many schemas: in waves,
some at once, until too many fail. The schema onward_fleet of each database has what is done
there. The contract begins only if every target has the release. With --queue, the
processes of onward fleet worker do the work, also on other machines.

Exit code: 0 done; 1 refused, because the plan is not for this database or some rows are
wrong; 2 usage or input; 3 not finished, the same command continues.`,
		Example: `  onward plan --format json --output plan.json
  onward apply --db env:DATABASE_URL --plan plan.json
  onward apply --db env:DATABASE_URL --plan plan.json --through contract
  onward apply --db env:DATABASE_URL --plan plan.json --through contract --workload new.json.gz
  onward apply --db env:DATABASE_URL --plan plan.json --unproven 'no server at hand, read by two of us'
  onward apply --db env:DATABASE_URL
  onward apply --db env:DATABASE_URL --head v2.4 --to 00042_nickname
  onward apply --targets targets.txt --release v2.4 --plan plan.json
  onward apply --targets 'schemas:tenant_*' --db env:DATABASE_URL --release v2.4 --plan plan.json
  onward apply --targets targets.txt --release v2.4 --plan plan.json --queue env:QUEUE_URL`,
		Args: checkArguments(0, 0, "no arguments"),
		RunE: func(cmd *cobra.Command, _ []string) error { return a.applyAndReport(cmd, &f) },
	}
	cmd.Flags().SortFlags = false
	f.addApplyFlags(cmd)
	return cmd
}

// applyAndReport runs apply, and prints the progress.
func (a *app) applyAndReport(cmd *cobra.Command, f *applyFlags) error {
	if hasTargets, err := f.rollout.hasTargetsOrRefuse(cmd, rolloutFlagNames...); err != nil {
		return err
	} else if hasTargets {
		return a.applyToTargets(cmd, f)
	}
	format, options, err := a.outputOptions(report.AppliedFormats()...)
	if err != nil {
		return err
	}
	c, err := a.applyConfig(cmd, f)
	if err != nil {
		return err
	}
	end, err := a.reportEvents(&c, f.limits.events)
	if err != nil {
		return err
	}
	notices, err := a.newNotices(cmd, &f.stepFlags, &c)
	if err != nil {
		return err
	}
	a.patience.Store(int64(stepTime))
	r, err := a.runApply(cmd, c, f)
	end()
	var list []*onward.Applied
	if r != nil {
		list = []*onward.Applied{r}
	}
	return a.endRun(cmd, &c, notices, list, err, format, func(w io.Writer) error { return report.WriteApply(w, format, r, options) })
}

// stepTime is how long a run on a database may take to end after a signal: it cancels its statement and gives the lease back.
const stepTime = 15 * time.Second

// endRun ends a run on a database. It prints why the run ended early, then the progress. The last line is the next command.
func (a *app) endRun(
	cmd *cobra.Command, c *apply.Config, n *notices, list []*onward.Applied, err error, format report.Format, write func(io.Writer) error,
) error {
	next := ""
	for i, r := range list {
		if i == len(list)-1 {
			r.Next = nextCommand(cmd, r, err)
			next = r.Next
		} else {
			r.Next = fillAddress(cmd, r.Next)
		}
	}
	switch {
	case len(list) > 0:
	case isAny[*apply.RefusedError](err):
		next = nextCommand(cmd, &onward.Applied{}, err)
	default:
		err = addPlanListHint(cmd, err)
	}
	n.postResult(list, err)
	if len(list) == 0 {
		cannotRead := isAny[*apply.ServerError](err) || isAny[*apply.OtherError](err) || isAny[*apply.PlantedError](err)
		err = refusalError(a, err)
		if !cannotRead {
			a.printOpenPlans(cmd.Context(), c.DB, c.Schema)
		}
		if err == nil {
			a.printNext(next)
		}
		return err
	}
	if err = refusalError(a, err); err != nil {
		a.code = a.printError(cmd.Context(), err)
	}
	if wrong := a.writeResult(write); wrong != nil {
		return wrong
	}
	if format != report.FormatTerminal && a.code != exitClean || a.flags.output != "" {
		a.printNext(next)
	}
	return nil
}

// openPlansTime limits the search for plans after a run that has no progress of its own.
const openPlansTime = 5 * time.Second

// printOpenPlans prints, for each unfinished plan of a database, which code may be deployed now.
func (a *app) printOpenPlans(ctx context.Context, db, schema string) {
	if a.flags.quiet {
		return
	}
	ctx, stop := context.WithTimeout(context.WithoutCancel(ctx), openPlansTime)
	defer stop()
	plans, err := apply.ReadSchemaPlans(ctx, db, schema)
	if err != nil {
		return // the command has reported why it ended
	}
	for _, p := range plans {
		if areFinished([]apply.PlanStatus{p}) {
			continue
		}
		for i := range p.Applied.Readiness {
			a.printNote("plan %s  %s → %s: %s", p.Applied.Plan, p.Applied.Base, p.Applied.Head, p.Applied.Readiness[i].Text)
		}
	}
}

// nextCommand returns the command that follows a run on a database: it can be typed as it is.
func nextCommand(cmd *cobra.Command, r *onward.Applied, err error) string {
	next, refused, unfinished := r.Next, new(apply.RefusedError), new(apply.UnfinishedError)
	switch {
	case errors.As(err, &unfinished) && unfinished.Next != "":
		next = unfinished.Next
	case errors.As(err, &refused) && strings.HasSuffix(refused.Next, " "+apply.AdoptFlag):
		next = repeatCommand(cmd) + " " + apply.AdoptFlag
	case errors.As(err, &refused) && refused.Next == "onward plan":
		next = otherCommandWithFlags(cmd, refused.Next, "base", "head", "config")
	case errors.As(err, &refused) && refused.Next != "":
		next = refused.Next
	case err != nil:
		next = repeatCommand(cmd)
	}
	return fillAddress(cmd, next)
}

// runApply runs the plan, or the pending migrations.
func (a *app) runApply(cmd *cobra.Command, c apply.Config, f *applyFlags) (*onward.Applied, error) {
	if f.plan != "" {
		return a.runAndRecord(cmd, c, f)
	}
	r := audit.Config{Head: f.head, Base: f.base, Logger: a.newLogger()}
	var err error
	if r.Settings, err = a.readConfigFile(); err != nil {
		return nil, err
	}
	return apply.Pending(cmd.Context(), apply.PendingConfig{Config: c, Repository: r, Source: f.source, Table: f.table, AcceptFindings: f.accept, Adopt: f.adopt})
}

// runAndRecord runs the plan, whose last step records the migrations in their own tool's table.
func (a *app) runAndRecord(cmd *cobra.Command, c apply.Config, f *applyFlags) (*onward.Applied, error) {
	r := audit.Config{Logger: a.newLogger()}
	var err error
	if r.Settings, err = a.readConfigFile(); err != nil {
		return nil, err
	}
	printChosen := sync.OnceFunc(func() {
		a.printNote("chosen: onward runs the steps of %s, and notes the migrations that they replace in their tool's table. "+
			"Do not write this plan as migrations, too", f.plan)
	})
	printEvent := c.Tell
	c.Tell = func(e apply.Event) { // the first line may be about the server
		printChosen()
		printEvent(e)
	}
	out, err := apply.RunPlanAndRecord(cmd.Context(), apply.PendingConfig{Config: c, Repository: r, Table: f.table})
	printChosen()
	return out, err
}

// refusalError gives the error for a plan that must not run the exit code of a finding.
func refusalError(a *app, err error) error {
	if isAny[*apply.RefusedError](err) {
		a.code = exitFindings
		if !a.flags.quiet {
			a.printLines(err.Error()) // it may list several findings
		}
		return nil
	}
	return err
}

// applyConfig reads the flags.
func (a *app) applyConfig(cmd *cobra.Command, f *applyFlags) (apply.Config, error) {
	c, err := a.stepConfig(&f.stepFlags)
	if err != nil {
		return c, err
	}
	c.Through, c.To, c.Role, c.Name = onward.PlanPhase(f.through), f.to, f.role, f.plan
	switch c.Through {
	case onward.Expand, onward.Backfill, onward.Contract:
	default:
		return c, newUsageError("--through %q is not one of expand, backfill, contract", f.through)
	}
	if cmd.Flags().Changed("unproven") && (f.plan == "" || strings.TrimSpace(f.unproven) == "") {
		return c, newUsageError("--unproven takes the reason to run the plan of --plan although it is not proven")
	}
	c.Unproven, c.UnknownVersion = f.unproven, f.unknownVersion
	if (len(f.green.workloads) > 0 || f.green.server != "") && (f.plan == "" || c.Through != onward.Contract) {
		return c, newUsageError("--workload and --postgres are for --plan with --through contract")
	}
	if err = a.readContractQueries(&f.green, &c); err != nil {
		return c, err
	}
	if c.Evidence, err = f.evidence.readOldCodeEvidence(); err != nil {
		return c, err
	}
	if f.evidence.gone != "" && c.Through != onward.Contract {
		return c, newUsageError("--old-code-is-gone is for --through contract")
	}
	if f.plan != "" {
		if f.head+f.base+f.source != "" || f.accept || f.adopt {
			return c, newUsageError("--head, --base, --source, --accept-findings and --adopt are for the repository's migrations, not for a plan")
		}
		if c.Plan, err = readPlan(f.plan); err != nil {
			return c, err
		}
	}
	return c, err
}

// requireDatabase returns the address in --db, which is required.
func (a *app) requireDatabase(db string) (string, error) {
	if db == "" {
		return "", errNoDB
	}
	return a.readAddress(db)
}

var errNoDB = newUsageError("--db is missing: name the database, as postgres://USER@HOST/DATABASE, @FILE or env:NAME")

// eventPrinter prints the events of apply: a line for each step and each wait, and the progress of a
// backfill with b.
func (a *app) eventPrinter(b *bar) func(apply.Event) {
	return func(e apply.Event) {
		b.clearLine()
		switch {
		case e.Kind == apply.Passed && e.Words == "":
			b.recordBatch(e)
		case e.Kind == apply.Passed:
			a.printNote("%s  %s: %d of %d", e.Step.ID, e.Words, e.Rows, e.Of)
		case e.Kind == apply.Compared:
			b.recordBatch(e)
		case e.Kind == apply.Begun:
		case e.Kind == apply.Sends:
			if a.flags.verbose > 0 {
				a.printNote("%s  sends: %s", e.Step.ID, e.Words)
			}
		case e.Step == nil:
			a.printNote("%s  %s", e.Kind, e.Words)
		case e.Kind == apply.Finished:
			a.printNote("%s  %s in %s", e.Step.ID, cmp.Or(e.Words, "done"), e.Took.Round(time.Millisecond))
		default:
			a.printNote("%s  %s: %s", e.Step.ID, e.Kind, e.Words)
		}
	}
}
