package adapter

import (
	"iter"
	"slices"
	"strings"

	"github.com/onward-sql/onward/internal/lazyregexp"
)

// forPostgres are words in a name that mean it is for Postgres.
var forPostgres = []string{"postgres", "postgresql", "pg", "pgsql", "psql"}

// ForPostgres reports whether a file's name says that it is for Postgres. Directories
// with files for several databases have such names: "001_users.postgres.up.sql".
func ForPostgres(name string) bool {
	for part := range middleParts(name) {
		if slices.ContainsFunc(forPostgres, func(w string) bool { return strings.EqualFold(w, part) }) {
			return true
		}
	}
	return false
}

// middleParts iterates over the parts of a name between dots, without the first and the last.
// It runs for each file of a repository, so it must not allocate.
func middleParts(name string) iter.Seq[string] {
	return func(yield func(string) bool) {
		_, rest, found := strings.Cut(name, ".")
		for found {
			var part string
			if part, rest, found = strings.Cut(rest, "."); found && !yield(part) {
				return
			}
		}
	}
}

// popModule matches the requirement of pop in a go.mod.
var popModule = lazyregexp.New(`\bgithub\.com/(?:gobuffalo|ory)/pop\b`)

// UsesPop reports whether the Go module of a directory uses pop, whose migrations have
// the same names as golang-migrate's.
func UsesPop(t Tree, dir string) bool {
	mod, ok := NearestFile(t, dir, "go.mod")
	if !ok {
		return false
	}
	text := ReadFile(t, mod).Text
	return popModule.MatchString(text) && !goLibraries[golangMigrate].MatchString(text)
}

// databaseInName returns the database that the middle of a name mentions, in lower case:
// "postgres", "mysql"; "" for none.
func databaseInName(name string) string {
	if ForPostgres(name) {
		return "postgres"
	}
	for part := range middleParts(name) {
		if part = strings.ToLower(part); foreignDirs[part] != "" {
			return part
		}
	}
	return ""
}

// splitByDatabase moves files for other databases to Others, and also files for any database if
// Postgres has its own version. If no name says Postgres, only words that mean nothing
// but a database count.
func (d *Dir) splitByDatabase() {
	postgresNames := map[string]bool{}
	other := false
	for _, n := range d.Names {
		if ForPostgres(n) {
			postgresNames[stripDatabaseName(n)] = true
		}
		other = other || onlyDatabases[databaseInName(n)]
	}
	if len(postgresNames) == 0 && !other {
		return
	}
	all := d.Names
	d.Names = nil
	for _, n := range all {
		db := databaseInName(n)
		if len(postgresNames) == 0 && onlyDatabases[db] ||
			len(postgresNames) > 0 && (db == "" && postgresNames[stripDatabaseName(n)] || db != "" && db != "postgres") {
			d.Others = append(d.Others, n)
		} else {
			d.Names = append(d.Names, n)
		}
	}
}

// onlyDatabases are the words that mean nothing but a database in a name.
var onlyDatabases = map[string]bool{"mysql": true, "mariadb": true, "sqlite": true, "sqlite3": true, "cockroach": true, "cockroachdb": true, "mssql": true}

// OtherDatabase reports whether a directory's name says that its content is for another
// database: "mysql". Names that have other meanings too do not count.
func OtherDatabase(dir string) bool {
	return onlyDatabases[dir] || dir == "clickhouse" || dir == "hsqldb" || dir == "sqlserver"
}

// stripDatabaseName returns the name without its mention of a database (where "all" is any) and
// of the transaction.
func stripDatabaseName(name string) string {
	parts := strings.Split(strings.ToLower(name), ".")
	return strings.Join(slices.DeleteFunc(parts, func(p string) bool {
		return p == "all" || p == "autocommit" || slices.Contains(forPostgres, p)
	}), ".")
}
