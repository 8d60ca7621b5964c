package sql

import (
	"path"
	"strings"

	"github.com/onward-sql/onward/internal/adapter"
	"github.com/onward-sql/onward/onward"
)

// bun and go-pg are described from their manuals: the file's name says whether it runs in
// a transaction.
var bun = runner{
	name:          "bun",
	historyTables: []adapter.HistoryTable{{Table: "gopg_migrations", Columns: `(id serial, version bigint, created_at timestamptz)`}},
	mode:          onward.TransactionFile,
	whole:         true,
	owns:          func(name string) bool { return strings.HasSuffix(name, ".tx.up.sql") },
	send: func(f *file) {
		if goMod, ok := adapter.NearestFile(f.tree, path.Dir(f.m.Path), "go.mod"); ok && strings.Contains(adapter.ReadFile(f.tree, goMod).Text, "github.com/go-pg/") {
			f.m.Runner.Name = "go-pg"
		}
	},
}
