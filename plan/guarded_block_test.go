package plan_test

import (
	"strings"
	"testing"

	"github.com/onward-sql/onward/internal/rotation"
)

// TestGuardedBlocks plans DO blocks of one statement whose handler ignores an object that exists.
func TestGuardedBlocks(t *testing.T) {
	t.Parallel()
	const base = `
CREATE TABLE users (id bigint PRIMARY KEY, name text);
CREATE TABLE orders (id bigint PRIMARY KEY, user_id bigint, status text);
`
	guard := func(body string) string {
		return "-- +goose StatementBegin\nDO $$ BEGIN\n " + body + "\nEND $$;\n-- +goose StatementEnd\n"
	}
	const ignore = "\nEXCEPTION\n WHEN duplicate_object THEN null;"
	cases := map[string]struct {
		release string
		// sql is part of a step's SQL.
		sql string
		// missing is why the plan is not proven; "" if it is.
		missing string
	}{
		"foreign key": {
			release: guard("ALTER TABLE orders ADD CONSTRAINT orders_users_fk FOREIGN KEY (user_id) REFERENCES users (id);" + ignore),
			sql:     "ALTER TABLE orders VALIDATE CONSTRAINT orders_users_fk",
		},
		"type": {
			release: guard("CREATE TYPE mood AS ENUM ('sad', 'ok');"+ignore) + "ALTER TABLE users ADD COLUMN mood mood;",
			sql:     "CREATE TYPE mood AS ENUM ('sad', 'ok');",
		},
		"no handler": {
			release: guard("ALTER TABLE orders ADD CONSTRAINT orders_status CHECK (status <> '');"),
			sql:     "ALTER TABLE orders VALIDATE CONSTRAINT orders_status",
		},
		"several statements": {
			release: guard("ALTER TABLE orders ADD COLUMN IF NOT EXISTS open boolean NOT NULL DEFAULT false;\n " +
				"CREATE INDEX IF NOT EXISTS orders_open ON orders (open);"),
			sql: "CREATE INDEX CONCURRENTLY IF NOT EXISTS orders_open ON orders (open);",
		},
		"two statements": {
			release: guard("ALTER TABLE orders ADD COLUMN a int; ALTER TABLE orders ADD COLUMN b int;" + ignore),
			missing: "is a DO block",
		},
		"a handler that acts": {
			release: guard("ALTER TABLE orders ADD COLUMN a int; EXCEPTION WHEN duplicate_column THEN DELETE FROM orders;"),
			missing: "is a DO block",
		},
		"a true condition": {
			release: guard("IF NOT EXISTS (SELECT FROM pg_constraint WHERE conname = 'c') THEN ALTER TABLE orders ADD CONSTRAINT c CHECK (status <> ''); END IF;"),
			sql:     "ALTER TABLE orders VALIDATE CONSTRAINT c;",
		},
		"true conditions": {
			release: guard("IF to_regclass('orders') IS NOT NULL THEN\n " +
				"IF NOT EXISTS (SELECT 1 FROM information_schema.columns WHERE table_name = 'orders' AND column_name = 'a') THEN " +
				"ALTER TABLE orders ADD COLUMN a int; CREATE INDEX ON orders (a); END IF;\n " +
				"IF NOT EXISTS (SELECT 1 FROM information_schema.columns WHERE table_name = 'orders' AND column_name = 'b') THEN " +
				"EXECUTE 'ALTER TABLE orders ADD COLUMN b int'; END IF; END IF;"),
			sql: "CONCURRENTLY orders_a_idx ON orders (a);",
		},
		"a false condition": {
			release: guard("IF EXISTS (SELECT FROM pg_constraint WHERE conname = 'c') THEN ALTER TABLE orders ADD CONSTRAINT d CHECK (status <> ''); END IF;"),
			missing: "is a DO block",
		},
		"two branches": {
			release: guard("IF NOT EXISTS (SELECT FROM pg_constraint WHERE conname = 'c') THEN ALTER TABLE orders ADD COLUMN a int; " +
				"ELSE ALTER TABLE orders ADD COLUMN b int; END IF;"),
			missing: "is a DO block",
		},
		"a condition on rows": {
			release: guard("IF NOT EXISTS (SELECT FROM orders WHERE id = 0) THEN ALTER TABLE orders ADD COLUMN a int; END IF;"),
			missing: "is a DO block",
		},
	}
	for _, name := range rotation.Pick(t, 2, sortedNames(cases)) {
		tc := cases[name]
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			p := planned(t, base, tc.release, 17, nil, true)
			if missingText := strings.Join(p.Proof.Missing, "\n"); !strings.Contains(missingText, tc.missing) || p.Proof.Proven != (tc.missing == "") {
				t.Errorf("proven %t, missing: %s\n%s", p.Proof.Proven, missingText, told(p))
			}
			if text := told(p); !strings.Contains(text, tc.sql) {
				t.Errorf("no step has %s:\n%s", tc.sql, text)
			}
		})
	}
}
