package adapter

import (
	"iter"
	"regexp"
	"slices"
	"strings"
)

// forPostgres are the words by which a name says that it is for Postgres.
var forPostgres = []string{"postgres", "postgresql", "pg", "pgsql", "psql"}

// ForPostgres reports whether a file's name says that it is for Postgres, as
// names do where one directory has files for several databases:
// "001_users.postgres.up.sql".
func ForPostgres(name string) bool {
	for part := range middle(name) {
		if slices.ContainsFunc(forPostgres, func(w string) bool { return strings.EqualFold(w, part) }) {
			return true
		}
	}
	return false
}

// middle gives the parts of a name between dots, without the first and the last.
// Each file of a repository is asked: nothing is made for it.
func middle(name string) iter.Seq[string] {
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

// popModule is what a Go module needs that uses pop.
var popModule = regexp.MustCompile(`\bgithub\.com/(?:gobuffalo|ory)/pop\b`)

// UsesPop reports whether the Go module that a directory is part of uses pop,
// whose migrations have the names of golang-migrate's.
func UsesPop(t Tree, dir string) bool {
	mod, ok := Nearest(t, dir, "go.mod")
	if !ok {
		return false
	}
	text := ReadFile(t, mod).Text
	return popModule.MatchString(text) && !strings.Contains(text, "github.com/golang-migrate/migrate")
}

// database is what the middle of a name says of the database, in lower case:
// "postgres", "mysql"; "" when it says nothing.
func database(name string) string {
	if ForPostgres(name) {
		return "postgres"
	}
	for part := range middle(name) {
		if part = strings.ToLower(part); foreignDirs[part] != "" {
			return part
		}
	}
	return ""
}

// split moves the files that are for other databases to Others, and those for
// any database that Postgres has its own of. Where no name says Postgres, only
// the databases count whose names are no words of anything else.
func (d *Dir) split() {
	own := map[string]bool{}
	other := false
	for _, n := range d.Names {
		if ForPostgres(n) {
			own[anyDatabase(n)] = true
		}
		other = other || onlyDatabases[database(n)]
	}
	if len(own) == 0 && !other {
		return
	}
	all := d.Names
	d.Names = nil
	for _, n := range all {
		db := database(n)
		if len(own) == 0 && onlyDatabases[db] || len(own) > 0 && (db == "" && own[anyDatabase(n)] || db != "" && db != "postgres") {
			d.Others = append(d.Others, n)
		} else {
			d.Names = append(d.Names, n)
		}
	}
}

// onlyDatabases are the words for databases that mean nothing else in a name.
var onlyDatabases = map[string]bool{"mysql": true, "mariadb": true, "sqlite": true, "sqlite3": true, "cockroach": true, "cockroachdb": true, "mssql": true}

// OtherDatabase reports whether a directory's name says that what is in it is for
// another database: "mysql". Names that mean other things as well do not.
func OtherDatabase(dir string) bool {
	return onlyDatabases[dir] || dir == "clickhouse" || dir == "hsqldb" || dir == "sqlserver"
}

// anyDatabase is the name without what it says of a database, where "all" is
// any, and of the transaction.
func anyDatabase(name string) string {
	parts := strings.Split(strings.ToLower(name), ".")
	return strings.Join(slices.DeleteFunc(parts, func(p string) bool {
		return p == "all" || p == "autocommit" || slices.Contains(forPostgres, p)
	}), ".")
}
