package sql

import (
	"path"
	"slices"

	"github.com/onward-sql/onward/internal/adapter"
	"github.com/onward-sql/onward/onward"
)

// Drizzle is described from its source (0.45, and 1.0 with a directory for each
// migration: PgDialect.migrate), and the tests of internal/adapter/realrunners run it.
// All pending migrations run in one transaction. An entry of the journal is pending if it
// is newer than the newest applied one (drizzle_journal.go).
var drizzle = runner{
	name: "Drizzle", unit: "pending files",
	apart:           "a step of the deploy of its own: Drizzle runs all that is pending in one transaction",
	historyBehavior: adapter.HistoryBehavior{Edited: "Drizzle does not run it again: databases that have it keep what the old text did"},
	historyTables:   []adapter.HistoryTable{{Table: "__drizzle_migrations"}},
	found: func(t adapter.Tree, d adapter.Dir) string {
		if !adapter.HasFile(t, d.Join(journalFile)) {
			return ""
		}
		return "SQL files beside Drizzle's journal"
	},
	database: readDrizzleDialect,
	detectNearby: func(p *migrationDir) bool {
		return loadJournal(p.tree, p.Path).controlsOrder(p.ups) && p.recordEvidence(p.Join(journalFile)) || slices.ContainsFunc(p.ups, p.hasSnapshot)
	},
	mode:       onward.TransactionFile,
	whole:      true, // each piece is one message
	sure:       func(string) bool { return true },
	send:       func(f *file) { f.regions = cutAtBreakpoints(f.text) },
	unnumbered: true, // its journal has names and times
	finish: func(t adapter.Tree, set *adapter.Set) {
		set.Together = true
		set.Models, set.Partial = readDrizzleModels(t), true
		j := loadJournal(t, set.Source.Dir)
		j.sortByJournal(set)
		set.Count = j.describeDrizzleTable(set)
	},
	left: func(t adapter.Tree, set *adapter.Set) { loadJournal(t, set.Source.Dir).reportLeftover(set) },
}

// hasSnapshot reports whether a migration is one of Drizzle's directories, which have a
// snapshot of the schema next to the SQL.
func (p *migrationDir) hasSnapshot(name string) bool {
	dir, file := path.Split(name)
	return dir != "" && file == "migration.sql" && p.hasFile(dir+"snapshot.json")
}
