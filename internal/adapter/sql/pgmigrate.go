package sql

import (
	"path"
	"slices"
	"strings"

	"github.com/onward-sql/onward/internal/adapter"
	"github.com/onward-sql/onward/internal/lazyregexp"
	"github.com/onward-sql/onward/onward"
)

var pgmigrateName = lazyregexp.New(`^V\d+__.+\.sql$`)

// pgmigrate, by Yandex, is described from its source (1.0: _get_info, migrate) and run (1.0.13). Its files have Flyway's names, and all that
// are pending are one transaction. A file with NONTRANSACTIONAL in its name runs outside of one, and not beside others.
var pgmigrate = runner{
	name: "pgmigrate", unit: "pending files",
	apart: "a release of its own, as a file with this word in its name:\nV0042__NONTRANSACTIONAL_what_it_does.sql",
	historyBehavior: adapter.HistoryBehavior{
		Edited:     "pgmigrate records versions, not contents: databases that have it keep what the old text did",
		OutOfOrder: "pgmigrate skips it for good, with exit code 0: it runs versions above the highest applied one only",
	},
	historyTables: []adapter.HistoryTable{{Table: "schema_version"}},
	detectNearby: func(p *migrationDir) bool {
		return path.Base(p.Path) == "migrations" && slices.ContainsFunc(p.ups, pgmigrateName.MatchString) && slices.ContainsFunc(
			[]string{"migrations.yml", "migration.yml"}, func(name string) bool {
				settings := path.Join(path.Dir(p.Path), name)
				return adapter.HasFile(p.tree, settings) && p.recordEvidence(settings)
			})
	},
	names: pgmigrateName, nameForm: "VNUMBER__words.sql", nameExample: "V0042__what_it_does.sql",
	mode: onward.TransactionFile,
	send: func(f *file) {
		if strings.Contains(f.name, "NONTRANSACTIONAL") {
			f.mode = onward.TransactionNone
		}
	},
	unique: true,
	twice: func(string) string {
		return "pgmigrate refuses to run: \"Found migrations with same version\""
	},
	finish: func(_ adapter.Tree, set *adapter.Set) { set.Together, set.TogetherIfAll = true, true },
}
