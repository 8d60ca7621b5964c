package sql

import (
	"hash/crc32"
	"path"
	"regexp"
	"strings"

	"github.com/onward-sql/onward/internal/adapter"
	"github.com/onward-sql/onward/onward"
)

// Rails is described from running it (6.1, TestRails of apply). It runs programs and no SQL files. An SQL file next
// to a program of the same name is the program's SQL, written down so that it can be judged or planned.
//
//   - It records the number at the beginning of the name, without leading zeros. So it does not notice a changed
//     text, a changed name, or a deleted file.
//   - A migration is a transaction, unless it says disable_ddl_transaction!.
//   - It holds a session's advisory lock while it works (pg_try_advisory_lock): a second run stops with
//     ConcurrentMigrationError.
var (
	railsClass = regexp.MustCompile(`<\s*ActiveRecord::Migration\b`)
	railsAlone = regexp.MustCompile(`(?m)^\s*disable_ddl_transaction!`)
)

// railsLock is a constant of Rails, by which it multiplies the checksum of the database's name.
const railsLock = 2053462845

var rails = runner{
	name: "Rails", unit: "migration", apart: "a migration of its own that says\ndisable_ddl_transaction!",
	historyBehavior: adapter.HistoryBehavior{
		Edited:     "Rails records versions, not contents: databases that have it keep what the old text did",
		OutOfOrder: "Rails " + runsAfter,
	},
	historyTables: []adapter.HistoryTable{
		{Table: "schema_migrations"},
		{Table: "ar_internal_metadata", Columns: `(key varchar PRIMARY KEY, value varchar, created_at timestamp NOT NULL, updated_at timestamp NOT NULL)`},
	},
	count: &adapter.Count{
		Table: "schema_migrations",
		Read:  adapter.KeyOnly("version"),
		Key:   railsKey,
		Same:  railsVersion,
		Write: func(table string, m *adapter.Migration, _ []byte) string {
			return "INSERT INTO " + table + " (version) VALUES ('" + railsKey(m) + "')"
		},
		Run: func(*adapter.Migration) string { return "bin/rails db:migrate" },
		Locks: func(database, _, _ string) []int64 {
			return []int64{int64(crc32.ChecksumIEEE([]byte(database))) * railsLock}
		},
	},
	detectNearby: func(p *migrationDir) bool {
		for _, name := range listPrograms(p.tree, p.Path) {
			if path.Ext(name) == ".rb" && railsClass.MatchString(adapter.ReadFile(p.tree, p.Join(name)).Text) {
				return p.recordEvidence(p.Join(name))
			}
		}
		return false
	},
	mode: onward.TransactionFile,
	send: func(f *file) {
		if at := trimExtension(f.m.Path) + ".rb"; adapter.HasFile(f.tree, at) && railsAlone.MatchString(adapter.ReadFile(f.tree, at).Text) {
			f.mode = onward.TransactionNone
		}
	},
	unique: true,
	twice: func(version string) string {
		return "Rails refuses to migrate: Multiple migrations have the version number " + railsVersion(version)
	},
	list: func(p *migrationDir, set *adapter.Set) {
		p.removeFiles(func(name string, _ *adapter.File) bool {
			if adapter.HasFile(p.tree, p.Join(trimExtension(name)+".rb")) {
				return false
			}
			set.Opaque = append(set.Opaque, onward.Opaque{
				Path: p.Join(name), What: "SQL file among the migrations of Rails, which runs none",
				Why: "there is no program of its name beside it: it does not count as a migration",
			})
			return true
		})
	},
	finish: func(t adapter.Tree, set *adapter.Set) {
		set.Beyond = func() (out []adapter.Beyond) {
			for _, m := range set.Migrations {
				out = append(out, adapter.Beyond{Path: trimExtension(m.Path) + ".rb", Key: railsKey(m), What: "a program (Ruby)"})
			}
			return out
		}
	},
}

// railsKey returns the key in the table for a migration.
func railsKey(m *adapter.Migration) string { return railsVersion(m.Digits()) }

// railsVersion returns a version in the form that Rails compares: 001 is 1.
func railsVersion(digits string) string {
	if rest := strings.TrimLeft(digits, "0"); rest != "" {
		return rest
	}
	return "0"
}
