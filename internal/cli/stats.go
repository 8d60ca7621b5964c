package cli

import (
	"io"

	"github.com/spf13/cobra"

	"github.com/onward-sql/onward/audit"
	"github.com/onward-sql/onward/internal/report"
)

func (a *app) newStatsCommand() *cobra.Command {
	return &cobra.Command{
		Use:   "stats ADDRESS | @FILE | env:NAME",
		Short: "the size and activity of a database's tables, for --stats",
		Long: `Reads the size and the activity of a database's tables and prints them as JSON. Store the file
beside the migrations and name it with --stats: "grows with the table" then becomes an estimate
of time. The file has no rows, no values, and no name of a host or user. Nothing changes in the
database, which may be a replica.

ADDRESS is postgres://USER@HOST/DATABASE or keywords and values, as for psql. @FILE and env:NAME
read it from a file or from the environment, so that a password is not in the process list.`,
		Example: `  onward stats env:DATABASE_URL > onward.stats.json
  onward changelog --stats onward.stats.json`,
		Args: checkArguments(1, 1, "the address of a database"),
		RunE: func(cmd *cobra.Command, args []string) error {
			url, err := a.readAddress(args[0])
			if err != nil {
				return err
			}
			s, err := audit.Stats(cmd.Context(), url)
			if err != nil {
				return err
			}
			return a.writeResult(func(w io.Writer) error { return report.WriteStats(w, s) })
		},
	}
}
