package cli

import (
	"io"

	"github.com/spf13/cobra"

	"github.com/onward-sql/onward/internal/report"
	"github.com/onward-sql/onward/plan"
	"github.com/onward-sql/onward/rehearse"
)

// planned are the flags of onward plan.
type planned struct {
	released
	sketch, diff, save bool
	server             string
	fresh              []string
	publications       []string
}

// planning reads the flags.
func (a *app) planning(f *planned) (plan.Config, error) {
	release, err := a.release(&f.released)
	if err != nil {
		return plan.Config{}, err
	}
	c := plan.Config{Config: rehearse.Config{Config: release}, Sketch: f.sketch, AcceptPublications: f.publications}
	if c.Old, err = workloads(release.Recordings()); err != nil {
		return c, err
	}
	if c.New, err = workloads(f.fresh); err != nil {
		return c, err
	}
	if f.pg != "" {
		c.Majors = release.Settings.Postgres
	}
	if f.server != "" {
		c.Server, err = a.address(f.server)
	}
	return c, err
}

func (a *app) plan() *cobra.Command {
	var f planned
	cmd := &cobra.Command{
		Use:   "plan",
		Short: "the migrations that can be run, in place of those that one wants",
		Long: `Takes the release apart into steps: what is safe stays as it stands, and each unsafe
change becomes steps that come before the new code (expand), in the background
(backfill), and in a later release, when the deployed code is gone (contract).

The plan is proven on a throwaway Postgres: it must make what the migrations make,
schema and rows, and up to the first contract it must lead back; and the queries of
the deployed code must work up to there, those of the new code from the end of the
backfill on (--workload, --workload-head; else those that stand in the code). What
cannot be proven is printed as a sketch, with what is missing.

--format json is the plan as data, --format sql one script for psql, --format html a page
with the release beside its plan. --diff shows the
migrations that --write makes of the steps, for the tool that runs the project's: those
before the first contract, behind all that there are, as far as a file can carry them.
--write keeps the plan in onward/plans, for onward plan next, and overwrites nothing. What is
not proven is written with --sketch only.

Exit code: 0 the plan is proven, or was not to be (--sketch), 1 it is not proven,
2 usage or input, 3 something could not be read.`,
		Example: `  onward plan
  onward plan --base v1.4 --head v1.5 --format sql --output plan.sql
  onward plan --write
  onward plan next --gone v1.4`,
		Args: arguments(0, 0, "no arguments"),
		RunE: func(cmd *cobra.Command, _ []string) error { return a.makePlan(cmd, &f) },
	}
	flags := cmd.Flags()
	flags.SortFlags = false
	flags.StringArrayVar(&f.fresh, "workload-head", nil, "`file` with what the new code sends; repeatable")
	f.released.register(cmd)
	flags.BoolVar(&f.diff, "diff", false, "show the files that --write would make")
	flags.BoolVar(&f.save, "write", false, "write the steps as migrations, and keep the plan in onward/plans")
	flags.BoolVar(&f.sketch, "sketch", false, "leave out the proof, which takes a throwaway server")
	flags.StringVar(&f.server, "postgres", "", "`address` of a server to prove on instead of a throwaway one: databases are made there and dropped; @FILE or env:NAME")
	flags.StringArrayVar(&f.publications, "accept-publication", nil, "with --db: the `publication` whose subscribers have the tables and columns that the steps add, or may stop; several times for several")
	cmd.AddCommand(a.planNext())
	return cmd
}

// makePlan makes the plan, and prints it, shows its files or writes them.
func (a *app) makePlan(cmd *cobra.Command, f *planned) error {
	format, options, err := a.printing(report.FormatTerminal, report.FormatJSON, report.FormatSQL, report.FormatHTML)
	if err != nil {
		return err
	}
	if (f.diff || f.save) && (format != report.FormatTerminal || f.diff && f.save) {
		return usagef("--diff and --write have a form of their own: leave out --format, and one of the two")
	}
	c, err := a.planning(f)
	if err != nil {
		return err
	}
	p, r, err := plan.Make(cmd.Context(), c)
	if err != nil {
		return err
	}
	if !f.sketch && !p.Proof.Proven && len(p.Steps) > 0 {
		a.code = exitFindings
	} else if (f.diff || f.save) && len(p.Steps) > 0 {
		draft, err := plan.Write(cmd.Context(), c.Config.Config, p)
		if err != nil {
			return err
		}
		return a.drafted([]*plan.Draft{draft}, f.diff)
	}
	return a.write(func(w io.Writer) error {
		if format == report.FormatHTML {
			return report.PlanHTML(w, p, r)
		}
		return report.WritePlan(w, format, p, options)
	})
}
