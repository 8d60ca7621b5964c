package golangmigrate

import (
	"fmt"

	"github.com/onward-sql/onward/internal/adapter"
)

const (
	table   = "schema_migrations"
	columns = `(version bigint PRIMARY KEY, dirty boolean NOT NULL)`
	// salt is a constant of golang-migrate (database.GenerateAdvisoryLockId).
	salt = 1486364155
)

// count describes golang-migrate's table schema_migrations: one row with the last version. dirty means that this
// migration was started and has not finished.
var count = &adapter.Count{
	Table: table, Last: true,
	Make:   func(table string) string { return "CREATE TABLE " + table + " " + columns },
	Read:   func(table string) string { return "SELECT version::text, '', dirty FROM " + table },
	Key:    func(m *adapter.Migration) string { return m.Version },
	Start:  func(table string, m *adapter.Migration, _ []byte) string { return setVersionSQL(table, m, true) },
	Write:  func(table string, m *adapter.Migration, _ []byte) string { return setVersionSQL(table, m, false) },
	Missed: "golang-migrate stops with \"no migration found\" where the last one is gone",
	// With an address, the name of the database is the path with its slash (Postgres.Open);
	// with a connection, it is the name that the server returns.
	Locks: func(database, schema, table string) []int64 {
		return []int64{adapter.SaltedLock(salt, schema, table, "/"+database), adapter.SaltedLock(salt, schema, table, database)}
	},
}

// setVersionSQL returns what golang-migrate runs before a migration, and again after it (SetVersion).
func setVersionSQL(table string, m *adapter.Migration, dirty bool) string {
	return fmt.Sprintf("DELETE FROM %s; INSERT INTO %[1]s (version, dirty) VALUES (%s, %t)", table, m.Version, dirty)
}
