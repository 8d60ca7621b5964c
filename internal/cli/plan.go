package cli

import (
	"context"
	"errors"
	"fmt"
	"io"
	"slices"
	"strings"

	"github.com/spf13/cobra"

	"github.com/onward-sql/onward/internal/readiness"
	"github.com/onward-sql/onward/internal/report"
	"github.com/onward-sql/onward/internal/report/escape"
	"github.com/onward-sql/onward/internal/report/html"
	"github.com/onward-sql/onward/internal/underway"
	"github.com/onward-sql/onward/onward"
	"github.com/onward-sql/onward/plan"
	"github.com/onward-sql/onward/rehearse"
)

// planFlags are the flags of onward plan.
type planFlags struct {
	releaseFlags
	sketch, diff, save bool
	guard              bool
	deploys            bool
	server             string
	fresh              []string
	publications, only []string
}

// planConfig reads the flags.
func (a *app) planConfig(ctx context.Context, f *planFlags) (plan.Config, error) {
	release, err := a.releaseConfig(ctx, &f.releaseFlags)
	if err != nil {
		return plan.Config{}, err
	}
	c := plan.Config{Config: rehearse.Config{Config: release}, Sketch: f.sketch, AcceptPublications: f.publications, Only: f.only}
	if c.Old, err = readWorkloads(release.Recordings()); err != nil {
		return c, err
	}
	if c.New, err = readWorkloads(f.fresh); err != nil {
		return c, err
	}
	if f.pg != "" {
		c.Majors = release.Settings.Postgres
	}
	if f.server != "" {
		c.Server, err = a.readAddress(f.server)
	}
	return c, err
}

func (a *app) newPlanCommand() *cobra.Command {
	var f planFlags
	cmd := &cobra.Command{
		Use:   "plan [BASE..HEAD]",
		Short: "replace an unsafe release by proven safe steps",
		Long: `Turns the release into steps. A safe change is kept unchanged. An unsafe change becomes steps
before the new code (expand), in the background (backfill), and in a later release, after the
deployed code is gone (contract).

Onward proves the plan on a throwaway Postgres:

- the steps must produce the schema and the rows that the migrations produce
- until the first contract step, the undo must restore the old schema
- the deployed code's queries must work until then, and the new code's queries from the end of
  the backfill on. They come from --workload and --workload-head, or else from the code itself

Changes that depend on each other form a chain. A chain that cannot be planned or proven is left to
the migrations' own tool, with the reason, and the other chains are proven without it. A plan
that is not proven at all is printed as a sketch, with the missing parts.

--format json prints the plan as data, --format sql as one script for psql. --format html makes a
page: the steps along the deploy, and the release beside its plan. --format markdown makes a
comment for the pull request. With --stats or --db the steps have estimates: time, WAL, disk and
what autovacuum does. --diff shows the migrations that --write makes for the
project's own tool: the steps before the first contract, numbered after all existing
migrations, as far as a file can carry them. --write also keeps the plan in onward/plans, for
onward plan next. It overwrites nothing, and writes an unproven plan only with --sketch.

--guard is for a plan that onward apply runs, beside its replaced migrations. It puts a statement
first into each of them, in the form of the project's own tool. While the plan is under way on a
database, the tool fails at the statement there. Everywhere else the statement does nothing.

--deploys splits a range of commits into the deploys that it needs, with the condition between them:
a deploy ends before the first migration that breaks the code from before it. A commit that is too
much for one deploy gets a plan.

Exit code: 0 the plan is proven, or no proof was wanted (--sketch); 1 not proven, or only a
part of the release is; 2 usage or input; 3 something could not be read.`,
		Example: `  onward plan
  onward plan v1.4..v1.5 --format sql --output plan.sql
  onward plan --write
  onward plan --deploys v1.4..v1.5
  onward plan next --gone v1.4`,
		Args: setRevisionRange,
		RunE: func(cmd *cobra.Command, _ []string) error { return a.makePlan(cmd, &f) },
	}
	flags := cmd.Flags()
	flags.SortFlags = false
	flags.StringArrayVar(&f.fresh, "workload-head", nil, "`file` with what the new code sends; repeatable")
	f.releaseFlags.addReleaseFlags(cmd)
	flags.BoolVar(&f.diff, "diff", false, "show the files that --write would make")
	flags.BoolVar(&f.save, "write", false, "write the steps as migrations, and keep the plan in onward/plans")
	flags.BoolVar(&f.guard, "guard", false, "put a statement first into each replaced migration: its own tool fails there while the plan is under way")
	flags.BoolVar(&f.sketch, "sketch", false, "leave out the proof, which takes a throwaway server")
	flags.BoolVar(&f.deploys, "deploys", false, "split the range into the deploys that it needs")
	flags.StringArrayVar(&f.only, "only", nil, "plan only this `chain`, by the name that a plan gives it, and leave the others; repeatable")
	flags.StringVar(&f.server, "postgres", "", "`address` of a server to prove on instead of a throwaway one: databases are made there and dropped; "+
		"@FILE or env:NAME")
	flags.StringArrayVar(&f.publications, "accept-publication", nil,
		"with --db: accept this `publication`: its subscribers have the tables and columns that the steps add, or may stop; repeatable")
	cmd.AddCommand(a.newPlanNextCommand())
	return cmd
}

// printDeployOrder prints the deploys that a range of commits needs.
func (a *app) printDeployOrder(cmd *cobra.Command, f *planFlags) error {
	format, options, err := a.outputOptions(report.DeployFormats()...)
	if err != nil {
		return err
	}
	if f.diff || f.save || f.guard || len(f.only) > 0 {
		return newUsageError("--deploys splits a whole range: leave out --diff, --write, --guard and --only")
	}
	c, err := a.planConfig(cmd.Context(), f)
	if err != nil {
		return err
	}
	if c.Deployed.DB != "" {
		return newUsageError("--deploys compares commits, and --db has the schema of one of them: leave out --db")
	}
	o, err := plan.OrderDeploys(cmd.Context(), c)
	if err != nil {
		return err
	}
	for i := range o.Deploys {
		if s := o.Deploys[i].Steps; s != nil && s.Tried && !s.Proven {
			a.code = exitFindings
		}
	}
	return a.writeResult(func(w io.Writer) error { return report.WriteDeploys(w, format, o, options) })
}

// makePlan makes the plan, and prints it, shows its files or writes them.
func (a *app) makePlan(cmd *cobra.Command, f *planFlags) error {
	format, options, err := a.outputOptions(report.FormatTerminal, report.FormatJSON, report.FormatSQL, report.FormatHTML, report.FormatMarkdown)
	if err != nil {
		return err
	}
	if f.deploys {
		return a.printDeployOrder(cmd, f)
	}
	if f.guard && (f.diff || f.save || f.sketch) {
		return newUsageError("--guard is for a proven plan that onward apply runs: leave out --sketch, --diff and --write")
	}
	if (f.diff || f.save) && (format != report.FormatTerminal || f.diff && f.save) {
		return newUsageError("--diff and --write have a form of their own: leave out --format, and one of the two")
	}
	c, err := a.planConfig(cmd.Context(), f)
	if err != nil {
		return err
	}
	p, r, err := plan.Make(cmd.Context(), c)
	if err != nil {
		return err
	}
	for i := range r.Summary.Readiness {
		if ready := &r.Summary.Readiness[i]; ready.UnderWay {
			a.printNote("%s", ready.Text)
		}
	}
	if len(p.OtherDirs) > 0 || !f.sketch && !p.Proof.Proven && len(p.Steps) > 0 {
		a.code = exitFindings
	}
	if (f.diff || f.save) && len(p.Steps) > 0 && (f.sketch || p.ProvesSteps()) {
		draft, err := plan.Write(cmd.Context(), c.Config.Config, p)
		if written := new(plan.WrittenError); errors.As(err, &written) {
			a.printNote("%s", readiness.JudgeWritten(written.Plan, false).Text)
			return &nextError{err, written.Next}
		}
		if err != nil {
			return err
		}
		return a.writeOrShowDrafts([]*plan.Draft{draft}, f.diff)
	}
	if f.guard && len(p.Steps) > 0 && p.ProvesSteps() {
		if err := a.guardMigrations(cmd.Context(), c, p); err != nil {
			return err
		}
	}
	err = a.writeResult(func(w io.Writer) error {
		if format == report.FormatHTML {
			return html.WritePlan(w, p, r)
		}
		if err := report.WritePlan(w, format, p, options); err != nil || format != report.FormatTerminal {
			return err
		}
		return writePlanNext(w, cmd, f, p)
	})
	if err != nil || format != report.FormatJSON || a.flags.output == "" || len(p.Steps) == 0 || !p.ProvesSteps() {
		return err
	}
	a.printNote("%s", readiness.JudgePlan(p).Text)
	a.printNext(fillAddress(cmd, underway.ApplyCommand(a.flags.output, "")))
	return nil
}

// guardMigrations puts the statement that refuses their own tool into the replaced migrations of a plan, and reports which have it.
func (a *app) guardMigrations(ctx context.Context, c plan.Config, p *onward.Plan) error {
	g, err := plan.Guard(ctx, c.Config.Config, p)
	if err != nil {
		return err
	}
	for _, path := range g.Paths {
		commit := ""
		if slices.Contains(g.Written, path) {
			commit = " Commit it before onward apply"
		}
		a.printNote("%s fails in its own tool while the plan is under way on a database.%s", path, commit)
	}
	for _, m := range g.Without {
		a.printNote("%s has no guard: %s. Its own tool must not run while the plan is under way", m.Path, m.Why)
	}
	return nil
}

// writePlanNext prints the command that follows a printed plan: a proven one is written as migrations, and a sketch is proven.
func writePlanNext(w io.Writer, cmd *cobra.Command, f *planFlags, p *onward.Plan) error {
	next := ""
	switch {
	case len(p.Steps) == 0:
	case f.sketch:
		next = strings.Join(append([]string{cmd.CommandPath()}, flagWords(cmd, func(name string) bool { return name != "sketch" })...), " ")
	case p.ProvesSteps() && f.guard: // onward apply takes the plan from a file
		next = repeatCommand(cmd) + " --format json --output plan.json"
	case p.ProvesSteps():
		next = repeatCommand(cmd) + " --write"
	}
	if next == "" {
		return nil
	}
	_, err := fmt.Fprintln(w, "\nnext: "+escape.Line(next))
	return err
}
