package capture

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"path"
	"slices"
	"strings"
	"time"

	"github.com/onward-sql/onward/internal/adapter"
	"github.com/onward-sql/onward/internal/adapter/command"
	"github.com/onward-sql/onward/internal/lazyregexp"
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

// Placeholders of a command that prints SQL: "alembic upgrade {from}:{to} --sql".
const (
	fromPlaceholder = "{from}"
	toPlaceholder   = "{to}"
	idPlaceholder   = "{id}"
	// firstMigration is the range's beginning: before the first migration.
	firstMigration = "0"
)

// renderVersion changes with the format of a rendering in the cache.
const renderVersion = "1"

// Render runs the command on a tree and returns the SQL that it prints, or answers from the cache. Errors: an [*Error] if the
// command fails, and the context's.
func (c *Config) Render(ctx context.Context, t adapter.Tree, s adapter.Source) (*Rendering, error) {
	key := c.treeKey(t, s, "render", renderVersion)
	cachedRendering := &Rendering{}
	if c.loadCached(key, cachedRendering) {
		return cachedRendering, nil
	}
	words, err := command.Split(c.Command)
	if err != nil {
		return nil, fmt.Errorf("render: in onward.yaml: %w", err)
	}
	command.PrepareAccess(c.Home)
	cmd, remove, err := c.newCommand(ctx, t, s)
	if err != nil {
		return nil, err
	}
	defer func() { _ = remove() }() // if this fails, the next run tries again
	r := &Rendering{}
	for _, run := range listRuns(words, listMigrationIDs(t, s.Dir)) {
		cmd.Words = run.words
		text, gaps, err := c.capturePrintedSQL(ctx, *cmd)
		if err != nil {
			return nil, err
		}
		r.Gaps = gaps
		if err := r.addStatementsOfText(run.id, text); err != nil {
			return nil, err
		}
	}
	c.storeCached(key, r)
	return r, nil
}

// renderRun is one start of the command.
type renderRun struct {
	// id is the migration that it prints; "" for all.
	id    string
	words []string
}

// listRuns returns the starts of a command: one for each migration if the command asks for its name, else one for all.
func listRuns(words, ids []string) []renderRun {
	names := []string{fromPlaceholder, firstMigration}
	if len(ids) > 0 {
		names = append(names, toPlaceholder, ids[len(ids)-1])
	}
	forRange := replacePlaceholders(words, names...)
	if !slices.ContainsFunc(words, func(w string) bool { return strings.Contains(w, idPlaceholder) }) {
		return []renderRun{{words: forRange}}
	}
	var out []renderRun
	for _, id := range ids {
		out = append(out, renderRun{id, replacePlaceholders(forRange, idPlaceholder, id)})
	}
	return out
}

func replacePlaceholders(words []string, names ...string) []string {
	replacer := strings.NewReplacer(names...)
	out := make([]string, len(words))
	for i, w := range words {
		out[i] = replacer.Replace(w)
	}
	return out
}

// numberedName matches the names of migrations.
var numberedName = lazyregexp.New(`^[VvRrUu]?[0-9]`)

// listMigrationIDs returns the names of the migrations of a directory by their files, in their order.
func listMigrationIDs(t adapter.Tree, dir string) []string {
	var out []string
	for _, relPath := range adapter.FilesBelow(t, dir) {
		name, _, isDir := strings.Cut(relPath, "/")
		if !isDir {
			if isCompanionFile(name) {
				continue
			}
			name = strings.TrimSuffix(strings.TrimSuffix(name, path.Ext(name)), ".up")
		}
		if numberedName.MatchString(name) {
			out = append(out, name)
		}
	}
	slices.SortFunc(out, adapter.CompareNatural)
	return slices.Compact(out)
}

// capturePrintedSQL runs a command and returns what it prints, and what was not confined. Connections do not matter, and build servers that it leaves are
// ended.
func (c *Config) capturePrintedSQL(ctx context.Context, cmd Command) (text string, gaps []string, err error) {
	env := []string{"CI=1", "NO_COLOR=1", "DOTNET_NOLOGO=1", "DOTNET_CLI_TELEMETRY_OPTOUT=1"}
	run, err := cmd.runConfined(ctx, cmd.Words, env, cmd.Environment, "")
	if err != nil {
		return "", nil, err
	}
	c.Logger.Debug("the command ended", "command", cmd.Words[0], "printed", len(run.Output), "notes", run.notes)
	if err := explainFailure(run, cmd.Words, &Result{}); err != nil {
		return "", nil, err
	}
	return string(run.Output), run.Gaps, nil
}
