package live

import (
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/onward-sql/onward/internal/pgserver/pgservertest"
	"github.com/onward-sql/onward/onward"
)

// richSchema has an object of each kind that belongs to a schema @.
const richSchema = `CREATE SCHEMA @; CREATE TYPE @.mood AS ENUM ('a', 'b'); CREATE DOMAIN @.short AS text CONSTRAINT is_short CHECK (length(VALUE) < 9);
	CREATE TYPE @.pair AS (a int, b text); CREATE TYPE @.span AS RANGE (SUBTYPE = int);
	CREATE TABLE @.u (id integer GENERATED ALWAYS AS IDENTITY PRIMARY KEY, s serial, m @.mood DEFAULT 'a', d @.short, p @.pair);
	CREATE TABLE @.o (id bigint PRIMARY KEY, u integer REFERENCES @.u ON DELETE CASCADE, CHECK (id > 0));
	ALTER TABLE @.o ADD CONSTRAINT late CHECK (u > 0) NOT VALID;
	CREATE INDEX o_u ON @.o (u) WHERE u > 3; CREATE INDEX broken ON @.o (u); UPDATE pg_index SET indisvalid = false WHERE indexrelid = '@.broken'::regclass;
	CREATE TABLE @.child (id bigint NOT NULL DEFAULT 3) INHERITS (@.o); CREATE SEQUENCE @.free; CREATE STATISTICS @.stat ON id, u FROM @.o;
	CREATE TABLE @.part (id int, at date) PARTITION BY RANGE (id); CREATE TABLE @.part_1 PARTITION OF @.part FOR VALUES FROM (1) TO (9);
	CREATE INDEX part_at ON @.part (at); CREATE VIEW @.v AS SELECT u.id, o.id AS oid FROM @.u JOIN @.o ON o.u = u.id;
	CREATE MATERIALIZED VIEW @.m AS SELECT 1 AS one; CREATE FUNCTION @.f(integer) RETURNS integer LANGUAGE sql AS 'SELECT $1';
	REVOKE ALL ON FUNCTION @.f FROM PUBLIC; CREATE AGGREGATE @.total(int) (SFUNC = int4pl, STYPE = int, INITCOND = '0');
	CREATE FUNCTION @.t() RETURNS trigger LANGUAGE plpgsql AS 'BEGIN RETURN NEW; END'; CREATE TRIGGER t BEFORE INSERT ON @.o FOR EACH ROW EXECUTE FUNCTION @.t();
	ALTER TABLE @.o DISABLE TRIGGER t; CREATE RULE r AS ON DELETE TO @.o DO INSTEAD NOTHING; ALTER TABLE @.o ENABLE ROW LEVEL SECURITY;
	CREATE POLICY own ON @.o USING (id > 0); ALTER TABLE @.o CLUSTER ON o_pkey, REPLICA IDENTITY FULL; GRANT SELECT (id) ON @.o TO PUBLIC;
	GRANT SELECT ON @.u TO PUBLIC; COMMENT ON INDEX @.o_u IS 'of an index'; COMMENT ON COLUMN @.u.id IS 'of a column'; ALTER TABLE @.o ALTER u SET STATISTICS 9;
	CREATE TABLE public.moved_@ (id serial PRIMARY KEY); ALTER TABLE public.moved_@ SET SCHEMA @`

// The definitions of one schema by the OIDs of its objects are those that a scan of the catalogs finds.
func TestSelectedSchemas(t *testing.T) {
	t.Parallel()
	pgservertest.EachMajor(t, func(t *testing.T, major int) {
		url, _ := pgservertest.ConnectNew(t, major, strings.ReplaceAll(richSchema, "@", "one")+"; "+strings.ReplaceAll(richSchema, "@", "two"))
		read := func(scan bool) (out []string) {
			t.Helper()
			s, err := openSession(t.Context(), url)
			if err != nil {
				t.Fatal(err)
			}
			defer s.closeSession(t.Context())
			if err := s.selectSchemas(t.Context(), []string{"two", "no such"}); err != nil {
				t.Fatal(err)
			}
			if scan {
				s.only = &selection{schemas: s.only.schemas}
			}
			if out, err = s.readDefinitions(t.Context()); err != nil {
				t.Fatal(err)
			}
			for _, sql := range []string{invalidSQL, viewColumnsSQL} {
				lines, err := s.queryLines(t.Context(), "the rest", s.limitToSchemas(sql))
				if err != nil || len(lines) == 0 {
					t.Fatalf("read invalid indexes or columns of views: %q, %v, want at least one line", lines, err)
				}
				out = append(out, lines...)
			}
			stats, err := s.readStats(t.Context())
			if err != nil {
				t.Fatal(err)
			}
			for i := range stats.Relations {
				r := &stats.Relations[i]
				out = append(out, "size of "+r.Name)
				for _, x := range r.Indexes {
					out = append(out, "size of "+x.Name)
				}
			}
			return out
		}
		scanned := read(true)
		if diff := cmp.Diff(scanned, read(false)); diff != "" {
			t.Error(diff)
		}
		for _, words := range []string{
			"TYPE two.mood", "DOMAIN two.short", "TYPE two.pair", "TYPE two.span", "TABLE two.u", "SEQUENCE two.free", "OWNED BY", "late", "ATTACH PARTITION",
			"two.f(", "AGGREGATE", "is_short", "PRIMARY KEY", "VIEW two.v", "VIEW two.m", "o_u", "part_at", "FOREIGN KEY", "CLUSTER", "REPLICA IDENTITY",
			"STATISTICS two.stat", "CREATE TRIGGER", "DISABLE TRIGGER", "CREATE RULE", "ROW LEVEL SECURITY", "POLICY", "GRANT SELECT (id)",
			"GRANT SELECT ON TABLE two.u", "of an index", "of a column", "SET STATISTICS 9", "ON ROUTINE two.f", "two.moved_two", "two\nbroken",
			"two\nv\noid\nbigint", "size of two.o", "size of two.o_u",
		} {
			if !strings.Contains(strings.Join(scanned, "\n;\n"), words) {
				t.Errorf("no %q", words)
			}
		}
		if all := strings.Join(scanned, "\n"); strings.Contains(all, "TABLE one.") || strings.Contains(all, "size of one.") {
			t.Errorf("schema one is not selected, but is read:\n%s", all)
		}
	})
}

// A schema with very many objects is read by a scan: its condition on OIDs would be as long.
func TestManySelected(t *testing.T) {
	t.Parallel()
	url, _ := pgservertest.ConnectNew(t, onward.NewestMajor, `CREATE SCHEMA wide; DO $$ BEGIN FOR i IN 1..1001 LOOP
		EXECUTE format('CREATE TABLE wide.t_%s (id int PRIMARY KEY)', i); END LOOP; END $$`)
	s, err := openSession(t.Context(), url)
	if err != nil {
		t.Fatal(err)
	}
	defer s.closeSession(t.Context())
	if err := s.selectSchemas(t.Context(), []string{"wide"}); err != nil || s.only.relations != "" || s.only.functions == "" {
		t.Errorf("selectSchemas(wide): %v; the selection is %q, want functions and no relations", err, s.only)
	}
	if ddl, err := s.readDefinitions(t.Context()); err != nil || !strings.Contains(strings.Join(ddl, "\n"), "wide.t_1001") {
		t.Error(err)
	}
}
