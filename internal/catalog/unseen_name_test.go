package catalog_test

import (
	"testing"

	"github.com/onward-sql/onward/internal/catalog"
	"github.com/onward-sql/onward/internal/pgparse"
)

// A name that a history should have made is found, unless the history names others like it that it has not made, or something
// that is not known may have made it.
func TestFindUnseenName(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		before, statement, want string
	}{
		{"", "UPDATE a SET id = not_known(id)", "function not_known() does not exist"},
		{"", "CREATE TABLE b (m mood)", `type "mood" does not exist`},
		{"", "CREATE INDEX ON a USING gin (name gin_trgm_ops)", `operator class "gin_trgm_ops" does not exist for access method "gin"`},
		{"CREATE EXTENSION pg_trgm;", "CREATE INDEX ON a USING gin (name gin_trgm_ops)", ""},
		{"CREATE EXTENSION pg_trgm;", "UPDATE a SET id = not_known(id)", "function not_known() does not exist"},
		{"CREATE EXTENSION citext;", "CREATE TABLE b (m citext)", ""},
		{"CREATE EXTENSION orafce;", "UPDATE a SET id = not_known(id)", ""},
		{"CREATE EXTENSION orafce;", "CREATE TABLE b (m mood)", ""},
		{"ALTER TABLE a ALTER COLUMN id SET DEFAULT of_others();", "UPDATE a SET id = not_known(id)", ""},
		{"ALTER TABLE a ADD COLUMN x geometry;", "CREATE TABLE b (m mood)", ""},
		{"SELECT do_something();", "UPDATE a SET id = not_known(id)", ""},
		{"", "UPDATE a SET id = tools.not_known(id)", ""},
		{"", "CREATE TABLE b (m tools.mood)", ""},
		{"", "SELECT name(a) FROM a", ""},
		{"CREATE TYPE span AS RANGE (subtype = int);", "SELECT span(1, 2)", ""},
		{"", "CREATE TABLE b (a serial, b a, c _text, d oid, e bigserial) WITH (autovacuum_enabled = off)", ""},
	} {
		history, _ := apply(t, catalog.New(), "CREATE TABLE a (id int PRIMARY KEY, name text);"+c.before)
		file, err := pgparse.SplitText(c.statement)
		if err != nil || len(file.Stmts) != 1 {
			t.Fatalf("parse %q as one statement: %v", c.statement, err)
		}
		got := ""
		if x := history.FindUnseenName(history, file.Stmts[0].Node); x != nil {
			got = x.Message()
		}
		if got != c.want {
			t.Errorf("%s %s: %q, want %q", c.before, c.statement, got, c.want)
		}
	}
}

// What an extension brings is not absent from a complete schema, and what it does not bring is.
func TestAbsentFunctionBesideExtension(t *testing.T) {
	t.Parallel()
	schema, _ := apply(t, catalog.New(), "CREATE EXTENSION pgcrypto;")
	complete := *schema
	complete.Complete = true
	if complete.AbsentFunction("", "crypt") {
		t.Error("pgcrypto has crypt()")
	}
	if !complete.AbsentFunction("", "not_known") {
		t.Error("pgcrypto has no not_known()")
	}
}
