package sql

import (
	"fmt"
	"path"
	"strings"

	"github.com/onward-sql/onward/internal/adapter"
	"github.com/onward-sql/onward/internal/lazyregexp"
	"github.com/onward-sql/onward/onward"
)

var (
	ternFile = lazyregexp.New(`^(\d+)_.+\.sql$`)
	// ternAlone matches the line that makes tern open no transaction.
	ternAlone  = compilePattern(`^---- tern: disable-tx ----\r?$`)
	ternMarker = "---- create above / drop below ----"
)

// tern is described from its source (2.4.2: migrate): the numbers are 1, 2, 3 … without a
// gap, and the last one that ran is recorded. A file is one message in a transaction;
// without a transaction it is sent statement by statement.
var tern = runner{
	name: "tern", apart: "a file of its own, with this as a line of it:\n---- tern: disable-tx ----",
	waitsFor: "pg_advisory_lock",
	historyBehavior: adapter.HistoryBehavior{
		Edited:     "tern records the number of the last one: databases that have it keep what the old text did",
		Deleted:    "tern refuses to run: numbers must have no gap, and the last one cannot be lower than the database's",
		OutOfOrder: "tern skips it: a database has the number of the last one that ran, and goes on after it",
	},
	historyTables: []adapter.HistoryTable{{Table: "schema_version", Columns: `(version integer NOT NULL)`}},
	detectNearby:  func(p *migrationDir) bool { return p.hasFile("tern.conf") },
	detectInside: func(p *migrationDir) bool {
		return areNumbersContiguous(p.ups) && (p.hasFileAbove("tern.conf") || p.isHalfOfKind(func(text string) bool { return strings.Contains(text, ternMarker) }))
	},
	mode: onward.TransactionFile,
	marks: &marks{
		down: compilePattern(`^---- create above / drop below ----\r?$`), words: []string{"tern:", "Tern:", "TERN:", "drop below"},
		mode: onward.TransactionFile, none: onward.TransactionNone, off: ternAlone, offDown: ternAlone, cutsAlone: true,
	},
	twice: func(version string) string {
		return "tern refuses to run: \"Duplicate migration " + strings.TrimLeft(version, "0") + "\""
	},
	finish: func(_ adapter.Tree, set *adapter.Set) {
		reportNumberGaps(set, func(missing int) string { return fmt.Sprintf("tern refuses to run: \"Missing migration %d\"", missing) })
	},
}

// areNumbersContiguous reports whether the names have the numbers 1, 2, 3 ….
func areNumbersContiguous(names []string) bool {
	for i, n := range names {
		if m := ternFile.FindStringSubmatch(n); m == nil || parseDigits(m[1]) != i+1 {
			return false
		}
	}
	return len(names) > 1
}

// reportNumberGaps reports missing numbers, beginning at 1. stop says what the tool does at one.
func reportNumberGaps(set *adapter.Set, stop func(missing int) string) {
	expected := 1
	for _, m := range set.Migrations {
		if m.Version == "" {
			continue
		}
		n := parseDigits(m.Version)
		if n > expected {
			set.Problems = append(set.Problems, adapter.Problem{Path: m.Path, Refusal: newFileRefusal(
				fmt.Sprintf("number %d is missing before %s", expected, path.Base(m.Path)), stop(expected),
				fmt.Sprintf("number them without a gap: this one is %0*d", len(m.Version), expected))})
		}
		expected = n + 1
	}
}
