package collect_test

import (
	"fmt"
	"strings"
	"testing"

	"github.com/jackc/pgx/v5"

	"github.com/onward-sql/onward/internal/wire/collect"
	"github.com/onward-sql/onward/internal/workload"
)

// shop has the tables that the tests below work on.
const shop = "CREATE TABLE shops (id bigint PRIMARY KEY, name text); CREATE TABLE items (id bigint PRIMARY KEY, shop_id bigint, note text); " +
	"INSERT INTO shops SELECT g, 'shop ' || g FROM generate_series(101, 110) g; INSERT INTO items SELECT g, 101 + g % 10, 'item' FROM generate_series(1001, " +
	"1050) g"

func (r *recorder) shop() {
	r.t.Helper()
	c, err := pgx.Connect(r.t.Context(), r.url)
	if err != nil {
		r.t.Fatal(err)
	}
	r.exec(c, shop)
	if err := c.Close(r.t.Context()); err != nil {
		r.t.Fatal(err)
	}
}

// TestMarks: what a migration tool or a suite sends is not recorded as code.
func TestMarks(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		sent []string // by one connection
		want map[string]workload.Mark
	}{
		"tool": {[]string{
			"CREATE TABLE schema_migrations (version bigint)", "SELECT version FROM schema_migrations",
			"BEGIN", "ALTER TABLE shops ADD COLUMN slug text", "UPDATE shops SET slug = name", "INSERT INTO schema_migrations VALUES (1)", "COMMIT",
			"CREATE INDEX ON shops (slug)", "SELECT id FROM shops WHERE slug IS NULL", "UPDATE shops SET slug = 'x' WHERE slug IS NULL", "INSERT INTO schema_migrations VALUES (2)",
			"SELECT name FROM shops", "UPDATE shops SET name = 'n'",
		}, map[string]workload.Mark{
			"CREATE TABLE": "migration", "SELECT version": "migration", "ALTER": "migration", "UPDATE shops SET slug = name": "migration",
			"CREATE INDEX": "migration", "SELECT id": "migration", "UPDATE shops SET slug = $1": "migration", "INSERT INTO schema_migrations": "migration",
			"SELECT name": "", "UPDATE shops SET name": "", "BEGIN": "session",
		}},
		"suite that makes tables": {[]string{
			"CREATE TABLE made (id int)", "INSERT INTO made VALUES (1)", "SELECT id FROM made", "DROP TABLE made",
		}, map[string]workload.Mark{"CREATE TABLE": "migration", "INSERT": "", "SELECT id": "", "DROP": "migration"}},
		"code that was a migration, too": {[]string{
			"BEGIN", "CREATE TABLE more (id int)", "UPDATE shops SET name = 'n'", "COMMIT", "SELECT 1", "UPDATE shops SET name = 'm'",
		}, map[string]workload.Mark{"UPDATE": "", "SELECT": ""}},
		"truncate": {[]string{"TRUNCATE items", "TRUNCATE items, shops"}, map[string]workload.Mark{"TRUNCATE items": "", "TRUNCATE items, shops": "fixture"}},
		"fixtures": {[]string{
			"DELETE FROM items; INSERT INTO items VALUES (1); INSERT INTO shops VALUES (1)", "SELECT id FROM items",
		}, map[string]workload.Mark{"DELETE": "fixture", "INSERT INTO items": "fixture", "SELECT": ""}},
		"schema in one message": {[]string{
			"SELECT set_config('search_path', 'public', false); CREATE TABLE made (id int); INSERT INTO made VALUES (1)",
			"INSERT INTO made SELECT 2", "CREATE TEMP TABLE t (id int); INSERT INTO shops VALUES (1, 'x')",
		}, map[string]workload.Mark{"INSERT INTO made VALUES": "fixture", "INSERT INTO made SELECT": "", "INSERT INTO shops": ""}},
		"cleaning": {
			[]string{"BEGIN", "DELETE FROM items", "DELETE FROM shops", "COMMIT"},
			map[string]workload.Mark{"DELETE FROM items": "fixture", "DELETE FROM shops": "fixture"},
		},
		"one is cleaned": {[]string{"BEGIN", "DELETE FROM items", "COMMIT"}, map[string]workload.Mark{"DELETE": ""}},
		"catalogs": {[]string{
			"SELECT relname FROM pg_class c JOIN pg_catalog.pg_namespace n ON n.oid = c.relnamespace", "SELECT table_name FROM information_schema.tables", "SELECT s.name FROM shops s, pg_class",
		}, map[string]workload.Mark{"SELECT relname": "introspection", "SELECT table_name": "introspection", "SELECT s.name": ""}},
		"tests between savepoints": {[]string{
			"BEGIN", "INSERT INTO shops VALUES (1, 'laid in')",
			"SAVEPOINT a", "SELECT name FROM shops WHERE id = 1", "ROLLBACK TO a", "RELEASE a",
			"SAVEPOINT b", "UPDATE shops SET name = 'x'", "ROLLBACK TO b", "RELEASE b", "ROLLBACK",
		}, map[string]workload.Mark{"INSERT": "fixture", "SELECT": "", "UPDATE": ""}},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			r := record(t, 18, collect.Config{})
			r.shop()
			conn := r.connect(simple)
			for _, sql := range c.sent {
				r.exec(conn, sql)
			}
			rec := r.done(conn)
			for prefix, want := range c.want {
				found := false
				for _, q := range rec.Workload.Queries {
					if q.SQL == prefix || strings.HasPrefix(q.SQL, prefix) && !strings.HasPrefix(q.SQL, prefix+",") {
						if found = true; q.Mark != want {
							t.Errorf("%s is %q, not %q", q.SQL, q.Mark, want)
						}
					}
				}
				if !found {
					t.Errorf("%s was not recorded:\n%s", prefix, dump(rec))
				}
			}
		})
	}
}

// steps writes a sequence: its texts' beginnings, how often, and what depends.
func steps(rec *collect.Recording, s *workload.Sequence) string {
	text := s.Transaction + fmt.Sprintf("×%d:", s.Count)
	for _, st := range s.Steps {
		for _, q := range rec.Workload.Queries {
			if q.ID == st.Query {
				text += " " + strings.Join(strings.Fields(q.SQL)[:2], " ")
			}
		}
		if st.Times > 0 {
			text += fmt.Sprintf("×%d", st.Times)
		}
		if st.Depends {
			text += "!"
		}
		text += ";"
	}
	return text
}

// TestSequences: the orders in which queries were sent, and which depend on one another.
func TestSequences(t *testing.T) {
	t.Parallel()
	each := func(mode pgx.QueryExecMode) func(t *testing.T) {
		return func(t *testing.T) {
			t.Parallel()
			r := record(t, 18, collect.Config{})
			r.shop()
			c := r.connect(func(cfg *pgx.ConnConfig) { cfg.DefaultQueryExecMode = mode })
			for range 2 { // one transaction, twice: N+1
				tx, err := c.Begin(t.Context())
				if err != nil {
					t.Fatal(err)
				}
				rows, _ := tx.Query(t.Context(), "SELECT id FROM shops ORDER BY id")
				ids, err := pgx.CollectRows(rows, pgx.RowTo[int64])
				if err != nil {
					t.Fatal(err)
				}
				for _, id := range ids {
					r.all(c, "SELECT note FROM items WHERE shop_id = $1", id)
				}
				r.exec(c, "UPDATE items SET note = $1 WHERE id = $2", "unseen", 77)
				if err := tx.Commit(t.Context()); err != nil {
					t.Fatal(err)
				}
			}
			// Three requests outside of a transaction, by their place; the first query begins one anew.
			for range 3 {
				r.all(c, "SELECT name FROM shops WHERE id = $1 /*controller='shops',action='show'*/", 105)
				r.all(c, "SELECT count(*) FROM items WHERE shop_id = $1 /*controller='shops',action='show'*/", 106)
			}
			rec := r.done(c)
			var got []string
			for i := range rec.Workload.Sequences {
				got = append(got, steps(rec, &rec.Workload.Sequences[i]))
			}
			text := strings.Join(got, "\n")
			for _, want := range []string{"commit×2: SELECT id; SELECT note×10!; UPDATE items;", "×3: SELECT name; SELECT count(*);"} {
				if !strings.Contains(text, want) {
					t.Errorf("%s is not in\n%s", want, text)
				}
			}
		}
	}
	t.Run("prepared", each(pgx.QueryExecModeCacheStatement))
	t.Run("described", each(pgx.QueryExecModeDescribeExec))
	t.Run("text", each(pgx.QueryExecModeSimpleProtocol))
}

// TestSenders: who sent a query, as comments and settings say.
func TestSenders(t *testing.T) {
	t.Parallel()
	r := record(t, 18, collect.Config{})
	r.shop()
	c := r.connect(simple, func(cfg *pgx.ConnConfig) { cfg.RuntimeParams["application_name"] = "web" })
	for i, comment := range []string{
		fmt.Sprintf("/*action='index',controller='users',framework='x%%3A7',traceparent='00-%032d-01-01'*/", 7),
		"/*application:Shop,controller:users,action:index,request_id:17*/",
		"-- name: ListShops :many\n",
		"/* file='app%2Fa.py',line='12',test='test_list' */",
		"/* a remark, 42 */",
	} {
		r.all(c, fmt.Sprintf("SELECT name FROM shops WHERE id = %d %s", i, comment))
	}
	r.exec(c, "SET application_name = 'tests/test_shop.py::test_buy'")
	r.all(c, "SELECT name FROM shops WHERE id = 9")
	q := find(t, r.done(c), "SELECT name")
	got := map[string]bool{}
	for _, s := range q.Senders {
		got[fmt.Sprintf("%s|%s|%s", s.Application, s.Place, s.Test)] = s.Calls == 1
	}
	for _, want := range []string{
		"web|users#index|", "Shop|users#index|", "web|ListShops|", "web|app/a.py:12|test_list", "web||",
		"|| tests/test_shop.py::test_buy",
	} {
		if !got[strings.ReplaceAll(want, "| ", "|")] {
			t.Errorf("%q is not in %v", want, got)
		}
	}
	if q.Calls != 6 || len(got) != 6 || strings.Contains(fmt.Sprint(q), "request_id") || strings.Contains(fmt.Sprint(q), "0007") {
		t.Errorf("the query is recorded as %+v, want 6 calls by 6 senders, without request_id", q)
	}
}

// TestParents: rows of a join, and how many parents they have.
func TestParents(t *testing.T) {
	t.Parallel()
	r := record(t, 18, collect.Config{})
	r.shop()
	c := r.connect()
	for range 2 {
		r.all(c, "SELECT s.id, i.id FROM shops s JOIN items i ON i.shop_id = s.id")
	}
	r.all(c, "SELECT id FROM items")
	rec := r.done(c)
	if q := find(t, rec, "SELECT s.id"); q.Rows != 100 || q.MostRows != 50 || q.Parents != 20 {
		t.Errorf("the join is recorded as %+v, want 100 rows, 50 in one call, and 20 parents", q)
	}
	if q := find(t, rec, "SELECT id"); q.Parents != 0 || q.Rows != 50 {
		t.Errorf("the query of one table is recorded as %+v, want 50 rows and no parents", q)
	}
}

// A refusal is recorded with its query and sender, and without its values.
func TestRefusedQuery(t *testing.T) {
	t.Parallel()
	r := record(t, 13, collect.Config{})
	r.shop()
	c := r.connect()
	if _, err := c.Exec(t.Context(), "INSERT INTO shops VALUES ($1, 'secret') /*controller='c',action='a'*/", 101); err == nil {
		t.Fatal("no error")
	}
	rec := r.done(c)
	if q := find(t, rec, "INSERT"); q.Errors["23505"] != 1 || len(q.Senders) != 1 || q.Senders[0].Place != "c#a" || strings.Contains(q.SQL, "secret") {
		t.Errorf("the refused query is recorded as %+v", q)
	}
	if seen := r.c.DatabaseRecording(r.cfg.Database); len(seen.Workload.Queries) != 1 || len(r.c.DatabaseRecording("another").Workload.Queries) != 0 {
		t.Errorf("want one query of this database, and none of another:\n%s", dump(seen))
	}
}
