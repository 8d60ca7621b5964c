package adapter

import (
	"fmt"
	"hash/crc32"
	"path"
	"strings"
)

// Count is how a tool keeps count of the migrations that a database has, so that somebody else
// can run them and the tool goes on as if it had. Names of tables that its functions are given
// are qualified and quoted.
type Count struct {
	// Table is its name, as the tool has it where nothing else is configured.
	Table string
	// Make is the SQL that makes it, as the tool does; nil where only the tool can.
	Make func(table string) string
	// Begin is what the tool says of a schema that has something already, but not the table; "" where it
	// makes the table there, too.
	Begin string
	// Read is a query for what is there: key text, sum text ("" for none), and whether
	// the tool says that it was begun and not finished.
	Read func(table string) string
	// Last: it has one row, with the key of the last migration; those before it are applied, too.
	Last bool
	// Base is a query for the key up to which a database had everything when the tool came to it, or for
	// no row; nil where there is no such thing. Upto reports whether a migration is not behind a key.
	Base func(table string) string
	Upto func(m *Migration, key string) bool
	// Same is a key that is there, written as Key writes it; nil where they are equal.
	Same func(key string) string
	// Key is what stands there for a migration, Sum for its file's content; nil for none, "" where nobody
	// but the tool can tell. A repeatable migration is pending where it is another.
	Key func(m *Migration) string
	Sum func(m *Migration, content []byte) string
	// Start is the SQL that notes a migration as begun, as the tool does before it runs one, and may be run
	// again; nil where the tool writes nothing before. Write ends what it began.
	Start func(table string, m *Migration, content []byte) string
	// Write is the SQL that notes a migration as applied, behind the ones before it.
	Write func(table string, m *Migration, content []byte) string
	// Late says that the tool refuses a migration which sorts before an applied one, and what it
	// says; "": it runs it after them.
	Late string
	// Run is the tool's command for one migration, and After the one that does what the tool does
	// behind all of them, with the reason; nil and "" where there is no such thing.
	Run   func(m *Migration) string
	After string
	// Missed says that the tool refuses to go on where an applied one is gone; "": it goes on.
	Missed string
	// Locks are the keys of advisory locks, of which a session of the tool holds one while it works; nil
	// for none. The names are not quoted.
	Locks func(database, schema, table string) []int64
}

// Digits is the number at the beginning of a migration's file, as it stands there.
func (m *Migration) Digits() string {
	name := path.Base(m.Path)
	return name[:len(name)-len(strings.TrimLeft(name, "0123456789"))]
}

// KeyOnly is a query for a table of which a column has the keys of all that was applied.
func KeyOnly(column string) func(table string) string {
	return func(table string) string { return fmt.Sprintf("SELECT %s::text, '', false FROM %s", column, table) }
}

// SaltedLock is the key of an advisory lock that some tools make of names: their CRC-32, times a number of
// their own.
func SaltedLock(salt uint32, names ...string) int64 {
	return int64(crc32.ChecksumIEEE([]byte(strings.Join(names, "\x00"))) * salt)
}
