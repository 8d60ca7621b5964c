package sql

import (
	"slices"
	"strings"

	"github.com/onward-sql/onward/internal/adapter"
	"github.com/onward-sql/onward/internal/history"
	"github.com/onward-sql/onward/internal/lazyregexp"
	"github.com/onward-sql/onward/onward"
)

var popName = lazyregexp.New(`^\d+_[^.]+\.(?:\w+\.)*up\.sql$`)

// pop is described from its source (6.1: Migrator.Exec, and ory's popx): it sends a file
// in one call, in a transaction unless its name has "autocommit". A version has a file
// for each database, or one for all.
var pop = runner{
	name: "pop",
	historyBehavior: adapter.HistoryBehavior{
		Edited:     "pop records versions, not contents: databases that have it keep what the old text did",
		OutOfOrder: "pop " + runsAfter,
	},
	historyTables: []adapter.HistoryTable{{
		Table:   "schema_migration",
		Columns: `(version varchar(14) NOT NULL PRIMARY KEY, version_self integer NOT NULL DEFAULT 0)`,
	}},
	detectNearby: func(p *migrationDir) bool {
		return slices.ContainsFunc(p.ups, func(n string) bool { return popName.MatchString(n) && adapter.UsesPop(p.tree, p.Path) })
	},
	// It takes another word before .up.sql for the name of a database. Only ory's knows "autocommit".
	list: func(p *migrationDir, set *adapter.Set) {
		if p.nearestFileHas("go.mod", "github.com/ory/") {
			return
		}
		p.passOver(set, func(name string) bool { return strings.Contains(name, ".autocommit.") },
			"pop passes over %s: it takes autocommit for the name of a database", "take the word out of the name; pop runs each file in a transaction")
	},
	// It records versions: the rest of the name may change.
	id:       func(_, name string) string { id, _, _ := strings.Cut(name, "."); return id },
	mode:     onward.TransactionFile,
	whole:    true,
	rowTable: history.BareRow,
	sure:     func(string) bool { return true },
	send: func(f *file) {
		if strings.Contains(f.name, ".autocommit.") {
			f.mode = onward.TransactionMessage
			f.m.Runner.Rerun = true
		}
	},
}
