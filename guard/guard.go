package guard

import (
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"os"
	"time"

	"github.com/onward-sql/onward/config"
	"github.com/onward-sql/onward/internal/address"
	"github.com/onward-sql/onward/internal/live"
	"github.com/onward-sql/onward/internal/queue"
	"github.com/onward-sql/onward/onward"
)

// The defaults of a [Config].
const (
	DefaultWithin   = queue.Within
	DefaultMaxStall = queue.MaxStall
	// DefaultGrace is for how long a command may go on after SIGTERM.
	DefaultGrace = 10 * time.Second
	// patience bounds one word to the server.
	patience = 10 * time.Second
)

// Config is what [Run] needs.
type Config struct {
	// DB is the address of the database.
	DB string
	// Command is the program that is run, with its arguments.
	Command []string
	// Dir is where it runs; "" is the current directory.
	Dir string
	// In, Out and Err are the command's. Env is its environment; nil is that of the process.
	In       io.Reader
	Out, Err io.Writer
	Env      []string
	// Within is for how long, from the beginning, statements are held back and the command is run
	// again. 0 is DefaultWithin.
	Within time.Duration
	// MaxStall bounds the lock_timeout that sessions begin with. 0 is DefaultMaxStall.
	MaxStall time.Duration
	// StatementTimeout is what sessions begin with; 0 leaves it as it is.
	StatementTimeout time.Duration
	// Again: run it again after a lost race also when something was committed, since it goes on
	// where it was.
	Again bool
	// Allow are addresses, HOST or HOST:PORT, that the command's arguments may name beside the database's. Its sessions
	// there are not guarded.
	Allow []string
	// Grace is for how long the command may go on after it was sent SIGTERM; then it is killed. 0 is DefaultGrace.
	Grace time.Duration
	// Signals are passed on to the command; after one it is not run again. Where it is nil
	// the end of the context is SIGTERM to the command.
	Signals <-chan os.Signal
	// Tell is told what happens, a line each; nil for nobody.
	Tell func(words string)
	// Logger hears what is being done; nil is nobody.
	Logger *slog.Logger
}

// ServerError says that the database cannot be reached.
type ServerError = live.ServerError

// AroundError says that the command came to the database by another way than through the guard, or not at all.
type AroundError struct {
	// Sessions are those that are proven to be the command's. The command was ended because of them. If there is none
	// the command ended well, and no session came through the guard.
	Sessions []onward.GuardedSession
}

// Error says it.
func (e *AroundError) Error() string {
	if len(e.Sessions) == 0 {
		return "the command never connected through the guard: it has another address, perhaps from a file. " +
			"Let it take the address from its arguments or from a variable"
	}
	s := e.Sessions[0]
	return fmt.Sprintf("process %d of the command connected to the database around the guard (server process %d), so the command was ended. "+
		"It has another address, perhaps from a file. Let it take the address from its arguments or from a variable", s.Process, s.PID)
}

func (c *Config) complete() error {
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
	return checkAllowed(c.Allow)
}

// checkCommand refuses a command that names another address, before anything is asked or started.
func (c *Config) checkCommand() error {
	p, err := newPlace(c.DB)
	if err != nil {
		return err
	}
	p.host, p.port = "127.0.0.1", "1"
	_, _, err = p.rewriteCommand(c.Command, c.Env, c.Allow)
	return err
}

// Run runs a command. How it ended is in the result.
//
// Errors: a *config.InputError for a command that is not there or names another address, an *address.Error for an address
// that is none, a [*ServerError] for a database that cannot be reached, or behind a pooler that
// shares its sessions; an [*AroundError], with the result, for a command that did not come
// through, or came by another way.
func Run(ctx context.Context, c Config) (*onward.Guarded, error) {
	if err := c.complete(); err != nil {
		return nil, err
	}
	if err := c.checkCommand(); err != nil {
		return nil, address.Without(err, c.DB)
	}
	g, err := open(ctx, &c)
	if err != nil {
		return nil, address.Without(err, c.DB)
	}
	defer g.close()
	out := &onward.Guarded{Schema: onward.GuardedSchema}
	began := time.Now()
	for {
		r, err := g.once(ctx, len(out.Runs), began)
		if err != nil {
			return nil, address.Without(err, c.DB)
		}
		out.Runs, out.ExitCode, out.Notes = append(out.Runs, r.out), r.out.ExitCode, g.notes
		if len(r.out.Around) > 0 {
			return out, &AroundError{r.out.Around}
		}
		pause := queue.Backoff(g.stall(len(out.Runs)-1), len(out.Runs))
		if out.Why = r.final(&c, time.Since(began)+pause); out.ExitCode == 0 || !r.lost() || out.Why != "" || r.told || ctx.Err() != nil {
			break
		}
		so := "had committed nothing"
		if r.committed() {
			so = "goes on where it was"
		}
		c.Tell(fmt.Sprintf("it lost a race and %s: it is run again in %s", so, pause.Round(time.Millisecond)))
		if queue.Pause(ctx, pause) != nil {
			return out, nil
		}
	}
	if out.ExitCode == 0 && out.Runs[len(out.Runs)-1].Sessions == 0 {
		return out, &AroundError{}
	}
	return out, nil
}
