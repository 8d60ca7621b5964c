package cli

import (
	"github.com/spf13/cobra"

	"github.com/onward-sql/onward/audit"
	"github.com/onward-sql/onward/internal/report"
)

func (a *app) changelog() *cobra.Command {
	var f struct {
		audited
		base, head string
		frameworks []string
	}
	cmd := &cobra.Command{
		Use:   "changelog",
		Short: "what this branch does to the database, and whether the deploy survives it",
		Long: `Reports on the migrations that are new between two revisions, in the order in
which they will run: what changes, what each statement locks and for how long,
what breaks or waits, and whether the release is safe to deploy.

The base is what is deployed: --base, else base: in onward.yaml, else the merge
base with the remote's default branch, else main or master. The head is the
working tree, uncommitted files included, or --head.

Exit code: 0 clean, 1 a finding reaches --fail-on, 2 usage or input, 3 something
could not be read, so that there is no verdict on it.`,
		Example: `  onward changelog
  onward changelog --base v1.4 --head v1.5
  onward changelog --format markdown --output comment.md`,
		Args: arguments(0, 0, "no arguments"),
		RunE: func(cmd *cobra.Command, _ []string) error {
			format, err := a.format(report.Formats()...)
			if err != nil {
				return err
			}
			options, err := a.options()
			if err != nil {
				return err
			}
			settings, err := a.settings(&f.audited)
			if err != nil {
				return err
			}
			named, err := frameworks(f.frameworks)
			if err != nil {
				return err
			}
			if len(named) > 0 {
				settings.Migrations = named
			}
			deployed, err := a.deployed(&f.database)
			if err != nil {
				return err
			}
			r, err := audit.Changelog(cmd.Context(), audit.Config{
				Base: f.base, Head: f.head, Deployed: deployed, Settings: settings, Logger: a.logger(),
			})
			if err != nil {
				return err
			}
			return a.finish(r, &f.audited, settings, format, options)
		},
	}
	flags := cmd.Flags()
	flags.SortFlags = false
	flags.StringVar(&f.base, "base", "", "the deployed `revision`")
	flags.StringVar(&f.head, "head", "", "the `revision` to be deployed (default: the working tree)")
	flags.StringArrayVar(&f.frameworks, "framework", nil, "judge this `directory=framework` only, such as db/migrations=goose; repeatable")
	f.register(cmd)
	return cmd
}
