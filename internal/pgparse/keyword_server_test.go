package pgparse_test

import (
	"errors"
	"fmt"
	"slices"
	"strings"
	"testing"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgconn"

	"github.com/onward-sql/onward/internal/pgparse"
	"github.com/onward-sql/onward/internal/pgserver/pgservertest"
)

// naming are statements in which %s may be a name.
var naming = []string{
	"CREATE TABLE t (%s int)", "CREATE TABLE t (a int, %s text NOT NULL)", "CREATE TABLE t (a int, UNIQUE (a, %s))", "CREATE TABLE t (a int CHECK (%s > 0))",
	"CREATE TABLE %s (a int)", "DROP TABLE %s", "DROP INDEX %s", "CREATE INDEX i ON t (%s)", "CREATE INDEX i ON t (a, %s DESC)", "CREATE VIEW v AS SELECT %s FROM t",
	"ALTER TABLE t ADD COLUMN %s int", "ALTER TABLE t ADD %s int", "ALTER TABLE t DROP COLUMN %s", "ALTER TABLE t DROP %s", "ALTER TABLE t ALTER COLUMN %s TYPE text",
	"ALTER TABLE t ALTER %s SET NOT NULL", "ALTER TABLE t RENAME %s TO b", "ALTER TABLE t RENAME COLUMN a TO %s", "ALTER TABLE t ADD CONSTRAINT %s CHECK (a > 0)",
	"COMMENT ON COLUMN t.%s IS 'x'", "CREATE TYPE %s AS ENUM ('a')", "ALTER TYPE %s ADD VALUE 'x'", "CREATE FUNCTION f(%s int) RETURNS int LANGUAGE sql AS 'SELECT 1'",
	"INSERT INTO t (%s) VALUES (1)", "INSERT INTO t (a) VALUES (1) ON CONFLICT (%s) DO NOTHING", "UPDATE t SET %s = 1", "DELETE FROM t WHERE %s",
	"SELECT %s FROM t", "SELECT a, %s, b FROM t", "SELECT t.%s FROM t", "SELECT %s AS x FROM t", "SELECT 1 AS %s", "SELECT max(%s) FROM t", "SELECT coalesce(%s, 1) FROM t",
	"SELECT %s::text FROM t", "SELECT (%s).a FROM t", "SELECT %s.a FROM t", "SELECT %s(1)", "SELECT * FROM %s", "SELECT * FROM t %s", "SELECT * FROM t AS %s",
	"SELECT * FROM t WHERE %s = 1", "SELECT * FROM t WHERE a = 1 AND %s IS NULL", "SELECT * FROM t WHERE a IN (%s)", "SELECT * FROM t ORDER BY %s",
	"WITH %s AS (SELECT 1) SELECT 1",
}

// Every key word is a name here if it is one on the servers.
func TestKeywordsAreNamesAsOnServers(t *testing.T) {
	t.Parallel()
	pgservertest.OnEach(t, []int{13, 18}, func(t *testing.T, conn *pgx.Conn, _ int) {
		ctx := t.Context()
		rows, err := conn.Query(ctx, "SELECT word FROM pg_get_keywords() ORDER BY 1")
		if err != nil {
			t.Fatal(err)
		}
		words, err := pgx.CollectRows(rows, pgx.RowTo[string])
		if err != nil || len(words) < 400 {
			t.Fatalf("read the key words: %d, want at least 400; error %v", len(words), err)
		}
		for _, word := range words {
			for _, form := range naming {
				sql := fmt.Sprintf(form, word)
				file, err := pgparse.SplitText(sql)
				if err != nil || len(file.Stmts) != 1 {
					t.Fatalf("SplitText(%q): %v, or more than one statement", sql, err)
				}
				if file.Stmts[0].Err == nil {
					continue
				}
				// All of a message is parsed before any of it runs.
				_, err = conn.PgConn().Exec(ctx, "SELECT 1/0; "+sql).ReadAll()
				var pg *pgconn.PgError
				if !errors.As(err, &pg) {
					t.Fatalf("the server parses %s: got error %v, want a PgError", sql, err)
				}
				if pg.Code == "22012" {
					t.Errorf("%s: the server reads it, and here: %s", sql, file.Stmts[0].Err.Message)
				}
			}
		}
	})
}

// A key word that stood for a name has its own in the tree, and each place is kept.
func TestKeywordsAsNamesInTheTree(t *testing.T) {
	t.Parallel()
	for sql, want := range map[string]string{
		"SELECT Operator, 'operator', operato0 FROM t WHERE operator OPERATOR(pg_catalog.=) 1 AND operator > 2": "operator@7 operato0@29 operator@51 operator@89",
		"ALTER TABLE t ADD CHECK (a > 1), ADD COLUMN if int CHECK (if > a)":                                     "a@25 if@58 a@63",
		"INSERT INTO t (values) VALUES (1)":                                                                     "values@15",
		"SELECT operator FROM":                                                                                  "",
	} {
		file, err := pgparse.SplitText(sql)
		if err != nil {
			t.Fatal(err)
		}
		var got []string
		pgparse.Walk(file.Stmts[0].Node, func(msg any) bool {
			switch x := msg.(type) {
			case *pgparse.ColumnRef:
				got = append(got, fmt.Sprintf("%s@%d", x.Fields[0].GetString_().GetSval(), x.Location))
			case *pgparse.ResTarget:
				if x.Val == nil {
					got = append(got, fmt.Sprintf("%s@%d", x.Name, x.Location))
				}
			case *pgparse.ColumnDef:
				if x.Colname != "if" {
					t.Errorf("%s: the column is named %q, want %q", sql, x.Colname, "if")
				}
			}
			return true
		})
		slices.SortFunc(got, func(a, b string) int { return len(a[strings.Index(a, "@"):]) - len(b[strings.Index(b, "@"):]) })
		if strings.Join(got, " ") != want || want == "" && file.Stmts[0].Err == nil {
			t.Errorf("%s: %q, want %q (%v)", sql, got, want, file.Stmts[0].Err)
		}
	}
}
