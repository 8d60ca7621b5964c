package pgparse_test

import (
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/onward-sql/onward/internal/pgparse"
	"github.com/onward-sql/onward/onward"
)

// A statement in a PL/pgSQL block has the form of Postgres 19 that was written, at its line, whether its body is in dollars or in quotes.
func TestNewerFormsInBlocks(t *testing.T) {
	t.Parallel()
	for _, statement := range []string{
		"DO $$\nBEGIN\n  REPACK t;\n  INSERT INTO t(id) VALUES (1)\n    ON CONFLICT (id) DO SELECT RETURNING id;\n  UPDATE t SET n = 1;\nEND $$",
		"CREATE FUNCTION f(a int) RETURNS int LANGUAGE plpgsql AS $body$\nBEGIN\n  REPACK t;\n  INSERT INTO t(id) VALUES (1)\n" +
			"    ON CONFLICT (id) DO SELECT RETURNING id INTO a;\n  UPDATE t SET n = 1;\n  RETURN a;\nEND $body$",
		"CREATE FUNCTION f() RETURNS void LANGUAGE plpgsql AS '\nBEGIN\n  REPACK t;\n  INSERT INTO t(id) VALUES (1)\n" +
			"    ON CONFLICT (id) DO SELECT RETURNING id;\n  UPDATE t SET n = 1;\nEND'",
	} {
		block, err := pgparse.ParseBlock(statement)
		if err != nil {
			t.Errorf("ParseBlock(%q): %v", statement, err)
			continue
		}
		type found struct{ line, since int }
		var got []found
		for _, s := range block.Statements {
			since, _ := pgparse.NewerForm(pgparse.ParseStatement(s.SQL))
			got = append(got, found{s.Line, since})
		}
		want := []found{{3, onward.PreviewMajor}, {4, onward.PreviewMajor}, {6, 0}}
		if diff := cmp.Diff(want, got, cmp.AllowUnexported(found{})); diff != "" {
			t.Errorf("lines and versions of the statements in %s (-want +got):\n%s", statement, diff)
		}
	}
	for _, statement := range []string{"DO $$ BEGIN FROBNICATE t; END $$", "DO $$ BEGIN REPACK t u; END $$",
		"DO $$ BEGIN REPACK t; UPDATE t SET n = = 1; END $$"} {
		if _, err := pgparse.ParseBlock(statement); err == nil {
			t.Errorf("%s: it was read", statement)
		}
	}
}
