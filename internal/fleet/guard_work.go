package fleet

import (
	"bytes"
	"cmp"
	"context"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"net/url"
	"slices"
	"strings"
	"sync"
	"sync/atomic"

	"github.com/jackc/pgx/v5/pgconn"

	"github.com/onward-sql/onward/apply"
	"github.com/onward-sql/onward/guard"
	"github.com/onward-sql/onward/internal/address"
	"github.com/onward-sql/onward/internal/lazyregexp"
	"github.com/onward-sql/onward/internal/redact"
	"github.com/onward-sql/onward/internal/report/escape"
	"github.com/onward-sql/onward/onward"
)

// DigestCommand returns a hash of a command and of its search_path.
func DigestCommand(command []string, searchPath string) string {
	return digestWords(append([]string{"guard", searchPath}, command...)...)
}

func digestWords(words ...string) string {
	sum := sha256.Sum256([]byte(strings.Join(words, "\x00")))
	return hex.EncodeToString(sum[:16])
}

// GuardCommand returns the work that runs a command for each target, as onward guard does. The command finds the target in its environment.
// base has the command and its limits; each line of its output gets the name of the target. searchPath is a template.
func GuardCommand(base guard.Config, searchPath string) Work {
	var mu sync.Mutex // of the output
	return func(ctx context.Context, t *Target, record func(pid int) error) (int, error) {
		c := base
		env, err := targetEnvironment(t, base.Env, t.SearchPath(searchPath))
		if err != nil {
			return 0, err
		}
		name := escape.Line(t.Name) // it may come from a database
		out, errOut := &prefixWriter{mu: &mu, to: base.Out, name: name}, &prefixWriter{mu: &mu, to: base.Err, name: name}
		defer out.flush()
		defer errOut.flush()
		c.DB, c.Env, c.In, c.Out, c.Err, c.Signals = t.Address, env, nil, out, errOut, nil
		c.SearchPath = t.SearchPath(searchPath)
		var notRecorded atomic.Pointer[error] // the command may open several sessions at once
		c.OnSession = func(pid int) {
			if err := record(pid); err != nil {
				notRecorded.Store(&err)
			}
		}
		if base.Tell != nil {
			c.Tell = func(words string) { base.Tell(t.Name + ": " + words) }
		}
		r, err := guard.Run(ctx, c)
		switch {
		case r == nil || err != nil:
			code := 0
			if r != nil {
				code = r.ExitCode
			}
			return code, err
		case r.ExitCode == 0 && notRecorded.Load() != nil && c.Tell != nil:
			c.Tell("a session of the command was not recorded: " + (*notRecorded.Load()).Error())
		case r.ExitCode != 0:
			errOut.flush()
			out.flush()
			return r.ExitCode, &CommandError{ExitCode: r.ExitCode, Why: r.Why, Message: cmp.Or(errOut.failure, out.failure, errOut.last, out.last)}
		}
		return r.ExitCode, nil
	}
}

// CommandError says that a command failed on a target. Why says why it was not run again; "" if it lost no lock race.
type CommandError struct {
	ExitCode int
	Why      string
	// Message is the last line of the command's output that names an error, else the last one of all, without values; "" for none.
	Message string
}

// Error has the exit code, and the command's own message.
func (e *CommandError) Error() string {
	text := fmt.Sprintf("exit code %d", e.ExitCode)
	if e.Message != "" {
		text += ": " + e.Message
	}
	if e.Why != "" {
		text += "; not run again: " + e.Why
	}
	return text
}

// addressNames are the variables that name a database, which the command gets from its target alone.
var addressNames = []string{
	"DATABASE_URL", "PGHOST", "PGHOSTADDR", "PGPORT", "PGUSER", "PGPASSWORD", "PGDATABASE", "PGSERVICE", "PGOPTIONS", "ONWARD_TARGET", "ONWARD_SCHEMA",
	"ONWARD_SEARCH_PATH",
}

// targetEnvironment returns the environment of a command for a target.
func targetEnvironment(t *Target, env []string, searchPath string) ([]string, error) {
	cfg, err := pgconn.ParseConfig(t.Address)
	if err != nil {
		return nil, &address.Error{}
	}
	out := slices.DeleteFunc(slices.Clone(env), func(s string) bool {
		name, _, _ := strings.Cut(s, "=")
		return slices.Contains(addressNames, name)
	})
	user := url.User(cfg.User)
	if cfg.Password != "" {
		user = url.UserPassword(cfg.User, cfg.Password)
		out = append(out, "PGPASSWORD="+cfg.Password)
	}
	u := url.URL{Scheme: "postgresql", User: user, Host: fmt.Sprintf("%s:%d", cfg.Host, cfg.Port), Path: "/" + cfg.Database}
	if strings.HasPrefix(cfg.Host, "/") {
		u.Host, u.RawQuery = "", url.Values{"host": {cfg.Host}, "port": {fmt.Sprint(cfg.Port)}}.Encode()
	} else if strings.Contains(cfg.Host, ":") {
		u.Host = fmt.Sprintf("[%s]:%d", cfg.Host, cfg.Port)
	}
	out = append(out, "DATABASE_URL="+u.String(), "PGHOST="+cfg.Host, fmt.Sprintf("PGPORT=%d", cfg.Port), "PGUSER="+cfg.User, "PGDATABASE="+cfg.Database,
		"ONWARD_TARGET="+t.Name)
	if t.Schema != "" {
		out = append(out, "ONWARD_SCHEMA="+t.Schema, "ONWARD_SEARCH_PATH="+searchPath)
	}
	return out, nil
}

// maxLine is the longest line that is kept back until its end.
const maxLine = 64 << 10

// prefixWriter writes whole lines, each with the name of a target.
type prefixWriter struct {
	mu   *sync.Mutex
	to   io.Writer
	name string
	line []byte
	// last is the last line that was written, failure the last one that names an error.
	last, failure string
}

// maxMessage limits the part of a command's output that the ledger keeps.
const maxMessage = 500

var namesError = lazyregexp.New(`(?i)\b(?:error|fatal|panic|exception|failed)\b`)

// Write keeps back the last line until its end.
func (w *prefixWriter) Write(p []byte) (int, error) {
	w.line = append(w.line, p...)
	for {
		end := bytes.IndexByte(w.line, '\n')
		if end < 0 && len(w.line) > maxLine {
			end = len(w.line) - 1
		}
		if end < 0 {
			return len(p), nil
		}
		if err := w.writeLine(w.line[:end+1]); err != nil {
			return 0, err
		}
		w.line = w.line[end+1:]
	}
}

func (w *prefixWriter) writeLine(line []byte) error {
	if text := bytes.TrimSpace(line); len(text) > 0 {
		w.last = redact.RedactStatement(strings.ToValidUTF8(string(text[:min(len(text), maxMessage)]), ""))
		if namesError.MatchString(w.last) {
			w.failure = w.last
		}
	}
	if w.to == nil {
		return nil
	}
	w.mu.Lock()
	defer w.mu.Unlock()
	_, err := fmt.Fprintf(w.to, "%s | %s\n", w.name, bytes.TrimRight(line, "\n"))
	return err
}

// flush writes the last line.
func (w *prefixWriter) flush() {
	if len(w.line) > 0 {
		_ = w.writeLine(w.line)
		w.line = nil
	}
}

// DigestApply returns a hash of a plan, or of the settings that choose pending migrations.
func DigestApply(words ...string) string { return digestWords(append([]string{"apply"}, words...)...) }

// ApplySteps returns the work that runs apply on each target. run calls apply with the address of the target.
func ApplySteps(run func(ctx context.Context, t *Target) (*onward.Applied, error)) Work {
	return func(ctx context.Context, t *Target, _ func(pid int) error) (int, error) {
		_, err := run(ctx, t)
		if refused := new(apply.RefusedError); errors.As(err, &refused) {
			return exitRefused, err
		}
		if err != nil && !IsInputError(err) {
			return exitUnfinished, err
		}
		return 0, err
	}
}

// The exit codes of onward apply.
const (
	exitRefused    = 1
	exitUnfinished = 3
)
