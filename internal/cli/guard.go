package cli

import (
	"context"
	"io"
	"os"
	"os/signal"
	"syscall"
	"time"

	"github.com/spf13/cobra"

	"github.com/onward-sql/onward/apply"
	"github.com/onward-sql/onward/audit"
	"github.com/onward-sql/onward/guard"
	"github.com/onward-sql/onward/internal/fleet"
	"github.com/onward-sql/onward/internal/report"
	"github.com/onward-sql/onward/internal/report/escape"
	"github.com/onward-sql/onward/onward"
	"github.com/onward-sql/onward/plan"
)

// guardTime is how long an interrupted command may continue: it got the signal, and decides
// itself.
const guardTime = time.Hour

// guardFlags are the flags of onward guard.
type guardFlags struct {
	db                       string
	within, stall, statement time.Duration
	again                    bool
	allow                    []string
	users                    []uint
	rollout                  rolloutFlags
	queueFlags
}

func (f *guardFlags) addGuardFlags(cmd *cobra.Command) {
	flags := cmd.Flags()
	flags.StringVar(&f.db, "db", "", "`address` of the database, @FILE or env:NAME that hold it")
	flags.DurationVar(&f.within, "within", guard.DefaultWithin, "the longest time, in all, to hold statements back and to run the command again")
	flags.DurationVar(&f.stall, "max-stall", guard.DefaultMaxStall, "the longest lock_timeout of the command's sessions, and so the longest time that others wait")
	flags.DurationVar(&f.statement, "statement-timeout", 0, "the statement_timeout of its sessions (default: unchanged)")
	flags.BoolVar(&f.again, "again", false, "run it again after a lost lock race even if something was committed: the command continues where it stopped")
	flags.UintSliceVar(&f.users, "accept-user", nil, acceptUserUsage)
	flags.StringArrayVar(&f.allow, "allow-address", nil, "`HOST[:PORT]` that the command may name beside --db's; its sessions there are not guarded (repeatable)")
	f.rollout.addRolloutFlags(cmd)
	f.addQueueFlags(cmd)
}

func (a *app) newGuardCommand() *cobra.Command {
	var f guardFlags
	cmd := &cobra.Command{
		Use:   "guard --db ADDRESS -- COMMAND [ARGUMENT]…",
		Short: "run your migration tool's own command, so that nobody waits",
		Long: `Runs a command with a proxy between it and its database. The proxy's address replaces the
address of --db in the command's arguments and environment: in URLs, and in pairs of variables
such as PGHOST and PGPORT or DB_HOST and DB_PORT. If the address is in none of them, onward
sets DATABASE_URL and libpq's variables.

An argument that names another address is refused before the start: a URL, a connection
string, or -h and -p of psql and similar programs, also inside sh -c. On Linux onward ends the
command if it can prove that one of its sessions bypassed the proxy.

Each session of the command begins with a lock_timeout of 50 ms. Before a statement takes a
lock that others feel, onward waits until no blocking transaction is older than 50 ms. While the
command runs, onward watches the lock queue: if more than 20 sessions wait for the command, or
one waits longer than a second, onward cancels the statement that they wait for.

If the command fails because of a lock timeout, a deadlock or such a cancellation, and nothing
that it wrote was committed, onward runs it again with twice the lock_timeout, up to
--max-stall. With --again it does so even if something was committed: for tools that continue
where they stopped.

Onward prints the command's output unchanged. It then prints who blocked whom on standard
error, or into the file of --output.

With --targets the command runs once for each database, or for each schema of a database: in
waves, some at once, until too many fail. It finds its target in DATABASE_URL and libpq's
variables, in ONWARD_TARGET and ONWARD_SCHEMA, and its sessions begin in that schema. The schema
onward_fleet of each database has what is done: after a kill the same command continues. With
--queue, processes of onward fleet worker run the command, also on other machines.

Exit code: the command's own; 2 usage or input; 3 the database cannot be reached, or the
command never came through the proxy. With --targets: 0 all done; 1 a target failed; 2 usage or
input; 3 not finished, the same command continues.`,
		Example: `  onward guard --db env:DATABASE_URL -- python manage.py migrate
  onward guard --db env:DATABASE_URL -- npx prisma migrate deploy
  onward guard --db @/run/secrets/db --max-stall 200ms -- ./migrate -database "$URL" up
  onward guard --targets 'schemas:tenant_*' --db env:DATABASE_URL --release v2.4 -- ./migrate up
  onward guard --targets targets.txt --release v2.4 --queue env:QUEUE_URL -- ./migrate up`,
		Args: requireCommand("onward guard --db env:DATABASE_URL -- COMMAND"),
		RunE: func(cmd *cobra.Command, args []string) error { return a.runGuardOnTargets(cmd, &f, args) },
	}
	cmd.Flags().SortFlags = false
	f.addGuardFlags(cmd)
	return cmd
}

// runGuardOnTargets runs a command on many targets, or on one database.
func (a *app) runGuardOnTargets(cmd *cobra.Command, f *guardFlags, command []string) error {
	if hasTargets, err := f.rollout.hasTargetsOrRefuse(cmd, rolloutFlagNames...); err != nil || !hasTargets {
		if err == nil {
			err = a.runGuarded(cmd, f, command)
		}
		return err
	}
	base, err := a.guardConfig(f, command)
	if err != nil {
		return err
	}
	base.Env, base.Release = os.Environ(), f.rollout.release
	c, err := a.rolloutConfig(&f.rollout, f.db, f.within, "guard")
	if err != nil {
		return err
	}
	c.Digest = fleet.DigestCommand(command, c.SearchPath)
	c.Judge = func(r *onward.Rollout) []onward.Readiness {
		return append(f.rollout.readFinalReadiness(cmd.Context(), &c, r), judgeWrittenPlans(cmd.Context())...)
	}
	if f.queue != "" {
		return a.queueGuard(cmd, f, &base, c)
	}
	c.Work = fleet.GuardCommand(base, c.SearchPath)
	return a.runRollout(cmd, c, true)
}

// runGuarded runs a command, and prints who blocked whom.
func (a *app) runGuarded(cmd *cobra.Command, f *guardFlags, command []string) error {
	format, options, err := a.outputOptions(report.AppliedFormats()...)
	if err != nil {
		return err
	}
	c, err := a.guardConfig(f, command)
	if err != nil {
		return err
	}
	if c.DB, err = a.requireDatabase(f.db); err != nil {
		return err
	}
	a.warnForeignDatabase(cmd.Context(), c.DB)
	signals := make(chan os.Signal, 8)
	forwarded := forwardedSignals(a.in)
	signal.Notify(signals, forwarded...)
	a.forwarded.Store(&forwarded)
	defer signal.Stop(signals)
	c.Signals = signals
	a.patience.Store(int64(guardTime))
	r, err := guard.Run(cmd.Context(), c)
	if r == nil {
		return err
	}
	a.code = r.ExitCode
	to := a.out
	if a.flags.output == "" {
		a.out = a.err // standard output is the command's
	}
	wrong := a.writeResult(func(w io.Writer) error { return report.WriteGuarded(w, format, r, options) })
	a.out = to
	if err != nil {
		a.code = a.printError(cmd.Context(), err)
	}
	a.printOpenPlans(cmd.Context(), c.DB, "")
	a.printWrittenPlans(cmd.Context())
	switch {
	case isAny[*guard.UnderWayError](err): // the same command fails again
		a.printNext(otherCommandWithFlags(cmd, "onward status", "db"))
	case a.code != exitClean:
		a.printNext(repeatCommand(cmd))
	}
	return wrong
}

// judgeWrittenPlans says, for each plan whose steps the repository's own tool runs as migrations, which code may be deployed.
func judgeWrittenPlans(ctx context.Context) []onward.Readiness {
	list, err := plan.JudgeWritten(context.WithoutCancel(ctx))
	if err != nil {
		return nil // the command may run outside of a repository
	}
	return list
}

// printWrittenPlans prints [judgeWrittenPlans].
func (a *app) printWrittenPlans(ctx context.Context) {
	if a.flags.quiet {
		return
	}
	for _, ready := range judgeWrittenPlans(ctx) {
		a.printNote("%s", ready.Text)
	}
}

// warnTime limits the search for signs that a database is another service's.
const warnTime = 10 * time.Second

// warnForeignDatabase warns of a database that may be another service's. A command may also run outside of a repository, or with migrations that
// onward cannot read: then nothing is known.
func (a *app) warnForeignDatabase(ctx context.Context, db string) {
	logger := a.newLogger()
	r := audit.Config{Logger: logger}
	var err error
	if r.Settings, err = a.readConfigFile(); err != nil || a.flags.quiet {
		return
	}
	ctx, stop := context.WithTimeout(ctx, warnTime)
	defer stop()
	text, err := apply.DescribeForeignDatabase(ctx, apply.PendingConfig{Config: apply.Config{DB: db}, Repository: r})
	switch {
	case text != "":
		a.printNote("warning: %s", text)
	case err != nil && logger != nil:
		logger.Debug("compare the database with the migrations", "error", err)
	}
}

// forwardedSignals are the signals that are forwarded to the command. A terminal sends an interrupt to
// it directly.
func forwardedSignals(in io.Reader) []os.Signal {
	list := []os.Signal{syscall.SIGTERM, syscall.SIGHUP, syscall.SIGQUIT}
	if f, ok := in.(*os.File); ok {
		if info, err := f.Stat(); err == nil && info.Mode()&os.ModeCharDevice != 0 && info.Name() != os.DevNull {
			return list
		}
	}
	return append(list, os.Interrupt)
}

// guardConfig reads the flags.
func (a *app) guardConfig(f *guardFlags, command []string) (guard.Config, error) {
	c := guard.Config{
		Command:          command,
		In:               a.in,
		Out:              a.out,
		Err:              a.err,
		AcceptUsers:      accountNumbers(f.users),
		Within:           f.within,
		MaxStall:         f.stall,
		StatementTimeout: f.statement,
		Again:            f.again,
		Allow:            f.allow,
		Logger:           a.newLogger(),
	}
	if f.within <= 0 || f.stall < time.Millisecond || f.statement < 0 {
		return c, newUsageError("--within, --max-stall and --statement-timeout are times such as 10m and 500ms")
	}
	if aside, ok := a.err.(escape.Writer); ok {
		c.Err = aside.W // the command's own output is not escaped
	}
	if !a.flags.quiet {
		c.Tell = func(words string) { a.printNote("%s", words) }
	}
	return c, nil
}
