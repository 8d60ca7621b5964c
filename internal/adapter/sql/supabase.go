package sql

import (
	"path"
	"strings"

	"github.com/onward-sql/onward/internal/adapter"
	"github.com/onward-sql/onward/onward"
)

// Supabase's CLI is described from its source (2.99: pkg/migration, pkg/parser): after RESET
// ALL, it sends the statements in one pipeline with the row that records them. It records
// versions, and runs migrations in their order.
var supabase = runner{
	name: "Supabase's CLI",
	historyBehavior: adapter.HistoryBehavior{
		Edited:     "Supabase's CLI records versions, not contents: databases that have it keep what the old text did",
		Deleted:    "Supabase's CLI refuses to run (\"Remote migration versions not found in local migrations directory\")",
		OutOfOrder: "Supabase's CLI refuses to run unless it is called with --include-all",
	},
	historyTables: []adapter.HistoryTable{{Table: "schema_migrations"}},
	detectNearby: func(p *migrationDir) bool {
		home := path.Dir(p.Path)
		return path.Base(p.Path) == "migrations" && path.Base(home) == "supabase" && adapter.HasFile(p.tree, home+"/config.toml") &&
			p.recordEvidence(home+"/config.toml")
	},
	list:   supabaseList,
	mode:   onward.TransactionPipeline,
	sure:   func(string) bool { return true },
	unique: true,
	twice: func(string) string {
		return "the second fails: Supabase's CLI records versions, and none twice"
	},
}

// supabaseList removes the files that Supabase's CLI ignores.
func supabaseList(p *migrationDir, set *adapter.Set) {
	p.removeFiles(func(n string, _ *adapter.File) bool {
		if i := leadingDigits(n); i > 0 && strings.HasPrefix(n[i:], "_") {
			return false
		}
		set.Problems = append(set.Problems, adapter.Problem{Path: p.Join(n), Refusal: refuseFile(
			"Supabase's CLI passes over "+path.Base(n)+": its name is not NUMBER_name.sql",
			"the migration never runs", "name it like its neighbours: 20240131120000_what_it_does.sql")})
		return true
	})
}
