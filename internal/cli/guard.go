package cli

import (
	"context"
	"errors"
	"io"
	"os"
	"os/signal"
	"syscall"
	"time"

	"github.com/spf13/cobra"

	"github.com/onward-sql/onward/guard"
	"github.com/onward-sql/onward/internal/report"
)

// guardTime is for how long an interrupted command may go on: it was told, and decides itself.
const guardTime = time.Hour

// guarded are the flags of onward guard.
type guarded struct {
	db                       string
	within, stall, statement time.Duration
	again                    bool
	allow                    []string
}

func (f *guarded) register(cmd *cobra.Command) {
	flags := cmd.Flags()
	flags.StringVar(&f.db, "db", "", "`address` of the database, @FILE or env:NAME that hold it")
	flags.DurationVar(&f.within, "within", guard.DefaultWithin, "for how long statements are held back and the command is run again, in all")
	flags.DurationVar(&f.stall, "max-stall", guard.DefaultMaxStall, "the longest lock_timeout that the command's sessions begin with: others wait for so long at most")
	flags.DurationVar(&f.statement, "statement-timeout", 0, "the statement_timeout that its sessions begin with (default: as it is)")
	flags.BoolVar(&f.again, "again", false, "run it again after a lost race also when something was committed: it goes on where it was")
	flags.StringArrayVar(&f.allow, "allow-address", nil, "`HOST[:PORT]` that the command may name beside --db's; its sessions there are not guarded (repeatable)")
}

func (a *app) guard() *cobra.Command {
	var f guarded
	cmd := &cobra.Command{
		Use:   "guard --db ADDRESS -- COMMAND [ARGUMENT]…",
		Short: "run a migration tool's own command so that nobody waits for it",
		Long: `Runs a command with its database behind a proxy, whose address takes the place of
--db's in the command's arguments and environment: addresses, and pairs of variables
such as PGHOST and PGPORT or DB_HOST and DB_PORT. Where it stands in none, DATABASE_URL
and libpq's variables are set. An argument that names another address is refused before
the start: a URL, a connection string, or -h and -p of psql and its like, also in sh -c.
If a session is proven to be the command's and did not come through the guard, the
command is ended (on Linux).

Each of the command's sessions begins with a lock_timeout of 50 ms. A statement that
takes a lock which others feel is held back until no transaction older than 50 ms is in
its way. While the command runs, the queue behind its sessions is watched: when more
than 20 wait, or one for more than a second, what they wait for is ended.

When the command fails because of a lock timeout, a deadlock, or such an end, and
nothing that it wrote was committed, it is run again, with twice the lock_timeout, up
to --max-stall. With --again also when something was committed: for tools that go on where they
were.

Its output is the command's; who blocked whom comes afterwards on standard error, or
goes to --output.

Exit code: the command's. 2 usage or input, 3 the database cannot be reached, or the
command never came through the guard.`,
		Example: `  onward guard --db env:DATABASE_URL -- python manage.py migrate
  onward guard --db env:DATABASE_URL -- npx prisma migrate deploy
  onward guard --db @/run/secrets/db --max-stall 200ms -- ./migrate -database "$URL" up`,
		Args: func(_ *cobra.Command, args []string) error {
			if len(args) == 0 {
				return usagef("a command is missing: onward guard --db env:DATABASE_URL -- COMMAND")
			}
			return nil
		},
		RunE: func(cmd *cobra.Command, args []string) error { return a.guarded(cmd.Context(), &f, args) },
	}
	cmd.Flags().SortFlags = false
	f.register(cmd)
	return cmd
}

// guarded runs a command, and tells who blocked whom.
func (a *app) guarded(ctx context.Context, f *guarded, command []string) error {
	format, options, err := a.printing(report.AppliedFormats()...)
	if err != nil {
		return err
	}
	c, err := a.guarding(f, command)
	if err != nil {
		return err
	}
	signals := make(chan os.Signal, 8)
	signal.Notify(signals, passed(a.in)...)
	defer signal.Stop(signals)
	c.Signals = signals
	a.patience.Store(int64(guardTime))
	r, err := guard.Run(ctx, c)
	if r == nil {
		return err
	}
	a.code = r.ExitCode
	to := a.out
	if a.flags.output == "" {
		a.out = a.err // standard output is the command's
	}
	wrong := a.write(func(w io.Writer) error { return report.WriteGuarded(w, format, r, options) })
	a.out = to
	return errors.Join(err, wrong)
}

// passed are the signals that the command gets. A terminal sends an interrupt to it by itself.
func passed(in io.Reader) []os.Signal {
	list := []os.Signal{syscall.SIGTERM, syscall.SIGHUP, syscall.SIGQUIT}
	if f, ok := in.(*os.File); ok {
		if info, err := f.Stat(); err == nil && info.Mode()&os.ModeCharDevice != 0 && info.Name() != os.DevNull {
			return list
		}
	}
	return append(list, os.Interrupt)
}

// guarding reads the flags.
func (a *app) guarding(f *guarded, command []string) (guard.Config, error) {
	c := guard.Config{Command: command, In: a.in, Out: a.out, Err: a.err, Within: f.within, MaxStall: f.stall, StatementTimeout: f.statement, Again: f.again, Allow: f.allow, Logger: a.logger()}
	if f.within <= 0 || f.stall < time.Millisecond || f.statement < 0 {
		return c, usagef("--within, --max-stall and --statement-timeout are times such as 10m and 500ms")
	}
	if aside, ok := a.err.(report.Aside); ok {
		c.Err = aside.W // its own words are not ours to tame
	}
	if !a.flags.quiet {
		c.Tell = func(words string) { a.say("%s", words) }
	}
	var err error
	c.DB, err = a.target(f.db)
	return c, err
}
