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

// noForms are refused by Postgres 19: announced and taken out again, or wrong.
var noForms = []string{
	"REPACK t u", "REPACK t USING INDEX a b", "REPACK CONCURRENTLY t", "REPACK t WHERE n > 1",
	"REPACK VERBOSE t", "REPACK t, u", "WAIT", "WAIT FOR", "WAIT FOR LSN", "WAIT FOR LSN '0/1' x",
	"CREATE PUBLICATION p FOR ALL TABLES EXCEPT TABLE (t)", "CREATE PUBLICATION p FOR ALL TABLES, TABLE t", "ALTER PUBLICATION p ADD ALL TABLES",
	"UPDATE t FOR PORTION OF v FROM '2020-03-01' TO '2020-04-01' SET n = 1", "CREATE PROPERTY GRAPH g VERTEX TABLES (t)",
	"ALTER TABLE t SPLIT PARTITION p1 INTO (PARTITION a DEFAULT)",
	"ALTER TABLE t MERGE PARTITIONS (p1, p2) INTO p12", "CREATE SCHEMA s CREATE TYPE t AS ENUM ('a')",
	"CHECKPOINT FAST", "SELECT 1 FROM t GROUP BY ALL", "UPDATE t SET n = NULL NULL",
	"SELECT n IGNORE NULLS FROM t", "SELECT lag(n) OVER (ORDER BY id) IGNORE NULLS FROM t",
}

// The forms of Postgres 19 have a tree with the locations of the text and with the version. A server of 18 refuses each with a
// syntax error at the word that the tree names; one of 19 reads it, and does not read what has no tree.
func TestNewerForms(t *testing.T) {
	t.Parallel()
	for _, sql := range newerForms {
		f, err := pgparse.SplitText("SELECT 1; " + sql + ";")
		if err != nil || len(f.Stmts) != 2 || f.Stmts[1].Node == nil {
			t.Errorf("%s: %v, %+v", sql, err, f)
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
		t.Fatal(sql, err)
	}
	if pg.Code == "22012" {
		return ""
	}
	return pg.Message
}
