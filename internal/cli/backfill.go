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

// goOn goes on with plans, and prints how far they are.
func (a *app) goOn(cmd *cobra.Command, f *careful, prepare func(*apply.Config), work func(apply.Config) ([]*onward.Applied, error)) error {
	format, options, err := a.printing(report.AppliedFormats()...)
	if err != nil {
		return err
	}
	c, err := a.carefully(f)
	if err != nil {
		return err
	}
	prepare(&c)
	end, err := a.telling(&c, f.limits.events)
	if err != nil {
		return err
	}
	told, err := a.notices(cmd, f, &c)
	if err != nil {
		return err
	}
	list, err := work(c)
	end()
	told.over(list, err)
	if len(list) > 0 {
		if wrong := a.write(func(w io.Writer) error { return report.WriteApplied(w, format, list, options) }); wrong != nil {
			return wrong
		}
	}
	return refusal(a, err)
}

func (a *app) backfill() *cobra.Command {
	var f careful
	var again bool
	cmd := &cobra.Command{
		Use:   "backfill --db ADDRESS",
		Short: "go on with the backfills of the plans that were begun on a database",
		Long: `Goes on with the backfills of the plans that the schema onward_ledger of a database
holds, from the row where they are. They hold back for the sake of replicas, slots, the
archiver, vacuum and whatever else the flags name, and say why.

Behind the last batch all rows are compared with what they are to be, and mended where
that is known. A row whose change fails is put into quarantine: the same command tries
it again.

From another terminal pause, resume, cancel and tune reach a backfill that runs, be it
of onward apply or of onward backfill, before its next batch.

Exit code: 0 done, 1 refused, since what comes before is not done, or rows are not
right, 2 usage or input, 3 not finished: the same command goes on.`,
		Example: `  onward backfill --db env:DATABASE_URL
  onward backfill --db env:DATABASE_URL --verify
  onward backfill pause --db env:DATABASE_URL
  onward backfill tune --db env:DATABASE_URL --rows 2000 --rest 100%`,
		Args: arguments(0, 0, "no arguments"),
		RunE: func(cmd *cobra.Command, _ []string) error {
			return a.goOn(cmd, &f, func(c *apply.Config) { c.Through = onward.Backfill }, func(c apply.Config) ([]*onward.Applied, error) {
				if again {
					return apply.Verify(cmd.Context(), c, f.plan)
				}
				return apply.Continue(cmd.Context(), c, f.plan)
			})
		},
	}
	cmd.Flags().SortFlags = false
	f.register(cmd, ofLedger)
	cmd.Flags().BoolVar(&again, "verify", false, "compare all rows of backfills that are done once more, and mend what is not right")
	cmd.AddCommand(
		a.controlling(apply.Pause, "have the backfills of a database stand still after their next batch"),
		a.controlling(apply.Resume, "let the backfills of a database go on that were paused"),
		a.controlling(apply.Cancel, "end whoever runs the backfills of a database, after the next batch"),
		a.controlling(apply.Tune, "have the backfills of a database go faster or slower from their next batch on"),
	)
	return cmd
}

// controlling is a command that says a word to the backfills that run.
func (a *app) controlling(word apply.Word, short string) *cobra.Command {
	var db, plan, rest string
	var t apply.Tuning
	cmd := &cobra.Command{
		Use:   string(word) + " --db ADDRESS",
		Short: short,
		Long: strings.ToUpper(short[:1]) + short[1:] + `: a row of the schema
onward_ledger says so, which is read before each batch.

Exit code: 0 said, 2 usage or input, 3 the database cannot be reached.`,
		Args: arguments(0, 0, "no arguments"),
		RunE: func(cmd *cobra.Command, _ []string) error {
			if word == apply.Tune {
				if err := tuning(&t, rest); err != nil {
					return err
				}
			}
			url, err := a.target(db)
			if err != nil {
				return err
			}
			ids, err := apply.Control(cmd.Context(), url, plan, word, t, apply.Self("backfill "+string(word)))
			if err != nil {
				return err
			}
			a.say("%s  said to plan %s", word, strings.Join(ids, ", "))
			return nil
		},
	}
	flags := cmd.Flags()
	flags.SortFlags = false
	flags.StringVar(&db, "db", "", "`address` of the database, @FILE or env:NAME that hold it")
	flags.StringVar(&plan, "plan", "", ofLedger)
	if word == apply.Tune {
		flags.IntVar(&t.Rows, "rows", 0, "how many `rows` a batch has at most")
		flags.DurationVar(&t.Batch, "batch", 0, "how long a `batch` is to take: rows that it changed stay locked so long")
		flags.StringVar(&rest, "rest", "", "which `part` of a batch's time is rested behind it, such as 25%")
	}
	return cmd
}

// tuning reads the flags of tune.
func tuning(t *apply.Tuning, rest string) error {
	if rest != "" {
		var percent float64
		if n, err := fmt.Sscanf(rest, "%f%%", &percent); n != 1 || err != nil || percent < 0 || percent > 10_000 {
			return usagef("--rest %q is not a part such as 25%%", rest)
		}
		t.Rest = off(percent / 100)
	}
	switch {
	case t.Rows < 0 || t.Rows > apply.MostRows || t.Rows > 0 && t.Rows < apply.FewestRows:
		return usagef("--rows %d: a batch has %d to %d rows", t.Rows, apply.FewestRows, apply.MostRows)
	case t.Batch < 0 || t.Batch > time.Second || t.Batch > 0 && t.Batch < time.Millisecond:
		return usagef("--batch %s: a batch takes 1ms to 1s", t.Batch)
	case *t == apply.Tuning{}:
		return usagef("say what is to change: --rows, --batch or --rest")
	}
	return nil
}

func (a *app) contract() *cobra.Command {
	var f careful
	var g green
	var e evidence
	var release, sessions string
	cmd := &cobra.Command{
		Use:   "contract --db ADDRESS --release NAME",
		Short: "drop what only the release before needed, once it is gone",
		Long: `Carries out the contract steps of the plans that were begun on a database: what only
code of an older release needs is dropped. --release names that release. No step begins
while there is a session whose application_name contains the name, or is like the
pattern of --sessions, or while rows are not right yet: who that is, or the query that
finds them, is said.

Before its first step it asks what says that old code still runs: a release's name that no
session had, sessions without an application_name, sessions that began before the new
code could be deployed, statements in pg_stat_statements that name what is dropped. Each
refuses it, unless --old-code-is-gone says why they do not count.

Behind a pooler only what it passes on as application_name is seen.

With --workload, a recording of what the new code sends, its queries are first held
against the schema that the contract leaves, in a copy of the schema on a throwaway
Postgres: nothing is dropped when one would fail. No query is run on the database.

Exit code: 0 done, 1 refused, as above, 2 usage or input, 3 not finished: the same
command goes on.`,
		Example: `  onward contract --db env:DATABASE_URL --release v2.4
  onward contract --db env:DATABASE_URL --release v2.4 --workload new.json.gz
  onward contract --db env:DATABASE_URL --sessions 'shop-web-2.4%'`,
		Args: arguments(0, 0, "no arguments"),
		RunE: func(cmd *cobra.Command, _ []string) error {
			if (release == "") == (sessions == "") {
				return usagef("name the release that must be gone with --release, or a pattern for the application_name of its sessions with --sessions")
			}
			var works apply.Config
			if err := a.working(&g, &works); err != nil {
				return err
			}
			asked, err := e.read()
			if err != nil {
				return err
			}
			return a.goOn(cmd, &f, func(c *apply.Config) {
				c.Workload, c.Server, c.Evidence = works.Workload, works.Server, asked
				c.Through, c.Gone = onward.Contract, sessions
				if release != "" {
					c.Gone = apply.Pattern(release)
				}
			}, func(c apply.Config) ([]*onward.Applied, error) { return apply.Continue(cmd.Context(), c, f.plan) })
		},
	}
	cmd.Flags().SortFlags = false
	f.register(cmd, ofLedger)
	cmd.Flags().StringVar(&release, "release", "", "the `release` that must be gone: its name is in the application_name of its sessions")
	g.register(cmd)
	e.register(cmd)
	cmd.Flags().StringVar(&sessions, "sessions", "", "`pattern` of LIKE for the application_name of those sessions, instead")
	return cmd
}

func (a *app) abort() *cobra.Command {
	var f careful
	cmd := &cobra.Command{
		Use:   "abort --db ADDRESS",
		Short: "take back a plan that was begun on a database and has dropped nothing",
		Long: `Takes a plan back: the undo of its steps, the last one first, each as careful as the
step itself, and committed together with its row of the schema onward_ledger. So it can
be killed at any moment: the same command goes on.

What new code has written to columns and tables of the plan alone is gone with them:
take the new code back first. Rows of columns that were there before stay as a backfill
has changed them, and it says which. A plan that has dropped something is refused.

Exit code: 0 taken back, 1 refused, 2 usage or input, 3 not finished: the same command
goes on.`,
		Example: `  onward abort --db env:DATABASE_URL
  onward abort --db env:DATABASE_URL --plan 5b1c4a7f90d2e386`,
		Args: arguments(0, 0, "no arguments"),
		RunE: func(cmd *cobra.Command, _ []string) error {
			return a.goOn(cmd, &f, func(*apply.Config) {}, func(c apply.Config) ([]*onward.Applied, error) {
				r, err := apply.Abort(cmd.Context(), c, f.plan)
				if r == nil {
					return nil, err
				}
				return []*onward.Applied{r}, err
			})
		},
	}
	cmd.Flags().SortFlags = false
	f.register(cmd, ofLedger)
	return cmd
}
