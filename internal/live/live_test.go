package live

import (
	"errors"
	"fmt"
	"os"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/onward-sql/onward/internal/address"
	"github.com/onward-sql/onward/internal/catalog"
	"github.com/onward-sql/onward/internal/pgparse"
	"github.com/onward-sql/onward/internal/pgserver/pgservertest"
	"github.com/onward-sql/onward/onward"
)

func TestMain(m *testing.M) { os.Exit(pgservertest.Main(m)) }

// TestReadSchema reads what the proof of package catalog has no line for:
// privileges, owners, foreign tables, odd names. The rest of ReadSchema is held
// against servers there.
func TestReadSchema(t *testing.T) {
	t.Parallel()
	pgservertest.EachMajor(t, func(t *testing.T, major int) {
		url, _ := pgservertest.ConnectNew(t, major, `
DO $$BEGIN CREATE ROLE "onward reader"; EXCEPTION WHEN duplicate_object OR unique_violation THEN NULL; END$$;
CREATE SCHEMA "Odd Schema";
CREATE TABLE "Odd Schema"."Odd ""Table" ("Käse %s" int PRIMARY KEY, "select" text DEFAULT E'a''b\\c' NOT NULL);
CREATE FOREIGN DATA WRAPPER w; CREATE SERVER s FOREIGN DATA WRAPPER w OPTIONS (host 'secret.example');
CREATE FOREIGN TABLE far (id int) SERVER s OPTIONS (password 'secret');
CREATE TABLE t (id int, b text); GRANT SELECT, INSERT ON t TO "onward reader";
ALTER DEFAULT PRIVILEGES GRANT SELECT ON TABLES TO "onward reader";
CREATE VIEW later AS SELECT id FROM t; CREATE FUNCTION f() RETURNS SETOF later LANGUAGE sql STABLE AS 'SELECT * FROM public.later';
CREATE FUNCTION shut(int, text[]) RETURNS int LANGUAGE sql AS 'SELECT 1'; REVOKE ALL ON FUNCTION shut FROM PUBLIC; GRANT EXECUTE ON FUNCTION shut TO "onward reader";
CREATE AGGREGATE total(int) (SFUNC = int4pl, STYPE = int, INITCOND = '0');
CREATE COLLATION mine (locale = 'C'); ALTER TABLE t ADD c text COLLATE mine;
CREATE INDEX broken ON t (id); UPDATE pg_index SET indisvalid = false WHERE indexrelid = 'broken'::regclass;
ALTER TABLE t ENABLE ROW LEVEL SECURITY; CREATE POLICY own ON t FOR SELECT TO "onward reader", PUBLIC USING (id > 0)`)
		s, err := ReadSchema(t.Context(), url)
		if err != nil {
			t.Fatal(err)
		}
		if len(s.Unread) > 0 {
			t.Errorf("unread: %q", s.Unread)
		}
		c := s.Catalog
		odd := c.Lookup("Odd Schema", `Odd "Table`)
		if odd == nil || len(odd.Columns) != 2 || odd.Column("Käse %s") == nil || !odd.Column("select").NotNull {
			t.Errorf("odd names: %+v", odd)
		}
		tab := c.Lookup("public", "t")
		for _, p := range []string{"SELECT", "INSERT"} {
			if !slices.ContainsFunc(tab.Grants, func(g catalog.Grant) bool {
				return g.Role == "onward reader" && strings.EqualFold(g.Privilege, p)
			}) {
				t.Errorf("%s is not granted: %v", p, tab.Grants)
			}
		}
		if tab.Owner != "postgres" || !tab.RLS || len(tab.Policies) != 1 || tab.Column("c").Collation == "" {
			t.Errorf("table t = %+v, want owner postgres, row level security, one policy, a collation of c", tab)
		}
		if x := c.Lookup("public", "broken"); x == nil || x.Index.Valid {
			t.Errorf("the invalid index: %+v", x)
		}
		if foreignTable := c.Lookup("public", "far"); foreignTable == nil || foreignTable.Kind != catalog.ForeignTable {
			t.Errorf("far: %+v", foreignTable)
		}
		if f := c.Functions("public", "f"); len(f) != 1 || f[0].Volatility != "stable" {
			t.Errorf("the functions f = %+v, want one that is stable", f)
		}
		if f := c.Functions("public", "shut"); len(f) != 1 || !f[0].Closed || len(f[0].Grants) != 1 {
			t.Errorf("shut: %+v", f)
		}
		if v := c.Lookup("public", "later"); v == nil || !slices.Equal(v.View.Reads, []catalog.OID{tab.OID}) {
			t.Errorf("later: %+v", v)
		}
		if !slices.Equal(c.SearchPath, []string{"public"}) {
			t.Errorf("search path %q", c.SearchPath)
		}
	})
}

// TestExtensions reads extensions whose types, functions and operators tables
// use.
func TestExtensions(t *testing.T) {
	t.Parallel()
	pgservertest.EachMajor(t, func(t *testing.T, major int) {
		names, err := pgservertest.Server(t, major).Extensions(t.Context())
		if err != nil {
			t.Fatal(err)
		}
		for _, want := range []string{"citext", "btree_gist", "pg_trgm", "uuid-ossp", "hstore"} {
			if !slices.Contains(names, want) {
				pgservertest.SkipOrFail(t, fmt.Errorf("Postgres %d has no extension %s", major, want))
			}
		}
		url, _ := pgservertest.ConnectNew(t, major, `
CREATE SCHEMA ext; CREATE EXTENSION citext SCHEMA ext; CREATE EXTENSION btree_gist SCHEMA ext; CREATE EXTENSION pg_trgm; CREATE EXTENSION "uuid-ossp"; CREATE EXTENSION hstore;
CREATE TABLE t (id uuid DEFAULT uuid_generate_v4() PRIMARY KEY, email ext.citext UNIQUE, h hstore, room int, during tsrange, EXCLUDE USING gist (room WITH =, during WITH &&));
CREATE INDEX trigrams ON t USING gin ((email::text) gin_trgm_ops)`)
		s, err := ReadSchema(t.Context(), url)
		if err != nil {
			t.Fatal(err)
		}
		for _, u := range s.Unread {
			t.Errorf("unread: %s", u)
		}
		tab := s.Catalog.Lookup("public", "t")
		if tab == nil || tab.Column("email").Type.OID == 0 || len(tab.Constraints) != 3 || len(tab.Indexes) != 4 {
			t.Fatalf("table t = %+v, want the type citext of email, 3 constraints and 4 indexes", tab)
		}
		if f := s.Catalog.Functions("public", "uuid_generate_v4"); len(f) != 1 || f[0].Volatility != "volatile" {
			t.Errorf("uuid_generate_v4: %+v", f)
		}
		if s.Catalog.Object("extension", catalog.Name{Name: "citext"}) == nil {
			t.Error("the extension itself is not there")
		}
	})
}

// TestNamed: each kind of object is known by the name by which it is dropped. A
// complete catalog that did not have one would call the DROP a failure.
func TestNamed(t *testing.T) {
	t.Parallel()
	statements := [][2]string{
		{"CREATE TEXT SEARCH CONFIGURATION mine (COPY = simple)", "DROP TEXT SEARCH CONFIGURATION mine"},
		{"CREATE TEXT SEARCH DICTIONARY dict (TEMPLATE = simple)", "DROP TEXT SEARCH DICTIONARY dict"},
		{"CREATE TEXT SEARCH PARSER par (START = prsd_start, GETTOKEN = prsd_nexttoken, END = prsd_end, LEXTYPES = prsd_lextype)", "DROP TEXT SEARCH PARSER par"},
		{"CREATE TEXT SEARCH TEMPLATE tem (INIT = dsimple_init, LEXIZE = dsimple_lexize)", "DROP TEXT SEARCH TEMPLATE tem"},
		{"CREATE TABLE a (x int)", "DROP TABLE a"},
		{"CREATE FUNCTION same(a, a) RETURNS bool LANGUAGE sql AS 'SELECT true'", "DROP FUNCTION same(a, a)"},
		{"CREATE OPERATOR === (LEFTARG = a, RIGHTARG = a, FUNCTION = same)", "DROP OPERATOR === (a, a)"},
		{"CREATE CAST (a AS text) WITH INOUT", "DROP CAST (a AS text)"},
		{"CREATE OPERATOR FAMILY fam USING btree", "DROP OPERATOR FAMILY fam USING btree"},
		{"CREATE OPERATOR CLASS cls FOR TYPE int4 USING btree AS OPERATOR 1 <, FUNCTION 1 btint4cmp(int4, int4)", "DROP OPERATOR CLASS cls USING btree"},
		{"CREATE CONVERSION conv FOR 'LATIN1' TO 'UTF8' FROM iso8859_1_to_utf8", "DROP CONVERSION conv"},
		{"CREATE FOREIGN DATA WRAPPER w OPTIONS (a 'secret')", "DROP FOREIGN DATA WRAPPER w"},
		{"CREATE SERVER s FOREIGN DATA WRAPPER w", "DROP SERVER s"},
		{"CREATE USER MAPPING FOR postgres SERVER s OPTIONS (password 'secret')", "DROP USER MAPPING FOR postgres SERVER s"},
		{"CREATE USER MAPPING FOR PUBLIC SERVER s", "DROP USER MAPPING FOR PUBLIC SERVER s"},
		{"CREATE FUNCTION etf() RETURNS event_trigger LANGUAGE plpgsql AS $$BEGIN END$$", "DROP FUNCTION etf()"},
		{"CREATE EVENT TRIGGER et ON sql_drop EXECUTE FUNCTION etf()", "DROP EVENT TRIGGER et"},
		{"CREATE AGGREGATE agg(int) (SFUNC = int4pl, STYPE = int)", "DROP AGGREGATE agg(int)"},
		{
			"CREATE AGGREGATE usual(ORDER BY anyelement) (SFUNC = ordered_set_transition, STYPE = internal, FINALFUNC = mode_final, FINALFUNC_EXTRA)",
			"DROP AGGREGATE usual(ORDER BY anyelement)",
		},
		{"CREATE TRANSFORM FOR int LANGUAGE sql (FROM SQL WITH FUNCTION prsd_lextype(internal))", "DROP TRANSFORM FOR int LANGUAGE sql"},
		{"CREATE COLLATION col (LOCALE = 'C')", "DROP COLLATION col"},
		{"CREATE LANGUAGE lang HANDLER plpgsql_call_handler", "DROP LANGUAGE lang"},
		{"CREATE PROCEDURE pr(INOUT q int) LANGUAGE plpgsql AS $$BEGIN q := 1; END$$", "DROP PROCEDURE pr(int)"},
		{"CREATE FUNCTION many(n int, VARIADIC rest int[] DEFAULT '{}') RETURNS TABLE (c int) LANGUAGE sql AS 'SELECT 1'", "DROP FUNCTION many(int, int[])"},
		{"CREATE STATISTICS st ON id, v FROM pair", "DROP STATISTICS st"},
		{"CREATE PUBLICATION pub FOR TABLE a", "DROP PUBLICATION pub"},
		{"CREATE SUBSCRIPTION onward_sub CONNECTION 'host=nowhere password=secret' PUBLICATION p WITH (connect = false)", "DROP SUBSCRIPTION onward_sub"},
		{"CREATE ACCESS METHOD heap2 TYPE TABLE HANDLER heap_tableam_handler", "DROP ACCESS METHOD heap2"},
		{"CREATE TYPE shell", "DROP TYPE shell"},
		{"SELECT 1", "DROP EXTENSION plpgsql"},
		{"CREATE ROLE onward_role", "DROP ROLE onward_role"},
	}
	pgservertest.EachMajor(t, func(t *testing.T, major int) {
		url, conn := pgservertest.ConnectNew(t, major, "CREATE TABLE pair (id int, v int)")
		ctx := t.Context()
		for _, s := range statements {
			if _, err := conn.Exec(ctx, s[0]); err != nil {
				t.Fatalf("run %s: %v", s[0], err)
			}
		}
		got, err := ReadSchema(ctx, url)
		// A subscription keeps its database from being dropped.
		for _, sql := range []string{"ALTER SUBSCRIPTION onward_sub SET (slot_name = NONE)", "DROP SUBSCRIPTION onward_sub", "DROP ROLE onward_role"} {
			pgservertest.Exec(t, conn, sql)
		}
		if err != nil {
			t.Fatal(err)
		}
		for _, u := range got.Unread {
			t.Errorf("unread: %s", u)
		}
		for _, s := range statements {
			f, err := pgparse.SplitText(s[1])
			if err != nil {
				t.Fatal(err)
			}
			if _, problems := got.Catalog.Apply(f.Stmts[0].Node, s[1]); len(problems) > 0 && strings.HasSuffix(problems[0].Message(), "does not exist") {
				t.Errorf("apply %s to the schema that was read: %s", s[1], problems[0].Message())
			}
		}
	})
}

// TestReadOnly: nothing can be written through a session, whatever is asked.
func TestReadOnly(t *testing.T) {
	t.Parallel()
	url, _ := pgservertest.ConnectNew(t, 18, "CREATE TABLE t (id int)")
	ctx := t.Context()
	s, err := openSession(ctx, url)
	if err != nil {
		t.Fatal(err)
	}
	defer s.closeSession(ctx)
	if _, err := s.tx.Exec(ctx, "INSERT INTO public.t VALUES (1)"); err == nil || !strings.Contains(err.Error(), "read-only") {
		t.Errorf("a write in the transaction: %v", err)
	}
}

// TestPlainRole: a role without any privilege can read all that is read.
func TestPlainRole(t *testing.T) {
	t.Parallel()
	pgservertest.EachMajor(t, func(t *testing.T, major int) {
		url, _ := pgservertest.ConnectNew(t, major, `
DO $$BEGIN CREATE ROLE onward_nobody LOGIN; EXCEPTION WHEN duplicate_object OR unique_violation THEN NULL; END$$;
CREATE SCHEMA closed; CREATE TYPE closed.mood AS ENUM ('ok');
CREATE TABLE closed.t (id int PRIMARY KEY, m closed.mood, at timestamptz DEFAULT now()); CREATE VIEW closed.v AS SELECT id FROM closed.t;
CREATE FUNCTION closed.f() RETURNS int LANGUAGE sql AS 'SELECT 1'; REVOKE ALL ON FUNCTION closed.f FROM PUBLIC;
INSERT INTO closed.t SELECT generate_series(1, 500); ANALYZE closed.t;
CREATE FOREIGN DATA WRAPPER closed; CREATE SERVER closed FOREIGN DATA WRAPPER closed; CREATE PUBLICATION p FOR TABLE closed.t`)
		plain := strings.Replace(url, "postgres://postgres@", "postgres://onward_nobody@", 1)
		s, err := ReadSchema(t.Context(), plain)
		if err != nil {
			t.Fatal(err)
		}
		tab := s.Catalog.Lookup("closed", "t")
		if len(s.Unread) > 0 || tab == nil || len(tab.Columns) != 3 || s.Catalog.Lookup("closed", "v") == nil || len(s.Catalog.Functions("closed", "f")) != 1 {
			t.Errorf("unread %q, closed.t %+v", s.Unread, tab)
		}
		stats, err := ReadStats(t.Context(), plain)
		if err != nil {
			t.Fatal(err)
		}
		if len(stats.Relations) != 1 || stats.Relations[0].Rows != 500 || stats.Relations[0].HeapBytes == 0 || len(stats.Relations[0].Indexes) != 1 {
			t.Errorf("the statistics are %+v, want one relation with 500 rows, its size and one index", stats.Relations)
		}
	})
}

// TestSnapshot: what is committed while the schema is read does not mix in.
func TestSnapshot(t *testing.T) {
	t.Parallel()
	url, conn := pgservertest.ConnectNew(t, 18, "CREATE TABLE t (id int)")
	ctx := t.Context()
	s, err := openSession(ctx, url)
	if err != nil {
		t.Fatal(err)
	}
	defer s.closeSession(ctx)
	count := "SELECT count(*)::text FROM pg_class WHERE relnamespace = 'public'::regnamespace"
	before, err := s.queryLines(ctx, "tables", count)
	if err != nil {
		t.Fatal(err)
	}
	pgservertest.Exec(t, conn, "CREATE TABLE u (id int)")
	after, err := s.queryLines(ctx, "tables", count)
	if err != nil || !slices.Equal(before, after) {
		t.Errorf("%v, then %v, %v", before, after, err)
	}
}

// TestLocked: a lock that somebody holds ends the reading; it is not waited
// for without end.
func TestLocked(t *testing.T) {
	t.Parallel()
	url, conn := pgservertest.ConnectNew(t, 18, "CREATE TABLE t (id int)")
	ctx := t.Context()
	pgservertest.Exec(t, conn, "BEGIN; LOCK TABLE t IN ACCESS EXCLUSIVE MODE")
	if _, err := ReadStats(ctx, url); err == nil || !strings.Contains(err.Error(), "lock timeout") {
		t.Errorf("%v, want a lock timeout", err)
	}
}

// TestNoPassword: an address that does not work is never quoted with its
// password.
func TestNoPassword(t *testing.T) {
	t.Parallel()
	const secret = "hunter2"
	for _, url := range []string{
		"postgres://u:" + secret + "@127.0.0.1:1/db", "host=127.0.0.1 port=1 user=u password=" + secret,
		"postgres://u:" + secret + "@host:port/db", "postgres://u:" + secret + "%zz@host/db", "postgres://u:" + secret + "@/db?sslmode=what",
		"password=" + secret + " port=x", "mysql://u:" + secret + "@h/d", "password='" + secret,
		"postgres://u:" + secret + "@127.0.0.1:1/" + secret,
		// Unescaped characters: the part after them belongs to the password too.
		"postgres://u:p@" + secret + "@127.0.0.1:1/db", "postgres://u:p/" + secret + "@127.0.0.1:1/db", "postgres://u:1?" + secret + "@127.0.0.1:1/db",
		"postgres://u:p#" + secret + "@[::1]:1/db", "postgres://u:p%40" + secret + "@[::1]:1,127.0.0.1:1/db", "postgres://u:p @" + secret + "@127.0.0.1:1/db",
		"postgres://127.0.0.1:1/db?user=u&password=p@" + secret, "postgres://127.0.0.1:1/db?password=p%20" + secret + "&connect_timeout=x",
		"host=127.0.0.1 port=1 password='p@\\' " + secret +
			"'", "service=nowhere password=" + secret, "passfile=/nowhere password=" + secret + " port=1 host=127.0.0.1",
	} {
		_, err := ReadSchema(t.Context(), url)
		var server *ServerError
		var none *address.Error
		if !errors.As(err, &server) && !errors.As(err, &none) {
			t.Errorf("%v, want a ServerError or an address.Error", err)
		} else if strings.Contains(err.Error(), secret) {
			t.Errorf("the password is in the error: %v", err)
		}
	}
}

func TestReadStats(t *testing.T) {
	t.Parallel()
	pgservertest.EachMajor(t, func(t *testing.T, major int) {
		url, _ := pgservertest.ConnectNew(t, major, `
CREATE TABLE users (id int PRIMARY KEY, note text);
INSERT INTO users SELECT n, repeat(n::text, 20) FROM generate_series(1, 20000) n;
CREATE TABLE empty (id int);
CREATE TABLE fresh (id int); INSERT INTO fresh VALUES (1);
CREATE TABLE event (at int) PARTITION BY RANGE (at);
CREATE TABLE event_1 PARTITION OF event FOR VALUES FROM (0) TO (1000);
INSERT INTO event SELECT n FROM generate_series(1, 999) n;
CREATE MATERIALIZED VIEW m AS SELECT id FROM users;
CREATE TEMP TABLE gone (id int);
ANALYZE users, event_1, m`)
		s, err := ReadStats(t.Context(), url)
		if err != nil {
			t.Fatal(err)
		}
		if s.Schema != onward.StatsSchema || s.Major != major || !strings.HasPrefix(s.Postgres, fmt.Sprint(major)) {
			t.Errorf("the statistics have schema %s, major %d, version %q; want %s, %d", s.Schema, s.Major, s.Postgres, onward.StatsSchema, major)
		}
		if s.Settings["lock_timeout"] != "0ms" || s.Settings["statement_timeout"] != "0ms" || s.Settings["TimeZone"] == "" {
			t.Errorf("settings of this reading instead of the role's: %v", s.Settings)
		}
		kinds := map[string]string{}
		for _, r := range s.Relations {
			kinds[r.Name] = r.Kind + " " + r.Parent
		}
		if d := cmp.Diff(map[string]string{
			"public.users": "table ", "public.empty": "table ", "public.fresh": "table ", "public.event": "partitioned table ",
			"public.event_1": "table public.event", "public.m": "materialized view ",
		}, kinds); d != "" {
			t.Errorf("relations (-want +got):\n%s", d)
		}
		relationStats := func(name string) onward.RelationStats {
			return s.Relations[slices.IndexFunc(s.Relations, func(r onward.RelationStats) bool { return r.Name == name })]
		}
		users := relationStats("public.users")
		if users.Rows != 20000 || users.HeapBytes < 1<<20 || len(users.Indexes) != 1 || users.Indexes[0].Name != "public.users_pkey" ||
			users.Indexes[0].Bytes < 100_000 {
			t.Errorf("users: %+v", users)
		}
		if relationStats("public.fresh").Rows != -1 || relationStats("public.event_1").Rows != 999 {
			t.Errorf("fresh %d, event_1 %d", relationStats("public.fresh").Rows, relationStats("public.event_1").Rows)
		}
	})
}

func TestRate(t *testing.T) {
	t.Parallel()
	if got := perSecond(100, 3); got != 33.333 {
		t.Errorf("rate(100, 3) = %v", got)
	}
	if got := perSecond(100, 0); got != 0 {
		t.Errorf("rate of an unknown time: %v", got)
	}
}
