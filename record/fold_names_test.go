package record_test

import (
	"crypto/sha1"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/onward-sql/onward/internal/component"
	"github.com/onward-sql/onward/internal/gitrange/gittest"
	"github.com/onward-sql/onward/internal/pgserver/pgservertest"
	"github.com/onward-sql/onward/internal/workload"
	"github.com/onward-sql/onward/record"
)

// psql records what psql sends of a script.
func psql(t *testing.T, c record.Config, script string) *record.Workload {
	t.Helper()
	client := component.NeedProgram(t, component.Psql, "psql")
	file := gittest.NewFile(t, "script.sql", script)
	c.Command = []string{client, "-Xqv", "ON_ERROR_STOP=1", "-f", file}
	if c.Server == "" {
		c.Major = 17
	}
	return recordCommand(t, c).Workload
}

// code are the texts of the code's queries with their calls, sorted.
func code(w *record.Workload) []string {
	var out []string
	for i := range w.Queries {
		if q := &w.Queries[i]; q.IsCode() {
			out = append(out, fmt.Sprintf("%d %s", q.Calls, q.SQL))
		}
	}
	slices.Sort(out)
	return out
}

// folded are the folds, a text each.
func folded(w *record.Workload) (out []string) {
	for _, f := range w.Folds {
		out = append(out, fmt.Sprintf("%d %s %s > %s", len(f.Names), f.Kind, f.Pattern, f.Into))
	}
	return out
}

func equal(t *testing.T, label string, got []string, want ...string) {
	t.Helper()
	if strings.Join(got, "\n") != strings.Join(want, "\n") {
		t.Errorf("%s:\n%s\nwant\n%s", label, strings.Join(got, "\n"), strings.Join(want, "\n"))
	}
}

// hashed is a schema's name with a hash.
func hashed(i int) string { return fmt.Sprintf("jobs%x", sha1.Sum([]byte{byte(i)})) }

// schemaTest is a test with a schema of its own, as suites write them: names are qualified, and found by the search path.
func schemaTest(s string) string {
	return strings.ReplaceAll(`CREATE SCHEMA @@; CREATE TYPE @@.state AS ENUM ('new', 'done');
CREATE TABLE @@.job (id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY, name text, state @@.state);
CREATE TABLE @@.archive (id bigint, name text);
CREATE FUNCTION @@.twice(integer) RETURNS integer LANGUAGE sql AS 'SELECT $1 * 2';
INSERT INTO @@.job (name, state) VALUES ('hidden', 'new');
SELECT j.id, @@.job.name FROM @@.job, @@.job j WHERE @@.job.state = 'new'::@@.state;
SELECT jobs.id, @@.twice(7) FROM @@.archive jobs;
SELECT nextval('@@.job_id_seq');
SET search_path TO @@;
UPDATE job SET name = 'hidden' WHERE id = 3;
RESET search_path;
`, "@@", s)
}

// TestFoldSchemas: the schemas that a suite makes for its tests count as one, whether they are dropped or not, and what
// the server says of their queries is put together.
func TestFoldSchemas(t *testing.T) {
	t.Parallel()
	var script strings.Builder
	script.WriteString("CREATE TABLE kept (id bigint); SELECT id FROM kept;\n")
	for i := range 50 {
		script.WriteString(schemaTest(hashed(i)))
		if i%2 == 0 {
			script.WriteString("DROP SCHEMA " + hashed(i) + " CASCADE;\n")
		}
	}
	w := psql(t, record.Config{}, script.String())
	equal(t, "the folds", folded(w), "50 schema jobs* > jobs")
	equal(t, "the queries", code(w),
		"1 SELECT id FROM kept", "50 INSERT INTO jobs.job (name, state) VALUES ($1, $2)", "50 SELECT j.id, jobs.job.name FROM jobs.job, "+
			"jobs.job j WHERE jobs.job.state = $1::jobs.state",
		"50 SELECT jobs.id, jobs.twice($1) FROM jobs.archive jobs", "50 SELECT nextval($1)", "50 UPDATE job SET name = $1 WHERE id = $2")
	for i := range w.Queries {
		q := &w.Queries[i]
		if q.IsCode() && (q.Resolved != "server" || q.Disputed || q.Folded != (q.SQL != "SELECT id FROM kept" && !strings.Contains(q.SQL, "nextval"))) {
			t.Errorf("the query is not resolved by the server, is disputed, or is folded wrongly: %+v", q)
		}
	}
	insert := query(t, w, "INSERT INTO jobs.job")
	if len(insert.Uses) != 1 || insert.Uses[0].Relation != "jobs.job" || !slices.Equal(insert.Uses[0].Writes, []string{"name", "state"}) ||
		!slices.Equal(insert.Params, []string{"text", "jobs.state"}) {
		t.Errorf("the INSERT is %+v, want it to write name and state of jobs.job", insert)
	}
	if q := query(t, w, "UPDATE job"); q.SearchPath != "jobs" || q.Uses[0].Relation != "jobs.job" {
		t.Errorf("the UPDATE is %+v, want the search path jobs and the table jobs.job", q)
	}
	if q := query(t, w, "nextval"); len(q.Names) != 1 || !slices.Equal(q.Names[0].Values, []string{"jobs.job_id_seq"}) {
		t.Errorf("nextval has the names %+v, want jobs.job_id_seq", q.Names)
	}
	if len(w.Queries) > 25 {
		t.Errorf("%d queries with migrations", len(w.Queries))
	}
	var text strings.Builder
	if err := workload.Write(&text, w, false); err != nil {
		t.Fatal(err)
	}
	if strings.Contains(text.String(), "hidden") {
		t.Error("a value is stored")
	}
	if _, err := workload.Read(strings.NewReader(text.String())); err != nil {
		t.Error(err)
	}
}

// TestFoldDatabases: the databases that a suite makes count as one sender.
func TestFoldDatabases(t *testing.T) {
	t.Parallel()
	var script strings.Builder
	for i := range 20 {
		name := fmt.Sprintf("shop_%x_test", sha1.Sum([]byte{byte(i)}))
		fmt.Fprintf(&script, "CREATE DATABASE %s;\n\\connect %[1]s\nCREATE TABLE users (id bigint, email text);\nSELECT email FROM users WHERE id = %d;\n"+
			"\\connect template1\n", name, i)
		if i%2 == 0 {
			fmt.Fprintf(&script, "DROP DATABASE %s;\n", name)
		}
	}
	w := psql(t, record.Config{}, script.String())
	equal(t, "the folds", folded(w), "20 database shop_*_test > shop_test")
	q := query(t, w, "email FROM users")
	if q.Calls != 20 || len(q.Senders) != 1 || q.Senders[0].Database != "shop_test" || q.Senders[0].Calls != 20 || q.Resolved != "server" {
		t.Errorf("the query is %+v, want 20 calls from shop_test, resolved by the server", q)
	}
	equal(t, "the statements", []string{query(t, w, "CREATE DATABASE").SQL, fmt.Sprint(query(t, w, "CREATE DATABASE").Calls)}, "CREATE DATABASE shop_test", "20")
}

// TestFoldCarefully: only schemas with the same tables, new ones, and whose names differ in a counter or a hash are folded
// unless a pattern is given.
func TestFoldCarefully(t *testing.T) {
	t.Parallel()
	table := func(column string, schemas ...string) string {
		var b strings.Builder
		for _, s := range schemas {
			fmt.Fprintf(&b, "CREATE SCHEMA %s; CREATE TABLE %[1]s.users (%[2]s text); SELECT %[2]s FROM %[1]s.users;\n", s, column)
		}
		return b.String()
	}
	dump := filepath.Join(t.TempDir(), "schema.sql")
	if err := os.WriteFile(dump, []byte("CREATE TABLE public.users (name text);\n"+
		strings.ReplaceAll(table("a", "region_1", "region_2", "region_3"), "SELECT a", "SELECT 1; --")), 0o600); err != nil {
		t.Fatal(err)
	}
	for name, c := range map[string]struct {
		config record.Config
		script string
		folds  []string
		count  int
	}{
		"two":   {record.Config{}, table("a", "shard_1", "shard_2"), nil, 2},
		"three": {record.Config{}, table("a", "shard_1", "shard_2", "shard_3"), []string{"3 schema shard_* > shard"}, 1},
		"none":  {record.Config{Folds: []string{"none"}}, table("a", "shard_1", "shard_2", "shard_3"), nil, 3},
		"words": {record.Config{}, table("a", "tenant_acme", "tenant_globex", "tenant_initech"), nil, 3},
		"given": {
			record.Config{Folds: []string{"tenant_*=public"}}, table("a", "tenant_acme", "tenant_globex", "tenant_initech"),
			[]string{"3 schema tenant_* > public"}, 1,
		},
		"another table": {record.Config{}, table("a", "t_1", "t_2", "t_3") + table("b", "t_4"), []string{"3 schema t_* > t"}, 2},
		"one table more": {
			record.Config{}, table("a", "t_1", "t_2", "t_3", "t_4") + "CREATE TABLE t_4.extra (b text); SELECT b FROM t_4.extra;\n",
			[]string{"4 schema t_* > t"}, 2,
		},
		"a test's own name": {
			record.Config{}, table("a", "t_1", "t_2", "t_3", "longest") + "DROP SCHEMA longest CASCADE;\n", []string{"3 schema t_* > t"}, 2,
		},
		"as another": {record.Config{}, table("a", "t_1", "t_2", "t_3", "app"), []string{"3 schema t_* > app"}, 1},
		"deployed": {
			record.Config{Schema: dump},
			"SELECT a FROM region_1.users; SELECT a FROM region_2.users; SELECT a FROM region_3.users;", nil, 3,
		},
		"as deployed": {record.Config{Schema: dump}, table("name", "test_1", "test_2", "test_3"), []string{"3 schema test_* > public"}, 1},
		"on a server that is there": {
			record.Config{Server: pgservertest.Database(t, 16)},
			table("a", "t_1", "t_2", "t_3", "t_4") + "DROP SCHEMA t_2 CASCADE;", []string{"4 schema t_* > t"}, 1,
		},
		"another is so": {record.Config{}, table("a", "t_1", "t_2", "t_3") + table("b", "t"), []string{"3 schema t_* > t_1"}, 2},
		"by the search path": {
			record.Config{},
			strings.ReplaceAll(strings.ReplaceAll(table("a", "t1", "t2", "t3"), "SELECT a FROM ", "SET search_path = "), ".users;\n", "; SELECT a FROM users;\n"),
			[]string{"3 schema t* > public"}, 1,
		},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			w := psql(t, c.config, c.script)
			equal(t, "the folds", folded(w), c.folds...)
			if list := code(w); len(list) != c.count {
				t.Errorf("the queries:\n%s", strings.Join(list, "\n"))
			}
		})
	}
	for _, wrong := range []string{"test", "*", "test_*=", "test_*=a*"} {
		if _, err := record.Run(t.Context(), record.Config{
			Command: []string{"true"},
			Folds:   []string{wrong},
		}); err == nil || !strings.Contains(err.Error(), "--fold") {
			t.Errorf("record.Run with --fold %q: %v, want an error that names --fold", wrong, err)
		}
	}
}

// TestQuestionLimits: a suite that drops something while it holds locks goes on. The queries that have to wait are asked
// about later, the others at once; a limit that is reached is reported.
func TestQuestionLimits(t *testing.T) {
	t.Parallel()
	const script = `CREATE TABLE busy (id bigint); CREATE SCHEMA other; CREATE TABLE other.free (id bigint);
SELECT id FROM busy; SELECT id FROM other.free;
BEGIN; LOCK TABLE busy; DROP SCHEMA other CASCADE; COMMIT;`
	start := time.Now()
	w := psql(t, record.Config{}, script)
	for _, word := range []string{"busy", "other.free"} {
		if q := query(t, w, "FROM "+word); q.Resolved != "server" {
			t.Errorf("the query of %s is not resolved by the server: %+v", word, q)
		}
	}
	if took := time.Since(start); len(w.Notes) > 0 || took > time.Minute {
		t.Errorf("the recording has the notes %q and took %s, want none and less than a minute", w.Notes, took)
	}
	w = psql(t, record.Config{}, script+" ALTER TABLE busy RENAME TO gone; DROP TABLE gone;")
	if !slices.Contains(w.Notes, "of 1 queries nobody knows all that they use: the server did not answer in 10 s, or waited 0.3 s for a lock") {
		t.Errorf("the notes are %q", w.Notes)
	}
	w = psql(t, record.Config{Limit: time.Nanosecond}, script)
	if !slices.Contains(w.Notes, "of 2 queries nobody knows what they use: the questions to the server reached their limit of 1ns (--limit)") {
		t.Errorf("the notes are %q", w.Notes)
	}
}

// TestLaterNames: literals that name objects are asked about also if the database of the first is gone, and those that
// nobody can be asked about make the names incomplete.
func TestLaterNames(t *testing.T) {
	t.Parallel()
	createScript := func(database, sequence, end string) string {
		return fmt.Sprintf("CREATE DATABASE %s;\n\\connect %[1]s\nCREATE SEQUENCE %s; SELECT nextval('%[2]s'); %s\n\\connect template1\nDROP DATABASE %[1]s;\n",
			database, sequence, end)
	}
	script := createScript("alpha", "numbers", "") + createScript("beta", "invoices", "")
	q := query(t, psql(t, record.Config{}, script), "nextval")
	if len(q.Names) != 1 || q.Names[0].Partial || !slices.Equal(q.Names[0].Values, []string{"invoices", "numbers"}) {
		t.Errorf("nextval has the names %+v, want invoices and numbers, complete", q.Names)
	}
	q = query(t, psql(t, record.Config{}, script+createScript("gamma", "orders", "DROP SEQUENCE orders;")), "nextval")
	if len(q.Names) != 1 || !q.Names[0].Partial || !slices.Equal(q.Names[0].Values, []string{"invoices", "numbers"}) {
		t.Errorf("nextval has the names %+v, want invoices and numbers, partial", q.Names)
	}
}

// TestIdleTimes: the times in which a suite's transactions are idle are not stored; those of a service are.
func TestIdleTimes(t *testing.T) {
	t.Parallel()
	const script = "CREATE TABLE users (id bigint);\nBEGIN;\nINSERT INTO users VALUES (1);\n\\! sleep 1.1\nUPDATE users SET id = 2;\nCOMMIT;\n"
	longest := func(w *record.Workload) (ms float64) {
		for _, s := range w.Sequences {
			ms = max(ms, s.MostIdleMS)
		}
		return ms
	}
	if ms := longest(psql(t, record.Config{}, script)); ms != 0 {
		t.Errorf("a transaction of a suite was idle for %.0f ms", ms)
	}
	if ms := longest(psql(t, record.Config{Server: pgservertest.Database(t, 17)}, script)); ms < 1000 {
		t.Errorf("a transaction of a service was idle for %.0f ms", ms)
	}
}
