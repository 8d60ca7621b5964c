package catalog_test

import (
	"fmt"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/onward-sql/onward/internal/catalog"
	"github.com/onward-sql/onward/internal/pgparse"
)

func bodyOf(t *testing.T, before, function string) (*catalog.Catalog, *catalog.Body) {
	t.Helper()
	c := catalog.New()
	file, err := pgparse.SplitText(before + ";" + function)
	if err != nil {
		t.Fatal(err)
	}
	for _, s := range file.Stmts {
		if s.Err != nil {
			t.Fatalf("parse %s: %v", file.Src[s.Start:s.End], s.Err)
		}
		c, _ = c.Apply(s.Node, file.Src[s.Start:s.End])
	}
	fns := c.Functions("", "f")
	if len(fns) != 1 {
		t.Fatalf("%s: no function f", function)
	}
	return c, catalog.ReadBody(fns[0])
}

const bodyTables = "CREATE TABLE posts (id int, title text, body text); CREATE TABLE logs (id int, note text, body text); CREATE SCHEMA app; " +
	"CREATE TABLE app.posts (id int, title text)"

// TestColumnsOfABody: what a body says of posts.title, and of the table.
func TestColumnsOfABody(t *testing.T) {
	t.Parallel()
	for _, c := range []struct{ language, body, column, relation string }{
		{"sql", "SELECT title FROM posts", "sure", "sure"},
		{"sql", "SELECT p.title FROM posts p", "sure", "sure"},
		{"sql", "SELECT public.posts.title FROM public.posts", "sure", "sure"},
		{"sql", "SELECT title FROM app.posts", "", ""},
		{"sql", "SELECT p.title FROM app.posts p, posts", "", "sure"},
		{"sql", "SELECT 'title', id FROM posts -- title", "", "sure"},
		{"sql", "SELECT id AS title FROM posts ORDER BY title", "", "sure"},
		{"sql", "SELECT id FROM posts GROUP BY title", "sure", "sure"},
		{"sql", "SELECT title FROM (SELECT id AS title FROM posts) s", "", "sure"},
		{"sql", "WITH posts AS (SELECT 1 AS title) SELECT title FROM posts", "", ""},
		{"sql", "WITH p AS (SELECT title FROM posts) SELECT 1 FROM p", "sure", "sure"},
		{"sql", "SELECT note FROM logs WHERE EXISTS (SELECT 1 FROM posts WHERE title = note)", "sure", "sure"},
		{"sql", "SELECT title FROM posts WHERE id IN (SELECT id FROM logs WHERE logs.body = posts.body)", "sure", "sure"},
		{"sql", "SELECT * FROM posts", "", "sure"},
		{"sql", "SELECT a.id FROM posts a JOIN posts b USING (title)", "sure", "sure"},
		{"sql", "INSERT INTO posts (id, title) VALUES (1, 'x')", "sure", "sure"},
		{"sql", "INSERT INTO posts (id) SELECT 1", "", "sure"},
		{"sql", "INSERT INTO posts VALUES (1)", "", "sure"},
		{"sql", "INSERT INTO posts VALUES (1, 'x')", "sure", "sure"},
		{"sql", "INSERT INTO posts SELECT l.* FROM logs l", "unsure", "sure"},
		{"sql", "INSERT INTO posts (id) VALUES (1) ON CONFLICT (title) DO NOTHING", "sure", "sure"},
		{"sql", "INSERT INTO posts (id) VALUES (1) ON CONFLICT (id) DO UPDATE SET title = excluded.title", "sure", "sure"},
		{"sql", "UPDATE posts SET title = 'x'", "sure", "sure"},
		{"sql", "UPDATE logs SET note = title FROM posts", "sure", "sure"},
		{"sql", "DELETE FROM posts WHERE title = 'x'", "sure", "sure"},
		{"sql", "MERGE INTO posts p USING logs l ON p.id = l.id WHEN MATCHED THEN UPDATE SET title = l.note", "sure", "sure"},
		{"sql", "TRUNCATE posts", "", "sure"},
		{"sql", "SELECT NULL::posts", "", "sure"},
		{"sql", "SELECT 1; SELECT (p).title", "unsure", ""},
		{"sql", "SELECT $1.title", "unsure", ""},
		{"plpgsql", "BEGIN RETURN (SELECT title FROM posts WHERE id = x); END", "sure", "sure"},
		{"plpgsql", "BEGIN IF EXISTS (SELECT FROM posts WHERE title = x) THEN RAISE 'title'; END IF; END", "sure", "sure"},
		{"plpgsql", "DECLARE r posts%ROWTYPE; BEGIN RETURN r.title; END", "sure", "sure"},
		{"plpgsql", "DECLARE r public.posts; BEGIN r.title := 'x'; END", "sure", "sure"},
		{"plpgsql", "DECLARE v posts.title%TYPE; BEGIN NULL; END", "sure", "sure"},
		{"plpgsql", "DECLARE v posts.id%TYPE; BEGIN NULL; END", "", "sure"},
		{"plpgsql", "DECLARE r record; BEGIN SELECT * INTO r FROM posts; RETURN r.title; END", "sure", "sure"},
		{"plpgsql", "DECLARE r record; BEGIN FOR r IN SELECT * FROM logs LOOP x := r.title; END LOOP; PERFORM 1 FROM posts; END", "unsure", "sure"},
		{"plpgsql", "BEGIN title := 'x'; PERFORM 1 FROM posts; END", "", "sure"},
		{"plpgsql", "BEGIN INSERT INTO logs (note) SELECT NEW.title FROM posts; END", "", "sure"},
		{"plpgsql", "BEGIN EXECUTE 'UPDATE posts SET title = $1' USING 'x'; END", "sure", "sure"},
		{"plpgsql", "BEGIN EXECUTE format('UPDATE posts SET title = %L', x); END", "", ""},
		{"plpgsql", "BEGIN SELECT FROM FROM posts WHERE title; END", "unsure", "unsure"},
	} {
		fn := fmt.Sprintf("CREATE FUNCTION f(posts) RETURNS text LANGUAGE %s AS $f$%s$f$", c.language, c.body)
		cat, b := bodyOf(t, bodyTables, fn)
		posts := cat.Lookup("", "posts")
		word := func(m catalog.Mention, ok bool) string {
			switch {
			case !ok:
				return ""
			case m.Sure:
				return "sure"
			}
			return "unsure"
		}
		if got := word(b.FindColumn(cat, posts, "title")); got != c.column {
			t.Errorf("%s: the column: %q, want %q", c.body, got, c.column)
		}
		if got := word(b.FindRelation(cat, posts)); got != c.relation {
			t.Errorf("%s: the relation: %q, want %q", c.body, got, c.relation)
		}
	}
}

func TestFieldsOfABody(t *testing.T) {
	t.Parallel()
	for body, want := range map[string]string{
		"BEGIN NEW.a := now(); RETURN NEW; END":                                                    "new.a",
		"BEGIN -- NEW.a := 1\nRAISE 'NEW.a'; RETURN NEW; END":                                      "",
		"BEGIN IF NEW.a IS DISTINCT FROM OLD.b THEN NEW.c := 1; END IF; NEW.c := 2; END":           "new.a old.b new.c",
		"BEGIN IF x THEN NEW.a := 1; END IF; END":                                                  "new.a?",
		"BEGIN NEW.a := 1; EXCEPTION WHEN others THEN NULL; END":                                   "new.a!",
		"BEGIN SELECT count(*) INTO NEW.\"N\" FROM logs WHERE id = (NEW).id; END":                  "new.id new.N",
		"BEGIN INSERT INTO logs VALUES (NEW.*); INSERT INTO logs SELECT new.x FROM posts new; END": "",
	} {
		c, b := bodyOf(t, bodyTables, "CREATE FUNCTION f() RETURNS trigger LANGUAGE plpgsql AS $f$"+body+"$f$")
		words := c.Functions("", "f")[0].RowWords()
		var got []string
		for _, f := range b.ListRecordFields() {
			if !slices.Contains(words, f.Name) {
				t.Errorf("%s: %s is not among the words %q", body, f.Name, words)
			}
			s := f.Record + "." + f.Name
			if f.Maybe {
				s += "?"
			}
			if f.Caught {
				s += "!"
			}
			got = append(got, s)
		}
		if diff := cmp.Diff(want, strings.Join(got, " ")); diff != "" {
			t.Errorf("record fields in %q (-want +got):\n%s", body, diff)
		}
	}
}

// TestFieldReads: where a body reads posts.title as the field of a variable, whose type PL/pgSQL keeps.
func TestFieldReads(t *testing.T) {
	t.Parallel()
	for _, c := range []struct{ declare, body, want string }{
		{"", "IF NEW.title = 'x' THEN RETURN NEW; END IF", "sure"},
		{"", "IF NEW.id = 1 THEN IF OLD.title = 'x' THEN NULL; END IF; END IF", "sure maybe"},
		{"", "NEW.title := 'x'", ""},
		{"", "SELECT note INTO NEW.title FROM logs", ""},
		{"", "NEW.title := upper(NEW.title)", "sure"},
		{"", "RAISE DEBUG '%', NEW.title", "sure"},
		{"", "EXECUTE 'SELECT $1' USING NEW.title", "sure"},
		{"", "INSERT INTO logs (note) VALUES (NEW.title)", "sure"},
		{"", "INSERT INTO logs SELECT NEW.*; PERFORM to_jsonb(NEW); IF NEW IS DISTINCT FROM OLD THEN NULL; END IF", ""},
		{"", "PERFORM title FROM posts; UPDATE posts SET title = upper(title)", ""},
		{"", "PERFORM new.note FROM logs new", ""},
		{"", "BEGIN IF NEW.title = 'x' THEN NULL; END IF; EXCEPTION WHEN others THEN NULL; END", "sure caught"},
		{"r record", "SELECT * INTO r FROM posts; PERFORM r.title", "sure"},
		{"r record", "SELECT * INTO r FROM posts; PERFORM r.id", ""},
		{"r record", "SELECT p.* INTO r FROM posts p JOIN logs USING (id); PERFORM r.title", "sure"},
		{"r record", "SELECT title AS x INTO r FROM posts; PERFORM r.x", "sure"},
		{"r record", "SELECT title::text AS title INTO r FROM posts; PERFORM r.title", ""},
		{"r record", "SELECT upper(title) AS x INTO r FROM posts; PERFORM r.x", "perhaps"},
		{"r record", "SELECT s.* INTO r FROM (SELECT title AS x FROM posts) s; PERFORM r.x", "sure"},
		{"r record", "WITH w AS (SELECT title AS x FROM posts) SELECT x AS y INTO r FROM w; PERFORM r.y", "sure"},
		{"r record", "SELECT note AS title INTO r FROM logs; PERFORM r.title, id FROM posts", ""},
		{"r record", "FOR r IN SELECT * FROM posts LOOP PERFORM r.title; END LOOP", "sure maybe"},
		{"r record", "UPDATE posts SET id = 1 RETURNING * INTO r; PERFORM r.title", "sure"},
		{"r record", "EXECUTE 'SELECT * FROM posts' INTO r; PERFORM r.title", "perhaps"},
		{"r record", "EXECUTE 'SELECT * FROM logs' INTO r; PERFORM r.title", ""},
		{"k CURSOR FOR SELECT * FROM posts; r record", "OPEN k; FETCH k INTO r; PERFORM r.title", "perhaps"},
		{"r record", "FOR r IN SELECT * FROM n LOOP PERFORM r.title; END LOOP", "sure maybe"},
		{"r posts", "SELECT * INTO r FROM logs; PERFORM (r).title", "sure"},
		{"r posts%ROWTYPE", "PERFORM r.title", "sure"},
		{"v posts.title%TYPE", "SELECT title INTO v FROM posts; PERFORM v", ""},
		{"v text", "SELECT title INTO v FROM posts; PERFORM v", ""},
		{"", "PERFORM arg.title", "sure"},
	} {
		declare := ""
		if c.declare != "" {
			declare = "DECLARE " + c.declare + "; "
		}
		schema, b := bodyOf(t, bodyTables, "CREATE FUNCTION f(arg posts) RETURNS trigger LANGUAGE plpgsql AS $f$"+declare+"BEGIN "+c.body+"; END$f$")
		var got []string
		reader := catalog.FieldReader{Row: true, Transitions: []string{"n"}}
		if place, found := b.FindFieldRead(schema, schema.Lookup("public", "posts"), "title", reader); found {
			got = append(got, map[bool]string{true: "sure", false: "perhaps"}[place.Sure])
			if place.Maybe {
				got = append(got, "maybe")
			}
			if place.Caught {
				got = append(got, "caught")
			}
		}
		if diff := cmp.Diff(c.want, strings.Join(got, " ")); diff != "" {
			t.Errorf("FindFieldRead of posts.title in DECLARE %s; %s (-want +got):\n%s", c.declare, c.body, diff)
		}
	}
}
