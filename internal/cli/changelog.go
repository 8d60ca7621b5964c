package cli

import (
	"github.com/spf13/cobra"

	"github.com/onward-sql/onward/internal/report"
	"github.com/onward-sql/onward/onward"
	"github.com/onward-sql/onward/plan"
	"github.com/onward-sql/onward/rehearse"
)

// changes are the flags of changelog.
type changes struct {
	released
	fixing
	rehearse bool
	html     string
}

func (a *app) changelog() *cobra.Command {
	var f changes
	cmd := &cobra.Command{
		Use:   "changelog",
		Short: "what this branch does to the database, and whether the deploy survives it",
		Long: `Reports on the migrations that are new between two revisions, in the order in
which they will run: what changes, what each statement locks and for how long,
what breaks or waits, and whether the release is safe to deploy.

The base is what is deployed: --base, else base: in onward.yaml, else the merge
base with the remote's default branch, else main or master. The head is the
working tree, uncommitted files included, or --head.

No code of the repository is run, but for that of a Django project: its settings,
models and migrations are imported, at both revisions, as manage.py check does. On a
stranger's branch run it where you would run the tests, without secrets; or name what
is SQL, such as --framework db/migrations=sql, and nothing is run.

--fix rewrites migrations that the base does not have: one file where one safe statement
takes the place of its statement, else, with all that follow, into the files that onward
plan --write makes. What has no safe form stays, and is named.

Exit code: 0 clean, 1 a finding reaches --fail-on, 2 usage or input, 3 something
could not be read, so that there is no verdict on it.`,
		Example: `  onward changelog
  onward changelog --base v1.4 --head v1.5
  onward changelog --fix --diff
  onward changelog --format markdown --output comment.md`,
		Args: arguments(0, 0, "no arguments"),
		RunE: func(cmd *cobra.Command, _ []string) error { return a.runChangelog(cmd, &f) },
	}
	flags := cmd.Flags()
	flags.SortFlags = false
	f.released.register(cmd)
	f.fixing.register(flags)
	flags.BoolVar(&f.rehearse, "rehearse", false, "rehearse the release on a throwaway Postgres too; onward rehearse has rows and traffic")
	flags.StringVar(&f.html, "html", "", "write the report as a page to this `file`")
	return cmd
}

func (a *app) runChangelog(cmd *cobra.Command, f *changes) error {
	format, options, err := a.printing(report.Formats()...)
	if err != nil {
		return err
	}
	release, err := a.release(&f.released)
	if err != nil {
		return err
	}
	if done, err := a.fixed(cmd.Context(), &f.fixing, release, nil); done || err != nil {
		return err
	}
	var r *onward.Report
	if f.rehearse {
		r, err = a.rehearsed(cmd.Context(), rehearse.Config{Config: release})
	} else {
		r, err = plan.Changelog(cmd.Context(), release, format != report.FormatTerminal || options.Verbose || f.html != "")
	}
	if err != nil {
		return err
	}
	further(cmd, r)
	if err := a.page(f.html, r); err != nil {
		return err
	}
	return a.finish(r, &f.audited, release.Settings, format, options)
}
