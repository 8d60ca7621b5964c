package sql

import (
	"path"
	"slices"
	"strings"

	"github.com/onward-sql/onward/internal/adapter"
	"github.com/onward-sql/onward/internal/lazyregexp"
	"github.com/onward-sql/onward/onward"
)

// bun is described from its source (v1.3: migrate) and run (1.3.0): a file is one message, or several between lines of --bun:split, in a
// transaction only if its name ends in .tx.up.sql. It records the number that a name begins with, before it runs the file. go-pg, its
// predecessor, has these names, too.
var bun = runner{
	name:  "bun",
	apart: "a file of one statement whose name does not end in .tx.up.sql",
	historyBehavior: adapter.HistoryBehavior{
		Edited:     "bun records versions, not contents: databases that have it keep what the old text did",
		OutOfOrder: "bun " + runsAfter,
	},
	historyTables: []adapter.HistoryTable{
		{Table: "bun_migrations", Columns: `(id bigserial PRIMARY KEY, name varchar, group_id bigint, migrated_at timestamptz NOT NULL DEFAULT current_timestamp)`},
		{Table: "gopg_migrations", Columns: `(id serial, version bigint, created_at timestamptz)`},
	},
	detectNearby: func(p *migrationDir) bool {
		if user := adapter.UsesBun(p.tree, p.Path); user != "" {
			return p.recordEvidence(user)
		}
		return slices.ContainsFunc(p.ups, isBunTransaction) && p.nearestFileHas("go.mod", "github.com/uptrace/bun ")
	},
	names: lazyregexp.New(`^\d{1,14}_[0-9a-z_-]+\.(?:.*\.)?up\.sql$`), nameForm: "NUMBER_words.up.sql, in small letters and with at most 14 digits",
	nameExample: "20240131120000_what_it_does.up.sql",
	mode:        onward.TransactionMessage,
	whole:       true,
	unique:      true,
	twice:       func(string) string { return "bun records versions, and keeps one file of each: the other never runs" },
	owns:        isBunTransaction,
	send: func(f *file) {
		if goMod, ok := adapter.NearestFile(f.tree, path.Dir(f.m.Path), "go.mod"); ok && strings.Contains(adapter.ReadFile(f.tree, goMod).Text, "github.com/go-pg/") {
			f.m.Runner.Name = "go-pg"
		}
		if isBunTransaction(f.name) {
			f.mode = onward.TransactionFile
		}
		cutBunFile(f)
		f.warnOfLostLines("bun", "each empty line", func(line string) bool { return line == "" })
	},
}

func isBunTransaction(name string) bool { return strings.HasSuffix(name, ".tx.up.sql") }

// cutBunFile cuts a file at its lines of --bun:split, as bun does.
func cutBunFile(f *file) {
	const split = "--bun:split"
	start, offset := 0, 0
	var regions [][2]int
	for l := range strings.Lines(f.text) {
		if strings.TrimRight(l, "\r\n") == split {
			regions = append(regions, [2]int{start, offset})
			start = offset + len(l)
		}
		offset += len(l)
	}
	f.regions = append(regions, [2]int{start, len(f.text)})
}
