// Package guard runs a command that changes a schema, such as a migration tool, with a proxy
// between it and the database, so that nobody has to wait for it. Each session of the command
// gets a short lock_timeout. A statement that takes a strong lock is held back until nothing
// blocks it, and is cancelled if others wait for it too long. A run that lost a lock race, and
// committed nothing, is repeated.
package guard

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"os"
	"strings"
	"time"

	"github.com/jackc/pgx/v5"

	"github.com/onward-sql/onward/config"
	"github.com/onward-sql/onward/internal/address"
	"github.com/onward-sql/onward/internal/ledger"
	"github.com/onward-sql/onward/internal/live"
	"github.com/onward-sql/onward/internal/pgparse"
	"github.com/onward-sql/onward/internal/queue"
	"github.com/onward-sql/onward/onward"
)

// The defaults of a [Config].
const (
	DefaultWithin   = queue.Within
	DefaultMaxStall = queue.MaxStall
	// DefaultGrace is how long a command may go on after SIGTERM.
	DefaultGrace = 10 * time.Second
	// patience limits one request to the server.
	patience = 10 * time.Second
)

// Config is what [Run] needs.
type Config struct {
	// DB is the address of the database.
	DB string
	// Command is the program that is run, with its arguments.
	Command []string
	// Dir is its working directory; "" is the current directory.
	Dir string
	// In, Out and Err are the command's streams. Env is its environment; a nil Env is the environment of this process.
	In       io.Reader
	Out, Err io.Writer
	Env      []string
	// AcceptUsers are accounts of this machine that may connect to the proxy, too, if the server asks for no password; see [wire.Clients].
	AcceptUsers []uint32
	// Within limits the time, from the start, in which statements are held back and the command is repeated. 0 is
	// DefaultWithin.
	Within time.Duration
	// MaxStall limits the initial lock_timeout of sessions. 0 is DefaultMaxStall.
	MaxStall time.Duration
	// StatementTimeout is the initial statement_timeout of sessions; 0 leaves it as it is.
	StatementTimeout time.Duration
	// Again repeats the command after a lost lock race even if it has committed something, because the command
	// continues from there.
	Again bool
	// Allow are addresses, HOST or HOST:PORT, that the command's arguments may name in addition to the database's. Its
	// sessions there are not guarded.
	Allow []string
	// SearchPath is the search_path with which the command's sessions begin, unless the command sets one itself. The
	// model of the database then has only its schemas. "" leaves both as they are.
	SearchPath string
	// Release is the name of a release for the audit trail; "" for none.
	Release string
	// OnSession is called with the server process of each new session, before the server gets its first message. nil for
	// none.
	OnSession func(pid int)
	// Grace is how long the command may go on after SIGTERM, before it is killed. 0 is DefaultGrace.
	Grace time.Duration
	// Signals are forwarded to the command, which is not repeated after one. If Signals is nil, the end of the context
	// sends SIGTERM to the command.
	Signals <-chan os.Signal
	// Tell gets a line for each event; nil for none.
	Tell func(words string)
	// Logger gets debugging messages; nil for none.
	Logger *slog.Logger
}

// ServerError says that the database cannot be reached.
type ServerError = live.ServerError

// AroundError says that the command connected to the database without the guard, or not at all.
type AroundError struct {
	// Sessions are sessions that are proven to be the command's. The command was ended because of them. Without any,
	// the command succeeded and no session came through the guard.
	Sessions []onward.GuardedSession
}

// Error explains how to give the command the guard's address.
func (e *AroundError) Error() string {
	if len(e.Sessions) == 0 {
		return "the command never connected through the guard: it has another address, perhaps from a file. " +
			"Let it take the address from its arguments or from a variable"
	}
	s := e.Sessions[0]
	return fmt.Sprintf("process %d of the command connected to the database around the guard (server process %d), so the command was ended. "+
		"It has another address, perhaps from a file. Let it take the address from its arguments or from a variable", s.Process, s.PID)
}

// UnderWayError says that the command sent a statement that uses what the contract of a plan under way will drop. The statement did not run, and
// its session was ended.
type UnderWayError struct{ statement, object, plan, instead string }

// Error names the plan, the object and the commands that go on.
func (e *UnderWayError) Error() string {
	return fmt.Sprintf("%s did not run, and its session was ended: it uses %s, which plan %s will drop. The plan is under way on this database: %s",
		e.statement, e.object, e.plan, e.instead)
}

func (c *Config) setDefaults() error {
	if len(c.Command) == 0 {
		return &config.InputError{Err: errors.New("a command is missing")}
	}
	if c.Within <= 0 {
		c.Within = DefaultWithin
	}
	if c.MaxStall <= 0 {
		c.MaxStall = DefaultMaxStall
	}
	if c.Grace <= 0 {
		c.Grace = DefaultGrace
	}
	if c.Tell == nil {
		c.Tell = func(string) {}
	}
	if c.Logger == nil {
		c.Logger = slog.New(slog.DiscardHandler)
	}
	if c.Env == nil {
		c.Env = os.Environ()
	}
	return checkAllowedAddresses(c.Allow)
}

// checkCommand refuses a command that names another address, before anything is asked or started.
func (c *Config) checkCommand() error {
	p, err := newServerAddress(c.DB)
	if err != nil {
		return err
	}
	p.host, p.port = "127.0.0.1", "1"
	_, _, err = p.rewriteCommand(c.Command, c.Env, c.Allow)
	return err
}

// Run runs a command. The result has its exit code.
//
// Errors:
//   - a *config.InputError if the command is missing or names another address,
//   - an *address.Error for an invalid address,
//   - a [*ServerError] if the database cannot be reached, or is accessed through a pooler that shares its sessions,
//   - an [*AroundError], with the result, if the command did not connect through the guard, or not only,
//   - an [*UnderWayError], with the result, if the command sent a statement that uses what a plan under way will drop,
//   - a [*RepackError], with the result, if the command sent a REPACK (CONCURRENTLY) and others were in its way until the end.
func Run(ctx context.Context, c Config) (*onward.Guarded, error) {
	if err := c.setDefaults(); err != nil {
		return nil, err
	}
	if err := c.checkCommand(); err != nil {
		return nil, address.RedactError(err, c.DB)
	}
	g, err := newGuard(ctx, &c)
	if err != nil {
		return nil, address.RedactError(err, c.DB)
	}
	defer g.closeGuard()
	g.logEvent(ctx, "guard begun", g.describeCommand())
	out, err := g.runUntilDone(ctx)
	switch {
	case out == nil || err != nil:
		err = address.RedactError(err, c.DB)
		g.logEvent(ctx, "guard failed", err.Error())
	case out.ExitCode != 0:
		g.logEvent(ctx, "guard failed", fmt.Sprintf("exit code %d", out.ExitCode))
	default:
		g.logEvent(ctx, "guard done", "")
	}
	return out, err
}

// runUntilDone runs the command until it has not lost a lock race.
func (g *guard) runUntilDone(ctx context.Context) (*onward.Guarded, error) {
	c := g.c
	out := &onward.Guarded{Schema: onward.GuardedSchema}
	began := time.Now()
	for {
		r, err := g.runOnce(ctx, len(out.Runs), began)
		if err != nil {
			return nil, err
		}
		out.Runs, out.ExitCode, out.Notes = append(out.Runs, r.out), r.out.ExitCode, g.notes
		if len(r.out.Around) > 0 {
			return out, &AroundError{r.out.Around}
		}
		if r.underWay != nil {
			return out, r.underWay
		}
		if r.refusedRepack != nil {
			return out, r.refusedRepack
		}
		pause := queue.Backoff(g.lockTimeout(len(out.Runs)-1), len(out.Runs))
		longer, lost := g.countLostRepack(r)
		pause = max(pause, longer)
		out.Why = cmp.Or(r.reasonNotToRepeat(c, time.Since(began)+pause), lost)
		if out.ExitCode == 0 || !r.hasLostRace() || out.Why != "" || r.signalled || ctx.Err() != nil {
			break
		}
		outcome := "had committed nothing"
		if r.hasCommitted() {
			outcome = "goes on where it was"
		}
		c.Tell(fmt.Sprintf("it lost a race and %s: it is run again in %s", outcome, pause.Round(time.Millisecond)))
		if _ = queue.Pause(ctx, pause); ctx.Err() != nil {
			break
		}
	}
	if out.ExitCode == 0 && out.Runs[len(out.Runs)-1].Sessions == 0 {
		return out, &AroundError{}
	}
	return out, nil
}

// logEvent writes a line of the audit trail, which onward log prints, if the database has a ledger. The guard creates none.
func (g *guard) logEvent(ctx context.Context, event, detail string) {
	if g.unlogged {
		return
	}
	host, _ := os.Hostname() // "" is good enough
	e := &ledger.Entry{Who: fmt.Sprintf("onward guard on %s, process %d", host, os.Getpid()), Event: event, Detail: detail}
	err := g.monitor.Do(context.WithoutCancel(ctx), func(ctx context.Context, conn *pgx.Conn) error {
		hasLedger, err := ledger.HasLedger(ctx, conn)
		if err != nil || !hasLedger {
			g.unlogged = true
			return err
		}
		return ledger.WriteLog(ctx, conn, e)
	})
	if err == nil {
		return
	}
	g.unlogged = true
	switch refused := live.FindRefusal(err); {
	case refused != nil && (refused.Code == "42501" || refused.Code == "42P01"):
		g.c.Logger.Info("the role may not write the audit trail, or an older onward has made it", "error", err)
	default:
		g.c.Tell(fmt.Sprintf("onward log does not have this run: %v", address.RedactError(err, g.c.DB)))
	}
}

// describeCommand returns the command and its release for the audit trail, without passwords.
func (g *guard) describeCommand() string {
	const longest = 300 // bytes
	text := pgparse.ClipTo(address.HidePasswords(strings.Join(g.c.Command, " "), address.ListSecrets(g.c.DB)...), longest)
	if g.c.Release != "" {
		text = "release " + g.c.Release + ": " + text
	}
	return text
}
