package cli

import (
	"context"
	"encoding/json"
	"io"
	"time"

	"github.com/spf13/cobra"

	"github.com/onward-sql/onward/apply"
	"github.com/onward-sql/onward/internal/queue"
	"github.com/onward-sql/onward/internal/report"
	"github.com/onward-sql/onward/onward"
)

// logFlags are the flags of onward log.
type logFlags struct {
	db, plan string
	most     int
	follow   bool
}

func (a *app) newLogCommand() *cobra.Command {
	var f logFlags
	cmd := &cobra.Command{
		Use:   "log --db ADDRESS",
		Short: "the audit trail of onward on a database",
		Long: `Prints the audit trail in the schema onward_ledger of a database: who began each plan, each
finished step, each blocker that onward waited for, each command of onward guard, and each
command to a release on many targets. Each line has the database role, the user and the host of
the process and, in CI, the job with its link and commit. Changes nothing.

With --follow it goes on with new lines until Ctrl-C. --format json then prints each line as a
JSON object of its own.

Exit code: 0 done, 2 usage or input, 3 the database cannot be read.`,
		Example: `  onward log --db env:DATABASE_URL
  onward log --db env:DATABASE_URL --last 1000 --format json
  onward log --db env:DATABASE_URL --follow --format json`,
		Args: checkArguments(0, 0, "no arguments"),
		RunE: func(cmd *cobra.Command, _ []string) error { return a.printLog(cmd.Context(), &f) },
	}
	flags := cmd.Flags()
	flags.StringVar(&f.db, "db", "", "`address` of the database, @FILE or env:NAME that hold it; nothing is changed there")
	flags.StringVar(&f.plan, "plan", "", "of the plan with this `id`, as onward status shows it")
	flags.IntVar(&f.most, "last", 100, "the last `lines`")
	flags.BoolVar(&f.follow, "follow", false, "print new lines, too, until Ctrl-C")
	return cmd
}

func (a *app) printLog(ctx context.Context, f *logFlags) error {
	format, options, err := a.outputOptions(report.AppliedFormats()...)
	if err != nil {
		return err
	}
	if f.most < 1 {
		return newUsageError("--last %d: write a number of lines", f.most)
	}
	if f.follow && a.flags.output != "" {
		return newUsageError("--follow prints to standard output: leave out --output")
	}
	url, err := a.requireDatabase(f.db)
	if err != nil {
		return err
	}
	list, err := apply.Log(ctx, url, f.plan, f.most)
	if err != nil {
		return err
	}
	if f.follow {
		return a.followLog(ctx, url, f, format, options, list)
	}
	return a.writeResult(func(w io.Writer) error { return report.WriteLog(w, format, list, options) })
}

const (
	// followInterval is how often new lines are read.
	followInterval = time.Second
	// reorderedLines is how many numbers a line may be late: its transaction may end after those of later numbers.
	reorderedLines = 1000
)

// followLog prints lines, and then new ones, until the user interrupts it.
func (a *app) followLog(ctx context.Context, url string, f *logFlags, format report.Format, options report.Options, list []onward.LogEntry) error {
	printed := map[int64]bool{}
	var first, newest int64 // of the lines that were printed
	if len(list) > 0 {
		first = list[0].Number
	}
	for ctx.Err() == nil {
		var fresh []onward.LogEntry
		for i := range list {
			if number := list[i].Number; !printed[number] {
				printed[number], newest = true, max(newest, number)
				fresh = append(fresh, list[i])
			}
		}
		for number := range printed {
			if number < newest-2*reorderedLines {
				delete(printed, number)
			}
		}
		if err := a.writeLogLines(fresh, format, options); err != nil {
			return err
		}
		_ = queue.Pause(ctx, followInterval)
		var err error
		if list, err = apply.LogAfter(ctx, url, f.plan, max(first-1, newest-reorderedLines), 2*reorderedLines); err != nil && ctx.Err() == nil {
			return err
		}
	}
	return nil
}

// writeLogLines prints lines of the audit trail: as text, or each as a JSON object.
func (a *app) writeLogLines(list []onward.LogEntry, format report.Format, options report.Options) error {
	if len(list) == 0 {
		return nil
	}
	return a.writeResult(func(w io.Writer) error {
		if format != report.FormatJSON {
			return report.WriteLog(w, format, list, options)
		}
		to := json.NewEncoder(w)
		for i := range list {
			if err := to.Encode(&list[i]); err != nil {
				return err
			}
		}
		return nil
	})
}
