package audit

import (
	"strings"
	"testing"
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
					found[table] = found[table] || f.Rule == tc.rule && strings.Contains(f.Fact, table)
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
