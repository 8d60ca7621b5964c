package sql

import (
	"path"

	"github.com/onward-sql/onward/internal/adapter"
	"github.com/onward-sql/onward/internal/lazyregexp"
	"github.com/onward-sql/onward/internal/pgparse"
	"github.com/onward-sql/onward/onward"
)

// Supabase's CLI is described from its source (2.99: pkg/migration, pkg/parser): after RESET
// ALL, it sends the statements in one pipeline with the row that records them. It records
// versions, and runs migrations in their order. From 2.109 on, it sends statements that no
// transaction takes by themselves, and those between them together.
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
	names: lazyregexp.New(`^\d+_`), nameForm: "NUMBER_name.sql", nameExample: "20240131120000_what_it_does.sql",
	mode:   onward.TransactionPipeline,
	send:   cutSupabaseFile,
	sure:   func(string) bool { return true },
	unique: true,
	twice: func(string) string {
		return "the second fails: Supabase's CLI records versions, and none twice"
	},
}

const supabaseSplitsMajor, supabaseSplitsMinor = 2, 109

// sentAlone matches the statements that 2.109 sends by themselves (migration-apply.ts); later versions know more of them.
var sentAlone = lazyregexp.New(`(?is)^(?:CREATE\s+(?:UNIQUE\s+)?INDEX\s+CONCURRENTLY\s|REINDEX(?:\s|\().*\sCONCURRENTLY\s|VACUUM(?:\s|\(|$)|ALTER\s+SYSTEM\s|CLUSTER(?:\s|$))`)

// cutSupabaseFile cuts a file at the statements that a new CLI sends by themselves.
func cutSupabaseFile(f *file) {
	if !f.place.readVersion("supabase").isAtLeast(supabaseSplitsMajor, supabaseSplitsMinor) {
		return
	}
	cut, err := pgparse.SplitText(f.text)
	if err != nil {
		return
	}
	var regions [][2]int
	alone, inGroup := false, false
	for i := range cut.Stmts {
		s := &cut.Stmts[i]
		if s.Err != nil {
			return
		}
		single := sentAlone.MatchString(f.text[s.Start:s.End])
		if end := len(regions) - 1; inGroup && !single {
			regions[end][1] = s.End
		} else {
			regions = append(regions, [2]int{s.Start, s.End})
		}
		alone, inGroup = alone || single, !single
	}
	if alone {
		f.regions, f.mode, f.whole = regions, onward.TransactionNone, true
	}
}
