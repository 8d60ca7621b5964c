package cli

import (
	"cmp"
	"errors"
	"io"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"github.com/onward-sql/onward/apply"
	"github.com/onward-sql/onward/audit"
	"github.com/onward-sql/onward/internal/report"
	"github.com/onward-sql/onward/onward"
)

// carried are the flags of onward apply.
type carried struct {
	careful
	through, to, role         string
	base, head, source, table string
	accept                    bool
	unproven                  string
	green                     green
	evidence                  evidence
}

func (f *carried) register(cmd *cobra.Command) {
	flags := cmd.Flags()
	f.careful.register(cmd, "`file` with the plan, from onward plan --format json or --write")
	flags.StringVar(&f.through, "through", string(onward.Backfill), "the last `phase` to carry out: expand, backfill or contract")
	flags.StringVar(&f.to, "to", "", "the last `step` to carry out, or the last migration")
	flags.StringVar(&f.role, "role", "", "the `role` that runs the steps, and owns what they make")
	flags.StringVar(&f.head, "head", "", "without a plan: the `revision` that has the migrations; the working tree")
	flags.StringVar(&f.base, "base", "", "without a plan: the `revision` that is deployed; the default branch")
	flags.StringVar(&f.source, "source", "", "without a plan: the `directory` of the migrations, where there are several")
	flags.StringVar(&f.table, "table", "", "the `table` in which the migrations' own tool keeps count, where it is told another name")
	flags.BoolVar(&f.accept, "accept-findings", false, "without a plan: run migrations as they stand although there are errors among the findings")
	flags.StringVar(&f.unproven, "unproven", "", "the `reason` to run a plan that is not proven, or was changed since: onward log keeps it")
	f.green.register(cmd)
	f.evidence.register(cmd)
	complete(cmd, "through", string(onward.Expand), string(onward.Backfill), string(onward.Contract))
}

func (a *app) apply() *cobra.Command {
	var f carried
	cmd := &cobra.Command{
		Use:   "apply --db ADDRESS [--plan FILE]",
		Short: "carry a plan or the pending migrations out, and never be the reason that anyone waits",
		Long: `Carries out the steps of a plan on a database that others are using: expand and
backfill, and with --through contract what is due when the deployed code is gone.

Without --plan it runs the migrations of the repository that the database does not
have yet, as their own tool would, and notes them in that tool's table: the tool goes
on as if it had run them. An error among their findings refuses them.

Before each step it waits until no transaction that is in the way is older than 50 ms,
and says who that is. Then it asks for its lock for 50 ms at most, and tries again
when somebody was faster: never longer than --max-stall, never without a limit. A
backfill goes a few rows at a time, with pauses.

A plan runs only if onward plan proved it and nobody changed it since; --unproven runs
it all the same, and onward log keeps the reason. Each statement is parsed and judged
again before its step runs; -v prints them.

Each step is committed together with a row of the schema onward_ledger. So it can be
killed at any moment: the same command goes on where it was, and does nothing twice.
onward status and onward log read that schema.

Exit code: 0 done, 1 refused, since it is not for this database or rows are not right
yet, 2 usage or input, 3 not finished: the same command goes on.`,
		Example: `  onward plan --format json --output plan.json
  onward apply --db env:DATABASE_URL --plan plan.json
  onward apply --db env:DATABASE_URL --plan plan.json --through contract
  onward apply --db env:DATABASE_URL --plan plan.json --through contract --workload new.json.gz
  onward apply --db env:DATABASE_URL --plan plan.json --unproven 'no server at hand, read by two of us'
  onward apply --db env:DATABASE_URL
  onward apply --db env:DATABASE_URL --head v2.4 --to 00042_nickname`,
		Args: arguments(0, 0, "no arguments"),
		RunE: func(cmd *cobra.Command, _ []string) error { return a.carryOut(cmd, &f) },
	}
	cmd.Flags().SortFlags = false
	f.register(cmd)
	return cmd
}

// carryOut does it, and prints how far it is.
func (a *app) carryOut(cmd *cobra.Command, f *carried) error {
	format, options, err := a.printing(report.AppliedFormats()...)
	if err != nil {
		return err
	}
	c, err := a.carrying(cmd, f)
	if err != nil {
		return err
	}
	end, err := a.telling(&c, f.limits.events)
	if err != nil {
		return err
	}
	told, err := a.notices(cmd, &f.careful, &c)
	if err != nil {
		return err
	}
	r, err := a.carry(cmd, c, f)
	end()
	if r == nil {
		told.over(nil, err)
		return refusal(a, err)
	}
	r.Next = goesOn(r, f.plan, err)
	told.over([]*onward.Applied{r}, err)
	if wrong := a.write(func(w io.Writer) error { return report.WriteApply(w, format, r, options) }); wrong != nil {
		return wrong
	}
	return refusal(a, err)
}

// goesOn is the command that goes on.
func goesOn(r *onward.Applied, plan string, err error) string {
	refused := new(apply.RefusedError)
	switch {
	case errors.As(err, &refused) && refused.Next != "":
		return refused.Next
	case err != nil:
		return "the same command goes on, once that is out of the way"
	case r.Next != "" && plan != "" && r.State != onward.ApplyDone:
		return r.Next + " --db ADDRESS --plan " + plan
	}
	return r.Next
}

// carry runs the plan, or the pending migrations.
func (a *app) carry(cmd *cobra.Command, c apply.Config, f *carried) (*onward.Applied, error) {
	if f.plan != "" {
		return a.noting(cmd, c, f)
	}
	r := audit.Config{Head: f.head, Base: f.base, Logger: a.logger()}
	var err error
	if r.Settings, err = a.configuration(); err != nil {
		return nil, err
	}
	return apply.Pending(cmd.Context(), apply.PendingConfig{Config: c, Repository: r, Source: f.source, Table: f.table, AcceptFindings: f.accept})
}

// noting runs the plan, and has its last step tell the migrations' own tool of it.
func (a *app) noting(cmd *cobra.Command, c apply.Config, f *carried) (*onward.Applied, error) {
	r := audit.Config{Logger: a.logger()}
	var err error
	if r.Settings, err = a.configuration(); err != nil {
		return nil, err
	}
	a.say("chosen: onward runs the steps of %s, and notes the migrations that they replace in their tool's table. Do not write this plan as migrations, too", f.plan)
	return apply.Noted(cmd.Context(), apply.PendingConfig{Config: c, Repository: r, Table: f.table})
}

// refusal gives a plan that must not be carried out the exit code of a finding.
func refusal(a *app, err error) error {
	if isAny[*apply.RefusedError](err) {
		a.code = exitFindings
		a.say("%v", err)
		return nil
	}
	return err
}

// carrying reads the flags.
func (a *app) carrying(cmd *cobra.Command, f *carried) (apply.Config, error) {
	c, err := a.carefully(&f.careful)
	if err != nil {
		return c, err
	}
	c.Through, c.To, c.Role, c.Name = onward.PlanPhase(f.through), f.to, f.role, f.plan
	switch c.Through {
	case onward.Expand, onward.Backfill, onward.Contract:
	default:
		return c, usagef("--through %q is not one of expand, backfill, contract", f.through)
	}
	if cmd.Flags().Changed("unproven") && (f.plan == "" || strings.TrimSpace(f.unproven) == "") {
		return c, usagef("--unproven takes the reason to run the plan of --plan although it is not proven")
	}
	c.Unproven = f.unproven
	if f.green.given() && (f.plan == "" || c.Through != onward.Contract) {
		return c, usagef("--workload and --postgres are for --plan with --through contract")
	}
	if err = a.working(&f.green, &c); err != nil {
		return c, err
	}
	if c.Evidence, err = f.evidence.read(); err != nil {
		return c, err
	}
	if f.evidence.gone != "" && c.Through != onward.Contract {
		return c, usagef("--old-code-is-gone is for --through contract")
	}
	if f.plan != "" {
		if f.head+f.base+f.source != "" || f.accept {
			return c, usagef("--head, --base, --source and --accept-findings are for the repository's migrations, not for a plan")
		}
		if c.Plan, err = readPlan(f.plan); err != nil {
			return c, err
		}
	}
	return c, err
}

// target is the address of --db, which must be given.
func (a *app) target(db string) (string, error) {
	if db == "" {
		return "", errNoDB
	}
	return a.address(db)
}

var errNoDB = usagef("--db is missing: name the database, as postgres://USER@HOST/DATABASE, @FILE or env:NAME")

// happened tells what apply does: a line for each step and each wait, and b for how far a backfill is.
func (a *app) happened(b *bar) func(apply.Event) {
	return func(e apply.Event) {
		b.clear()
		switch {
		case e.Kind == apply.Passed && e.Words == "":
			b.passed(e)
		case e.Kind == apply.Passed:
			a.say("%s  %s: %d of %d", e.Step.ID, e.Words, e.Rows, e.Of)
		case e.Kind == apply.Compared:
			b.passed(e)
		case e.Kind == apply.Begun:
		case e.Kind == apply.Sends:
			if a.flags.verbose > 0 {
				a.say("%s  sends: %s", e.Step.ID, e.Words)
			}
		case e.Step == nil:
			a.say("%s  %s", e.Kind, e.Words)
		case e.Kind == apply.Finished:
			a.say("%s  %s in %s", e.Step.ID, cmp.Or(e.Words, "done"), e.Took.Round(time.Millisecond))
		default:
			a.say("%s  %s: %s", e.Step.ID, e.Kind, e.Words)
		}
	}
}

func (a *app) status() *cobra.Command {
	var db string
	cmd := &cobra.Command{
		Use:   "status --db ADDRESS",
		Short: "which plans were begun on a database, and how far they are",
		Long: `Reads the schema onward_ledger of a database: which plans were begun there, which of
their steps are done, under way or held up, and what is due next. Nothing is changed.

Exit code: 0, 2 usage or input, 3 the database cannot be read.`,
		Example: `  onward status --db env:DATABASE_URL`,
		Args:    arguments(0, 0, "no arguments"),
		RunE: func(cmd *cobra.Command, _ []string) error {
			format, options, err := a.printing(report.AppliedFormats()...)
			if err != nil {
				return err
			}
			url, err := a.target(db)
			if err != nil {
				return err
			}
			list, err := apply.Status(cmd.Context(), url)
			if err != nil {
				return err
			}
			return a.write(func(w io.Writer) error { return report.WriteApplied(w, format, list, options) })
		},
	}
	cmd.Flags().StringVar(&db, "db", "", "`address` of the database, @FILE or env:NAME that hold it; nothing is changed there")
	return cmd
}

func (a *app) log() *cobra.Command {
	var db, plan string
	var most int
	cmd := &cobra.Command{
		Use:   "log --db ADDRESS",
		Short: "what onward did on a database: who, what and when",
		Long: `Prints the audit trail that the schema onward_ledger of a database has: who began which
plan, each step that was done, and who was waited for. Nothing is changed.

Exit code: 0, 2 usage or input, 3 the database cannot be read.`,
		Example: `  onward log --db env:DATABASE_URL
  onward log --db env:DATABASE_URL --last 1000 --format json`,
		Args: arguments(0, 0, "no arguments"),
		RunE: func(cmd *cobra.Command, _ []string) error {
			format, options, err := a.printing(report.AppliedFormats()...)
			if err != nil {
				return err
			}
			if most < 1 {
				return usagef("--last %d: write a number of lines", most)
			}
			url, err := a.target(db)
			if err != nil {
				return err
			}
			list, err := apply.Log(cmd.Context(), url, plan, most)
			if err != nil {
				return err
			}
			return a.write(func(w io.Writer) error { return report.WriteLog(w, format, list, options) })
		},
	}
	flags := cmd.Flags()
	flags.StringVar(&db, "db", "", "`address` of the database, @FILE or env:NAME that hold it; nothing is changed there")
	flags.StringVar(&plan, "plan", "", "of the plan with this `id`, as onward status shows it")
	flags.IntVar(&most, "last", 100, "the last `lines`")
	return cmd
}
