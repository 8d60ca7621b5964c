package sql

import (
	"slices"

	"github.com/onward-sql/onward/internal/adapter"
	"github.com/onward-sql/onward/internal/lazyregexp"
	"github.com/onward-sql/onward/onward"
)

// maraguName matches the names of the files that maragu.dev/migrate runs. Its pattern has bare dots: it runs 1_a_up.sql, too.
var maraguName = lazyregexp.New(`^([\w-]+).up.sql$`)

// maragu is described from its source (v0.6.0) and run by the tests of realrunners: a file is one message in a
// transaction, after the row that records it. It sorts names as texts and records the last one.
var maragu = runner{
	name: "maragu.dev/migrate", apart: "a step of the deploy of its own: maragu.dev/migrate runs each file in a transaction",
	historyBehavior: adapter.HistoryBehavior{
		Renamed:    "maragu.dev/migrate remembers the last name only: a name that sorts after it runs again",
		Edited:     "maragu.dev/migrate records the last name: databases that have it keep what the old text did",
		Deleted:    "maragu.dev/migrate does not notice: it goes on with the names after the last one",
		OutOfOrder: "maragu.dev/migrate remembers the last name only: a database that is past it skips this one for good, without a word",
		LastOnly:   true,
	},
	historyTables: []adapter.HistoryTable{{Table: "migrations", Columns: `(version text NOT NULL)`}},
	detectNearby: func(p *migrationDir) bool {
		user := adapter.UsesMaragu(p.tree, p.Path)
		return user != "" && slices.ContainsFunc(p.ups, maraguName.MatchString) && p.recordEvidence(user)
	},
	names: maraguName, nameForm: "NAME.up.sql", nameExample: "0042-what-it-does.up.sql",
	list:  sortAsText,
	id:    func(file, _ string) string { return maraguName.ReplaceAllString(file, "$1") },
	mode:  onward.TransactionFile,
	whole: true,
	sure:  func(string) bool { return true },
}
