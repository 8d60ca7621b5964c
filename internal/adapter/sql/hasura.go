package sql

import (
	"github.com/onward-sql/onward/internal/adapter"
	"github.com/onward-sql/onward/onward"
)

// Hasura is described from its manual (migrations, run_sql): a directory for each migration, with an up.sql and a down.sql, below the one of
// the database. Each up.sql is one message in a transaction. Hasura records the number at the beginning of the directory's name.
var hasura = runner{
	name: "Hasura", apart: "a migration that is run by hand, and marked as applied with\nhasura migrate apply --skip-execution --version NUMBER",
	historyBehavior: adapter.HistoryBehavior{
		Edited:     "Hasura records versions, not contents: databases that have it keep what the old text did",
		OutOfOrder: "Hasura " + runsAfter,
	},
	historyTables: []adapter.HistoryTable{{Table: "schema_migrations"}},
	detectNearby: func(p *migrationDir) bool {
		return len(listInnerFiles(p.tree, p.Path)) > 0 && p.nearestFileHas("config.yaml", "metadata_directory")
	},
	mode:   onward.TransactionFile,
	whole:  true,
	unique: true,
	twice:  func(string) string { return "Hasura records versions, and none twice: it runs one of the two" },
}
