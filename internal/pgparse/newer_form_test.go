package pgparse_test

import (
	"errors"
	"strconv"
	"strings"
	"testing"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgconn"

	"github.com/onward-sql/onward/internal/pgparse"
	"github.com/onward-sql/onward/internal/pgserver/pgservertest"
	"github.com/onward-sql/onward/onward"
)

// newerForms are forms that Postgres 19 brought.
var newerForms = []string{
	"REPACK", "REPACK USING INDEX", "REPACK t", "REPACK(VERBOSE)t", "repack (analyze, verbose off) public.t (n, id)", "REPACK t USING INDEX",
	`REPACK "T" USING INDEX "Ti"`, "REPACK (CONCURRENTLY) t USING INDEX t_n", "REPACK /* now */ (CONCURRENTLY OFF, ANALYZE) t",
	"INSERT INTO t(id) VALUES (1) ON CONFLICT (id) DO SELECT RETURNING *",
	"INSERT INTO t(id) VALUES (1) ON CONFLICT ON CONSTRAINT t_pkey DO SELECT FOR NO KEY UPDATE WHERE t.n > 1 RETURNING t.n AS x",
	"WITH a AS (INSERT INTO t(id) VALUES (1) ON CONFLICT (id) DO SELECT FOR SHARE RETURNING id) SELECT * FROM a",
	"SELECT lag(n) IGNORE NULLS OVER (ORDER BY id), first_value(n) RESPECT NULLS OVER w FROM t WINDOW w AS (ORDER BY id)",
	"CREATE PUBLICATION p1 FOR ALL SEQUENCES", "CREATE PUBLICATION p2 FOR ALL TABLES, ALL SEQUENCES WITH (publish = 'insert')",
	"CREATE PUBLICATION p3 FOR ALL SEQUENCES, ALL TABLES EXCEPT (TABLE t, ONLY u)", "ALTER PUBLICATION p SET ALL TABLES",
	`ALTER PUBLICATION p SET ALL TABLES EXCEPT (TABLE public.t, TABLE "T")`, "ALTER PUBLICATION p SET ALL SEQUENCES",
	"CREATE SUBSCRIPTION s SERVER fs PUBLICATION p WITH (connect = false)", "ALTER SUBSCRIPTION s SERVER fs", "ALTER SUBSCRIPTION s REFRESH SEQUENCES",
	"CREATE FOREIGN DATA WRAPPER fw NO HANDLER CONNECTION f OPTIONS (x 'y')",
	"ALTER FOREIGN DATA WRAPPER fw NO CONNECTION", "ALTER FOREIGN DATA WRAPPER fw CONNECTION f",
	"WAIT FOR LSN '0/1'", "WAIT FOR LSN '0/1' WITH (MODE 'primary_flush', TIMEOUT '1s', NO_THROW)",
	"CHECKPOINT (MODE SPREAD, FLUSH_UNLOGGED FALSE)",
	"CREATE CONSTRAINT TRIGGER ct AFTER INSERT ON t DEFERRABLE ENFORCED FOR EACH ROW EXECUTE FUNCTION f()",
	"COPY t TO STDOUT (FORMAT json, FORCE_ARRAY)", "COPY (SELECT 1) TO STDOUT WITH (FORCE_ARRAY, FORMAT JSON)",
	"SET search_path TO NULL", "SET LOCAL search_path = NULL", "ALTER ROLE postgres SET search_path TO NULL", "ALTER FUNCTION f() SET search_path TO NULL",
	"EXPLAIN (ANALYZE) INSERT INTO t(id) VALUES (1) ON CONFLICT (id) DO SELECT RETURNING *",
}

// noForms are refused by Postgres 19.
var noForms = []string{
	"REPACK t u", "REPACK t USING INDEX a b", "REPACK CONCURRENTLY t", "REPACK t WHERE n > 1",
	"REPACK VERBOSE t", "REPACK t, u", "WAIT", "WAIT FOR", "WAIT FOR LSN", "WAIT FOR LSN '0/1' x",
	"CREATE PUBLICATION p FOR ALL TABLES EXCEPT TABLE (t)", "CREATE PUBLICATION p FOR ALL TABLES, TABLE t", "ALTER PUBLICATION p ADD ALL TABLES",
	"CHECKPOINT FAST", "UPDATE t SET n = NULL NULL", "ALTER TABLE t SPLIT p1", "SELECT 1 FROM t GROUP BY ALL n, ,", "CREATE SCHEMA s CREATE ROLE r",
	"SELECT n IGNORE NULLS FROM t", "SELECT lag(n) OVER (ORDER BY id) IGNORE NULLS FROM t",
}

// withdrawnForms were announced for Postgres 19, and taken out again.
var withdrawnForms = []string{
	"UPDATE t FOR PORTION OF v FROM '2020-03-01' TO '2020-04-01' SET n = 1", "DELETE FROM t FOR PORTION OF v FROM '2020-03-01' TO '2020-04-01'",
	"UPDATE public.t FOR PORTION OF v (daterange('2020-03-01', '2020-04-01')) AS a SET n = 1", "CREATE PROPERTY GRAPH g VERTEX TABLES (t)",
	"CREATE TEMP PROPERTY GRAPH g", "ALTER PROPERTY GRAPH g ADD VERTEX TABLES (t)", "DROP PROPERTY GRAPH g",
	"SELECT * FROM GRAPH_TABLE (g MATCH (a IS t) COLUMNS (a.id))",
	"ALTER TABLE t SPLIT PARTITION p1 INTO (PARTITION a DEFAULT)", "ALTER TABLE IF EXISTS public.t SPLIT PARTITION p1 INTO (PARTITION a DEFAULT)",
	"ALTER TABLE t MERGE PARTITIONS (p1, p2) INTO p12", "SELECT n FROM t GROUP BY ALL", "CREATE VIEW v AS SELECT n FROM t GROUP BY ALL ORDER BY n",
	"CREATE SCHEMA s CREATE TYPE t AS ENUM ('a')", "CREATE SCHEMA s AUTHORIZATION postgres CREATE TABLE a (id int) CREATE DOMAIN d AS int",
	"CREATE SCHEMA s CREATE FUNCTION f() RETURNS int LANGUAGE sql AS 'SELECT 1'", "CREATE SCHEMA s CREATE PROCEDURE f() LANGUAGE sql AS 'SELECT 1'",
	"CREATE SCHEMA s CREATE AGGREGATE a (int) (SFUNC = int4pl, STYPE = int)", `CREATE SCHEMA s CREATE COLLATION c FROM "C"`,
	"CREATE SCHEMA s CREATE OPERATOR +++ (FUNCTION = int4pl, LEFTARG = int, RIGHTARG = int)",
	"CREATE SCHEMA s CREATE TEXT SEARCH CONFIGURATION c (COPY = english)",
}

// labels have the words ignore and respect, which are labels without AS up to 18.
var labels = []string{
	"SELECT n ignore FROM t", "SELECT n Respect, 1 FROM t", "SELECT 'x' /* ignore */ respect", "SELECT (SELECT n ignore FROM t)", "SELECT n::int ignore FROM t",
	"INSERT INTO t (n) VALUES (1) RETURNING n ignore", "CREATE VIEW v AS SELECT id, n + 1 respect FROM t", "SELECT count(*) ignore FROM t",
	"SELECT CASE WHEN true THEN 1 END ignore", "SELECT n ignore FROM t UNION SELECT n respect FROM t",
	// Those stay.
	"SELECT n AS ignore FROM t", "SELECT ignore FROM (SELECT 1 AS ignore) AS x", "SELECT x.ignore FROM (SELECT 1 AS ignore) AS x",
	"SELECT 1 FROM t ignore", "SELECT respect.n FROM t AS respect", `SELECT n "ignore" FROM t`, "SELECT 'ignore', n respect_it FROM t -- respect",
	"CREATE TABLE respect (ignore int, respect text)", "SELECT ignore(n) FROM t", "SELECT ignore, respect FROM (SELECT 1, 2) AS x (ignore, respect)",
	"SELECT 1 FROM t ignore GROUP BY 1", "DELETE FROM t ignore WHERE ignore.n = 1",
}

// The parser reads a label that 19 refuses, and says so with the words of the server of 19. Servers up to 18 take all of them.
func TestLabels(t *testing.T) {
	t.Parallel()
	pgservertest.EachEnd(t, func(t *testing.T, major int) {
		conn := pgservertest.Connect(t, pgservertest.Database(t, major))
		refused := 0
		for _, sql := range labels {
			f, err := pgparse.SplitText(sql)
			if err != nil || len(f.Stmts) != 1 || f.Stmts[0].Node == nil {
				t.Errorf("%s: %v, no tree", sql, err)
				continue
			}
			until, want := pgparse.OlderForm(f.Stmts[0].Node)
			if until == 0 || major < until {
				want = ""
			}
			if want != "" {
				refused++
			}
			if got := syntaxErrorOf(t, conn, sql); got != want {
				t.Errorf("%s: the server says %q, want %q", sql, got, want)
			}
		}
		if refused != map[bool]int{true: 10}[major >= onward.PreviewMajor] {
			t.Errorf("%d are refused", refused)
		}
	})
}

// Every known server refuses what was taken out again, with the words that the tree has.
func TestWithdrawnForms(t *testing.T) {
	t.Parallel()
	pgservertest.EachEnd(t, func(t *testing.T, major int) {
		conn := pgservertest.Connect(t, pgservertest.Database(t, major))
		for _, sql := range withdrawnForms {
			f, err := pgparse.SplitText("SELECT 1; " + sql + "; SELECT 2;")
			if err != nil || len(f.Stmts) != 3 || f.Stmts[1].Node == nil {
				t.Errorf("%s: %v, no tree", sql, err)
				continue
			}
			got, want := syntaxErrorOf(t, conn, sql), pgparse.WithdrawnForm(f.Stmts[1].Node)
			if major < 14 && strings.Contains(sql, "GROUP BY ALL") {
				want = `syntax error at or near "ALL"` // 14 has it before a list
			}
			if got != want || want == "" {
				t.Errorf("%s: the server says %q, want %q", sql, got, want)
			}
		}
	})
}

// The forms of Postgres 19 have a tree with the locations of the text and with the version. A server of 18 refuses each with a
// syntax error at the word that the tree names; one of 19 reads it, and does not read what has no tree.
func TestNewerForms(t *testing.T) {
	t.Parallel()
	for _, sql := range newerForms {
		f, err := pgparse.SplitText("SELECT 1; " + sql + ";")
		if err != nil || len(f.Stmts) != 2 || f.Stmts[1].Node == nil {
			t.Errorf("SplitText(SELECT 1; %s;) = %+v, %v, want two statements with trees", sql, f, err)
			continue
		}
		if since, _ := pgparse.NewerForm(f.Stmts[1].Node); since != onward.PreviewMajor {
			t.Errorf("%s: since %d", sql, since)
		}
		pgparse.Walk(f.Stmts[1].Node, func(m any) bool {
			if r, ok := m.(*pgparse.RangeVar); ok && r.GetRelname() != "a" && !strings.HasPrefix(strings.Trim(sql[r.GetLocation():], `"`), r.GetRelname()) &&
				!strings.HasPrefix(sql[r.GetLocation():], r.GetSchemaname()+"."+r.GetRelname()) {
				t.Errorf("%s: %s is at %q", sql, r.GetRelname(), sql[r.GetLocation():])
			}
			return true
		})
	}
	for _, sql := range noForms {
		if f, err := pgparse.SplitText(sql); err != nil || len(f.Stmts) != 1 || f.Stmts[0].Node != nil {
			t.Errorf("%s: it has a tree", sql)
		}
	}
	for _, major := range []int{onward.NewestMajor, onward.PreviewMajor} {
		t.Run(strconv.Itoa(major), func(t *testing.T) {
			t.Parallel()
			conn := pgservertest.Connect(t, pgservertest.Database(t, major))
			for _, sql := range newerForms {
				f, _ := pgparse.SplitText(sql)
				_, want := pgparse.NewerForm(f.Stmts[0].Node)
				if major == onward.PreviewMajor {
					want = ""
				}
				if got := syntaxErrorOf(t, conn, sql); got != want {
					t.Errorf("%s: the server says %q, want %q", sql, got, want)
				}
			}
			for _, sql := range noForms {
				if syntaxErrorOf(t, conn, sql) == "" {
					t.Errorf("%s: Postgres %d reads it", sql, major)
				}
			}
		})
	}
}

// syntaxErrorOf returns the server's syntax error; "" if it reads a statement. All of a message is parsed before any of it runs.
func syntaxErrorOf(t *testing.T, conn *pgx.Conn, sql string) string {
	t.Helper()
	_, err := conn.PgConn().Exec(t.Context(), "SELECT 1/0; "+sql).ReadAll()
	var pg *pgconn.PgError
	if !errors.As(err, &pg) {
		t.Fatalf("the server parses %s: got error %v, want a PgError", sql, err)
	}
	if pg.Code == "22012" {
		return ""
	}
	return pg.Message
}
