package sql

import (
	"slices"

	"github.com/onward-sql/onward/internal/adapter"
	"github.com/onward-sql/onward/internal/lazyregexp"
	"github.com/onward-sql/onward/onward"
)

var postgratorName = lazyregexp.New(`^\d+\.do\.(?:.*\.)?sql$`)

// postgrator is described from its source (8.0: getRunnableMigrations, runMigrations) and run (8.0.0): a file is one message. It runs the
// numbers above the highest applied one, and never an undo file.
var postgrator = runner{
	name: "postgrator", apart: "a file of its own: a file of one statement is sent without a transaction",
	historyBehavior: adapter.HistoryBehavior{
		Edited:     "postgrator refuses to run: \"MD5 checksum failed\", unless validateChecksums is off",
		OutOfOrder: "postgrator remembers the highest number only: a database that is past it skips this one for good, without a word",
		LastOnly:   true, CountsLineEnds: true,
	},
	historyTables: []adapter.HistoryTable{{
		Table: "schemaversion", Columns: `(version bigint PRIMARY KEY, name text, md5 text, run_at timestamptz)`,
	}},
	detectNearby: func(p *migrationDir) bool {
		return slices.ContainsFunc(p.ups, postgratorName.MatchString) && p.nearestFileHas("package.json", `"postgrator`)
	},
	list: func(p *migrationDir, _ *adapter.Set) {
		p.removeFiles(func(n string, _ *adapter.File) bool { return !postgratorName.MatchString(n) })
	},
	mode:   onward.TransactionMessage,
	whole:  true,
	send:   func(f *file) { f.hash = f.text },
	unique: true,
	twice: func(version string) string {
		return "postgrator refuses to run: two migrations have the version " + version
	},
}
