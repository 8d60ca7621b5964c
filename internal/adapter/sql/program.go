package sql

import (
	"path"
	"regexp"
	"slices"
	"strings"

	"github.com/onward-sql/onward/internal/adapter"
	"github.com/onward-sql/onward/onward"
)

// languages are the endings of programs that a tool runs as migrations beside
// SQL files.
var languages = map[string]string{
	".ts": "TypeScript", ".mts": "TypeScript", ".cts": "TypeScript", ".js": "JavaScript", ".mjs": "JavaScript", ".cjs": "JavaScript",
	".py": "Python", ".rb": "Ruby", ".php": "PHP", ".go": "Go", ".kt": "Kotlin", ".java": "Java", ".ex": "Elixir", ".exs": "Elixir", ".rs": "Rust",
}

// A program that is a migration is named as the SQL files are: 20240131_x.ts.
var (
	program = regexp.MustCompile(`^\d+(?:[.-]\d+)*[_-][^.]*\.[a-z]+$`)
	noWay   = regexp.MustCompile(`(?i)([_-](test|spec)\.[a-z]+$)`)
)

// What only a program can fill in or cut out: a parameter with a name, in a
// place where SQL has a value; the header of a query with a name.
var (
	parameter = regexp.MustCompile(`[=(,\s][$][A-Za-z_]\w*(?:[^\w$]|$)`)
	heading   = regexp.MustCompile(`(?m)^--\s*(?:BLOCK\s+\w|name:\s*\w)`)
)

// programs lists the files of a directory that a tool runs as programs. In a
// directory of its own, a migration has one of a few names: the rest helps it.
func programs(t adapter.Tree, dir string) []string {
	var out []string
	for _, name := range adapter.Below(t, dir) {
		if languages[path.Ext(name)] == "" || !program.MatchString(name) || noWay.MatchString(name) {
			continue
		}
		if base := stem(path.Base(name)); base == stem(name) || slices.Contains(mains, base) {
			out = append(out, name)
		}
	}
	return out
}

// mains are the names of a program that has a directory of its own.
var mains = []string{"migration", "migrate", "up", "index", "main"}

// Programs reports whether a directory has migrations that are programs.
func (Adapter) Programs(t adapter.Tree, s adapter.Source) bool { return len(programs(t, s.Dir)) > 0 }

// stem is a name without its ending.
func stem(name string) string { return strings.TrimSuffix(name, path.Ext(name)) }

// twin reports whether a program of the same name stands beside an SQL file.
func twin(t adapter.Tree, d adapter.Dir, name string) bool {
	for ext := range languages {
		if adapter.Has(t, d.Join(stem(name)+ext)) {
			return true
		}
	}
	return false
}

// ofProgram reports whether an SQL file is the text of a program beside it, and
// not to be run as it stands.
func ofProgram(t adapter.Tree, d adapter.Dir, name string) bool {
	if !twin(t, d, name) {
		return false
	}
	text := adapter.ReadFile(t, d.Join(name)).Text
	return heading.MatchString(text) || parameter.MatchString(text)
}

// allOfPrograms reports whether a directory has no other SQL files: the queries
// of a library, the texts of scripts.
func allOfPrograms(t adapter.Tree, d adapter.Dir, ups []string) bool {
	return !slices.ContainsFunc(ups, func(n string) bool { return !twin(t, d, n) }) &&
		!slices.ContainsFunc(adapter.Sample(ups, 4), func(n string) bool { return !ofProgram(t, d, n) })
}

// addPrograms puts the migrations that are programs among those of SQL. They
// are not judged, and hide what they do to the schema. names are those of the
// set's migrations.
func addPrograms(t adapter.Tree, d adapter.Dir, s adapter.Source, set *adapter.Set, names []string) {
	sqls, key := map[string]bool{}, map[*adapter.Migration]string{}
	for i, m := range set.Migrations {
		sqls[m.ID], key[m] = true, names[i]
	}
	for _, name := range programs(t, s.Dir) {
		if sqls[stem(name)] {
			continue // the same in another wrapping
		}
		f := adapter.ReadFile(t, d.Join(name))
		m := f.Start(s, stem(name), version(stem(name)+".sql"))
		m.Source.LineComment = "//"
		m.Opaque = append(m.Opaque, onward.Opaque{
			Migration: m.ID, Path: m.Path, Line: 1, Column: 1,
			What: "migration written in " + languages[path.Ext(name)], Why: "what it does is known only when it runs",
		})
		m.Seal(onward.TransactionNone, s.Options, f.Text)
		set.Migrations = append(set.Migrations, m)
		key[m] = m.ID + ".sql"
	}
	slices.SortStableFunc(set.Migrations, func(a, b *adapter.Migration) int { return order(key[a], key[b]) })
}
