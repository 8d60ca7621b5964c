package adapter

import (
	"path"
	"regexp"
	"slices"
	"strings"

	"github.com/onward-sql/onward/internal/lazyregexp"
)

// These are libraries whose files have the same names.
const golangMigrate, maragu, bun = "golang-migrate", "maragu.dev/migrate", "bun"

// goLibraries match the libraries with which Go programs run files of SQL, in a go.mod and in imports.
var goLibraries = map[string]*lazyregexp.Regexp{
	golangMigrate: lazyregexp.New(`\bgithub\.com/golang-migrate/migrate\b`),
	maragu:        lazyregexp.New(`\b(?:maragu\.dev|github\.com/maragudk)/migrate\b`),
	"goose":       lazyregexp.New(`\bgithub\.com/pressly/goose\b`),
	"dbmate":      lazyregexp.New(`\bgithub\.com/amacneil/dbmate\b`),
	"sql-migrate": lazyregexp.New(`\bgithub\.com/rubenv/sql-migrate\b`),
	"tern":        lazyregexp.New(`\bgithub\.com/jackc/tern\b`),
	bun:           lazyregexp.New(`\bgithub\.com/uptrace/bun/migrate\b`),
	"Atlas":       lazyregexp.New(`\b(?:ariga\.io/atlas(?:-go-sdk)?|entgo\.io/ent/dialect/sql/schema)\b`),
}

// listGoLibraries lists the libraries in the text of a Go file or a go.mod.
func listGoLibraries(text string) (out []string) {
	for name, pattern := range goLibraries {
		if pattern.MatchString(text) {
			out = append(out, name)
		}
	}
	slices.Sort(out)
	return out
}

// closestGoImport returns the libraries that a Go file imports, and the file: the closest that imports any, in a directory or above
// it in its module.
func closestGoImport(t Tree, dir, mod string) (libraries []string, file string) {
	for root := parentDir(mod); ; dir = parentDir(dir) {
		for _, name := range ListDir(t, dir, ".go").Names {
			if strings.HasSuffix(name, "_test.go") {
				continue
			}
			if libraries = listGoLibraries(ReadFile(t, path.Join(dir, name)).Text); len(libraries) > 0 {
				return libraries, path.Join(dir, name)
			}
		}
		if dir == root || dir == "" {
			return nil, ""
		}
	}
}

// UsesBun returns the closest Go file that imports bun's migrations, in a directory of .up.sql files or above it; "" if that is none, or if it
// imports other libraries of migrations alone.
func UsesBun(t Tree, dir string) string {
	mod, ok := NearestFile(t, dir, "go.mod")
	if !ok || !strings.Contains(ReadFile(t, mod).Text, "github.com/uptrace/bun") {
		return ""
	}
	imported, file := closestGoImport(t, dir, mod)
	if !slices.Contains(imported, bun) {
		return ""
	}
	return file
}

// UsesMaragu returns the file that shows that maragu.dev/migrate runs the .up.sql files of a directory; "" for none. Its names
// may also belong to other libraries: in a module that requires several, the closest Go file that imports one of them decides.
func UsesMaragu(t Tree, dir string) string {
	mod, ok := NearestFile(t, dir, "go.mod")
	if !ok {
		return ""
	}
	required := listGoLibraries(ReadFile(t, mod).Text)
	if !slices.Contains(required, maragu) {
		return ""
	}
	if len(required) == 1 {
		return mod
	}
	imported, file := closestGoImport(t, dir, mod)
	switch {
	case slices.Contains(imported, maragu):
		return file
	case len(imported) == 0 && !slices.Contains(required, golangMigrate):
		return mod // no other of them has these names
	}
	return ""
}

// goDrivers match the drivers of databases in a go.mod, Postgres' first.
var goDrivers = []struct {
	database string
	pattern  *lazyregexp.Regexp
}{
	{"", lazyregexp.New(`\bgithub\.com/(?:lib/pq|jackc/pg|go-pg/|ory/)|\bdriver/(?:postgres|pgdriver)\b|\bpgdriver\b|\bcockroach`)},
	{"SQLite", lazyregexp.New(`\b(?:mattn/go-sqlite3|glebarez/(?:go-)?sqlite|modernc\.org/sqlite|` +
		`gorm\.io/driver/sqlite|ncruces/go-sqlite3|zombiezen\.com/go/sqlite)\b`)},
	{"MySQL", lazyregexp.New(`\b(?:go-sql-driver/mysql|gorm\.io/driver/mysql)\b`)},
}

// foreignGoDatabase returns the other database that a directory's migrations are for, if a Go program runs them and its module has that
// database's driver and none of Postgres; "" otherwise. It does so if
// the tool is one of Go, or if the package of the closest Go file that imports a library names the directory.
func foreignGoDatabase(t Tree, s *Source, d Dir) string {
	mod, ok := NearestFile(t, s.Dir, "go.mod")
	isSQL := func(name string) bool { return strings.HasSuffix(name, ".sql") }
	if !ok || !s.IsGo && (!slices.ContainsFunc(d.Names, isSQL) || len(s.Locations) > 0) {
		return ""
	}
	text := ReadFile(t, mod).Text
	for _, driver := range goDrivers {
		if !driver.pattern.MatchString(text) {
			continue
		}
		if driver.database != "" && !s.IsGo {
			if _, file := closestGoImport(t, s.Dir, mod); file == "" || !mentionsDirectory(t, parentDir(file), path.Base(s.Dir)) {
				return ""
			}
		}
		return driver.database
	}
	return ""
}

// mentionsDirectory reports whether a Go file of a package has the last part of a directory's path as a word.
func mentionsDirectory(t Tree, pkg, base string) bool {
	word := lazyregexp.New(`\b` + regexp.QuoteMeta(base) + `\b`)
	return slices.ContainsFunc(ListDir(t, pkg, ".go").Names, func(name string) bool {
		return word.MatchString(ReadFile(t, path.Join(pkg, name)).Text)
	})
}
