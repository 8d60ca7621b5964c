package fleet

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"os/exec"
	"path"
	"path/filepath"
	"slices"
	"strings"
	"time"

	"github.com/onward-sql/onward/config"
	"github.com/onward-sql/onward/internal/live"
	"github.com/onward-sql/onward/internal/workload"
)

// maxTargets bounds the targets of a source.
const maxTargets = 200_000

// Source says where the targets are listed.
type Source struct {
	// Text is one of these:
	//   - schemas:PATTERN, the schemas of DB whose names match; several patterns have commas, and "!" excludes
	//   - query:SQL or query:@FILE, a query on DB that returns schemas or addresses. A row that names another server gets no secret of the
	//     operator's; with trusted-query: it does
	//   - a directory, with an address in each file
	//   - a file, with a target on each line, or a list in YAML
	Text string
	// DB is the address for schemas: and query:.
	DB string
	// ReadDB reads the address again, if its password was changed; nil if DB is a plain text.
	ReadDB func(ctx context.Context) (string, error)
	// Env reads a variable of the environment; nil reads this process's.
	Env func(string) string
}

// NeedsDatabase reports whether the source is a database.
func (s *Source) NeedsDatabase() bool {
	_, _, isQuery := s.cutQuery()
	return strings.HasPrefix(s.Text, "schemas:") || isQuery
}

// cutQuery returns the query of a source that is one.
func (s *Source) cutQuery() (query string, isTrusted, ok bool) {
	if query, ok = strings.CutPrefix(s.Text, "trusted-query:"); ok {
		return query, true, true
	}
	query, ok = strings.CutPrefix(s.Text, "query:")
	return query, false, ok
}

// ListTargets lists the targets of a source. The error is a *config.InputError, an *address.Error, or a *live.ServerError.
func ListTargets(ctx context.Context, s Source) ([]*Target, error) {
	if s.Env == nil {
		s.Env = os.Getenv
	}
	list, err := s.readTargets(ctx)
	if live.IsLoginRefused(err) && s.ReadDB != nil {
		if fresh, problem := s.ReadDB(ctx); problem == nil && fresh != s.DB {
			s.DB = fresh
			list, err = s.readTargets(ctx)
		}
	}
	if err != nil {
		return nil, err
	}
	if len(list) == 0 {
		return nil, newInputError("the source has no targets")
	}
	if len(list) > maxTargets {
		return nil, newInputError("the source has more than %d targets", maxTargets)
	}
	return list, checkUniqueNames(list)
}

func (s *Source) readTargets(ctx context.Context) ([]*Target, error) {
	if pattern, ok := strings.CutPrefix(s.Text, "schemas:"); ok {
		return s.matchSchemas(ctx, s.DB, pattern, nil)
	}
	if query, isTrusted, ok := s.cutQuery(); ok {
		return s.runQuery(ctx, query, isTrusted)
	}
	info, err := os.Stat(s.Text)
	switch {
	case errors.Is(err, fs.ErrNotExist):
		if strings.ContainsAny(s.Text, "@=") || strings.Contains(s.Text, "://") { // it may have a password
			return nil, newInputError("--targets has an address, and not a list of them: name one database with --db, or write schemas:PATTERN, query:SQL, " +
				"a file or a directory of targets")
		}
		return nil, newInputError("%s does not exist: write schemas:PATTERN, query:SQL, a file or a directory of targets", s.Text)
	case err != nil:
		return nil, newInputError("read the targets: %w", err)
	case info.IsDir():
		return s.readDirectory(s.Text)
	}
	return s.readFile(ctx, s.Text)
}

// readDirectory returns a target for each file of a directory: its address is in the file, and its name is the file's.
func (s *Source) readDirectory(dir string) ([]*Target, error) {
	entries, err := os.ReadDir(dir)
	if err != nil {
		return nil, newInputError("read the targets: %w", err)
	}
	var out []*Target
	for _, e := range entries {
		// Mounted secrets have hidden files and links to directories.
		if path := filepath.Join(dir, e.Name()); !strings.HasPrefix(e.Name(), ".") && isFile(path) {
			t := &Target{Name: strings.TrimSuffix(e.Name(), filepath.Ext(e.Name())), place: path, readAddress: func(context.Context) (string, error) {
				text, err := readSmallFile(path)
				return strings.TrimSpace(text), err
			}}
			if t.Address, err = t.readAddress(context.Background()); err != nil {
				return nil, newInputError("read a target's address: %w", err)
			}
			out = append(out, t)
		}
	}
	return out, nil
}

func isFile(path string) bool {
	info, err := os.Stat(path)
	return err == nil && info.Mode().IsRegular()
}

// matchSchemas returns the schemas of a database whose names match a pattern.
func (s *Source) matchSchemas(ctx context.Context, db, text string, labels map[string]string) ([]*Target, error) {
	p, err := parsePattern(text)
	if err != nil {
		return nil, err
	}
	session, err := live.Dial(ctx, db)
	if err != nil {
		return nil, err
	}
	defer session.Close(ctx)
	var out []*Target
	var name string
	err = session.Each(ctx, `SELECT nspname::text FROM pg_catalog.pg_namespace AS n WHERE @user ORDER BY nspname`, nil, []any{&name}, func() {
		if p.matches(name) {
			out = append(out, &Target{Name: name, Address: db, Schema: name, Labels: labels, readAddress: s.ReadDB})
		}
	})
	return out, err
}

// pattern matches names of schemas.
type pattern struct{ include, exclude []string }

// parsePattern reads "tenant_*,!tenant_test*".
func parsePattern(text string) (p pattern, err error) {
	for _, part := range strings.Split(text, ",") {
		part = strings.TrimSpace(part)
		name, negated := strings.CutPrefix(part, "!")
		if _, err := path.Match(name, ""); err != nil || name == "" {
			return p, newInputError("the pattern %q is not one of schemas: write * for any letters, ? for one, [a-c] for some", part)
		}
		if negated {
			p.exclude = append(p.exclude, name)
		} else {
			p.include = append(p.include, name)
		}
	}
	if len(p.include) == 0 {
		return p, newInputError("the pattern %q matches no schema", text)
	}
	return p, nil
}

// matches reports whether a schema belongs to the pattern. Schemas of onward itself are never tenants.
func (p pattern) matches(name string) bool {
	return matchesAny(p.include, name) && !matchesAny(p.exclude, name) && !slices.Contains(workload.OwnSchemas, name)
}

func matchesAny(list []string, name string) bool {
	// path.Match gives "/" a meaning, which a schema's name does not have.
	name = strings.ReplaceAll(name, "/", "\x00")
	return slices.ContainsFunc(list, func(p string) bool {
		ok, _ := path.Match(strings.ReplaceAll(p, "/", "\x00"), name)
		return ok
	})
}

// The limits of a secret that a file or a command returns: its bytes, and the time of the command.
const (
	maxSecret      = 64 << 10
	secretPatience = 30 * time.Second
)

// newInputError returns an input error.
func newInputError(format string, args ...any) error {
	return &config.InputError{Err: fmt.Errorf(format, args...)}
}

// isSecretReference reports whether a text names the place of a secret.
func isSecretReference(text string) bool {
	for _, prefix := range []string{"env:", "file:", "@", "cmd:"} {
		if strings.HasPrefix(text, prefix) {
			return true
		}
	}
	return false
}

// resolveSecret returns the secret that a reference names: env:NAME, file:PATH, @PATH, or cmd:COMMAND for the shell. Errors quote the
// reference and never the secret. programs allows commands.
func resolveSecret(ctx context.Context, text string, env func(string) string, programs bool) (string, error) {
	name, rest, _ := strings.Cut(text, ":")
	path, isFile := strings.CutPrefix(text, "@")
	if name == "file" {
		path, isFile = rest, true
	}
	var secret string
	switch {
	case name == "env":
		if secret = env(rest); strings.TrimSpace(secret) == "" {
			return "", newInputError("%s is not set in the environment", rest)
		}
	case isFile:
		var err error
		if secret, err = readSmallFile(path); err != nil {
			return "", newInputError("read a target's address: %w", err)
		}
	case name == "cmd" && !programs:
		return "", newInputError("a reference cmd:… is only allowed in a file of targets: a database must not start programs here")
	case name == "cmd":
		var err error
		if secret, err = runSecretCommand(ctx, rest); err != nil {
			return "", err
		}
	}
	if secret = strings.TrimSpace(secret); secret == "" {
		return "", newInputError("%s is empty", text)
	}
	return secret, nil
}

// readSmallFile reads a file that must not be longer than a secret or a query is.
func readSmallFile(path string) (string, error) {
	f, err := os.Open(path)
	if err != nil {
		return "", err
	}
	defer f.Close()
	data, err := io.ReadAll(io.LimitReader(f, maxSecret+1))
	if err == nil && len(data) > maxSecret {
		err = fmt.Errorf("%s is too large", path)
	}
	return string(data), err
}

// runSecretCommand runs a command of the file of targets. Its standard error is not printed, because it may quote the secret.
func runSecretCommand(ctx context.Context, line string) (string, error) {
	ctx, stop := context.WithTimeout(ctx, secretPatience)
	defer stop()
	cmd := exec.CommandContext(ctx, "sh", "-c", line)
	cmd.WaitDelay = time.Second
	var out bytes.Buffer
	cmd.Stdout = &limitedWriter{to: &out, left: maxSecret}
	if err := cmd.Run(); err != nil {
		return "", newInputError("the command cmd:%s failed: %w", line, err)
	}
	return out.String(), nil
}

// limitedWriter refuses more than some bytes.
type limitedWriter struct {
	to   io.Writer
	left int
}

// Write refuses output that is too long.
func (l *limitedWriter) Write(p []byte) (int, error) {
	if l.left -= len(p); l.left < 0 {
		return 0, errors.New("its output is too long to be a secret")
	}
	return l.to.Write(p)
}
