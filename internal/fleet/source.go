package fleet

import (
	"context"
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"strings"

	"github.com/onward-sql/onward/internal/live"
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
