package cli

import (
	"slices"

	"github.com/spf13/cobra"

	"github.com/onward-sql/onward/audit"
	"github.com/onward-sql/onward/internal/report"
	"github.com/onward-sql/onward/onward"
)

// checkFlags are the flags of check.
type checkFlags struct {
	auditFlags
	fixFlags
	transaction, framework string
	deployed               []string
}

func (a *app) newCheckCommand() *cobra.Command {
	var f checkFlags
	cmd := &cobra.Command{
		Use:   "check [PATH… | -]",
		Short: "judge files and directories, or standard input",
		Long: `Judges files as one release, in the order of their framework, or else of their names. - is
standard input. Without a path it judges the working directory. --deployed names the files that
are already applied. Without --deployed, --schema or --db, a directory or several files are
judged without a deploy: no deployed code is assumed.

No code of a project runs, unless you add --framework django: this imports the project's
settings, models and migrations.

--transaction sets how files run that belong to no framework:

  none      each statement commits by itself
  file      the runner opens a transaction around the file
  message   the file is sent as one message, which Postgres runs as one transaction
  pipeline  the statements are sent in one pipeline, which is also one transaction

--fix rewrites the files as onward changelog does, if git shows that the base does not have
them.

Exit code: 0 clean, 1 a finding reaches --fail-on, 2 usage or input, 3 something could not be
read, so there is no verdict on it.`,
		Example: `  onward check db/migrations/00043_rename.sql --deployed db/migrations
  pg_dump --schema-only shop > schema.sql; onward check --schema schema.sql change.sql
  echo 'DROP TABLE users' | onward check -`,
		Args: checkArguments(0, -1, "paths"),
		RunE: func(cmd *cobra.Command, args []string) error { return a.runCheck(cmd, args, &f) },
	}
	flags := cmd.Flags()
	flags.SortFlags = false
	flags.StringVar(&f.transaction, "transaction", "", "how files that no framework claims are sent: file, none, message or pipeline (default none)")
	flags.StringVar(&f.framework, "framework", "", "`name` of the framework that all files belong to")
	flags.StringArrayVar(&f.deployed, "deployed", nil, "`path` of files that are applied already; repeatable")
	f.auditFlags.addAuditFlags(cmd)
	f.fixFlags.addFixFlags(flags)
	completeFlag(cmd, "transaction", "file", "none", "message", "pipeline")
	completeFlag(cmd, "framework", audit.Names().Frameworks...)
	return cmd
}

func (a *app) runCheck(cmd *cobra.Command, args []string, f *checkFlags) error {
	format, options, err := a.outputOptions(report.Formats()...)
	if err != nil {
		return err
	}
	transaction := onward.Transaction(f.transaction)
	if !slices.Contains([]onward.Transaction{
		"", onward.TransactionFile, onward.TransactionNone, onward.TransactionMessage, onward.TransactionPipeline,
	}, transaction) {
		return newUsageError("--transaction %q is not one of file, none, message, pipeline", f.transaction)
	}
	if f.framework != "" {
		if err := checkFramework(f.framework, audit.Names().Frameworks); err != nil {
			return err
		}
	}
	settings, err := a.auditConfig(&f.auditFlags)
	if err != nil {
		return err
	}
	deployed, err := a.readDeployed(&f.databaseFlags)
	if err != nil {
		return err
	}
	if f.fix && slices.Contains(args, "-") {
		return newUsageError("--fix rewrites files, and - is none")
	}
	// Git says what is deployed.
	if done, err := a.fixMigrations(cmd.Context(), &f.fixFlags, audit.Config{
		Deployed: deployed,
		Settings: settings,
		Logger:   a.newLogger(),
	}, args); done || err != nil {
		return err
	}
	// Of files that are named, only the findings are news.
	options.Brief = format == report.FormatTerminal && !options.Verbose
	var breathe func(float64, func(func()))
	if a.collector != nil {
		breathe = a.collector.collectIfFull
	}
	r, err := audit.Check(cmd.Context(), audit.CheckConfig{
		Paths: args, Stdin: cmd.InOrStdin(), Applied: f.deployed, Transaction: transaction, Framework: f.framework,
		Deployed: deployed, Settings: settings, Logger: a.newLogger(), Breathe: breathe,
		// With sizes, how long the statements take is news too.
		Brief: options.Brief && f.stats == "" && f.db == "" || format == report.FormatGitHub,
	})
	if err != nil {
		return err
	}
	return a.finishReport(r, &f.auditFlags, settings, format, options)
}
