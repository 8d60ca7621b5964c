package cli

import (
	"slices"

	"github.com/spf13/cobra"

	"github.com/onward-sql/onward/audit"
	"github.com/onward-sql/onward/internal/report"
	"github.com/onward-sql/onward/onward"
)

// checked are the flags of check.
type checked struct {
	audited
	fixing
	transaction, framework string
	deployed               []string
}

func (a *app) check() *cobra.Command {
	var f checked
	cmd := &cobra.Command{
		Use:   "check [PATH… | -]",
		Short: "judge files and directories, or standard input",
		Long: `Judges files as if all of them were one release, in the order of their
framework, else of their names. - is standard input; without a path it is the
working directory. --deployed names what is applied already; of a directory, or of
several files, without that (or --schema, or --db) nothing is said about a deploy.

No code of a project is run, but for that of a Django project with --framework
django: its settings, models and migrations are imported.

Files that no framework claims run as --transaction says: none, each statement
commits by itself; file, the runner opens a transaction around the file; message,
the file is sent as one message, which Postgres runs as one transaction; pipeline,
its statements are sent in one pipeline, which is one transaction too.

--fix rewrites them as that of onward changelog does, where git says that the base does not
have them.

Exit code: 0 clean, 1 a finding reaches --fail-on, 2 usage or input, 3 something
could not be read, so that there is no verdict on it.`,
		Example: `  onward check db/migrations/00043_rename.sql --deployed db/migrations
  pg_dump --schema-only shop > schema.sql; onward check --schema schema.sql change.sql
  echo 'DROP TABLE users' | onward check -`,
		Args: arguments(0, -1, "paths"),
		RunE: func(cmd *cobra.Command, args []string) error { return a.runCheck(cmd, args, &f) },
	}
	flags := cmd.Flags()
	flags.SortFlags = false
	flags.StringVar(&f.transaction, "transaction", "", "how files that no framework claims are sent: file, none, message or pipeline (default none)")
	flags.StringVar(&f.framework, "framework", "", "`name` of the framework that all files belong to")
	flags.StringArrayVar(&f.deployed, "deployed", nil, "`path` of files that are applied already; repeatable")
	f.audited.register(cmd)
	f.fixing.register(flags)
	complete(cmd, "transaction", "file", "none", "message", "pipeline")
	complete(cmd, "framework", audit.Names().Frameworks...)
	return cmd
}

func (a *app) runCheck(cmd *cobra.Command, args []string, f *checked) error {
	format, options, err := a.printing(report.Formats()...)
	if err != nil {
		return err
	}
	transaction := onward.Transaction(f.transaction)
	if !slices.Contains([]onward.Transaction{"", onward.TransactionFile, onward.TransactionNone, onward.TransactionMessage, onward.TransactionPipeline}, transaction) {
		return usagef("--transaction %q is not one of file, none, message, pipeline", f.transaction)
	}
	if f.framework != "" {
		if err := knownFramework(f.framework, audit.Names().Frameworks); err != nil {
			return err
		}
	}
	settings, err := a.settings(&f.audited)
	if err != nil {
		return err
	}
	deployed, err := a.deployed(&f.database)
	if err != nil {
		return err
	}
	if f.fix && slices.Contains(args, "-") {
		return usagef("--fix rewrites files, and - is none")
	}
	// What is deployed is asked of git.
	if done, err := a.fixed(cmd.Context(), &f.fixing, audit.Config{Deployed: deployed, Settings: settings, Logger: a.logger()}, args); done || err != nil {
		return err
	}
	// Of files that are named, only the findings are news.
	options.Brief = format == report.FormatTerminal && !options.Verbose
	var breathe func(float64, func(func()))
	if a.collector != nil {
		breathe = a.collector.breathe
	}
	r, err := audit.Check(cmd.Context(), audit.CheckConfig{
		Paths: args, Stdin: cmd.InOrStdin(), Applied: f.deployed, Transaction: transaction, Framework: f.framework,
		Deployed: deployed, Settings: settings, Logger: a.logger(), Breathe: breathe,
		// With sizes, how long the statements take is news too.
		Brief: options.Brief && f.stats == "" && f.db == "" || format == report.FormatGitHub,
	})
	if err != nil {
		return err
	}
	return a.finish(r, &f.audited, settings, format, options)
}
