package sql

import (
	"path"
	"slices"

	"github.com/onward-sql/onward/internal/adapter"
	"github.com/onward-sql/onward/onward"
)

// refinery is described from its source (0.8: Runner, verify_migrations): a migration is
// always one message in a transaction. Its files have Flyway's names.
var refinery = runner{
	name: "refinery", unit: "migration",
	apart: "a step of the deploy of its own: refinery runs each migration in a transaction",
	historyBehavior: adapter.HistoryBehavior{
		Renamed:    "refinery refuses to run: its name differs from the applied one",
		Edited:     "refinery refuses to run: its checksum differs from the applied one, and comments count",
		Deleted:    "refinery refuses to run: a migration that was applied is missing",
		OutOfOrder: "refinery refuses to run: it takes it for one that is missing in the database", CountsLineEnds: true,
	},
	historyTables: []adapter.HistoryTable{{Table: "refinery_schema_history"}},
	detectNearby: func(p *migrationDir) bool {
		return slices.ContainsFunc(p.ups, func(n string) bool { return isRunByFlyway(p.Join(n), path.Base(n)) }) && p.dependsOn("refinery")
	},
	mode:  onward.TransactionFile,
	whole: true,
	send:  func(f *file) { f.hash = f.text },
	twice: func(string) string {
		return "refinery records versions, and takes one for the other: it refuses to run, as the one that was applied has another name or text"
	},
}
