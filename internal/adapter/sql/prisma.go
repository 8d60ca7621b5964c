package sql

import (
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"path"

	"github.com/onward-sql/onward/internal/adapter"
	"github.com/onward-sql/onward/internal/pgparse"
	"github.com/onward-sql/onward/onward"
)

// Prisma is described from its manual: a directory for each migration, whose file is one message.
var prisma = runner{
	name: "Prisma", apart: "a migration of its own: a file of one statement is sent without a transaction",
	waitsFor: "pg_advisory_lock",
	historyBehavior: adapter.HistoryBehavior{
		Renamed:    "Prisma knows a migration by the name of its directory: databases that ran it run it again",
		Edited:     "Prisma does not run it again: databases that have it keep what the old text did",
		OutOfOrder: "Prisma " + runsAfter,
	},
	historyTables: []adapter.HistoryTable{{Table: "_prisma_migrations", Columns: prismaColumns}},
	count:         prismaCount,
	detectNearby:  func(p *migrationDir) bool { return p.hasFile("migration_lock.toml") },
	database:      readPrismaProvider,
	list:          sortAsText,
	loose:         true,
	owns:          func(name string) bool { return name == "migration.sql" },
	send: func(f *file) {
		if f.name == "migration.sql" {
			f.mode, f.whole = onward.TransactionMessage, true
			if sendsStatementsSeparately(f) {
				f.mode, f.whole = onward.TransactionNone, false
			}
		}
	},
	form: &adapter.Form{Up: "/migration.sql", Transaction: onward.TransactionMessage, Lone: true, Texts: true},
	finish: func(t adapter.Tree, set *adapter.Set) {
		set.Models, set.Partial = PrismaModels(t, set.Source.Dir), true
		set.Mends = "prisma migrate dev writes it"
	},
}

const (
	prismaColumns = `(id varchar(36) PRIMARY KEY, checksum varchar(64) NOT NULL, finished_at timestamptz, migration_name varchar(255) NOT NULL, logs text, rolled_back_at timestamptz, started_at timestamptz NOT NULL DEFAULT now(), applied_steps_count integer NOT NULL DEFAULT 0)`
	// prismaLock is the key of the advisory lock of Prisma's schema engine.
	prismaLock = 72707369
)

// prismaCount describes Prisma's table: it has a row for each attempt. Prisma stops if an attempt neither ended nor
// was marked as rolled back.
var prismaCount = &adapter.Count{
	Table: "_prisma_migrations",
	Make:  func(table string) string { return "CREATE TABLE " + table + " " + prismaColumns },
	Read: func(table string) string {
		return "SELECT migration_name, checksum, finished_at IS NULL FROM " + table + " WHERE rolled_back_at IS NULL"
	},
	Key: prismaName,
	Sum: func(_ *adapter.Migration, content []byte) string { return fileSHA256(content) },
	Start: func(table string, m *adapter.Migration, content []byte) string {
		return fmt.Sprintf("INSERT INTO %s (id, checksum, migration_name) SELECT md5(random()::text || clock_timestamp())::uuid::text, '%s', "+
			"%s WHERE NOT EXISTS (SELECT FROM %[1]s WHERE %[4]s)",
			table, fileSHA256(content), pgparse.QuoteLiteral(prismaName(m)), prismaStartedCondition(m))
	},
	Write: func(table string, m *adapter.Migration, content []byte) string {
		return fmt.Sprintf("WITH ended AS (UPDATE %s SET finished_at = clock_timestamp(), applied_steps_count = 1 WHERE %[4]s RETURNING id) "+
			"INSERT INTO %[1]s (id, checksum, finished_at, migration_name, applied_steps_count) SELECT md5(random()::text || clock_timestamp())::uuid::text, "+
			"'%[2]s', clock_timestamp(), %[3]s, 1 WHERE NOT EXISTS (SELECT FROM ended)",
			table, fileSHA256(content), pgparse.QuoteLiteral(prismaName(m)), prismaStartedCondition(m))
	},
	Row: func(m *adapter.Migration) string {
		return "migration_name = " + pgparse.QuoteLiteral(prismaName(m)) + " AND rolled_back_at IS NULL"
	},
	Order: "finished_at",
	Locks: func(string, string, string) []int64 { return []int64{prismaLock} },
}

// prismaName returns the name of the migration's directory.
func prismaName(m *adapter.Migration) string { return path.Base(path.Dir(m.Path)) }

// prismaStartedCondition returns a condition for rows of a migration that was started, and neither ended nor was marked as
// rolled back.
func prismaStartedCondition(m *adapter.Migration) string {
	return "migration_name = " + pgparse.QuoteLiteral(prismaName(m)) + " AND finished_at IS NULL AND rolled_back_at IS NULL"
}

// fileSHA256 returns the hash of a file as hexadecimal digits.
func fileSHA256(content []byte) string {
	hash := sha256.Sum256(content)
	return hex.EncodeToString(hash[:])
}
