package sql

import (
	"fmt"
	"path"
	"regexp"
	"strings"

	"github.com/onward-sql/onward/internal/adapter"
	"github.com/onward-sql/onward/onward"
)

var (
	ternFile = regexp.MustCompile(`^(\d+)_.+\.sql$`)
	// ternAlone is the line with which tern opens no transaction.
	ternAlone  = re(`^---- tern: disable-tx ----\r?$`)
	ternMarker = "---- create above / drop below ----"
)

// tern was read in its source (2.4.2: migrate): the numbers are 1, 2, 3 … without a
// gap, the one that was run last is recorded, and a file is one message in a
// transaction; without one, it goes statement by statement.
var tern = runner{
	name: "tern", apart: "a file of its own, with this as a line of it:\n---- tern: disable-tx ----",
	habits: adapter.Habits{
		Edited:     "tern records the number of the last one: databases that have it keep what the old text did",
		Deleted:    "tern refuses to run: numbers must have no gap, and the last one cannot be behind that of the database",
		OutOfOrder: "tern skips it: a database has the number of the last one that ran, and goes on behind it",
	},
	books:  []adapter.Book{{Table: "schema_version", Columns: `(version integer NOT NULL)`}},
	beside: func(p *place) bool { return p.has("tern.conf") },
	within: func(p *place) bool {
		return contiguous(p.ups) && (p.above("tern.conf") || p.half(func(text string) bool { return strings.Contains(text, ternMarker) }))
	},
	mode: onward.TransactionFile,
	marks: &marks{
		down: re(`^---- create above / drop below ----\r?$`), words: []string{"tern:", "Tern:", "TERN:", "drop below"},
		mode: onward.TransactionFile, none: onward.TransactionNone, off: ternAlone, offDown: ternAlone, cutsAlone: true,
	},
	twice: func(version string) string {
		return "tern refuses to run: \"Duplicate migration " + strings.TrimLeft(version, "0") + "\""
	},
	finish: ternGaps,
}

// contiguous reports whether the names have the numbers 1, 2, 3 ….
func contiguous(names []string) bool {
	for i, n := range names {
		if m := ternFile.FindStringSubmatch(n); m == nil || number(m[1]) != i+1 {
			return false
		}
	}
	return len(names) > 1
}

// ternGaps notes the numbers that are missing, at which tern stops.
func ternGaps(_ adapter.Tree, set *adapter.Set) {
	expected := 1
	for _, m := range set.Migrations {
		if m.Version == "" {
			continue
		}
		n := number(m.Version)
		if n > expected {
			set.Problems = append(set.Problems, adapter.Problem{Path: m.Path, Refusal: refusal(
				fmt.Sprintf("number %d is missing in front of %s", expected, path.Base(m.Path)),
				fmt.Sprintf("tern refuses to run: \"Missing migration %d\"", expected),
				fmt.Sprintf("number them without a gap: this one is %0*d", len(m.Version), expected))})
		}
		expected = n + 1
	}
}
