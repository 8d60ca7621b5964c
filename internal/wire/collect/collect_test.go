package collect_test

import (
	"context"
	"fmt"
	"os"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/jackc/pgx/v5"

	"github.com/onward-sql/onward/internal/pgserver/pgservertest"
	"github.com/onward-sql/onward/internal/wire"
	"github.com/onward-sql/onward/internal/wire/collect"
	"github.com/onward-sql/onward/internal/wire/wiretest"
	"github.com/onward-sql/onward/internal/workload"
)

func TestMain(m *testing.M) { os.Exit(pgservertest.Main(m)) }

// recorder is a proxy before a database of its own, and what it collects.
type recorder struct {
	t     *testing.T
	proxy *wire.Proxy
	c     *collect.Collector
	cfg   *pgx.ConnConfig // to the proxy
	url   string          // of the server
}

func record(t *testing.T, major int, cfg collect.Config) *recorder {
	t.Helper()
	url := pgservertest.Database(t, major)
	direct, err := pgx.ParseConfig(url)
	if err != nil {
		t.Fatal(err)
	}
	if cfg.Owner == "" {
		cfg.Owner = direct.User
	}
	cfg.Books = []string{"schema_migrations"}
	c := collect.New(cfg)
	p := wiretest.ListenInFront(t, url, wire.Config{Sink: c})
	proxyConfig, err := pgx.ParseConfig(fmt.Sprintf("postgres://%s@%s:%s/%s?sslmode=disable", direct.User, p.Host(), p.Port(), direct.Database))
	if err != nil {
		t.Fatal(err)
	}
	return &recorder{t, p, c, proxyConfig, url}
}

func (r *recorder) connect(change ...func(*pgx.ConnConfig)) *pgx.Conn {
	r.t.Helper()
	cfg := r.cfg.Copy()
	for _, f := range change {
		f(cfg)
	}
	conn, err := pgx.ConnectConfig(r.t.Context(), cfg)
	if err != nil {
		r.t.Fatal(err)
	}
	r.t.Cleanup(func() { conn.Close(context.Background()) })
	return conn
}

func simple(cfg *pgx.ConnConfig) { cfg.DefaultQueryExecMode = pgx.QueryExecModeSimpleProtocol }

func (r *recorder) exec(c *pgx.Conn, sql string, args ...any) {
	r.t.Helper()
	if _, err := c.Exec(r.t.Context(), sql, args...); err != nil {
		r.t.Fatalf("exec %q: %v", sql, err)
	}
}

// all runs a query and reads its rows.
func (r *recorder) all(c *pgx.Conn, sql string, args ...any) {
	r.t.Helper()
	rows, err := c.Query(r.t.Context(), sql, args...)
	if err != nil {
		r.t.Fatalf("query %q: %v", sql, err)
	}
	for rows.Next() {
	}
	if err := rows.Err(); err != nil {
		r.t.Fatalf("read the rows of %q: %v", sql, err)
	}
}

// done closes the proxy, when all have left, and gives what was recorded.
func (r *recorder) done(conns ...*pgx.Conn) *collect.Recording {
	r.t.Helper()
	for _, c := range conns {
		c.Close(context.Background())
	}
	for begin := time.Now(); r.proxy.Stats().Current > 0; time.Sleep(5 * time.Millisecond) {
		if time.Since(begin) > 10*time.Second {
			r.t.Fatalf("%d connections are open", r.proxy.Stats().Current)
		}
	}
	return r.c.Recording()
}

// find is the one query whose text begins so.
func find(t *testing.T, r *collect.Recording, prefix string) workload.Query {
	t.Helper()
	var found []workload.Query
	for _, q := range r.Workload.Queries {
		if strings.HasPrefix(q.SQL, prefix) {
			found = append(found, q)
		}
	}
	if len(found) != 1 {
		t.Fatalf("%d queries begin with %q, of\n%s", len(found), prefix, dump(r))
	}
	return found[0]
}

func dump(r *collect.Recording) string {
	var b strings.Builder
	for _, q := range r.Workload.Queries {
		fmt.Fprintf(&b, "%s %-10s %-13s calls %d rows %d errors %v path %q role %q named %v %v %v\n\t%s\n", q.ID, q.Kind, q.Mark, q.Calls, q.Rows, q.Errors,
			q.SearchPath, q.Role, q.Named, q.Senders, q.Params, q.SQL)
	}
	for _, s := range r.Workload.Sequences {
		fmt.Fprintf(&b, "%q ×%d %v\n", s.Transaction, s.Count, s.Steps)
	}
	return b.String() + strings.Join(r.Workload.Notes, "\n")
}

// TestProtocols: the same query by the simple protocol and prepared is recorded as the
// calls that it was.
func TestProtocols(t *testing.T) {
	t.Parallel()
	pgservertest.EachEnd(t, func(t *testing.T, major int) {
		r := record(t, major, collect.Config{})
		c := r.connect()
		r.exec(c, "CREATE TABLE users (id bigint PRIMARY KEY, email text, secret text)")
		for i := range 5 {
			r.exec(c, "INSERT INTO users VALUES ($1, $2, 'hush')", i, "a@example.com")
		}
		for range 3 {
			r.all(c, "SELECT id, email FROM users WHERE id >= $1", 2)
		}
		s := r.connect(simple)
		r.all(s, "SELECT email FROM users WHERE id = 1")
		r.all(s, "SELECT email FROM users WHERE id = 2 /* other */")
		r.exec(s, "UPDATE users SET email = 'x' WHERE id = 1; DELETE FROM users WHERE id = 4; SELECT 1")
		rec := r.done(c, s)
		text := dump(rec)

		ins := find(t, rec, "INSERT INTO users")
		if ins.Calls != 5 || ins.Rows != 5 || ins.Kind != workload.Insert || !ins.Named || ins.Mark != workload.Code {
			t.Errorf("insert: %+v\n%s", ins, text)
		}
		if f := rec.Facts[ins.ID]; len(f.ParamOIDs) != 3 || f.ParamOIDs[0] != 20 || f.ParamOIDs[1] != 25 || f.ParamOIDs[2] != 0 {
			t.Errorf("parameters of the insert: %+v", f)
		}
		sel := find(t, rec, "SELECT id, email")
		if sel.Calls != 3 || sel.Rows != 9 || sel.MostRows != 3 {
			t.Errorf("select: %+v", sel)
		}
		if f := rec.Facts[sel.ID]; len(f.ColumnOIDs) != 2 || f.ColumnOIDs[1] != 25 {
			t.Errorf("columns: %+v", f)
		}
		if q := find(t, rec, "SELECT email"); q.Calls != 2 || q.Named || q.Rows != 2 || !slices.Equal(q.Params, []string{"integer"}) {
			t.Errorf("simple select: %+v", q)
		}
		if find(t, rec, "UPDATE users").Rows != 1 || find(t, rec, "DELETE FROM users").Rows != 1 {
			t.Errorf("statements of one message:\n%s", text)
		}
		if strings.Contains(text, "hush") || strings.Contains(text, "example.com") {
			t.Errorf("a value was recorded:\n%s", text)
		}
		if q := find(t, rec, "CREATE TABLE"); q.Mark != workload.Migration || q.Kind != workload.DDL {
			t.Errorf("CREATE TABLE is recorded as %+v, want mark %v and kind %v", q, workload.Migration, workload.DDL)
		}
	})
}

// TestBadInput: what clients do beside queries, each on an old and a new server.
func TestBadInput(t *testing.T) {
	t.Parallel()
	for _, major := range []int{13, 18} {
		for name, f := range badInput {
			t.Run(fmt.Sprint(major, name), func(t *testing.T) {
				t.Parallel()
				r := record(t, major, collect.Config{})
				direct, err := pgx.Connect(t.Context(), r.url)
				if err != nil {
					t.Fatal(err)
				}
				r.exec(direct, "CREATE TABLE users (id bigint PRIMARY KEY, email text); INSERT INTO users SELECT g, 'u' || g FROM generate_series(1, 40) g; "+
					"CREATE SCHEMA other; CREATE TABLE other.users (id bigint)")
				if err := direct.Close(t.Context()); err != nil {
					t.Fatal(err)
				}
				f(t, r)
			})
		}
	}
}

var badInput = map[string]func(t *testing.T, r *recorder){
	"settings": func(t *testing.T, r *recorder) {
		c := r.connect(simple)
		q := "SELECT id FROM users"
		r.all(c, q)
		r.exec(c, "SET search_path TO other, public")
		r.all(c, q)
		r.exec(c, "BEGIN")
		r.exec(c, "SET LOCAL search_path = public")
		r.all(c, q)
		r.exec(c, "ROLLBACK")
		r.all(c, q)
		r.exec(c, "RESET search_path; SET application_name = 'worker'")
		r.all(c, q)
		rec := r.done(c)
		calls := map[string]int64{}
		for _, q := range rec.Workload.Queries {
			if strings.HasPrefix(q.SQL, "SELECT id") {
				calls[q.SearchPath] = q.Calls
				if q.SearchPath == "" && (len(q.Senders) != 2 || q.Senders[1].Application != "worker") {
					t.Errorf("senders: %+v", q.Senders)
				}
			}
		}
		if len(calls) != 3 || calls[""] != 2 || calls["other, public"] != 2 || calls["public"] != 1 {
			t.Errorf("calls by search path are %v, want 2, 2 and 1\n%s", calls, dump(rec))
		}
	},
	"options": func(t *testing.T, r *recorder) {
		c := r.connect(func(cfg *pgx.ConnConfig) { cfg.RuntimeParams["options"] = "-c search_path=other" })
		r.all(c, "SELECT id FROM users")
		if q := find(t, r.done(c), "SELECT id"); q.SearchPath != "other" {
			t.Errorf("the query is recorded as %+v, want search path other", q)
		}
	},
	"errors": func(t *testing.T, r *recorder) {
		c := r.connect()
		for _, sql := range []string{"SELECT nope FROM users", "SELEC 'secret'", "INSERT INTO users VALUES (1, 'secret')"} {
			if _, err := c.Exec(t.Context(), sql); err == nil {
				t.Error("no error")
			}
		}
		if _, err := c.Exec(t.Context(), "INSERT INTO users VALUES ($1, $2)", 2, "secret"); err == nil {
			t.Error("no error")
		}
		r.all(c, "SELECT id FROM users")
		rec := r.done(c)
		text := dump(rec)
		if find(t, rec, "SELECT nope").Errors["42703"] != 1 || find(t, rec, "SELEC …").Kind != workload.Broken || find(t, rec, "SELECT id").Calls != 1 {
			t.Errorf("want one 42703, one broken statement and one SELECT id in the recording:\n%s", text)
		}
		if q := find(t, rec, "INSERT INTO users"); q.Errors["23505"] != 2 || q.Calls != 2 {
			t.Errorf("the INSERT is recorded as %+v, want 2 calls with 23505:\n%s", q, text)
		}
		if strings.Contains(text, "secret") {
			t.Errorf("a value was recorded:\n%s", text)
		}
	},
	"pipeline": func(t *testing.T, r *recorder) {
		c := r.connect()
		var b pgx.Batch
		for i := range 10 {
			b.Queue("SELECT email FROM users WHERE id = $1", i)
			b.Queue("UPDATE users SET email = $2 WHERE id = $1", i, "x")
		}
		if err := c.SendBatch(t.Context(), &b).Close(); err != nil {
			t.Fatal(err)
		}
		b = pgx.Batch{}
		b.Queue("SELECT email FROM users WHERE id = $1", 1)
		b.Queue("SELECT 1 / (id - $1) FROM users", 1)
		b.Queue("SELECT email FROM users WHERE id = $1", 1)
		if err := c.SendBatch(t.Context(), &b).Close(); err == nil {
			t.Error("no error")
		}
		r.all(c, "SELECT count(*) FROM users")
		rec := r.done(c)
		if find(t, rec, "SELECT email").Calls != 11 || find(t, rec, "UPDATE").Calls != 10 || find(t, rec, "SELECT count").Calls != 1 {
			t.Errorf("want 11 SELECT email, 10 UPDATE and 1 SELECT count in the recording:\n%s", dump(rec))
		}
		if find(t, rec, "SELECT $").Errors["22012"] != 1 {
			t.Errorf("want one 22012 in the recording:\n%s", dump(rec))
		}
	},
	"copy": func(t *testing.T, r *recorder) {
		c := r.connect()
		rows := pgx.CopyFromRows([][]any{{100, "secret"}, {101, "secret"}})
		if _, err := c.CopyFrom(t.Context(), pgx.Identifier{"users"}, []string{"id", "email"}, rows); err != nil {
			t.Fatal(err)
		}
		if _, err := c.PgConn().CopyTo(t.Context(), new(strings.Builder), "COPY users TO STDOUT"); err != nil {
			t.Fatal(err)
		}
		r.all(c, "SELECT id FROM users")
		rec := r.done(c)
		n := int64(0)
		for _, q := range rec.Workload.Queries {
			if q.Kind == workload.Copy {
				n += q.Rows
			}
		}
		if n != 2+42 || find(t, rec, "SELECT id").Calls != 1 || strings.Contains(dump(rec), "secret") {
			t.Errorf("COPY of %d rows, want 44, one SELECT id and no values in the recording:\n%s", n, dump(rec))
		}
	},
	"cursor": func(t *testing.T, r *recorder) {
		c := r.connect(simple)
		r.exec(c, "BEGIN; DECLARE cu CURSOR FOR SELECT email FROM users")
		for range 4 {
			r.all(c, "FETCH 10 FROM cu")
		}
		r.exec(c, "CLOSE cu; COMMIT")
		if q := find(t, r.done(c), "SELECT email"); q.Calls != 1 || q.Rows != 40 || q.Kind != workload.Select {
			t.Errorf("the cursor's query is recorded as %+v, want 1 call and 40 rows", q)
		}
	},
	"prepare": func(t *testing.T, r *recorder) {
		c := r.connect(simple)
		r.exec(c, "PREPARE p (bigint) AS SELECT email FROM users WHERE id = $1")
		r.all(c, "EXECUTE p(1)")
		r.all(c, "EXECUTE p(2)")
		r.exec(c, "DEALLOCATE ALL")
		r.exec(c, "DISCARD ALL")
		if q := find(t, r.done(c), "SELECT email"); q.Calls != 2 || q.Rows != 2 || !q.Named {
			t.Errorf("the prepared query is recorded as %+v, want 2 calls, 2 rows and named", q)
		}
	},
	"renamed": func(t *testing.T, r *recorder) {
		c := r.connect()
		for i := range 5 {
			name := fmt.Sprintf("s%d", i)
			if _, err := c.Prepare(t.Context(), name, "SELECT email FROM users WHERE id = $1"); err != nil {
				t.Fatal(err)
			}
			r.all(c, name, 3)
			if err := c.Deallocate(t.Context(), name); err != nil {
				t.Fatal(err)
			}
		}
		if q := find(t, r.done(c), "SELECT email"); q.Calls != 5 {
			t.Errorf("the query with five names is recorded as %+v, want 5 calls", q)
		}
	},
	"temporary": func(t *testing.T, r *recorder) {
		c := r.connect(simple)
		r.exec(c, "CREATE TEMP TABLE tt (id int)")
		r.exec(c, "INSERT INTO tt VALUES (1)")
		r.exec(c, "LISTEN news")
		r.exec(c, "NOTIFY news, 'secret'")
		rec := r.done(c)
		if q := find(t, rec, "CREATE TEMP"); q.Mark != workload.Code {
			t.Errorf("CREATE TEMP TABLE is recorded as %+v, want mark %v", q, workload.Code)
		}
		if q := find(t, rec, "INSERT INTO tt"); q.Mark != workload.Code {
			t.Errorf("INSERT into a temporary table is recorded as %+v, want mark %v", q, workload.Code)
		}
		if strings.Contains(dump(rec), "secret") {
			t.Errorf("the payload of NOTIFY was recorded:\n%s", dump(rec))
		}
	},
	"role": func(t *testing.T, r *recorder) {
		c := r.connect(simple)
		r.exec(c, "SET ROLE pg_read_all_stats")
		if _, err := c.Exec(t.Context(), "SELECT id FROM users"); err == nil {
			t.Error("no error")
		}
		r.exec(c, "RESET ROLE")
		rec := r.done(c)
		if q := find(t, rec, "SELECT id"); q.Role != "pg_read_all_stats" || q.Errors["42501"] != 1 {
			t.Errorf("the query is recorded as %+v, want role pg_read_all_stats and one 42501", q)
		}
	},
}
