package sql

import (
	"fmt"
	"slices"
	"strconv"
	"time"

	"github.com/onward-sql/onward/internal/adapter"
	"github.com/onward-sql/onward/internal/pgparse"
)

// drizzleTableName is the table of Drizzle's migrator if its settings name no other one.
const drizzleTableName = "drizzle.__drizzle_migrations"

// describeJournalTable describes the table of Drizzle up to 0.45: a row has the time that the journal gives a migration. Drizzle
// compares only the newest one, and no hash.
func (j journal) describeJournalTable() *adapter.Count {
	key := func(m *adapter.Migration) string { return strconv.FormatInt(j[m.ID], 10) }
	return &adapter.Count{
		Table: drizzleTableName,
		Read:  adapter.KeyOnly("created_at"),
		Key:   key,
		Sum:   drizzleHash,
		Write: func(table string, m *adapter.Migration, content []byte) string {
			return fmt.Sprintf("INSERT INTO %s (hash, created_at) VALUES ('%s', %s)", table, drizzleHash(m, content), key(m))
		},
		Row:   func(m *adapter.Migration) string { return "created_at = " + key(m) },
		Order: "created_at",
		Late:  drizzleSkips,
	}
}

// directoryCount describes the table of Drizzle since 1.0: a row has the name of a migration's directory. Drizzle itself
// adds the column for the name to an older table.
var directoryCount = &adapter.Count{
	Table: drizzleTableName,
	Read:  adapter.KeyOnly("name"),
	Key:   func(m *adapter.Migration) string { return m.ID },
	Sum:   drizzleHash,
	Write: func(table string, m *adapter.Migration, content []byte) string {
		createdAt, _ := directoryTime(m)
		return fmt.Sprintf("INSERT INTO %s (hash, created_at, name) VALUES ('%s', %d, %s)", table, drizzleHash(m, content), createdAt.UnixMilli(),
			pgparse.QuoteLiteral(m.ID))
	},
	Row:   func(m *adapter.Migration) string { return "name = " + pgparse.QuoteLiteral(m.ID) },
	Order: "id",
}

// directoryTime returns the time at the beginning of the name of a migration's directory.
func directoryTime(m *adapter.Migration) (time.Time, error) {
	const layout = "20060102150405"
	return time.Parse(layout, m.ID[:min(len(m.ID), len(layout))])
}

// drizzleHash returns the hash of a file that Drizzle records.
func drizzleHash(_ *adapter.Migration, content []byte) string { return fileSHA256(content) }

// describeDrizzleTable returns how Drizzle records the migrations of a set; nil if it would not run some of them.
func (j journal) describeDrizzleTable(set *adapter.Set) *adapter.Count {
	unnamed := func(m *adapter.Migration) bool { _, exists := j[m.ID]; return !exists }
	untimed := func(m *adapter.Migration) bool { _, err := directoryTime(m); return err != nil }
	switch {
	case j != nil && !slices.ContainsFunc(set.Migrations, unnamed):
		return j.describeJournalTable()
	case j == nil && !slices.ContainsFunc(set.Migrations, untimed):
		return directoryCount
	}
	return nil
}
