package redact_test

import (
	"errors"
	"strings"
	"testing"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgconn"

	"github.com/onward-sql/onward/internal/pgserver/pgservertest"
	"github.com/onward-sql/onward/internal/redact"
	"github.com/onward-sql/onward/onward"
)

// No value of a row is in an error, however a statement makes one of it. What the statement itself says stays.
func TestErrorOnRows(t *testing.T) {
	t.Parallel()
	conn, err := pgx.Connect(t.Context(), pgservertest.NewLine(t, pgservertest.Database(t, onward.NewestMajor)).URL)
	if err != nil {
		t.Fatal(err)
	}
	defer conn.Close(t.Context())
	if _, err := conn.Exec(t.Context(), `CREATE TABLE t (id int PRIMARY KEY, name text); INSERT INTO t VALUES (1, 'canary'), (2, 'canary-bob');
		CREATE FUNCTION from_base() RETURNS int LANGUAGE plpgsql AS $$BEGIN RAISE 'x %', (SELECT name FROM t LIMIT 1); END$$;
		CREATE VIEW caller AS SELECT from_base()`); err != nil {
		t.Fatal(err)
	}
	const name = "(SELECT name FROM t ORDER BY id LIMIT 1)"
	doBlock := func(body string) string { return "DO $$ BEGIN " + body + " END $$" }
	for _, c := range []struct{ sql, want string }{
		{doBlock("RAISE EXCEPTION 'x %', (SELECT string_agg(name, ',') FROM t);"), "inline_code_block line 1 at RAISE"},
		{doBlock("RAISE EXCEPTION USING MESSAGE = 'x', DETAIL = " + name + ", HINT = " + name + ";"), "at RAISE"},
		{doBlock("RAISE EXCEPTION USING MESSAGE = " + name + ", ERRCODE = 'unique_violation';"), "at RAISE"},
		{doBlock("ASSERT false, " + name + ";"), "at ASSERT"},
		{"SELECT from_base()", "from_base() line 1 at RAISE"},
		{"SELECT * FROM caller", "a function raised"},
		{doBlock("EXECUTE 'ALTER TABLE ' || " + name + " || ' ADD COLUMN x int';"), "has built failed"},
		{doBlock("EXECUTE 'SELECT ' || " + name + ";"), "has built failed"},
		{doBlock("EXECUTE 'SELECT ' || " + name + " || '(1)';"), "has built failed"},
		{doBlock("EXECUTE 'SELECT $x$' || " + name + " || '$x$::int';"), "has built failed"},
		{doBlock("EXECUTE " + name + ";"), "has built failed"},
		{"SELECT " + name + "::regclass", `relation "…" does not exist`},
		{"SELECT " + name + "::regproc", `function "…" does not exist`},
		{"SELECT " + name + "::regrole", "does not exist"},
		{"SELECT nextval(" + name + ")", "does not exist"},
		{"SELECT has_table_privilege(" + name + ", 'SELECT')", "does not exist"},
		{"SELECT set_config('work_mem', " + name + ", false)", "invalid value"},
		{"SELECT " + name + "::int", "invalid input syntax"},
		{"SELECT " + name + "::jsonb", "invalid input syntax"},
		{"SELECT query_to_xml(" + name + ", true, true, '')", ""},
		{"ALTER TABLE t ADD CHECK (name <> 'canary-bob')", `check constraint "t_name_check"`},
		{"CREATE UNIQUE INDEX u ON t ((left(name, 3)))", `unique index "u"`},
		{"ALTER TABLE missing ADD COLUMN x int", `relation "missing" does not exist`},
		{doBlock("ALTER TABLE missing ADD COLUMN x int;"), `relation "missing" does not exist`},
		{"ALTER TABLE t ADD COLUMN id int", `column "id" of relation "t" already exists`},
		{"SELEC 1", `at or near "SELEC"`},
	} {
		_, err := conn.Exec(t.Context(), c.sql)
		pg := new(pgconn.PgError)
		if !errors.As(err, &pg) {
			t.Errorf("run %s: got error %v, want a PgError", c.sql, err)
			continue
		}
		got := redact.ErrorOnRows(pg, c.sql)
		all := strings.ReplaceAll(got.Message+got.Detail+got.Hint, "'canary-bob'", "")
		if strings.Contains(all, "canary") || !strings.Contains(got.Message, c.want) || got.Code != redact.PrintedCode(pg) {
			t.Errorf("%s\n got %q\nwant %q", c.sql, got, c.want)
		}
	}
}

// A code of the server's list is printed. Another one may be made of a row's letters.
func TestPrintedCode(t *testing.T) {
	t.Parallel()
	conn := pgservertest.Connect(t, pgservertest.Database(t, onward.NewestMajor))
	doBlock := func(body string) string { return "DO $$ BEGIN " + body + " END $$" }
	for sql, want := range map[string]string{
		doBlock("RAISE EXCEPTION USING ERRCODE = upper(left('canary', 5)), MESSAGE = 'x';"): "P0001",
		doBlock("RAISE EXCEPTION USING ERRCODE = '22' || upper(left('canary', 3));"):        "P0001",
		doBlock("RAISE EXCEPTION USING ERRCODE = 'check_violation';"):                       "23514",
		doBlock("RAISE SQLSTATE 'CANAR';"):                                                  "P0001",
		doBlock("PERFORM 1 / 0;"):                                                           "22012",
		doBlock("BEGIN PERFORM 1 / 0; EXCEPTION WHEN division_by_zero THEN RAISE; END;"):    "22012",
		doBlock("ASSERT false;"):                                                            "P0004",
		"SELECT missing":                                                                    "42703",
	} {
		_, err := conn.Exec(t.Context(), sql)
		pg := new(pgconn.PgError)
		if !errors.As(err, &pg) {
			t.Fatalf("%s: %v", sql, err)
		}
		if got := redact.PrintedCode(pg); got != want || !strings.HasSuffix(redact.MessageWithCode(pg), "(SQLSTATE "+want+")") {
			t.Errorf("%s: %s is printed, want %s", sql, got, want)
		}
	}
	if got := redact.PrintedCode(&pgconn.PgError{Code: "CANAR"}); got != "P0001" {
		t.Errorf("of another language: %s", got)
	}
}
