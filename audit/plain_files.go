package audit

import (
	"cmp"
	"errors"
	"fmt"
	"io"
	"path"
	"slices"
	"strings"

	"github.com/onward-sql/onward/config"
	"github.com/onward-sql/onward/internal/adapter"
	"github.com/onward-sql/onward/internal/adapter/all"
	"github.com/onward-sql/onward/internal/pgparse"
	"github.com/onward-sql/onward/internal/script"
	"github.com/onward-sql/onward/onward"
)

// loadPlainFiles loads the SQL files without a framework, in natural order of their paths. Files for other
// databases, and Jinja templates, are left out unless they are named.
func (c *CheckConfig) loadPlainFiles(t adapter.Tree, claimed map[string]bool, local []string, j *judge) *adapter.Set {
	set := c.newPlainSet()
	for _, d := range adapter.ListDirs(t, ".sql") {
		for _, n := range d.Others {
			claimed[d.Join(n)] = !slices.Contains(local, d.Join(n))
		}
	}
	var names []string
	for _, p := range t.Paths() {
		if !claimed[p] && (strings.HasSuffix(p, ".sql") || slices.Contains(local, p)) && !isDownFile(p) {
			names = append(names, p)
		}
	}
	slices.SortFunc(names, adapter.CompareNatural)
	for _, f := range adapter.ReadFiles(t, adapter.Dir{}, names) {
		if !slices.Contains(local, f.Path) && f.IsJinja() {
			j.addOpaque(onward.Opaque{
				Path: f.Path,
				What: "a template of SQL",
				Why:  "something renders it before a server sees it; name the file to have it judged as it is",
			})
			continue
		}
		if c.reportIfForeign(f, local, j) {
			continue
		}
		m := f.Start(set.Source, strings.TrimSuffix(path.Base(f.Path), ".sql"), "")
		c.setTransactionMode(m)
		m.Problems = f.Refused()
		set.Migrations = append(set.Migrations, m)
	}
	return set
}

// reportIfForeign reports whether a file is for another database, which it lists: by the file's text, or by its directory if the file itself is
// not named.
func (c *CheckConfig) reportIfForeign(f *adapter.File, local []string, j *judge) bool {
	dir := cmp.Or(path.Dir(f.Path), ".")
	if !slices.Contains(local, f.Path) && slices.ContainsFunc(j.report.Opaque, func(o onward.Opaque) bool { return o.Database != "" && o.Path == dir }) {
		return true
	}
	database := otherDialect(f.Text)
	if database == "" {
		return false
	}
	j.reportForeignDir(dir, database)
	return true
}

// otherDialect returns the other database for which a text is that Postgres cannot read; "" for none.
func otherDialect(text string) string {
	database := adapter.DialectDatabase(text)
	if database == "" {
		return ""
	}
	file, err := pgparse.SplitText(text)
	if err == nil && !slices.ContainsFunc(file.Stmts, func(s pgparse.Stmt) bool { return s.Err != nil }) {
		return ""
	}
	return database
}

// reportForeignDir lists a directory of files for another database once.
func (j *judge) reportForeignDir(dir, database string) {
	o := onward.Opaque{
		Path: dir, What: "migrations for " + database, Database: database,
		Why: "only Postgres is judged; if they are for Postgres, name the directory in onward.yaml",
	}
	if !slices.ContainsFunc(j.report.Opaque, func(x onward.Opaque) bool { return x.Database == database && x.Path == dir }) {
		j.addOpaque(o)
	}
}

// failIfForeign makes files for other databases a failure if nothing else is judged.
func (j *judge) failIfForeign(judged int) {
	for i := range j.report.Opaque {
		if o := &j.report.Opaque[i]; judged == 0 && o.Database != "" {
			o.Failed = true
		}
	}
}

// isDownFile reports whether a file's name says that it undoes a migration.
func isDownFile(path string) bool {
	return strings.HasSuffix(path, ".down.sql") || strings.HasSuffix(path, "/down.sql") || strings.HasSuffix(path, "_down.sql")
}

// readStdin returns the text of the standard input as a set with one migration.
func (c *CheckConfig) readStdin(j *judge) (*adapter.Set, error) {
	if c.Stdin == nil {
		return nil, &config.InputError{Err: errors.New("-: there is no standard input")}
	}
	text, err := io.ReadAll(io.LimitReader(c.Stdin, maxStdin+1))
	if err != nil {
		return nil, fmt.Errorf("read standard input: %w", err)
	}
	if strings.TrimSpace(string(text)) == "" {
		return nil, &config.InputError{Err: errors.New("standard input is empty: there is nothing to judge")}
	}
	if len(text) > maxStdin {
		return nil, &config.InputError{Err: fmt.Errorf("standard input is larger than %d MB", maxStdin>>20)}
	}
	set := c.newPlainSet()
	if database := otherDialect(string(text)); database != "" {
		j.reportForeignDir("<stdin>", database)
		return set, nil
	}
	m := &adapter.Migration{ID: "stdin", Path: "<stdin>", Framework: all.Plain, Runner: set.Source.Options.Runner, Source: script.Source{Text: string(text)}}
	c.setTransactionMode(m)
	set.Migrations = append(set.Migrations, m)
	return set, nil
}

// newPlainSet returns a set for files without a framework.
func (c *CheckConfig) newPlainSet() *adapter.Set {
	return &adapter.Set{
		Source:   adapter.Source{Framework: all.Plain, Options: adapter.Options{Transaction: c.Transaction, Runner: assumedRunner(c.Settings)}},
		Evidence: adapter.RunnerEvidence{Transaction: cmp.Or(c.Transaction, onward.TransactionNone), Assumed: c.Transaction == ""},
	}
}

// setTransactionMode sets how such a file is sent.
func (c *CheckConfig) setTransactionMode(m *adapter.Migration) {
	m.Source.Parts = []script.Part{{SQL: m.Source.Text}}
	m.Source.Mode, m.Runner.Guessed = cmp.Or(c.Transaction, onward.TransactionNone), c.Transaction == ""
	// This is what psql does, with -f or with -1.
	m.Source.Psql = c.Transaction != onward.TransactionMessage && c.Transaction != onward.TransactionPipeline
}

// listSkippedFiles lists the files of a check that are neither judged nor listed: all named
// files, and files in directories whose names say that they hold SQL.
func (j *judge) listSkippedFiles(t adapter.Tree, local []string, sets []*adapter.Set) {
	seen, namedPaths, foreign := map[string]bool{}, map[string]bool{}, map[string]bool{}
	for _, o := range j.report.Opaque {
		seen[o.Path] = true
		foreign[o.Path] = foreign[o.Path] || o.Database != ""
	}
	for _, s := range sets {
		for _, m := range s.Migrations {
			seen[m.Path], seen[m.DownPath] = true, true
		}
		for _, x := range s.Problems {
			seen[x.Path] = true
		}
	}
	for _, p := range local {
		namedPaths[p] = true
	}
	for _, p := range t.Paths() {
		switch {
		case seen[p], foreign[path.Dir(p)]:
		case namedPaths[p] && isDownFile(p):
			j.addOpaque(onward.Opaque{Path: p, What: "a down migration, by its name", Why: "it is no part of a release; onward check - judges what it is given"})
		case namedPaths[p]:
			j.addOpaque(onward.Opaque{
				Path: p,
				What: "a file that was named",
				Why:  "onward assumes that the runner of its directory skips it; onward check - judges any input",
			})
		case path.Dir(p) != PlansDir && adapter.OtherSQL(p) && adapter.IsDeployed(path.Dir(p)):
			j.addOpaque(onward.Opaque{
				Path: p,
				What: "a file that holds SQL by its name, which does not end in .sql",
				Why:  "it does not count as a migration; name it to have it judged",
			})
		}
	}
}
