package sql

import (
	"path"
	"slices"
	"strconv"
	"strings"

	"github.com/onward-sql/onward/internal/adapter"
	"github.com/onward-sql/onward/internal/history"
	"github.com/onward-sql/onward/internal/lazyregexp"
	"github.com/onward-sql/onward/onward"
)

var refineryName = lazyregexp.New(`^[UV|](\d+(?:\.\d+)?)__[\pL\pM\pN\p{Pc}]+\.sql$`)

// refinery is described from its source (0.10: Runner, verify_migrations) and run (0.10.0): a migration is
// always one message in a transaction. Its files have Flyway's names, but U2__x.sql is a migration that may come late.
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
		return slices.ContainsFunc(p.Names, refineryName.MatchString) && p.dependsOn("refinery")
	},
	names: refineryName, nameForm: "VNUMBER__words.sql or UNUMBER__words.sql, with letters, digits and _ in its words", nameExample: "V2__what_it_does.sql",
	mode:     onward.TransactionFile,
	whole:    true,
	rowTable: history.BareRow,
	send: func(f *file) {
		f.hash = f.text
		f.m.Late = strings.HasPrefix(f.name, "U")
		refuseRefineryVersion(f)
	},
	unique: true,
	twice: func(string) string {
		return "refinery records versions, and takes one for the other: it refuses to run, as the one that was applied has another name or text"
	},
}

// refuseRefineryVersion reports a version that refinery cannot read: it then loads no migration at all.
func refuseRefineryVersion(f *file) {
	name := refineryName.FindStringSubmatch(f.name)
	if name == nil {
		return
	}
	version, dir := name[1], path.Dir(f.m.Path)
	bits := adapter.Memoize(f.tree, "bits of a version of refinery in "+dir, func() int {
		if cargo, ok := adapter.NearestFile(f.tree, dir, "Cargo.toml"); ok && strings.Contains(adapter.ReadFile(f.tree, cargo).Text, "int8-versions") {
			return 64
		}
		return 32
	})
	if _, err := strconv.ParseInt(version, 10, bits); err != nil {
		f.m.Refuse(0, "refinery cannot read the version "+version+": it is not a whole number of "+strconv.Itoa(bits)+" bits",
			"refinery loads no migration, and stops: \"migration version must be a valid integer\"",
			"give it the next whole number; the feature int8-versions allows 64 bits")
	}
}
