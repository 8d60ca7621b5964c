package sql

import (
	"path"
	"slices"

	"github.com/onward-sql/onward/internal/adapter"
	"github.com/onward-sql/onward/onward"
)

// Drizzle was read in its source (0.45, and 1.0 with a directory for each migration:
// PgDialect.migrate) and is run by the tests of internal/adapter/realrunners: all that
// is pending runs in one transaction, and an entry of the journal is pending when it is
// younger than the youngest that was applied (drizzle_journal.go).
var drizzle = runner{
	name: "Drizzle", unit: "pending files",
	apart:  "a step of the deploy of its own: Drizzle runs all that is pending in one transaction",
	habits: adapter.Habits{Edited: "Drizzle does not run it again: databases that have it keep what the old text did"},
	books:  []adapter.Book{{Table: "__drizzle_migrations"}},
	found: func(t adapter.Tree, d adapter.Dir) string {
		if !adapter.Has(t, d.Join(journalFile)) {
			return ""
		}
		return "SQL files beside Drizzle's journal"
	},
	beside: func(p *place) bool {
		return journalOf(p.tree, p.Path).leads(p.ups) && p.told(p.Join(journalFile)) || slices.ContainsFunc(p.ups, p.withSnapshot)
	},
	mode:       onward.TransactionFile,
	whole:      true, // each piece
	sure:       func(string) bool { return true },
	send:       func(f *file) { f.regions = pieces(f.text) },
	unnumbered: true, // its journal has names and times
	finish: func(t adapter.Tree, set *adapter.Set) {
		set.Together = true
		set.Models, set.Partial = drizzleModels(t), true
		journalOf(t, set.Source.Dir).order(set)
	},
	left: func(t adapter.Tree, set *adapter.Set) { journalOf(t, set.Source.Dir).left(set) },
}

// withSnapshot reports whether a migration is one of Drizzle's directories, which
// have a snapshot of the schema beside the SQL.
func (p *place) withSnapshot(name string) bool {
	dir, file := path.Split(name)
	return dir != "" && file == "migration.sql" && p.has(dir+"snapshot.json")
}
