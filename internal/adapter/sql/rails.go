package sql

import (
	"hash/crc32"
	"path"
	"regexp"
	"strings"

	"github.com/onward-sql/onward/internal/adapter"
	"github.com/onward-sql/onward/onward"
)

// Rails was run (6.1, TestRails of apply). It runs programs, and no SQL file: one beside a program of its name is
// what the program does, written down, for who wants to judge or plan it.
//
//   - It records the number in front of the name, without zeros before it, and so misses neither another
//     text nor another name, nor a file that is gone.
//   - A migration is a transaction, unless it says disable_ddl_transaction!.
//   - It holds an advisory lock for as long as it works, by a session (pg_try_advisory_lock): another one stops with
//     ConcurrentMigrationError.
var (
	railsClass = regexp.MustCompile(`<\s*ActiveRecord::Migration\b`)
	railsAlone = regexp.MustCompile(`(?m)^\s*disable_ddl_transaction!`)
)

// railsLock is Rails' number, by which it multiplies the sum of the database's name.
const railsLock = 2053462845

var rails = runner{
	name: "Rails", unit: "migration", apart: "a migration of its own that says\ndisable_ddl_transaction!",
	habits: adapter.Habits{
		Edited:     "Rails records versions, not contents: databases that have it keep what the old text did",
		OutOfOrder: "Rails " + runsAfter,
	},
	books: []adapter.Book{
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
	beside: func(p *place) bool {
		for _, name := range programs(p.tree, p.Path) {
			if path.Ext(name) == ".rb" && railsClass.MatchString(adapter.ReadFile(p.tree, p.Join(name)).Text) {
				return p.told(p.Join(name))
			}
		}
		return false
	},
	mode: onward.TransactionFile,
	send: func(f *file) {
		if at := stem(f.m.Path) + ".rb"; adapter.Has(f.tree, at) && railsAlone.MatchString(adapter.ReadFile(f.tree, at).Text) {
			f.mode = onward.TransactionNone
		}
	},
	unique: true,
	twice: func(version string) string {
		return "Rails refuses to migrate: Multiple migrations have the version number " + railsVersion(version)
	},
	list: func(p *place, set *adapter.Set) {
		p.drop(func(name string, _ *adapter.File) bool {
			if adapter.Has(p.tree, p.Join(stem(name)+".rb")) {
				return false
			}
			set.Opaque = append(set.Opaque, onward.Opaque{
				Path: p.Join(name), What: "SQL file among the migrations of Rails, which runs none",
				Why: "no program of its name stands beside it: it was not taken for a migration",
			})
			return true
		})
	},
	finish: func(t adapter.Tree, set *adapter.Set) {
		set.Beyond = func() (out []adapter.Beyond) {
			for _, m := range set.Migrations {
				out = append(out, adapter.Beyond{Path: stem(m.Path) + ".rb", Key: railsKey(m), What: "a program (Ruby)"})
			}
			return out
		}
	},
}

// railsKey is what stands in the table for a migration.
func railsKey(m *adapter.Migration) string { return railsVersion(m.Digits()) }

// railsVersion is a version as Rails compares it: 001 is 1.
func railsVersion(digits string) string {
	if rest := strings.TrimLeft(digits, "0"); rest != "" {
		return rest
	}
	return "0"
}
