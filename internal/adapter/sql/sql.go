// Package sql reads a plain directory of SQL files, which a script, psql or a
// tool without an adapter of its own runs in the order of their names.
//
// Numbers in names count by value: 2 comes before 10. Down migrations are left out: *.down.sql, x_down.sql next to
// x.sql, x_up.sql or x-up.sql, undo and rollback files, and the part of a file after a tool's "down" marker
// (updown_markers.go). In a directory whose files have numbers, files without one (schema.sql, seed.sql) are not migrations,
// and are counted as not judged.
//
// The runner decides how a file is sent: each has a source file of its own, and runner.go lists them. A runner is
// recognised by files next to the migrations, by their contents or by their names. Otherwise the project's scripts
// may show that psql sends them (psql.go), or a program of the project (repository_program.go). If nothing shows it, each
// statement is sent by itself without a transaction, as "psql -f" does. onward.yaml overrides this (transaction: file
// for "psql -1", message for "psql -c" and for drivers).
//
// Numbered programs among the SQL files are migrations that are not judged. An SQL file with named parameters or
// queries, next to a program of its name, is a text that this program reads and no migration.
//
// psql's own commands that change what runs (\connect, \i, \if) are kept: they are statements that cannot be judged.
// \echo, \timing and \set are skipped if psql sends the file.
package sql

import (
	"fmt"
	"path"
	"slices"
	"strings"

	"github.com/onward-sql/onward/internal/adapter"
	"github.com/onward-sql/onward/internal/lazyregexp"
	"github.com/onward-sql/onward/internal/prose"
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
	migrations  = lazyregexp.New(`(?i)^(db|sql|pg|postgres|database|schema)?[-_]?migrat(e|ions?)[-_]?(postgres|postgresql|pg|sql)?$`)
	otherThings = lazyregexp.New(`(?i)^(seeds?|quer(y|ies)|samples?|data|dumps?|backups?|downs?|downgrades?|rollbacks?|undo|reverts?|verify|snapshots?|reports?|scripts)$`)
	downDir     = lazyregexp.New(`(?i)^(downs?|downgrades?|rollbacks?|undo|reverts?|verify)$`)
)

// Detect looks for directories of migrations by their names, and for two or more numbered files anywhere.
func (Adapter) Detect(t adapter.Tree) []adapter.Source {
	var out []adapter.Source
	nested := map[string]int{}
	for _, d := range adapter.ListDirs(t, ".sql") {
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
		ups, _, numbered := separateUpsAndDowns(d)
		switch {
		case len(ups) == 0 || areAllReadByPrograms(t, d, ups) || isBesideCommitted(t, d.Path):
		case migrations.MatchString(base):
			out = append(out, makeSource(d.Path, prose.CountNoun(len(ups), "SQL file")+" in a directory called "+base))
		case describeTool(t, d) != "":
			out = append(out, makeSource(d.Path, fmt.Sprintf("%d %s, such as %s", len(ups), describeTool(t, d), ups[0])))
		case numbered >= 2 && !otherThings.MatchString(base) && !isMostlyJinja(t, d):
			out = append(out, makeSource(d.Path, prose.CountNoun(numbered, "SQL file")+" with numbers, such as "+ups[0]))
		}
	}
	for dir, n := range nested {
		out = slices.DeleteFunc(out, func(s adapter.Source) bool { return s.Dir == dir })
		out = append(out, makeSource(dir, fmt.Sprintf("numbered directories with an up.sql or migration.sql: %d", n)))
	}
	for dir, versions := range versionDirs(t) {
		out = slices.DeleteFunc(out, func(s adapter.Source) bool { return s.Dir == dir })
		s := makeSource(dir, fmt.Sprintf("SQL files with numbers in %d directories of versions, such as %s", len(versions), versions[0]))
		s.Deep = true
		out = append(out, s)
	}
	for _, r := range tools {
		if r.locations == nil {
			continue
		}
		for _, l := range r.locations(t) {
			out = slices.DeleteFunc(out, func(s adapter.Source) bool {
				return slices.ContainsFunc(l.dirs, func(d adapter.Dir) bool { return d.Path == s.Dir })
			})
			s := makeSource(l.at, fmt.Sprintf("files of %s in %d directories", r.name, len(l.dirs)))
			s.Deep, s.Locations = true, l.named
			out = append(out, s)
		}
	}
	out = addProgramDirs(t, out)
	for i := range out {
		for _, r := range tools {
			if r.database != nil && out[i].Foreign == "" && !out[i].IsPostgres {
				out[i].Foreign, out[i].IsPostgres = adapter.ReadDatabase(r.database(t, out[i].Dir))
			}
		}
	}
	slices.SortFunc(out, func(a, b adapter.Source) int { return strings.Compare(a.Dir, b.Dir) })
	return out
}

// isMostlyJinja reports whether at least half of the files of a directory are Jinja templates, and no tool is
// known to run them.
func isMostlyJinja(t adapter.Tree, d adapter.Dir) bool {
	p := newMigrationDir(t, makeSource(d.Path, ""))
	p.readFiles(adapter.SampleNames(p.ups, 6))
	n := 0
	for _, f := range p.files {
		if f.IsJinja() {
			n++
		}
	}
	return n > 0 && 2*n >= len(p.files) && detectTool(p, p.ups) == nil
}

// describeTool says which tool a directory belongs to, if its name does not show it, and why; "" if no tool knows it.
func describeTool(t adapter.Tree, d adapter.Dir) string {
	for _, r := range tools {
		if r.found != nil {
			if reason := r.found(t, d); reason != "" {
				return reason
			}
		}
	}
	return ""
}

// Traits returns the tables of all tools. The tool itself is a property of each migration.
func (Adapter) Traits() adapter.Traits {
	t := adapter.Traits{Plain: true}
	for _, r := range tools {
		for _, h := range r.historyTables {
			h.Tool = r.name
			t.HistoryTables = append(t.HistoryTables, h)
		}
	}
	return t
}

// Aside reports whether a directory's name says that production does not have it.
func (Adapter) Aside(dir string) bool {
	return slices.ContainsFunc(tools, func(r *runner) bool { return r.aside != nil && r.aside(dir) })
}

func makeSource(dir, reason string) adapter.Source {
	return adapter.Source{Framework: Name, Dir: dir, Score: 1, Why: reason}
}
