package cli

import (
	"io"

	"github.com/spf13/cobra"

	"github.com/onward-sql/onward/audit"
	"github.com/onward-sql/onward/internal/report"
	"github.com/onward-sql/onward/internal/workload/judge"
)

func (a *app) workloadCheck() *cobra.Command {
	return &cobra.Command{
		Use:   "check FILE",
		Short: "what is wrong with the way in which a recording's code asks",
		Long: `Lists queries that are sent for each row of another, joins that multiply each other,
and transactions that stay open while nothing runs, each with how often and by whom.
These are warnings: the exit code is 0 where the recording could be read.`,
		Example: `  onward workload check workload.json.gz`,
		Args:    arguments(1, 1, "a recording"),
		RunE: func(_ *cobra.Command, args []string) error {
			_, options, err := a.printing(report.FormatTerminal)
			if err != nil {
				return err
			}
			load, err := audit.ReadWorkload(args[0])
			if err != nil {
				return err
			}
			return a.write(func(w io.Writer) error { return report.WriteWorkloadFindings(w, judge.Judge(load), options) })
		},
	}
}
