package sql

import (
	"path"
	"slices"
	"strings"

	"github.com/onward-sql/onward/internal/adapter"
	"github.com/onward-sql/onward/internal/lazyregexp"
	"github.com/onward-sql/onward/onward"
)

// languages maps file extensions to the languages of programs that a tool runs as
// migrations next to SQL files.
var languages = map[string]string{
	".ts": "TypeScript", ".mts": "TypeScript", ".cts": "TypeScript", ".js": "JavaScript", ".mjs": "JavaScript", ".cjs": "JavaScript",
	".py": "Python", ".rb": "Ruby", ".php": "PHP", ".go": "Go", ".kt": "Kotlin", ".java": "Java",
	".groovy": "Groovy", ".ex": "Elixir", ".exs": "Elixir", ".rs": "Rust",
}

// A program that is a migration has the same form of name as the SQL files:
// 20240131_x.ts.
var (
	program = lazyregexp.New(`^\d+(?:[.-]\d+)*[_-][^.]*\.[a-z]+$`)
	noWay   = lazyregexp.New(`(?i)([_-](test|spec)\.[a-z]+$)`)
)

// Text that only a program can fill in or cut out: a named parameter where SQL has a
// value, or the header of a named query.
var (
	parameter = lazyregexp.New(`[=(,\s][$][A-Za-z_]\w*(?:[^\w$]|$)`)
	heading   = lazyregexp.New(`(?m)^--\s*(?:BLOCK\s+\w|name:\s*\w)`)
)

// listPrograms lists the files of a directory that a tool runs as programs. If a migration
// has a directory of its own, only a few names are migrations: the other files are
// helpers.
func listPrograms(t adapter.Tree, dir string) []string {
	var out []string
	for _, name := range adapter.FilesBelow(t, dir) {
		if languages[path.Ext(name)] == "" || !program.MatchString(name) || noWay.MatchString(name) {
			continue
		}
		if base := trimExtension(path.Base(name)); base == trimExtension(name) || slices.Contains(mains, base) {
			out = append(out, name)
		}
	}
	return out
}

// mains are the names of a program that has a directory of its own.
var mains = []string{"migration", "migrate", "up", "index", "main"}

// Programs reports whether a directory has migrations that are programs.
func (Adapter) Programs(t adapter.Tree, s adapter.Source) bool {
	return len(listPrograms(t, s.Dir)) > 0
}

// trimExtension returns a name without its extension.
func trimExtension(name string) string { return strings.TrimSuffix(name, path.Ext(name)) }

// hasProgramOfSameName reports whether a program of the same name is next to an SQL file.
func hasProgramOfSameName(t adapter.Tree, d adapter.Dir, name string) bool {
	for ext := range languages {
		if adapter.HasFile(t, d.Join(trimExtension(name)+ext)) {
			return true
		}
	}
	return false
}

// findCaller returns the program of a migration that reads its SQL from a file: it is in the file's directory or in the one above, has the name of the
// migration, and names the file. "" if there is none.
func findCaller(t adapter.Tree, file string) string {
	name := path.Base(file)
	stem := trimExtension(name)
	for _, up := range []string{"-up", ".up", "_up"} {
		stem = strings.TrimSuffix(stem, up)
	}
	for _, dir := range []string{path.Dir(file), path.Dir(path.Dir(file))} {
		for ext := range languages {
			if program := path.Join(dir, stem+ext); adapter.HasFile(t, program) && strings.Contains(adapter.ReadFile(t, program).Text, name) {
				return program
			}
		}
	}
	return ""
}

// isReadByProgram reports whether an SQL file is read by a program next to it, and must not be
// run unchanged.
func isReadByProgram(t adapter.Tree, d adapter.Dir, name string) bool {
	if !hasProgramOfSameName(t, d, name) {
		return false
	}
	text := adapter.ReadFile(t, d.Join(name)).Text
	return heading.MatchString(text) || parameter.MatchString(text)
}

// areAllReadByPrograms reports whether all SQL files of a directory belong to programs: the
// queries of a library, the texts of scripts.
func areAllReadByPrograms(t adapter.Tree, d adapter.Dir, ups []string) bool {
	return !slices.ContainsFunc(ups, func(n string) bool { return !hasProgramOfSameName(t, d, n) }) &&
		!slices.ContainsFunc(adapter.SampleNames(ups, 4), func(n string) bool { return !isReadByProgram(t, d, n) })
}

// addPrograms inserts the migrations that are programs between the SQL migrations. They
// are not judged, and their changes of the schema are unknown. names are the names of the
// set's migrations.
func addPrograms(t adapter.Tree, d adapter.Dir, s adapter.Source, set *adapter.Set, names []string) {
	sqls, key := map[string]bool{}, map[*adapter.Migration]string{}
	for i, m := range set.Migrations {
		sqls[m.ID], key[m] = true, names[i]
	}
	for _, name := range listPrograms(t, s.Dir) {
		if sqls[trimExtension(name)] {
			continue // the same migration in another form
		}
		f := adapter.ReadFile(t, d.Join(name))
		m := f.Start(s, trimExtension(name), leadingVersion(trimExtension(name)+".sql"))
		m.Source.LineComment = "//"
		m.Opaque = append(m.Opaque, onward.Opaque{
			Migration: m.ID, Path: m.Path, Line: 1, Column: 1,
			What:   "migration written in " + languages[path.Ext(name)],
			Why:    "what it does is known only when it runs; onward capture -- COMMAND judges what it sends to a throwaway Postgres",
			Failed: true,
		})
		m.Seal(onward.TransactionNone, s.Options, f.Text)
		set.Migrations = append(set.Migrations, m)
		key[m] = m.ID + ".sql"
	}
	slices.SortStableFunc(set.Migrations, func(a, b *adapter.Migration) int { return compareVersions(key[a], key[b]) })
}
