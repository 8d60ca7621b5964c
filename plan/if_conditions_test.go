package plan_test

import (
	"strings"
	"testing"

	"github.com/onward-sql/onward/internal/catalog"
	"github.com/onward-sql/onward/internal/pgparse"
	"github.com/onward-sql/onward/internal/pgserver/pgservertest"
	"github.com/onward-sql/onward/onward"
	"github.com/onward-sql/onward/plan"
)

const guardedSchema = `
CREATE TYPE mood AS ENUM ('sad', 'ok');
CREATE TABLE users (id bigint PRIMARY KEY, name text UNIQUE, "Age" int CHECK ("Age" > 0), span int4range, EXCLUDE USING gist (span WITH &&));
CREATE TABLE orders (id bigint PRIMARY KEY, user_id bigint CONSTRAINT orders_user REFERENCES users (id));
CREATE INDEX orders_user_idx ON orders (user_id);
CREATE VIEW recent AS SELECT id FROM orders;
CREATE FUNCTION touch() RETURNS trigger LANGUAGE plpgsql AS 'BEGIN RETURN NEW; END';
CREATE TRIGGER touched BEFORE UPDATE ON users FOR EACH ROW EXECUTE FUNCTION touch();
CREATE POLICY own ON orders USING (true);
CREATE SEQUENCE numbers;
CREATE SCHEMA other;
CREATE TABLE other.users (x int);
`

// TestGuardsAsServer compares the values of conditions with a server's. Those whose value is not known are marked with a question mark.
func TestGuardsAsServer(t *testing.T) {
	t.Parallel()
	conn := pgservertest.Connect(t, pgservertest.Database(t, onward.NewestMajor))
	pgservertest.Exec(t, conn, guardedSchema)
	schema := catalog.New()
	for sql := range strings.SplitSeq(strings.TrimSpace(guardedSchema), ";\n") {
		f, err := pgparse.SplitText(sql)
		if err != nil {
			t.Fatal(err)
		}
		for _, s := range f.Stmts {
			schema, _ = schema.Apply(s.Node, sql)
		}
	}
	seen := map[string]bool{}
	for _, condition := range []string{
		"EXISTS (SELECT 1 FROM information_schema.columns WHERE table_name = 'users' AND column_name = 'name')",
		"EXISTS (SELECT 1 FROM information_schema.columns WHERE table_name = 'users' AND column_name = 'age')",
		"EXISTS (SELECT FROM information_schema.columns c WHERE c.table_name = 'users' AND c.column_name = 'Age' AND c.table_schema = 'public')",
		"NOT EXISTS (SELECT * FROM information_schema.columns WHERE table_schema = 'other' AND table_name = 'users' AND column_name = 'id')",
		"NOT EXISTS (SELECT * FROM information_schema.columns WHERE table_schema = current_schema() AND table_name = 'recent' AND column_name = 'id')",
		"EXISTS (SELECT 1 FROM information_schema.tables WHERE table_name IN ('orders', 'x'))",
		"EXISTS (SELECT 1 FROM pg_tables WHERE schemaname = current_schema AND tablename = 'x') OR EXISTS (SELECT 1 FROM pg_class WHERE relname = 'numbers')",
		"EXISTS (SELECT 1 FROM pg_class WHERE relname = 'orders_user_idx') AND NOT (SELECT EXISTS (SELECT 1 FROM pg_class WHERE relname = 'x'))",
		"EXISTS (SELECT 1 FROM pg_constraint WHERE conname = 'orders_user')",
		"EXISTS (SELECT 1 FROM pg_constraint WHERE conname = 'orders_user' AND conrelid = 'users'::regclass)",
		"EXISTS (SELECT 1 FROM pg_catalog.pg_constraint WHERE contype = 'f' AND conrelid = 'public.orders'::regclass)",
		"EXISTS (SELECT 1 FROM pg_constraint WHERE contype = 'x' AND conrelid = 'users'::regclass)",
		"EXISTS (SELECT 1 FROM information_schema.table_constraints WHERE constraint_name = 'users_name_key' AND constraint_type = 'UNIQUE')",
		"EXISTS (SELECT 1 FROM information_schema.table_constraints WHERE constraint_name = 'users_span_excl')",
		"EXISTS (SELECT 1 FROM information_schema.table_constraints WHERE table_name = 'orders' AND constraint_type = 'PRIMARY KEY')",
		"EXISTS (SELECT 1 FROM information_schema.table_constraints WHERE constraint_name <> 'users_pkey' AND constraint_name = 'users_Age_check')",
		"EXISTS (SELECT 1 FROM pg_indexes WHERE schemaname = 'public' AND indexname = 'orders_user_idx')",
		"EXISTS (SELECT 1 FROM pg_indexes WHERE indexname = 'users_name_key')",
		"NOT EXISTS (SELECT 1 FROM pg_indexes WHERE tablename = 'orders' AND indexname = 'gone')",
		"NOT EXISTS (SELECT 1 FROM pg_trigger WHERE tgname = 'touched' AND tgrelid = 'users'::regclass)",
		"NOT EXISTS (SELECT 1 FROM pg_trigger WHERE tgname = 'touched' AND tgrelid = 'orders'::regclass)",
		"EXISTS (SELECT 1 FROM pg_policies WHERE policyname = 'own' AND tablename = 'orders')",
		"NOT EXISTS (SELECT 1 FROM pg_type WHERE typname = 'mood')",
		"EXISTS (SELECT 1 FROM pg_type WHERE typname = 'users')",
		"EXISTS (SELECT 1 FROM pg_type WHERE typname = 'numbers')",
		"NOT EXISTS (SELECT 1 FROM pg_type WHERE typname = 'gone')",
		"EXISTS (SELECT 1 FROM pg_proc WHERE proname = 'touch')",
		"NOT EXISTS (SELECT 1 FROM pg_extension WHERE extname = 'pg_trgm')",
		"to_regclass('public.users') IS NOT NULL",
		"to_regclass('other.orders') IS NULL",
		"(SELECT to_regclass('\"Users\"')) IS NULL ?",
		"EXISTS (SELECT 1 FROM users WHERE id = 1) ?",
		"EXISTS (SELECT 1 FROM information_schema.columns WHERE table_name = 'users' AND is_nullable = 'NO') ?",
		"EXISTS (SELECT 1 FROM information_schema.columns WHERE table_name LIKE 'user%') ?",
		"EXISTS (SELECT 1 FROM pg_constraint c JOIN pg_class t ON t.oid = c.conrelid WHERE c.conname = 'orders_user') ?",
		"EXISTS (SELECT count(*) FROM pg_constraint WHERE conname = 'gone') ?",
		"EXISTS (SELECT 1 FROM pg_constraint WHERE conname = 'orders_user' LIMIT 0) ?",
		"EXISTS (SELECT 1 FROM pg_constraint WHERE conname = NULL) ?",
		"EXISTS (SELECT 1 FROM pg_constraint o WHERE EXISTS (SELECT 1 FROM pg_class c WHERE c.oid = o.conrelid AND c.relname = 'users')) ?",
		"EXISTS (SELECT constraint_name FROM information_schema.table_constraints WHERE constraint_name = 'orders_user' LIMIT 1)",
		"(SELECT count(*) FROM pg_constraint WHERE conname = 'orders_user') = 1 ?",
	} {
		text, notKnown := strings.CutSuffix(condition, " ?")
		var want bool
		if err := conn.QueryRow(t.Context(), "SELECT "+text).Scan(&want); err != nil {
			t.Fatalf("the server cannot evaluate %s: %v", text, err)
		}
		value := map[bool]string{true: "true", false: "false"}[want]
		if notKnown {
			value = "unknown"
		}
		if got := plan.EvaluateGuard(schema, text); got != value {
			t.Errorf("%s is %s, want %s", text, got, value)
		}
		seen[value] = true
	}
	if len(seen) != 3 {
		t.Errorf("values that occur: %v", seen)
	}
}
