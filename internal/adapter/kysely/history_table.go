package kysely

import (
	"github.com/onward-sql/onward/internal/adapter"
	"github.com/onward-sql/onward/internal/adapter/jscode"
	"github.com/onward-sql/onward/internal/pgparse"
)

// lockKey is the key of the advisory lock that Kysely's transaction holds (dialect/postgres/postgres-adapter.ts).
const lockKey = 3853314791062309107

// describeHistoryTable describes Kysely's table kysely_migration: it has a row with the name of each migration.
func describeHistoryTable(jscode.Settings, string) *adapter.Count {
	return &adapter.Count{
		Table: historyTable,
		Read:  adapter.KeyOnly("name"),
		Key:   func(m *adapter.Migration) string { return m.ID },
		Write: func(table string, m *adapter.Migration, _ []byte) string {
			return "INSERT INTO " + table + ` (name, "timestamp") VALUES (` + pgparse.QuoteLiteral(m.ID) +
				`, to_char(clock_timestamp() AT TIME ZONE 'UTC', 'YYYY-MM-DD"T"HH24:MI:SS.MS"Z"'))`
		},
		Row:   func(m *adapter.Migration) string { return "name = " + pgparse.QuoteLiteral(m.ID) },
		Order: "name",
		Locks: func(_, _, _ string) []int64 { return []int64{lockKey} },
	}
}
