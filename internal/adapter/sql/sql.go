// Package sql reads a plain directory of SQL files, which a script, psql or a
// tool without an adapter of its own runs in the order of their names.
//
// Numbers in names count by value: 2 comes before 10. The down migrations are left
// out: *.down.sql, x_down.sql beside x.sql, x_up.sql or x-up.sql, undo and rollback
// files, and what stands behind a tool's "down" mark in a file (marks.go).
// In a directory whose files have numbers, files without one (schema.sql,
// seed.sql) are none of the migrations, and are counted as not judged.
//
// How a file is sent follows from its runner: each has a file of its own, and runner.go
// lists them. What stands beside the files tells it, what they have in them, or their
// names; or the project's scripts say that they are sent by psql (psql.go), or that a
// program of its own sends them (own_program.go). Otherwise nothing opens a transaction,
// and each statement is sent by itself, as "psql -f" does; onward.yaml says when that
// is different (transaction: file for "psql -1", message for "psql -c" and for drivers).
// Numbered programs among the SQL files are migrations that are not judged; an
// SQL file with named parameters or queries beside a program of its name is that
// program's text, and none.
// psql's own commands that change what runs (\connect, \i, \if) are kept: they
// are statements that cannot be judged. \echo, \timing and \set are passed over
// where psql sends the file.
package sql

import (
	"fmt"
	"path"
	"regexp"
	"slices"
	"strings"

	"github.com/onward-sql/onward/internal/adapter"
)

// Name is the framework's name.
const Name = "sql"

// Adapter implements [adapter.Adapter].
type Adapter struct{}

// Name is "sql".
func (Adapter) Name() string { return Name }

// Looks says what Detect looks for.
func (Adapter) Looks() string {
	names := make([]string, 0, len(tools))
	for _, r := range tools {
		names = append(names, r.name)
	}
	slices.SortFunc(names, func(a, b string) int { return strings.Compare(strings.ToLower(a), strings.ToLower(b)) })
	return "files of " + strings.Join(names, ", ") + "; SQL files in a directory called migrations, or with numbered names in any other"
}

var (
	migrations  = regexp.MustCompile(`(?i)^(db|sql|pg|postgres|database|schema)?[-_]?migrat(e|ions?)[-_]?(postgres|postgresql|pg|sql)?$`)
	otherThings = regexp.MustCompile(`(?i)^(seeds?|quer(y|ies)|samples?|data|dumps?|backups?|downs?|downgrades?|rollbacks?|undo|reverts?|verify|snapshots?|reports?|scripts)$`)
	downDir     = regexp.MustCompile(`(?i)^(downs?|downgrades?|rollbacks?|undo|reverts?|verify)$`)
)

// Detect looks for directories of migrations by their names, and for two or
// more numbered files anywhere.
func (Adapter) Detect(t adapter.Tree) []adapter.Source {
	var out []adapter.Source
	nested := map[string]int{}
	for _, d := range adapter.Dirs(t, ".sql") {
		base := path.Base(d.Path)
		if slices.Contains(versionDirs(t)[path.Dir(d.Path)], base) {
			continue
		}
		if parent := path.Dir(d.Path); versionedDir.MatchString(base) && slices.ContainsFunc(d.Names, wholeFile.MatchString) {
			if parent == "." {
				parent = ""
			}
			nested[parent]++
			continue
		}
		if downDir.MatchString(base) {
			continue
		}
		ups, _, numbered := forward(d)
		switch {
		case len(ups) == 0 || allOfPrograms(t, d, ups):
		case migrations.MatchString(base):
			out = append(out, source(d.Path, fmt.Sprintf("%d SQL files in a directory called %s", len(ups), base)))
		case foundBy(t, d) != "":
			out = append(out, source(d.Path, fmt.Sprintf("%d %s, such as %s", len(ups), foundBy(t, d), ups[0])))
		case numbered >= 2 && !otherThings.MatchString(base):
			out = append(out, source(d.Path, fmt.Sprintf("%d SQL files with numbers, such as %s", numbered, ups[0])))
		}
	}
	for dir, n := range nested {
		out = slices.DeleteFunc(out, func(s adapter.Source) bool { return s.Dir == dir })
		out = append(out, source(dir, fmt.Sprintf("%d numbered directories with an up.sql or migration.sql", n)))
	}
	for dir, versions := range versionDirs(t) {
		out = slices.DeleteFunc(out, func(s adapter.Source) bool { return s.Dir == dir })
		s := source(dir, fmt.Sprintf("SQL files with numbers in %d directories of versions, such as %s", len(versions), versions[0]))
		s.Deep = true
		out = append(out, s)
	}
	for _, r := range tools {
		if r.locations == nil {
			continue
		}
		for at, dirs := range r.locations(t) {
			out = slices.DeleteFunc(out, func(s adapter.Source) bool {
				return slices.ContainsFunc(dirs, func(d adapter.Dir) bool { return d.Path == s.Dir })
			})
			s := source(at, fmt.Sprintf("files of %s in %d directories", r.name, len(dirs)))
			s.Deep = true
			out = append(out, s)
		}
	}
	slices.SortFunc(out, func(a, b adapter.Source) int { return strings.Compare(a.Dir, b.Dir) })
	return out
}

// foundBy says why a directory is a tool's whose names do not tell; "" where none knows it.
func foundBy(t adapter.Tree, d adapter.Dir) string {
	for _, r := range tools {
		if r.found != nil {
			if why := r.found(t, d); why != "" {
				return why
			}
		}
	}
	return ""
}

// Traits has the tables of all tools; what rules ask for goes with each migration.
func (Adapter) Traits() adapter.Traits {
	t := adapter.Traits{Plain: true}
	for _, r := range tools {
		t.Books = append(t.Books, r.books...)
	}
	return t
}

// Aside reports whether a directory is one that production does not have, by its name.
func (Adapter) Aside(dir string) bool {
	return slices.ContainsFunc(tools, func(r *runner) bool { return r.aside != nil && r.aside(dir) })
}

func source(dir, why string) adapter.Source {
	return adapter.Source{Framework: Name, Dir: dir, Score: 1, Why: why}
}
