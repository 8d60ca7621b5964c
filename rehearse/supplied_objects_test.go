package rehearse_test

import (
	"strings"
	"testing"

	"golang.org/x/tools/txtar"

	"github.com/onward-sql/onward/internal/fill"
	"github.com/onward-sql/onward/internal/rotation"
	"github.com/onward-sql/onward/rehearse"
)

// Objects that production has from its container, its platform or its connection are
// created if the deployed migrations presuppose them. Unavailable ones are skipped one
// by one, and the rest is rehearsed to its end, on tables with rows.
func TestTakenForGranted(t *testing.T) {
	t.Parallel()
	const base = `-- +goose Up
CREATE SCHEMA app;
CREATE TABLE app.users (id bigserial PRIMARY KEY, name text, mail citext NOT NULL);
CREATE INDEX users_name ON app.users USING gin (name gin_trgm_ops);
CREATE TABLE jobs.queue (id uuid PRIMARY KEY DEFAULT uuid_generate_v4(), user_id bigint REFERENCES app.users (id));
CREATE EXTENSION IF NOT EXISTS postgis;
ALTER TABLE users ADD COLUMN place geometry(Point, 4326), ADD COLUMN home geography;
CREATE INDEX users_place ON users USING gist (place);
CREATE TABLE docs (id bigint PRIMARY KEY, v vector(3) NOT NULL);
CREATE INDEX docs_v ON docs USING hnsw (v vector_l2_ops);
UPDATE users SET place = ST_MakePoint(1, 2);
CREATE TABLE spans (during tstzrange, room int, EXCLUDE USING gist (room WITH =, during WITH &&));
`
	dir := branch(t, base, []txtar.File{step(`ALTER TABLE users ADD COLUMN age int;
DROP INDEX users_place;
CREATE INDEX docs_w ON docs USING ivfflat (v vector_l2_ops);
ALTER TABLE docs ADD COLUMN w halfvec(3);
CREATE TABLE trees (path ltree);
ALTER TABLE docs ADD COLUMN z int;`)})
	for _, major := range rotation.Pick(t, 2, []int{13, 18}) {
		cfg := on(dir)
		cfg.Majors, cfg.Rows = []int{major}, fill.Plan{All: 50, Seed: 1}
		for range 2 { // made, and from the cache
			_, h := rehearsed(t, cfg)
			var ran []int
			for _, st := range h.Statements {
				if ran = append(ran, st.Statement); st.Failed != nil {
					t.Errorf("Postgres %d: statement %d: %+v", major, st.Statement, st.Failed)
				}
			}
			if len(ran) != 4 || ran[3] != 5 {
				t.Errorf("Postgres %d: ran %v, want all but the second and the third", major, ran)
			}
			if len(h.Differences) > 0 {
				t.Errorf("Postgres %d: %+v", major, h.Differences)
			}
			rows := map[string]int64{}
			for _, r := range h.Tables {
				rows[r.Relation] = r.Rows
			}
			if rows["app.users"] != 50 || rows["jobs.queue"] != 50 || rows["public.docs"] != 50 {
				t.Errorf("Postgres %d: rows %v", major, rows)
			}
			notes := strings.Join(h.Notes, "\n")
			for _, want := range []string{
				"the extension citext was made", "the extension pg_trgm was made", "the extension uuid-ossp was made", "the extension btree_gist was made", "the extension ltree was made",
				"the schema jobs was made", `search_path was set to "$user", public, "app"`, "its type geometry is a substitute", "its type vector is a substitute",
				"of the base 3 statements were left out", "00002_step.sql:3 was not rehearsed: it needs postgis or vector", "00002_step.sql:4 was not rehearsed",
			} {
				if !strings.Contains(notes, want) {
					t.Errorf("Postgres %d: no note says %q:\n%s", major, want, notes)
				}
			}
		}
	}
}

// What only a superuser may do, and the rehearsal does in a base's place or leaves out.
func TestOnlySuperusers(t *testing.T) {
	t.Parallel()
	const base = `-- +goose Up
-- +goose StatementBegin
DO $$ BEGIN
  IF NOT EXISTS (SELECT FROM pg_catalog.pg_roles WHERE rolname = 'shop_reader') THEN CREATE ROLE shop_reader LOGIN PASSWORD 'x'; END IF;
  IF NOT EXISTS (SELECT FROM pg_catalog.pg_roles WHERE rolname = 'Shop Writer') THEN CREATE ROLE "Shop Writer"; END IF;
END $$;
-- +goose StatementEnd
CREATE TABLE users (id bigint PRIMARY KEY);
ALTER TABLE users OWNER TO postgres;
ALTER SCHEMA public OWNER TO "postgres";
ALTER DEFAULT PRIVILEGES FOR ROLE postgres IN SCHEMA public GRANT SELECT ON TABLES TO shop_reader;
GRANT SELECT ON users TO shop_reader, "Shop Writer";
CREATE EXTENSION postgres_fdw;
CREATE SERVER other FOREIGN DATA WRAPPER postgres_fdw;
ALTER TABLE shop_migrations ENABLE ROW LEVEL SECURITY;
`
	dir := branch(t, base, []txtar.File{step("ALTER TABLE users ADD COLUMN age int;\nALTER TABLE users OWNER TO postgres;")})
	_, h := rehearsed(t, on(dir))
	notes := strings.Join(h.Notes, "\n")
	for _, want := range []string{
		"roles were made because the migrations name them: shop_reader, Shop Writer",
		"the extension postgres_fdw was left out", "what gives things to postgres",
	} {
		if !strings.Contains(notes, want) {
			t.Errorf("no note says %q:\n%s", want, notes)
		}
	}
	for _, st := range h.Statements {
		if st.Failed != nil {
			t.Errorf("statement %d: %+v", st.Statement, st.Failed)
		}
	}
}

// What the base lacks for no such reason still ends the rehearsal.
func TestNotTakenForGranted(t *testing.T) {
	t.Parallel()
	for name, sql := range map[string]string{
		"a table":               "ALTER TABLE nobody ADD COLUMN x int;",
		"a column":              "CREATE TABLE a (x int); ALTER TABLE a DROP COLUMN y;",
		"a function":            "SELECT mine();",
		"two schemas that have": "CREATE SCHEMA a; CREATE SCHEMA b; CREATE TABLE a.t (); CREATE TABLE b.t (); ALTER TABLE t ADD COLUMN x int;",
		"a constraint":          "CREATE EXTENSION IF NOT EXISTS postgis; CREATE TABLE a (x geometry); ALTER TABLE a DROP CONSTRAINT c;",
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			dir := branch(t, "-- +goose Up\n"+sql+"\n", []txtar.File{step("CREATE TABLE later ();")})
			if _, err := rehearse.Run(t.Context(), on(dir)); err == nil || !strings.Contains(err.Error(), "does not exist") {
				t.Errorf("Run on a base that uses a missing object: %v, want \"does not exist\"", err)
			}
		})
	}
}
