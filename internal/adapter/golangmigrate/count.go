package golangmigrate

import (
	"fmt"

	"github.com/onward-sql/onward/internal/adapter"
)

const (
	table   = "schema_migrations"
	columns = `(version bigint PRIMARY KEY, dirty boolean NOT NULL)`
	// salt is golang-migrate's (database.GenerateAdvisoryLockId).
	salt = 1486364155
)

// count is how golang-migrate keeps count: one row with the last version. dirty says that it
// was begun, and not that it is done.
var count = &adapter.Count{
	Table: table, Last: true,
	Make:   func(table string) string { return "CREATE TABLE " + table + " " + columns },
	Read:   func(table string) string { return "SELECT version::text, '', dirty FROM " + table },
	Key:    func(m *adapter.Migration) string { return m.Version },
	Start:  func(table string, m *adapter.Migration, _ []byte) string { return set(table, m, true) },
	Write:  func(table string, m *adapter.Migration, _ []byte) string { return set(table, m, false) },
	Missed: "golang-migrate stops with \"no migration found\" where the last one is gone",
	// By an address the name of the database is its path, with the slash (Postgres.Open); by a
	// connection it is what the server says.
	Locks: func(database, schema, table string) []int64 {
		return []int64{adapter.SaltedLock(salt, schema, table, "/"+database), adapter.SaltedLock(salt, schema, table, database)}
	},
}

// set is what golang-migrate does before a migration, and behind it (SetVersion).
func set(table string, m *adapter.Migration, dirty bool) string {
	return fmt.Sprintf("DELETE FROM %s; INSERT INTO %[1]s (version, dirty) VALUES (%s, %t)", table, m.Version, dirty)
}
