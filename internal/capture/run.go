package capture

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"log/slog"
	"slices"
	"strings"
	"time"

	"github.com/onward-sql/onward/internal/adapter"
	"github.com/onward-sql/onward/internal/adapter/command"
	"github.com/onward-sql/onward/internal/pgserver"
	"github.com/onward-sql/onward/internal/sandbox"
	"github.com/onward-sql/onward/internal/wire"
	"github.com/onward-sql/onward/internal/wire/ordered"
)

// DefaultTimeout is how long a command may run.
const DefaultTimeout = 5 * time.Minute

// Error says why a command's statements are not known.
type Error struct{ Message string }

// Error returns the message.
func (e *Error) Error() string { return e.Message }

// Is makes every Error match [adapter.ErrProject].
func (e *Error) Is(target error) bool { return target == adapter.ErrProject }

// Command is a command to run against a database.
type Command struct {
	// Words may have {url}, {host}, {port}, {user}, {password} and {database} in them.
	Words []string
	Dir   string
	// Environment are variables as "NAME=value", with the same placeholders.
	Environment []string
	Timeout     time.Duration
	// Root is the directory of the files, in which it may write; "" for Dir. Access is what else it may use.
	Root   string
	Access sandbox.Access
	Logger *slog.Logger

	// clients lets the processes of the command in at the proxy.
	clients *wire.Clients
}

func (c *Command) runLimit() time.Duration { return cmp.Or(c.Timeout, DefaultTimeout) }

// stage is the throwaway server on which the command runs.
type stage struct {
	server *pgserver.Server
	logger *slog.Logger
}

// user is the role of the command. The server asks for no password, and some drivers want one.
const user, password = "postgres", "onward"

// startStage starts the server of a major version; 0 is the newest that is installed.
func startStage(ctx context.Context, major int, logger *slog.Logger) (*stage, error) {
	server, err := pgserver.Start(ctx, pgserver.Config{
		Major: major, Small: true, Logger: logger, Settings: map[string]string{"max_connections": "100"},
	})
	if err != nil {
		return nil, err
	}
	return &stage{server, logger}, nil
}

// Result is what a command sent.
type Result struct {
	Statements []*ordered.Statement `json:"statements"`
	// Notes are sentences about what it did besides.
	Notes []string `json:"notes,omitempty"`
	// Gaps are sentences about what was not confined in this run.
	Gaps []string `json:"-"`
}

// runCommand runs a command through a proxy on a database. If it fails, the error is an *Error with its last
// output, and the result has what it had sent.
func (s *stage) runCommand(ctx context.Context, database string, c Command) (*Result, error) {
	server, err := wire.ParseServer(s.server.URL(database))
	if err != nil {
		return nil, err
	}
	log := ordered.NewLog()
	c.clients = wire.NewClients(nil)
	proxy, err := wire.Listen(ctx, wire.Config{Server: server, Clients: c.clients, Sink: log, Logger: s.logger})
	if err != nil {
		return nil, err
	}
	names := newPlaceholderReplacer(proxy.Host(), proxy.Port(), database)
	words := make([]string, len(c.Words))
	for i, w := range c.Words {
		words[i] = names.Replace(w)
	}
	env := make([]string, len(c.Environment))
	for i, v := range c.Environment {
		env[i] = names.Replace(v)
	}
	began := time.Now()
	c.Logger = s.logger
	run, err := c.runConfined(ctx, words, connectionVariables(names), env, proxy.Port())
	closed := proxy.Close()
	if err != nil {
		return nil, err
	}
	out := &Result{Statements: log.Statements(), Notes: append(run.notes, describeRefused(run.Refused)...), Gaps: run.Gaps}
	s.logger.Debug("the command ended", "command", words[0], "took", time.Since(began), "statements", len(out.Statements))
	if err := errors.Join(explainFailure(run, words, out), log.Err(), s.server.Err()); err != nil {
		return out, err
	}
	if closed != nil {
		s.logger.Debug("close the proxy", "error", closed)
	}
	if proxy.Stats().Sessions == 0 {
		return out, &Error{fmt.Sprintf("`%s` ran, and did not connect to the throwaway database; it has the address in DATABASE_URL and PGHOST, and "+
			"`environment:` can set other variables, such as DB_PORT: \"{port}\"", strings.Join(words, " "))}
	}
	return out, nil
}

// explainFailure returns a command's failure with its last output, the last error of the server, and what it was refused.
func explainFailure(run *confinedRun, words []string, r *Result) error {
	var failed *command.Error
	switch {
	case run.err == nil || !errors.As(run.err, &failed):
		return run.err
	case failed.LeftRunning: // the process that has its output open is ended and noted
		return nil
	}
	text := failed.Error()
	for _, st := range slices.Backward(r.Statements) {
		if st.Failed != "" && !strings.Contains(text, st.Failed) {
			text += "; the last error of the server: " + st.Failed
			break
		}
	}
	if failed.TimedOut {
		text += "; `render_timeout:` of the directory in onward.yaml sets another limit, and the command gets no input"
	}
	text += run.ExplainRefusal(text)
	return &Error{"`" + strings.Join(words, " ") + "` failed: " + strings.TrimPrefix(text, words[0]+": ")}
}

// describeRefused returns a sentence about what a command that ended well was refused.
func describeRefused(list []string) []string {
	if len(list) == 0 {
		return nil
	}
	return []string{"the command also tried to reach " + strings.Join(list, ", ") + ", which its sandbox refused: what it does with an answer is not known"}
}

// newPlaceholderReplacer returns what replaces the names of the parts of the address.
func newPlaceholderReplacer(host, port, database string) *strings.Replacer {
	return strings.NewReplacer(
		"{url}", "postgresql://"+user+":"+password+"@"+host+":"+port+"/"+database+"?sslmode=disable",
		"{host}", host, "{port}", port, "{user}", user, "{password}", password, "{database}", database,
	)
}

// connectionVariables are the variables by which most tools find their database.
func connectionVariables(names *strings.Replacer) []string {
	out := []string{
		"DATABASE_URL={url}", "PGHOST={host}", "PGPORT={port}", "PGUSER={user}", "PGPASSWORD={password}", "PGDATABASE={database}",
		"PGSSLMODE=disable", "CI=1", "NO_COLOR=1",
	}
	for i := range out {
		out[i] = names.Replace(out[i])
	}
	return out
}
