package audit

import (
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/onward-sql/onward/onward"
)

// EXECUTE in a loop over constants is judged like the statements that it runs.
func TestLoopsOverConstants(t *testing.T) {
	t.Parallel()
	const base = "-- db/migrations/001_a.sql --\nCREATE TABLE carts (id int PRIMARY KEY);\nCREATE TABLE orders (id int PRIMARY KEY);\n" +
		"-- store.go --\npackage store\n\nconst a = `INSERT INTO carts (id) VALUES ($1)`\nconst b = `INSERT INTO orders (id) VALUES ($1)`\n"
	for name, tc := range map[string]struct{ block, rule, facts string }{
		"a required column": {
			"DECLARE t text; BEGIN FOREACH t IN ARRAY ARRAY['carts', 'orders'] LOOP EXECUTE format('ALTER TABLE %I ADD COLUMN " +
				"owner int NOT NULL', t); END LOOP; END",
			"column-add-required", "carts orders",
		},
		"a required column, by index": {
			"DECLARE tables text[] := ARRAY['carts', 'orders']; BEGIN FOR i IN 1 .. cardinality(tables) LOOP EXECUTE 'ALTER " +
				"TABLE ' || quote_ident(tables[i]) || ' ADD COLUMN owner int NOT NULL'; END LOOP; END",
			"column-add-required", "carts orders",
		},
		"a required column, once": {
			"BEGIN EXECUTE format('ALTER TABLE %I ADD COLUMN %I int NOT NULL', 'carts', 'owner'); END", "column-add-required", "carts",
		},
		"renamed tables": {
			"DECLARE t text; n text; BEGIN FOR t IN SELECT unnest(array['carts', 'orders']) LOOP n := 'old_' || t; " +
				"IF EXISTS (SELECT 1 FROM pg_tables WHERE tablename = t) THEN EXECUTE format('ALTER TABLE public.%I RENAME TO %I', t, n); END IF; END LOOP; END",
			"table-rename", "carts orders",
		},
		"renamed tables, one of which is missing": {
			"DECLARE t text; BEGIN FOREACH t IN ARRAY ARRAY['carts', 'legacy'] LOOP " +
				"IF to_regclass(t) IS NOT NULL THEN EXECUTE format('ALTER TABLE %I RENAME TO %I', t, 'old_' || t); END IF; END LOOP; END",
			"table-rename", "carts",
		},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			next := "-- db/migrations/002_b.sql --\nSET lock_timeout = '2s';\nDO $$ " + tc.block + " $$;\nRESET lock_timeout;\n"
			r := changelog0(t, Config{Dir: repository(t, base, next), Base: "main"})
			found := map[string]bool{}
			for _, f := range r.Findings {
				for _, table := range []string{"carts", "orders", "legacy"} {
					found[table] = found[table] || f.Rule == tc.rule && (strings.Contains(f.Fact, table) ||
						slices.ContainsFunc(f.Also, func(p onward.Place) bool { return strings.Contains(p.Fact, table) }))
				}
			}
			for _, table := range []string{"carts", "orders", "legacy"} {
				if want := strings.Contains(tc.facts, table); found[table] != want {
					t.Errorf("%s of %s: %v, not %v: %v", tc.rule, table, found[table], want, r.Findings)
				}
			}
		})
	}
}

// The rounds of a loop are one finding for each severity, with the facts, the evidence and the fixes of all. Two EXECUTE
// of a loop are two.
func TestRoundsAreOneFinding(t *testing.T) {
	t.Parallel()
	r := changelog0(t, Config{Dir: repository(t, "-- db/migrations/001_a.sql --\nCREATE TABLE a (id int, x int, y int);\n"+
		"CREATE TABLE b (id int, x int, y int);\nCREATE TABLE c (id int, x int, y int);\nCREATE TABLE d (id int, x int, y int);\n"+
		"-- store.go --\npackage store\n\nconst q = `SELECT x FROM a`\nconst r = `SELECT x FROM b`\n",
		"-- db/migrations/002_b.sql --\nSET lock_timeout = '2s';\nDO $$ DECLARE t text; BEGIN FOREACH t IN ARRAY ARRAY['a', 'b', 'c', 'd'] LOOP\n"+
			"EXECUTE format('ALTER TABLE %I RENAME x TO x2', t); EXECUTE format('ALTER TABLE %I RENAME y TO y2', t);\n"+
			"END LOOP; END $$;\nRESET lock_timeout;\n"), Base: "main"})
	var got []string
	for _, f := range r.Findings {
		if f.Rule != "column-rename" {
			continue
		}
		line := f.Severity.String() + ": " + f.Fact
		for _, p := range f.Also {
			line += " | " + p.Fact
		}
		for _, e := range f.Evidence {
			line += " | " + e.Text
		}
		_, sql, _ := strings.Cut(f.Instead, "\n")
		got = append(got, line+" | "+sql+" | "+f.SafeIf)
	}
	want := []string{
		"error: column x of a is renamed to x2 while the deployed code still uses it, and the loop does so once more | " +
			"column x of b is renamed to x2 while the deployed code still uses it | const q = `SELECT x FROM a` | const r = `SELECT x FROM b` | " +
			"ALTER TABLE a ADD COLUMN x2 integer;\nALTER TABLE b ADD COLUMN x2 integer; | ",
		"info: column y of a is renamed to y2, and the loop does so once more | column y of b is renamed to y2 | " +
			"ALTER TABLE a ADD COLUMN y2 integer;\nALTER TABLE b ADD COLUMN y2 integer; | ",
		"warning: column x of c is renamed to x2, and the loop does so once more | column x of d is renamed to x2 | " +
			"ALTER TABLE c ADD COLUMN x2 integer;\nALTER TABLE d ADD COLUMN x2 integer; | no deployed code uses c.x, d.x",
		"warning: column y of c is renamed to y2, and the loop does so once more | column y of d is renamed to y2 | " +
			"ALTER TABLE c ADD COLUMN y2 integer;\nALTER TABLE d ADD COLUMN y2 integer; | no deployed code uses c.y, d.y",
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Error(diff)
	}
}
