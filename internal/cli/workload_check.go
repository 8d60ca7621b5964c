package cli

import (
	"context"
	"io"
	"slices"

	"github.com/spf13/cobra"

	"github.com/onward-sql/onward/audit"
	"github.com/onward-sql/onward/internal/prose"
	"github.com/onward-sql/onward/internal/report"
	"github.com/onward-sql/onward/onward"
)

func (a *app) newWorkloadCheckCommand() *cobra.Command {
	var f databaseFlags
	var base string
	cmd := &cobra.Command{
		Use:   "check FILE",
		Short: "what is wrong with the queries of a recording's code",
		Long: `Lists queries that are sent for each row of another, chains of queries, joins that
multiply each other, reads that nothing bounds, forgotten filters of deleted rows,
and transactions that stay open while nothing runs, each with how often and by whom.
With the deployed schema it also tells which foreign keys are followed without an
index. onward explain RULE says more about one; rules in onward.yaml sets them.

These are warnings and notes: the exit code is 0 where the recording could be read.`,
		Example: `  onward workload check workload.json.gz
  onward workload check --schema base workload.json.gz
  onward workload check --db env:DATABASE_URL --format json workload.json.gz`,
		Args: checkArguments(1, 1, "a recording"),
		RunE: func(cmd *cobra.Command, args []string) error {
			format, options, err := a.outputOptions(report.FormatTerminal, report.FormatJSON)
			if err != nil {
				return err
			}
			c, err := a.queriesConfig(cmd.Context(), f, base)
			if err != nil {
				return err
			}
			load, err := audit.ReadWorkload(args[0])
			if err != nil {
				return err
			}
			list, err := audit.Queries(cmd.Context(), load, c)
			if err != nil {
				return err
			}
			return a.writeResult(func(w io.Writer) error { return report.WriteQueryFindings(w, list, format, options) })
		},
	}
	cmd.Flags().SortFlags = false
	f.addDatabaseFlags(cmd)
	cmd.Flags().Lookup("schema").Usage = "the deployed schema: base takes the deployed migrations, anything else is a `file` from pg_dump --schema-only"
	cmd.Flags().StringVar(&base, "base", "", "with --schema base: the deployed `revision`")
	return cmd
}

// queriesConfig reads the flags.
func (a *app) queriesConfig(ctx context.Context, f databaseFlags, base string) (c audit.QueriesConfig, err error) {
	c.Migrations = f.schema == "base"
	switch {
	case c.Migrations:
		if f.db != "" {
			return c, newUsageError("--schema and --db contradict each other: the schema comes from migrations or from a server")
		}
		f.schema = ""
	case base != "":
		return c, newUsageError("--base names the deployed revision for --schema base")
	}
	c.Config, err = a.releaseConfig(ctx, &releaseFlags{base: base, auditFlags: auditFlags{databaseFlags: f}})
	return c, err
}

// countQueryProblems prints how many problems recorded queries have.
func (a *app) countQueryProblems(load *audit.Workload) error {
	settings, err := a.readConfigFile()
	if err != nil {
		return err
	}
	list, err := audit.Queries(context.Background(), load, audit.QueriesConfig{Config: audit.Config{Settings: settings}})
	list = slices.DeleteFunc(list, func(f onward.QueryFinding) bool { return f.Accepted })
	if n := len(list); err == nil && n > 0 {
		a.printNote("%s about its queries: onward workload check %s", prose.CountNoun(n, "finding"), a.flags.output)
	}
	return err
}
