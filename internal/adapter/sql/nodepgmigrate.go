package sql

import (
	"regexp"
	"slices"
	"strings"

	"github.com/onward-sql/onward/internal/adapter"
	"github.com/onward-sql/onward/onward"
)

// node-pg-migrate was read in its source (8.0: runner, Migration) and is run by the tests
// of internal/adapter/realrunners: all that is pending runs in one transaction unless it
// is told otherwise.
var nodePg = runner{
	name: "node-pg-migrate", unit: "pending files", apart: "a migration in JavaScript that calls\npgm.noTransaction()",
	habits: adapter.Habits{
		Renamed:    "node-pg-migrate records names, and refuses to run (\"Not run migration … is preceding already run migration\")",
		Edited:     "node-pg-migrate records names, not contents: databases that have it keep what the old text did",
		Deleted:    "node-pg-migrate refuses to run what comes behind it (\"Not run migration … is preceding already run migration\")",
		OutOfOrder: "node-pg-migrate refuses to run (\"Not run migration … is preceding already run migration\") unless it is called with --no-check-order",
	},
	books: []adapter.Book{{Table: "pgmigrations"}},
	within: func(p *place) bool {
		return p.half(func(text string) bool { return mayMark(text) && nodePgMarker.MatchString(text) }) ||
			slices.ContainsFunc(p.ups, inMilliseconds) && p.needs("package.json", `"node-pg-migrate"`)
	},
	mode:  onward.TransactionFile,
	whole: true,
	marks: &marks{
		up: re(`^--\s*Up Migration\b.*$`), down: re(`^--\s*Down Migration\b.*$`), mode: onward.TransactionFile,
		words: []string{"p Migration", "n Migration", "p migration", "n migration", "P MIGRATION", "N MIGRATION"},
	},
	finish: func(t adapter.Tree, set *adapter.Set) {
		config, ok := adapter.Nearest(t, set.Source.Dir, "package.json")
		set.Together = !ok || !nodePgApart.MatchString(adapter.ReadFile(t, config).Text)
	},
}

var (
	nodePgMarker = regexp.MustCompile(`(?im)^\s*--[\s-]*(?:up|down)\s+migration\b`)
	// nodePgApart are the ways to give each migration a transaction of its own.
	nodePgApart = regexp.MustCompile(`no-single-transaction|["']?single-?[tT]ransaction["']?\s*:\s*false`)
)

// mayMark spares most texts the expression that finds node-pg-migrate's markers:
// they have "up migration" or "down migration".
func mayMark(text string) bool {
	for {
		n := strings.Index(text, "igration")
		if n < 0 {
			return strings.Contains(text, "IGRATION")
		}
		if n > 2 && (text[n-2] == ' ' || text[n-2] == '\t') && strings.IndexByte("pPnN \t", text[n-3]) >= 0 {
			return true
		}
		text = text[n+1:]
	}
}

// inMilliseconds reports whether a name begins with the time as node-pg-migrate
// writes it.
func inMilliseconds(name string) bool {
	n := leadingDigits(name)
	return n == len("1700000000000") || n == len("20240131120000000")
}
