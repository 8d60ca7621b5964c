package cli

import (
	"fmt"
	"io"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"github.com/onward-sql/onward/apply"
	"github.com/onward-sql/onward/internal/report"
	"github.com/onward-sql/onward/onward"
)

// continuePlans continues plans, and prints their progress. prepare completes the configuration
// that the flags give; work runs the plans.
func (a *app) continuePlans(cmd *cobra.Command, f *stepFlags, prepare func(*apply.Config), work func(apply.Config) ([]*onward.Applied, error)) error {
	format, options, err := a.outputOptions(report.AppliedFormats()...)
	if err != nil {
		return err
	}
	c, err := a.stepConfig(f)
	if err != nil {
		return err
	}
	prepare(&c)
	end, err := a.reportEvents(&c, f.limits.events)
	if err != nil {
		return err
	}
	notices, err := a.newNotices(cmd, f, &c)
	if err != nil {
		return err
	}
	a.patience.Store(int64(stepTime))
	list, err := work(c)
	end()
	return a.endRun(cmd, &c, notices, list, err, format, func(w io.Writer) error { return report.WritePlanStatus(w, format, list, options) })
}

func (a *app) newBackfillCommand() *cobra.Command {
	var f stepFlags
	var verifyAgain bool
	cmd := &cobra.Command{
		Use:   "backfill --db ADDRESS",
		Short: "continue the backfills of the plans on a database",
		Long: `Continues the backfills of the plans in a database's schema onward_ledger, from the last
finished row. A backfill slows down for replicas, replication slots, the archiver, vacuum and
the signals that the flags name, and prints the reason.

After the last batch onward compares all rows with their expected values, and repairs those
whose value is known. If the change of a row fails, the row goes into quarantine: the same
command tries it again.

From another terminal, pause, resume, cancel and tune reach a running backfill before its
next batch. They work for onward apply, too.

Exit code: 0 done; 1 refused, because an earlier step is not done or some rows are wrong;
2 usage or input; 3 not finished, the same command continues.`,
		Example: `  onward backfill --db env:DATABASE_URL
  onward backfill --db env:DATABASE_URL --parallel 2
  onward backfill --db env:DATABASE_URL --verify
  onward backfill pause --db env:DATABASE_URL
  onward backfill tune --db env:DATABASE_URL --rows 2000 --rest 100%`,
		Args: checkArguments(0, 0, "no arguments"),
		RunE: func(cmd *cobra.Command, _ []string) error {
			return a.continuePlans(cmd, &f, func(c *apply.Config) { c.Through = onward.Backfill }, func(c apply.Config) ([]*onward.Applied, error) {
				if verifyAgain {
					return apply.Verify(cmd.Context(), c, f.plan)
				}
				return apply.Continue(cmd.Context(), c, f.plan)
			})
		},
	}
	cmd.Flags().SortFlags = false
	f.addStepFlags(cmd, ledgerPlanHelp)
	f.addParallelFlag(cmd)
	cmd.Flags().BoolVar(&verifyAgain, "verify", false, "compare all rows of finished backfills again, and repair wrong ones")
	cmd.AddCommand(
		a.newControlCommand(apply.Pause, "pause the backfills of a database after their next batch"),
		a.newControlCommand(apply.Resume, "continue the paused backfills of a database"),
		a.newControlCommand(apply.Cancel, "end the running backfills of a database after their next batch"),
		a.newControlCommand(apply.Tune, "make the backfills of a database faster or slower from their next batch on"),
	)
	return cmd
}

// newControlCommand is a command that controls the running backfills.
func (a *app) newControlCommand(word apply.Command, short string) *cobra.Command {
	var db, plan, schema, rest string
	var t apply.Tuning
	cmd := &cobra.Command{
		Use:   string(word) + " --db ADDRESS",
		Short: short,
		Long: strings.ToUpper(short[:1]) + short[1:] + `. The
command is a row in the schema onward_ledger, which a backfill reads before each batch.

Exit code: 0 the command was recorded, 2 usage or input, 3 the database cannot be reached.`,
		Args: checkArguments(0, 0, "no arguments"),
		RunE: func(cmd *cobra.Command, _ []string) error {
			if word == apply.Tune {
				if err := parseTuning(&t, rest); err != nil {
					return err
				}
			}
			url, err := a.requireDatabase(db)
			if err != nil {
				return err
			}
			ids, err := apply.ControlSchema(cmd.Context(), url, schema, plan, word, t, apply.ProcessName("backfill "+string(word)))
			if err != nil {
				return addPlanListHint(cmd, err)
			}
			a.printNote("%s  sent to plan %s", word, strings.Join(ids, ", "))
			switch word {
			case apply.Pause:
				a.printNext(otherCommandWithFlags(cmd, "onward backfill resume", "db", "plan", "schema"))
			case apply.Cancel:
				a.printNext(otherCommandWithFlags(cmd, "onward backfill", "db", "plan", "schema"))
			case apply.Resume, apply.Tune:
				a.printNext(otherCommandWithFlags(cmd, "onward status", "db", "schema"))
			}
			return nil
		},
	}
	flags := cmd.Flags()
	flags.SortFlags = false
	flags.StringVar(&db, "db", "", "`address` of the database, @FILE or env:NAME that hold it")
	flags.StringVar(&plan, "plan", "", ledgerPlanHelp)
	flags.StringVar(&schema, "schema", "", "the plan runs in this `schema` instead of public")
	if word == apply.Tune {
		flags.IntVar(&t.Rows, "rows", 0, "how many `rows` a batch has at most")
		flags.DurationVar(&t.Batch, "batch", 0, "how long a `batch` takes: its rows stay locked so long")
		flags.StringVar(&rest, "rest", "", "which `part` of a batch's time to pause after it, such as 25%")
	}
	return cmd
}

// parseTuning reads the flags of tune.
func parseTuning(t *apply.Tuning, rest string) error {
	if rest != "" {
		var percent float64
		if n, err := fmt.Sscanf(rest, "%f%%", &percent); n != 1 || err != nil || percent < 0 || percent > 10_000 {
			return newUsageError("--rest %q is not a part such as 25%%", rest)
		}
		t.Rest = limitOrOff(percent / 100)
	}
	switch {
	case t.Rows < 0 || t.Rows > apply.MostRows || t.Rows > 0 && t.Rows < apply.FewestRows:
		return newUsageError("--rows %d: a batch has %d to %d rows", t.Rows, apply.FewestRows, apply.MostRows)
	case t.Batch < 0 || t.Batch > time.Second || t.Batch > 0 && t.Batch < time.Millisecond:
		return newUsageError("--batch %s: a batch takes 1ms to 1s", t.Batch)
	case *t == apply.Tuning{}:
		return newUsageError("say what is to change: --rows, --batch or --rest")
	}
	return nil
}

const contractHelp = `Carries out the contract steps of the plans that were begun on a database: it drops what only
code of an older release needs. --release names that release. No step begins in two cases:

- a session's application_name contains that name, or matches the pattern of --sessions
- some rows are wrong

Onward then prints the sessions, or the query that finds the rows. It waits for transactions that
began before a backfill ended: they would read NULL under the new name of a column or table.

Before the first step onward looks for signs that old code still runs: a release name that no
session ever had, sessions without an application_name, sessions that began before the new
code could be deployed, and statements in pg_stat_statements that name what will be dropped.
Each sign refuses the contract, unless --old-code-is-gone gives a reason.

If sessions come through a pooler, onward sees only the application_name that the pooler
passes on.

With --workload, a recording of the new code's queries, onward first checks them in a copy of
the schema on a throwaway Postgres. If one of them would fail after the contract, nothing is
dropped. No query runs on the database itself.

Exit code: 0 done, 1 refused, 2 usage or input, 3 not finished, the same command continues.`

func (a *app) newContractCommand() *cobra.Command {
	var f stepFlags
	var g contractQueryFlags
	var e oldCodeFlags
	var release, sessions string
	cmd := &cobra.Command{
		Use:   "contract --db ADDRESS --release NAME",
		Short: "drop what only the old release needed, after it is gone",
		Long:  contractHelp,
		Example: `  onward contract --db env:DATABASE_URL --release v2.4
  onward contract --db env:DATABASE_URL --release v2.4 --workload new.json.gz
  onward contract --db env:DATABASE_URL --sessions 'shop-web-2.4%'`,
		Args: checkArguments(0, 0, "no arguments"),
		RunE: func(cmd *cobra.Command, _ []string) error {
			if (release == "") == (sessions == "") {
				suffix := ""
				if e.gone != "" {
					suffix = ", also with --old-code-is-gone"
				}
				return newUsageError("name the old release, whose processes must all be gone, with --release%s; "+
					"or give a pattern for the application_name of its sessions with --sessions", suffix)
			}
			var works apply.Config
			if err := a.readContractQueries(&g, &works); err != nil {
				return err
			}
			asked, err := e.readOldCodeEvidence()
			if err != nil {
				return err
			}
			return a.continuePlans(cmd, &f, func(c *apply.Config) {
				c.Workload, c.Server, c.Evidence = works.Workload, works.Server, asked
				c.Through, c.Gone = onward.Contract, sessions
				if release != "" {
					c.Gone = apply.LikePattern(release)
				}
			}, func(c apply.Config) ([]*onward.Applied, error) { return apply.Continue(cmd.Context(), c, f.plan) })
		},
	}
	cmd.Flags().SortFlags = false
	f.addStepFlags(cmd, ledgerPlanHelp)
	cmd.Flags().StringVar(&release, "release", "", "the old `release`, which must be gone: its name is in the application_name of its sessions")
	g.addContractQueryFlags(cmd)
	e.addOldCodeFlags(cmd)
	cmd.Flags().StringVar(&sessions, "sessions", "", "`pattern` of LIKE for the application_name of those sessions, instead")
	return cmd
}

func (a *app) newAbortCommand() *cobra.Command {
	var f stepFlags
	var forget bool
	cmd := &cobra.Command{
		Use:   "abort --db ADDRESS",
		Short: "take back a plan that has dropped nothing yet",
		Long: `Takes a plan back: it runs the undo of each step, the last step first. Each undo is as careful
as its step, and commits together with a row in the schema onward_ledger. You can kill onward
at any moment: the same command continues.

Data that new code wrote into the plan's own columns and tables is lost: first roll the new
code back. Rows of existing columns keep the values that a backfill wrote; onward lists these
columns. If a step has dropped something, the plan cannot be taken back. If an undo would
stop a logical subscriber, onward refuses without --accept-publication, and prints the DDL that
the subscriber needs.

If a migration that the plan replaces ran all the same, the plan may hold the only copy of some
values. Then onward refuses. --forget closes the plan, and lists what is left. It undoes only the
triggers of the plan that fail because their column or table is gone.

Exit code: 0 taken back, 1 refused, 2 usage or input, 3 not finished, the same command
continues.`,
		Example: `  onward abort --db env:DATABASE_URL
  onward abort --db env:DATABASE_URL --plan 5b1c4a7f90d2e386`,
		Args: checkArguments(0, 0, "no arguments"),
		RunE: func(cmd *cobra.Command, _ []string) error {
			return a.continuePlans(cmd, &f, func(*apply.Config) {}, func(c apply.Config) ([]*onward.Applied, error) {
				end := apply.Abort
				if forget {
					end = apply.Forget
				}
				r, err := end(cmd.Context(), c, f.plan)
				if r == nil {
					return nil, err
				}
				return []*onward.Applied{r}, err
			})
		},
	}
	cmd.Flags().SortFlags = false
	f.addStepFlags(cmd, ledgerPlanHelp)
	cmd.Flags().BoolVar(&forget, "forget", false, "close the plan, and list what is left")
	return cmd
}

// oldCodeFlags are the flags that say how a contract checks whether old code still runs.
type oldCodeFlags struct {
	gone   string
	window time.Duration
}

func (f *oldCodeFlags) addOldCodeFlags(cmd *cobra.Command) {
	flags := cmd.Flags()
	flags.StringVar(&f.gone, "old-code-is-gone", "", "contract although something says that code of the old release still runs, for this `reason`: "+
		"onward log keeps it; contract needs --release with it, too")
	flags.DurationVar(&f.window, "statement-window", apply.DefaultWindow, "the `time` between two samples of pg_stat_statements before a contract; 0 takes none")
}

// readOldCodeEvidence reads them.
func (f *oldCodeFlags) readOldCodeEvidence() (*apply.Evidence, error) {
	if f.window < 0 || f.window > 24*time.Hour {
		return nil, newUsageError("--statement-window %s: write a time of up to 24h, or 0", f.window)
	}
	return &apply.Evidence{GoneBecause: strings.TrimSpace(f.gone), Window: limitOrOff(f.window)}, nil
}

// contractQueryFlags are the flags that say which queries must work after a contract.
type contractQueryFlags struct {
	workloads []string
	server    string
}

func (f *contractQueryFlags) addContractQueryFlags(cmd *cobra.Command) {
	flags := cmd.Flags()
	flags.StringArrayVar(&f.workloads, "workload", nil, "`file` with a recording of the new code's queries: if one of them would fail after the contract, "+
		"nothing is dropped; repeatable")
	flags.StringVar(&f.server, "postgres", "", "with --workload: `address` of a server to ask instead of a throwaway one: "+
		"a database is made there and dropped; @FILE or env:NAME")
}

// readContractQueries reads them.
func (a *app) readContractQueries(f *contractQueryFlags, c *apply.Config) (err error) {
	if f.server != "" {
		if len(f.workloads) == 0 {
			return newUsageError("--postgres is the server for --workload, which is missing")
		}
		if c.Server, err = a.readAddress(f.server); err != nil {
			return err
		}
	}
	c.Workload, err = readWorkloads(f.workloads)
	return err
}
