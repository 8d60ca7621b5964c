package cli

import (
	"io"

	"github.com/spf13/cobra"

	"github.com/onward-sql/onward/audit"
	"github.com/onward-sql/onward/internal/report"
)

func (a *app) stats() *cobra.Command {
	return &cobra.Command{
		Use:   "stats ADDRESS | @FILE | env:NAME",
		Short: "how big and how busy the tables of a database are, for --stats",
		Long: `Reads how big and how busy the tables of a database are and prints it as JSON, to
be stored beside the migrations and named with --stats: then "grows with the
table" becomes an estimate. There is no row, no value and no name of a host or a
user in it, and nothing is changed in the database; it may be a replica.

ADDRESS is postgres://USER@HOST/DATABASE or keywords and values, as for psql;
@FILE and env:NAME read it from a file or from the environment, which keeps a
password out of the list of processes.`,
		Example: `  onward stats env:DATABASE_URL > onward.stats.json
  onward changelog --stats onward.stats.json`,
		Args: arguments(1, 1, "the address of a database"),
		RunE: func(cmd *cobra.Command, args []string) error {
			url, err := a.address(args[0])
			if err != nil {
				return err
			}
			s, err := audit.Stats(cmd.Context(), url)
			if err != nil {
				return err
			}
			return a.write(func(w io.Writer) error { return report.StatsJSON(w, s) })
		},
	}
}
