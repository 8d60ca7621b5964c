package sql

import (
	"slices"
	"strings"

	"github.com/onward-sql/onward/internal/adapter"
	"github.com/onward-sql/onward/internal/adapter/jscode"
	"github.com/onward-sql/onward/internal/lazyregexp"
	"github.com/onward-sql/onward/onward"
)

// node-pg-migrate is described from its source (8.0: runner, Migration), and the tests of
// internal/adapter/realrunners run it: all pending migrations run in one transaction
// unless it is configured otherwise.
var nodePg = runner{
	name: nodePgName, unit: nodePgUnit, apart: nodePgApartText, programs: &NodePgPrograms,
	historyBehavior: adapter.HistoryBehavior{
		Renamed:    "node-pg-migrate records names, and refuses to run (\"Not run migration … is preceding already run migration\")",
		Edited:     "node-pg-migrate records names, not contents: databases that have it keep what the old text did",
		Deleted:    "node-pg-migrate refuses to run later ones (\"Not run migration … is preceding already run migration\")",
		OutOfOrder: "node-pg-migrate refuses to run (\"Not run migration … is preceding already run migration\") unless it is called with --no-check-order",
	},
	historyTables: []adapter.HistoryTable{{Table: "pgmigrations"}},
	detectInside: func(p *migrationDir) bool {
		return p.isHalfOfKind(func(text string) bool { return mayHaveNodePgMarkers(text) && nodePgMarker.MatchString(text) }) ||
			slices.ContainsFunc(p.ups, startsWithMilliseconds) && p.nearestFileHas("package.json", `"node-pg-migrate"`) || p.hasProgramsOf(&NodePgPrograms)
	},
	mode:  onward.TransactionFile,
	whole: true,
	marks: &marks{
		up: compilePattern(`^\s*--[\s-]*Up\s+Migration\b.*$`), down: compilePattern(`^\s*--[\s-]*Down\s+Migration\b.*$`), mode: onward.TransactionFile,
		needsUp: true,
		words:   []string{"p Migration", "n Migration", "p migration", "n migration", "P MIGRATION", "N MIGRATION"},
	},
	finish: func(t adapter.Tree, set *adapter.Set) {
		config, ok := adapter.NearestFile(t, set.Source.Dir, "package.json")
		set.Together = !ok || !nodePgApart.MatchString(adapter.ReadFile(t, config).Text)
	},
}

var (
	nodePgMarker = lazyregexp.New(`(?im)^\s*--[\s-]*(?:up|down)\s+migration\b`)
	// nodePgApart matches the settings that give each migration a transaction of its own.
	nodePgApart = lazyregexp.New(`no-single-transaction|["']?single-?[tT]ransaction["']?\s*:\s*false`)
)

// mayHaveNodePgMarkers reports whether a text has "up migration" or "down migration", which
// node-pg-migrate's markers contain. Most texts then skip the slow pattern for the
// markers.
func mayHaveNodePgMarkers(text string) bool {
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

// startsWithMilliseconds reports whether a name begins with a time in the form that
// node-pg-migrate writes.
func startsWithMilliseconds(name string) bool {
	n := countLeadingDigits(name)
	return n == len("1700000000000") || n == len("20240131120000000")
}

// hasProgramsOf reports whether a directory has programs of a tool.
func (p *migrationDir) hasProgramsOf(a *jscode.Adapter) bool {
	i := slices.IndexFunc(a.Find(p.tree), func(f jscode.FoundDirectory) bool { return f.Dir == p.Path })
	return i >= 0 && p.recordEvidence(a.Find(p.tree)[i].File)
}
