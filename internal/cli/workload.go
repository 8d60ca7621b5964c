package cli

import (
	"io"
	"strings"

	"github.com/spf13/cobra"

	"github.com/onward-sql/onward/audit"
	"github.com/onward-sql/onward/config"
	"github.com/onward-sql/onward/internal/report"
	"github.com/onward-sql/onward/internal/workload"
)

func (a *app) newWorkloadCommand() *cobra.Command {
	cmd := &cobra.Command{
		Use:   "workload",
		Short: "recordings of what code sends: put together, import, list, judge",
		Long: `Works on recordings of the queries that a release's code sends, as onward record
makes them: each distinct query once, without its values, with how often it was
sent and by whom.`,
		Args: checkArguments(0, 0, "no argument"),
		RunE: func(cmd *cobra.Command, _ []string) error { return cmd.Help() },
	}
	cmd.AddCommand(a.newWorkloadMergeCommand(), a.newWorkloadImportCommand(), a.newWorkloadShowCommand(), a.newWorkloadCheckCommand())
	return cmd
}

func (a *app) newWorkloadMergeCommand() *cobra.Command {
	var consumer string
	cmd := &cobra.Command{
		Use:   "merge FILE…",
		Short: "put recordings together: of the shards of a test run, of several suites",
		Long: `Adds up recordings. Their order makes no difference. Where two do not agree on the
result of a query or on what it uses, they were made on two versions of the schema:
a note says of how many, and what the newest Postgres said is kept.

With --consumer the recordings are of one program among several that share the
database. Keep one file for each in a directory, and name the directory wherever a
recording is expected: the programs are verified together, and reported one by one.

With -o FILE.gz the result is packed.`,
		Example: `  onward workload merge -o workload.json.gz shard-*.json.gz
  onward workload merge --consumer billing -o contracts/billing.workload.json.gz shard-*.json.gz
  onward verify --workload contracts`,
		Args: checkArguments(1, -1, "recordings"),
		RunE: func(_ *cobra.Command, args []string) error {
			if _, err := a.requireJSONFormat(); err != nil {
				return err
			}
			var list []*workload.Workload
			for _, name := range args {
				load, err := audit.ReadWorkload(name)
				if err != nil {
					return err
				}
				list = append(list, load)
			}
			load, err := workload.MergeAll(list...)
			if err != nil {
				return &config.InputError{Err: err}
			}
			for _, note := range load.Notes {
				a.printNote("%s", note)
			}
			if consumer != "" {
				load.NameConsumer(consumer)
			}
			return a.writeWorkload(load)
		},
	}
	cmd.Flags().StringVar(&consumer, "consumer", "", "the `name` of the program that sends the queries, if several share the database")
	return cmd
}

func (a *app) newWorkloadShowCommand() *cobra.Command {
	return &cobra.Command{
		Use:     "show FILE",
		Short:   "list the queries of a recording, those that are sent most first",
		Example: `  onward workload show workload.json.gz`,
		Args:    checkArguments(1, 1, "a recording"),
		RunE: func(_ *cobra.Command, args []string) error {
			format, options, err := a.outputOptions(report.FormatTerminal, report.FormatJSON)
			if err != nil {
				return err
			}
			load, err := audit.ReadWorkload(args[0])
			if err != nil {
				return err
			}
			return a.writeResult(func(w io.Writer) error { return report.WriteWorkload(w, format, load, options) })
		},
	}
}

// requireJSONFormat refuses formats of commands whose result is a recording.
func (a *app) requireJSONFormat() (report.Format, error) {
	if a.flags.format == string(report.FormatTerminal) {
		return report.FormatJSON, nil // nothing was asked for
	}
	return a.chosenFormat(report.FormatJSON)
}

// writeWorkload writes a recording, packed where the name of its file ends in .gz.
func (a *app) writeWorkload(load *workload.Workload) error {
	return a.writeResult(func(w io.Writer) error { return workload.Write(w, load, strings.HasSuffix(a.flags.output, ".gz")) })
}
