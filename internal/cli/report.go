package cli

import (
	"fmt"
	"io"
	"os"

	"github.com/spf13/cobra"

	"github.com/onward-sql/onward/config"
	"github.com/onward-sql/onward/internal/report"
)

func (a *app) newReportCommand() *cobra.Command {
	var failOn string
	cmd := &cobra.Command{
		Use:   "report FILE.json | -",
		Short: "print a stored report in another format",
		Long: `Prints a report that was stored with --format json in another format. One run then serves the
log, the annotations and the comment. The exit code is the run's: 1 if a finding reaches
--fail-on or a recorded query breaks, 3 if something could not be read.`,
		Example: `  onward changelog --format json --output report.json
  onward report report.json --format markdown`,
		Args: checkArguments(1, 1, "one file, or - for standard input"),
		RunE: func(cmd *cobra.Command, args []string) error {
			format, options, err := a.outputOptions(report.Formats()...)
			if err != nil {
				return err
			}
			threshold, ok := config.ParseThreshold(failOn)
			if !ok {
				return newUsageError("--fail-on %q is not one of error, warning, info, never", failOn)
			}
			in := cmd.InOrStdin()
			if args[0] != "-" {
				f, err := os.Open(args[0])
				if err != nil {
					return &config.InputError{Err: err}
				}
				defer f.Close()
				in = f
			}
			r, err := report.Read(in)
			if err != nil {
				return &config.InputError{Err: fmt.Errorf("%s: %w", args[0], err)}
			}
			if r.Verification != nil && !cmd.Flags().Changed("fail-on") {
				threshold = config.FailOnNever // as onward verify does
			}
			a.code = verifyExitCode(reportExitCode(r, threshold), r)
			return a.writeResult(func(w io.Writer) error { return report.Write(w, format, r, options) })
		},
	}
	cmd.Flags().StringVar(&failOn, "fail-on", "error", "severity that makes the exit code 1: error, warning, info or never")
	completeFlag(cmd, "fail-on", "error", "warning", "info", "never")
	return cmd
}
