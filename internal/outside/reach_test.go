package outside_test

import (
	"strings"
	"testing"

	"github.com/onward-sql/onward/internal/outside"
	"github.com/onward-sql/onward/internal/pgparse"
)

// Statements that a schema change needs have no reach; unexpected effects have.
func TestListReach(t *testing.T) {
	t.Parallel()
	for sql, want := range map[string]string{
		"ALTER TABLE t ADD COLUMN a int DEFAULT 1":                     "",
		"CREATE INDEX CONCURRENTLY i ON t (lower(a))":                  "",
		"INSERT INTO t SELECT n FROM generate_series(1, 9) AS n":       "",
		"SELECT setval('s', 9)":                                        "",
		"COPY t FROM STDIN":                                            "",
		"CREATE EXTENSION pg_trgm":                                     "",
		"CREATE FUNCTION f() RETURNS int LANGUAGE sql AS 'SELECT 1'":   "",
		"CREATE FUNCTION f() RETURNS int BEGIN ATOMIC SELECT 1; END":   "",
		"CREATE FUNCTION f() RETURNS int LANGUAGE 'SQL' AS 'SELECT 1'": "",
		"CREATE FUNCTION f() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN NEW.a := OLD.a; RETURN NEW; END $$": "",
		"CREATE FUNCTION f() RETURNS int LANGUAGE plperlu AS 'return 1'":                                      "makes a function in a language that is not trusted (plperlu)",
		"CREATE FUNCTION f() RETURNS int LANGUAGE internal AS 'pg_backend_pid'":                               "makes a function in a language that is not trusted (internal)",
		"CREATE FUNCTION f() RETURNS bytea LANGUAGE internal AS 'pg_read_file'":                               "makes a function that reads",
		"CREATE PROCEDURE p() LANGUAGE plpgsql AS $$ BEGIN COPY t TO PROGRAM 'x'; END $$":                     "starts a program",
		"CREATE FUNCTION f() RETURNS void LANGUAGE sql AS $$ SELECT pg_terminate_backend(1) $$":               "ends other sessions",
		"SELECT now()":          "",
		"COPY t TO PROGRAM 'x'": "starts a program",
		"WITH a AS (SELECT pg_reload_conf()) SELECT * FROM a":           "has the server read its settings again",
		"CREATE TABLE c AS SELECT * FROM dblink('x', 'y') AS r (a int)": "reaches another database",
		"DO $$ BEGIN END $$":                     "runs a block of code",
		"CALL p()":                               "calls a procedure",
		"ALTER SYSTEM SET archive_command = 'x'": "names a program",
	} {
		f, err := pgparse.SplitText(sql)
		if err != nil || len(f.Stmts) != 1 || f.Stmts[0].Node == nil {
			t.Fatalf("parse %s: %v", sql, err)
		}
		got := ""
		if acts := (outside.Role{}).ListReach(f.Stmts[0].Node); len(acts) > 0 {
			got = acts[0].Does
		}
		if (got == "") != (want == "") || !strings.HasPrefix(got, want) {
			t.Errorf("%s: %q, want %q", sql, got, want)
		}
	}
}
