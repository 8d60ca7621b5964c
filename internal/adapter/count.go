package adapter

import (
	"fmt"
	"hash/crc32"
	"path"
	"strings"
)

// Count describes how a tool records the migrations that a database has, so that onward can run them and
// the tool continues as if it had. Its functions expect names of tables that are qualified and quoted.
type Count struct {
	// Table is the name of the tool's table if nothing else is configured.
	Table string
	// Make returns the SQL that creates the table as the tool does; nil if only the tool can.
	Make func(table string) string
	// NotEmptyError is the tool's error for a schema that has other objects but not this table; "" if the
	// tool then creates the table too.
	NotEmptyError string
	// Read returns a query for the recorded migrations: key text, sum text ("" for none), and whether the
	// tool marks a migration as started and not finished.
	Read func(table string) string
	// Last is set if the table has one row, with the key of the last migration: those before it are applied
	// too.
	Last bool
	// Base returns a query for a baseline: the key up to which a database already had everything when the
	// tool was introduced, or no row. It is nil if the tool has no baselines. Upto reports whether a
	// migration is at or before a key.
	Base func(table string) string
	Upto func(m *Migration, key string) bool
	// Same converts a recorded key to the form that Key returns; nil if the forms are equal.
	Same func(key string) string
	// Key returns the recorded key of a migration, Sum the recorded checksum of its file. Sum is nil if the
	// tool records none, and returns "" if only the tool can compute it. A repeatable migration with
	// another checksum is pending.
	Key func(m *Migration) string
	Sum func(m *Migration, content []byte) string
	// Start returns the SQL that records a migration as started, as the tool does before it runs one. It
	// may be run again. It is nil if the tool writes nothing before. Write completes that record.
	Start func(table string, m *Migration, content []byte) string
	// Write returns the SQL that records a migration as applied, after the ones before it.
	Write func(table string, m *Migration, content []byte) string
	// Row returns the condition for the rows that Write adds for a migration. Order is the column by which later rows sort after them. Both are
	// empty if Last is set.
	Row   func(m *Migration) string
	Order string
	// Late is the tool's error for a migration that sorts before an applied one; "" if the tool runs such a
	// migration after the applied ones.
	Late string
	// Run returns the tool's command for one migration. After is the command for what the tool does after
	// all migrations, with the reason. They are nil and "" if the tool has no such command.
	Run   func(m *Migration) string
	After string
	// Missed is the tool's error if an applied migration is gone; "" if the tool continues.
	Missed string
	// Locks returns the keys of advisory locks. A session of the tool holds one of them while it works. It
	// is nil if the tool uses none. The names are not quoted.
	Locks func(database, schema, table string) []int64
	// Busy returns the table in which the tool marks that it is working, and the condition of a row that says so. It is nil if the tool has
	// none.
	Busy func(table string) (marks, condition string)
}

// Digits returns the number at the beginning of the migration's file name, with its leading zeros.
func (m *Migration) Digits() string {
	name := path.Base(m.Path)
	return name[:len(name)-len(strings.TrimLeft(name, "0123456789"))]
}

// KeyOnly returns a query for a table with one row per applied migration, whose key is in a column.
func KeyOnly(column string) func(table string) string {
	return func(table string) string { return fmt.Sprintf("SELECT %s::text, '', false FROM %s", column, table) }
}

// SaltedLock returns the key of an advisory lock that some tools compute from names: their CRC-32,
// multiplied by a constant of the tool.
func SaltedLock(salt uint32, names ...string) int64 {
	return int64(crc32.ChecksumIEEE([]byte(strings.Join(names, "\x00"))) * salt)
}
