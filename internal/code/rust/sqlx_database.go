package rust

import (
	"strings"

	"github.com/onward-sql/onward/internal/lazyregexp"
)

// typeOf matches the types of sqlx that belong to one database.
var typeOf = lazyregexp.New(`\b(?:(Pg(?:Pool|Connect|Row|Connection|Listener|Executor)|Postgres\b|sqlx::postgres\b)|` +
	`(Sqlite(?:Pool|Connect|Row|Connection)|Sqlite\b|sqlx::sqlite\b)|` +
	`(MySql(?:Pool|Connect|Row|Connection)|MySql\b|sqlx::mysql\b))`)

// FindDatabase returns the database, "" for Postgres, whose types are the only ones that a Rust text uses. sure is false if it
// uses none, or types from several databases.
func FindDatabase(text string) (database string, sure bool) {
	if !strings.Contains(text, "sqlx") { // another library's type may have the same name
		return "", false
	}
	var postgres, lite, mysql bool
	for _, m := range typeOf.FindAllStringSubmatch(text, -1) {
		postgres, lite, mysql = postgres || m[1] != "", lite || m[2] != "", mysql || m[3] != ""
	}
	switch {
	case postgres && !lite && !mysql:
		return "", true
	case lite && !postgres && !mysql:
		return "SQLite", true
	case mysql && !postgres && !lite:
		return "MySQL", true
	}
	return "", false
}

// NamesDatabase reports whether a text uses types of sqlx that belong to one database.
func NamesDatabase(text string) bool {
	return strings.Contains(text, "sqlx") && typeOf.MatchString(text)
}
