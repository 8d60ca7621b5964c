package fill_test

import (
	"context"
	_ "embed"
	"fmt"
	"os"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/jackc/pgx/v5"

	"github.com/onward-sql/onward/internal/fill"
	"github.com/onward-sql/onward/internal/pgserver/pgservertest"
)

//go:embed testdata/hostile.sql
var hostile string

func TestMain(m *testing.M) { os.Exit(pgservertest.Main(m)) }

var majors = []int{13, 18}

// database is a fresh database with a schema, and a connection to it.
func database(t testing.TB, major int, schema string) (string, *pgx.Conn) {
	t.Helper()
	url := pgservertest.Database(t, major)
	conn := pgservertest.Connect(t, url)
	run(t, conn, schema)
	return url, conn
}

func run(t testing.TB, conn *pgx.Conn, sql string) {
	t.Helper()
	if _, err := conn.Exec(context.Background(), sql, pgx.QueryExecModeSimpleProtocol); err != nil {
		t.Fatalf("run %q: %v", sql[:min(len(sql), 200)], err)
	}
}

func ask[T any](t testing.TB, conn *pgx.Conn, sql string) T {
	t.Helper()
	var v T
	if err := conn.QueryRow(context.Background(), sql).Scan(&v); err != nil {
		t.Fatalf("query %q: %v", sql, err)
	}
	return v
}

func mustFill(t testing.TB, url string, p fill.Plan) *fill.Result {
	t.Helper()
	r, err := fill.FillDatabase(context.Background(), url, p, fill.Release{})
	if err != nil {
		t.Fatal(err)
	}
	return r
}

func problems(r *fill.Result) map[string]string {
	m := map[string]string{}
	for _, p := range r.Problems {
		m[p.Relation] += p.Why + "\n"
	}
	return m
}

// dangling are the rows of each foreign key that refer to nothing, asked with a
// query: triggers may be off, queries are not.
const dangling = `
SELECT format('SELECT count(*) FROM %s%s a WHERE %s AND NOT EXISTS (SELECT FROM %s b WHERE %s)', CASE WHEN r.relkind = 'p' THEN '' ELSE 'ONLY ' END, c.conrelid::regclass,
  (SELECT string_agg(format('a.%I IS NOT NULL', x.attname), ' AND ') FROM pg_attribute x WHERE x.attrelid = c.conrelid AND x.attnum = ANY (c.conkey)), c.confrelid::regclass,
  (SELECT string_agg(format('a.%I = b.%I', x.attname, y.attname), ' AND ') FROM generate_subscripts(c.conkey, 1) k JOIN pg_attribute x ON x.attrelid = c.conrelid AND x.attnum = c.conkey[k] JOIN pg_attribute y ON y.attrelid = c.confrelid AND y.attnum = c.confkey[k]))
FROM pg_constraint c JOIN pg_class r ON r.oid = c.conrelid WHERE c.contype = 'f' AND c.conparentid = 0 ORDER BY 1`

// digests are the contents of every table.
const digests = `
SELECT format('SELECT %L || md5(coalesce(string_agg(x::text, chr(10) ORDER BY x::text), %L)) FROM ONLY %s x', c.oid::regclass || ' ', '', c.oid::regclass)
FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace WHERE c.relkind = 'r' AND n.nspname NOT IN ('pg_catalog', 'information_schema') ORDER BY c.oid::regclass::text COLLATE "C"`

// each runs the statements that a query writes, each of which has one value.
func each[T any](t testing.TB, conn *pgx.Conn, sql string) (values []T, statements []string) {
	t.Helper()
	rows, err := conn.Query(context.Background(), sql)
	if err != nil {
		t.Fatal(err)
	}
	statements, err = pgx.CollectRows(rows, pgx.RowTo[string])
	if err != nil {
		t.Fatal(err)
	}
	for _, s := range statements {
		values = append(values, ask[T](t, conn, s))
	}
	return values, statements
}

func TestHostile(t *testing.T) {
	t.Parallel()
	pgservertest.EachEnd(t, func(t *testing.T, major int) {
		url, conn := database(t, major, hostile)
		const n = 1000
		state := `SELECT string_agg(tgname || tgenabled::text, ' ' ORDER BY tgname) || (SELECT relforcerowsecurity FROM pg_class WHERE relname = 'guarded') FROM pg_trigger WHERE NOT tgisinternal`
		before := ask[string](t, conn, state)
		r := mustFill(t, url, fill.Plan{All: n, Seed: 7})
		got := problems(r)
		want := map[string]string{ // what cannot be, and the word that says why
			"public.impossible": "no values were found", "public.behind_impossible": "refers to public.impossible, which has no rows",
			"public.few": "2 rows instead of 1000", "public.countries": "rows instead of 1000", "public.one_open": "duplicate key",
		}
		for name, problem := range got {
			if want[name] == "" || !strings.Contains(problem, want[name]) {
				t.Errorf("problem of %s: %s", name, problem)
			}
		}
		if len(got) != len(r.Problems) {
			t.Errorf("a table has several problems: %v", r.Problems)
		}
		rows := map[string]int64{}
		for _, x := range r.Tables {
			rows[x.Relation] = x.Rows
			if x.Rows > 0 && x.Bytes <= 0 {
				t.Errorf("%s has %d rows in %d bytes", x.Relation, x.Rows, x.Bytes)
			}
		}
		names, _ := each[string](t, conn, `SELECT format('SELECT %L::text', n.nspname || '.' || c.relname) FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace WHERE c.relkind IN ('r', 'p') AND NOT c.relispartition AND n.nspname NOT IN ('pg_catalog', 'information_schema')`)
		for _, name := range names {
			if rows[name] != n && want[name] == "" {
				t.Errorf("%s has %d rows", name, rows[name])
			}
		}
		if rows["public.one_open"] < n*9/10 || rows["public.countries"] < n*9/10 || rows["public.few"] != 2 || rows["public.impossible"] != 0 {
			t.Errorf("rows: %v", rows)
		}
		counts, statements := each[int64](t, conn, dangling)
		for k, c := range counts {
			if c != 0 {
				t.Errorf("%d rows: %s", c, statements[k])
			}
		}
		if len(counts) < 20 {
			t.Errorf("%d foreign keys", len(counts))
		}
		if after := ask[string](t, conn, state); after != before {
			t.Errorf("triggers and row level security: %s, before %s", after, before)
		}
		// Rows that are added later do not conflict with the generated ones.
		run(t, conn, `INSERT INTO unlogged (v) VALUES ('x'); INSERT INTO roles (name) VALUES ('mine'); INSERT INTO animals (name) VALUES ('cat');
				INSERT INTO users (tenant_id, email, username, mood, score, parity, balance, created_at, country) SELECT id, 'zz@zz.zz', 'zz', 'sad', 1, 2, 0, now(), 'DE' FROM tenants LIMIT 1`)
		for description, sql := range map[string]string{
			"the materialised view is empty": "SELECT count(*) > 1 FROM by_status",
			"nothing was analysed":           "SELECT reltuples > 0 FROM pg_class WHERE relname = 'users'",
			"no NULL in a nullable column":   "SELECT count(*) BETWEEN 10 AND 200 FROM users WHERE age IS NULL",
			"references are even":            "SELECT max(n) > 3 * avg(n) FROM (SELECT count(*) AS n FROM tasks GROUP BY tenant_id) AS x",
			"texts have one length":          "SELECT count(DISTINCT length(bio)) > 5 FROM profiles",
			"only one branch of a condition": "SELECT count(DISTINCT kind) = 2 AND count(user_id) > 0 AND count(tenant_id) > 0 FROM owned",
			"a column of some type is never NULL or always": "SELECT bool_and(n BETWEEN 1 AND 999) FROM (SELECT count(*) AS n, e.key FROM types, " +
				"jsonb_each_text(to_jsonb(types)) e WHERE e.value IS NOT NULL AND e.key NOT IN ('nn') GROUP BY 2) AS x",
			"a type without a value": "SELECT count(DISTINCT e.key) = (SELECT count(*) FROM pg_attribute WHERE attrelid = 'types'::regclass AND attnum > 0) FROM " +
				"types, jsonb_each_text(to_jsonb(types)) e WHERE e.value IS NOT NULL",
		} {
			if !ask[bool](t, conn, sql) {
				t.Errorf("%s: the query returned false: %s", description, sql)
			}
		}
	})
}

func TestSameSeedSameRows(t *testing.T) {
	t.Parallel()
	var all [][]string
	for _, seed := range []uint64{1, 1, 2} {
		url, conn := database(t, 18, hostile)
		// Random defaults of the schema itself are not ours.
		mustFill(t, url, fill.Plan{All: 100, Seed: seed})
		values, _ := each[string](t, conn, digests)
		all = append(all, values)
	}
	if d := cmp.Diff(all[0], all[1]); d != "" {
		t.Errorf("the same seed (-first +second):\n%s", d)
	}
	sameCount := 0
	for k := range all[0] {
		if all[0][k] == all[2][k] {
			sameCount++
			t.Log("same with another seed:", all[0][k])
		}
	}
	if sameCount > 10 { // tables of nothing but numbered keys
		t.Errorf("%d of %d tables are the same with another seed", sameCount, len(all[0]))
	}
}

// Only the named tables and those that they refer to are filled. A partition's number is its share. An unknown name is
// reported.
func TestPlan(t *testing.T) {
	t.Parallel()
	url, _ := database(t, 18, hostile)
	r := mustFill(t, url, fill.Plan{Rows: map[string]int64{"tasks": 500, "public.events_a": 30, "events_b": 10, "user_roles": 400, "nowhere": 5}, Seed: 1})
	rows := map[string]int64{}
	for _, x := range r.Tables {
		rows[x.Relation] = x.Rows
	}
	for name, want := range map[string]int64{
		"public.tasks":      500,
		"public.events_a":   30,
		"public.events_b":   10,
		"public.events":     40,
		"public.user_roles": 400,
		"public.guarded":    0,
		"public.countries":  3,
	} {
		if rows[name] != want {
			t.Errorf("%s: %d rows, want %d", name, rows[name], want)
		}
	}
	for _, name := range []string{"public.users", "public.tenants", "public.projects", "public.roles"} {
		if rows[name] < 10 || rows[name] > 500 {
			t.Errorf("%s, which is referred to: %d rows", name, rows[name])
		}
	}
	if got := problems(r); len(got) != 1 || !strings.Contains(got["nowhere"], "no such table") {
		t.Errorf("problems: %v", got)
	}
}

// The owner of the tables need not be a superuser, and rows can be added twice.
func TestOwner(t *testing.T) {
	t.Parallel()
	for _, major := range majors {
		url, conn := database(t, major, "")
		role := fmt.Sprintf("owner_%d", major)
		run(t, conn, fmt.Sprintf("CREATE ROLE %s; GRANT ALL ON SCHEMA public TO %[1]s; SET ROLE %[1]s", role))
		run(t, conn, `CREATE TABLE a (id int GENERATED ALWAYS AS IDENTITY PRIMARY KEY, name varchar(10) UNIQUE); CREATE TABLE b (a_id int PRIMARY KEY REFERENCES a, v text NOT NULL);
			ALTER TABLE b ENABLE ROW LEVEL SECURITY; ALTER TABLE b FORCE ROW LEVEL SECURITY; RESET ROLE`)
		sep := "?"
		if strings.Contains(url, "?") {
			sep = "&"
		}
		url += sep + "options=-c%20role%3D" + role
		for round := range 2 {
			r := mustFill(t, url, fill.Plan{Rows: map[string]int64{"a": 100}, Seed: 1})
			if len(r.Problems) > 0 {
				t.Errorf("round %d: %v", round, r.Problems)
			}
		}
		if r := mustFill(t, url, fill.Plan{Rows: map[string]int64{"b": 150}, Seed: 1}); len(r.Problems) > 0 {
			t.Errorf("fill the table b: problems %v, want none", r.Problems)
		}
		if n := ask[int64](t, conn, "SELECT count(*) FROM a"); n != 200 {
			t.Errorf("%d rows", n)
		}
		run(t, conn, "DROP OWNED BY "+role+"; DROP ROLE "+role)
	}
}

// TestSequences: a statement that takes a key from a sequence, by the default or by itself, meets no row that was made up.
func TestSequences(t *testing.T) {
	t.Parallel()
	url, conn := database(t, 18, `CREATE TABLE linked (id bigserial PRIMARY KEY);
CREATE SEQUENCE batch_number; CREATE TABLE batch (id int PRIMARY KEY, note text); CREATE TABLE batch_number_kind (id bigint PRIMARY KEY);
CREATE SEQUENCE shared; CREATE TABLE one (id bigint PRIMARY KEY); CREATE TABLE two (id numeric PRIMARY KEY);
CREATE SEQUENCE unused; CREATE SEQUENCE "Odd name" INCREMENT -1;
INSERT INTO batch VALUES (nextval('batch_number'), 'a'), (nextval('batch_number'), 'b'); INSERT INTO one VALUES (nextval('shared')); SELECT nextval('"Odd name"')`)
	r := mustFill(t, url, fill.Plan{All: 300, Rows: map[string]int64{"public.two": 700}})
	if len(r.Problems) > 0 {
		t.Errorf("fill tables with sequences: problems %+v, want none", r.Problems)
	}
	for _, sql := range []string{
		"INSERT INTO linked DEFAULT VALUES", "INSERT INTO batch VALUES (nextval('batch_number'))",
		"INSERT INTO one VALUES (nextval('shared'))", "INSERT INTO two VALUES (nextval('shared'))",
	} {
		run(t, conn, sql)
	}
	if n := ask[int64](t, conn, "SELECT last_value FROM batch_number"); n < 302 || n > 400 {
		t.Errorf("batch_number is at %d", n)
	}
	if n := ask[bool](t, conn, "SELECT is_called FROM unused"); n {
		t.Error("a sequence that no migration used was advanced")
	}
}

func TestCancelled(t *testing.T) {
	t.Parallel()
	url, conn := database(t, 18, "CREATE TABLE t (id int PRIMARY KEY, v text NOT NULL)")
	ctx, cancel := context.WithTimeout(context.Background(), 300*time.Millisecond)
	defer cancel()
	if _, err := fill.FillDatabase(ctx, url, fill.Plan{All: 500_000_000}, fill.Release{}); err == nil {
		t.Error("no error")
	}
	if n := ask[int64](t, conn, "SELECT count(*) FROM t"); n != 0 {
		t.Errorf("%d rows", n)
	}
}
