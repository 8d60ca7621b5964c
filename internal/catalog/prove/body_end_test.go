package prove

import (
	"errors"
	"strings"
	"testing"

	"github.com/jackc/pgx/v5/pgconn"

	"github.com/onward-sql/onward/internal/catalog"
	"github.com/onward-sql/onward/internal/pgparse"
	"github.com/onward-sql/onward/internal/pgserver/pgservertest"
)

// cutBodies are PL/pgSQL bodies with most kinds of statements.
var cutBodies = []string{
	`DECLARE x int := 1; r record; c CURSOR FOR SELECT 1; BEGIN x := a + 1; IF a > 1 THEN RETURN 1; ELSIF a = 0 THEN NULL; ELSE x := 2; END IF; RETURN x; END;`,
	`BEGIN FOR i IN 1..2 LOOP CONTINUE WHEN i = 1; PERFORM i; END LOOP; WHILE a < 0 LOOP EXIT; END LOOP; RETURN (SELECT max(a) FROM t); END`,
	`BEGIN INSERT INTO t (a) VALUES (1); UPDATE t SET a = 2 WHERE a = 1; EXECUTE 'SELECT 1' INTO a; EXCEPTION WHEN division_by_zero THEN ` +
		`RAISE NOTICE 'it is %', a; RETURN 0; END; -- done;`,
	`BEGIN CASE a WHEN 1 THEN RETURN 1; ELSE BEGIN RETURN 2; END; END CASE; /* ; */ END /* ; */`,
}

// A body that ends too early, wherever that is, is refused as the server refuses it, and with its words.
func TestCutBodies(t *testing.T) {
	t.Parallel()
	pgservertest.EachEnd(t, func(t *testing.T, major int) {
		_, conn := pgservertest.ConnectNew(t, major, "CREATE TABLE t (a int)")
		base, cuts := catalog.New(), 0
		for _, body := range cutBodies {
			for i := range len(body) + 1 {
				if i < len(body) && body[i] != ' ' && body[i] != ';' {
					continue // between two words, and before each end of a statement
				}
				sql := "CREATE OR REPLACE FUNCTION f(a int) RETURNS int LANGUAGE plpgsql AS $$ " + body[:i] + " $$"
				_, err := conn.Exec(t.Context(), sql)
				refusal := new(pgconn.PgError)
				errors.As(err, &refusal)
				_, problems := base.Judge(pgparse.ParseStatement(sql), sql, false)
				got := ""
				for _, p := range problems {
					got += p.Message()
				}
				want := refusal.Message
				switch {
				case !strings.HasPrefix(want, "syntax error") && !strings.HasSuffix(want, "at end of input"):
					want = "" // onward does not know these words
				case strings.HasPrefix(want, "missing expression") && got != "":
					want = got // the server's own words since 14
				case strings.HasSuffix(body[:i], "FOR i IN") || strings.HasSuffix(body[:i], "IN 1..2"):
					want = "" // the parser has no such words here
				}
				if cuts++; got != want {
					t.Errorf("%d: a body that ends with %q: %q, and the server says %q", major, body[max(0, i-30):i], got, refusal.Message)
				}
			}
		}
		if cuts < 150 {
			t.Errorf("only %d bodies", cuts)
		}
	})
}
