package catalog_test

import (
	"fmt"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/onward-sql/onward/internal/catalog"
)

// describeMention is a place in a body: how sure it is, and its text.
func describeMention(m catalog.Mention) string {
	words := map[bool]string{true: "sure", false: "unsure"}[m.Sure]
	if m.Maybe {
		words += " maybe"
	}
	if m.Caught {
		words += " caught"
	}
	return words + ": " + m.Text
}

// TestAmbiguous: a name that means a variable as well as a column, as servers 13 and 18 say when the function is called.
func TestAmbiguous(t *testing.T) {
	t.Parallel()
	for _, c := range []struct{ params, declare, body, want string }{
		{"", "id int", "PERFORM id FROM posts", "id, sure"},
		{"", "id int", "PERFORM posts.id FROM posts", ""},
		{"", "v int", "PERFORM id FROM posts", ""},
		{"title text", "", "UPDATE posts SET title = title", "title, sure"},
		{"title text", "", "UPDATE posts SET title = 'x' WHERE id = 1", ""},
		{"id int", "", "INSERT INTO posts (id) VALUES (id) ON CONFLICT (id) DO NOTHING", "id, sure"},
		{"id int", "", "INSERT INTO posts (id) VALUES (id) ON CONFLICT DO NOTHING", ""},
		{"id int", "", "INSERT INTO posts (id) SELECT id FROM logs", "id, sure"},
		{"id int", "", "IF id IS NULL THEN PERFORM id FROM posts; END IF", "id, sure maybe"},
		{"id int", "", "BEGIN PERFORM id FROM posts; EXCEPTION WHEN others THEN NULL; END", ""},
		{"id int, title text", "", "IF id IS NULL THEN PERFORM id FROM posts; END IF; PERFORM title FROM posts", "title, sure"},
		{"id int", "v int", "SELECT posts.id AS id INTO v FROM posts ORDER BY id", ""},
		{"id int", "v int", "SELECT posts.title AS id INTO v FROM posts WHERE posts.title = '1' GROUP BY id", "id, sure"},
		{"OUT id int", "", "SELECT max(id) INTO id FROM posts", "id, sure"},
		{"id int", "", "PERFORM (SELECT id) FROM posts", "id, sure"},
		{"id int", "", "PERFORM 1 FROM posts WHERE EXISTS (SELECT 1 FROM logs WHERE logs.id = title::int)", ""},
		{"title text", "", "PERFORM 1 FROM posts WHERE EXISTS (SELECT 1 FROM logs WHERE note = title)", "title, sure"},
		{"id int", "", "DELETE FROM posts p WHERE p.id = f.id", ""},
		{"id int", "", "DELETE FROM posts p USING logs l WHERE p.title = l.note RETURNING id INTO id", "id, sure"},
		{"id int", "", "PERFORM s.id FROM (SELECT posts.id FROM posts) s", ""},
		{"id int", "", "PERFORM id FROM nowhere", ""},
		{"id int", "", "#variable_conflict use_column\nPERFORM id FROM posts", ""},
	} {
		declare := ""
		if c.declare != "" {
			declare = "DECLARE " + c.declare + "; "
		}
		returns := "RETURNS void "
		if strings.Contains(c.params, "OUT") {
			returns = ""
		}
		body := "BEGIN " + c.body + "; END"
		if option, rest, found := strings.Cut(c.body, "\n"); found {
			body = option + "\nBEGIN " + rest + "; END"
		}
		schema, b := bodyOf(t, bodyTables, "CREATE FUNCTION f("+c.params+") "+returns+"LANGUAGE plpgsql AS $f$"+declare+body+"$f$")
		got := ""
		if name, place, found := b.FindAmbiguous(schema, true); found {
			word, text, _ := strings.Cut(describeMention(place), ": ")
			if got = name + ", " + word; !strings.Contains(c.body, text) {
				t.Errorf("%s: the place is %s", c.body, text)
			}
		}
		if diff := cmp.Diff(c.want, got); diff != "" {
			t.Errorf("ambiguous name in %q (-want +got):\n%s", c.body, diff)
		}
	}
	schema, b := bodyOf(t, bodyTables, "CREATE FUNCTION f(id int) RETURNS bigint LANGUAGE sql AS 'SELECT count(*) FROM posts WHERE posts.id = id'")
	if name, _, found := b.FindAmbiguous(schema, true); found {
		t.Errorf("in SQL, the column is meant, but %s is ambiguous", name)
	}
}

// TestRefusedInBody: the error of each call, whatever its arguments, as servers 13 and 18 give it.
func TestRefusedInBody(t *testing.T) {
	t.Parallel()
	const schema = "CREATE TABLE t (id int PRIMARY KEY, b text NOT NULL, c int); CREATE TABLE gone (id int); DROP TABLE gone; " +
		"CREATE FUNCTION lost() RETURNS int LANGUAGE sql AS 'SELECT 1'; DROP FUNCTION lost(); ALTER TABLE t ADD COLUMN d int; ALTER TABLE t DROP COLUMN d; "
	for body, want := range map[string]string{
		"INSERT INTO t (id, b, nope) VALUES (1, 'x', 2)":                    `42703: column "nope" of relation "t" does not exist`,
		"INSERT INTO t (id, b, d) VALUES (1, 'x', 2)":                       `42703: column "d" of relation "t" does not exist`,
		"UPDATE t SET nope = 1":                                             `42703: column "nope" of relation "t" does not exist`,
		"UPDATE public.t AS x SET d = 1":                                    `42703: column "d" of relation "t" does not exist`,
		"INSERT INTO t (id) VALUES (1)":                                     `23502: null value in column "b" of relation "t" violates not-null constraint`,
		"INSERT INTO t (id, b) VALUES (1, NULL)":                            `23502: null value in column "b" of relation "t" violates not-null constraint`,
		"INSERT INTO t VALUES (1, v::text)":                                 "",
		"INSERT INTO t (id, b) VALUES (v, v::text)":                         "",
		"PERFORM 1 FROM gone":                                               `42P01: relation "gone" does not exist`,
		"PERFORM 1 FROM t WHERE EXISTS (SELECT 1 FROM public.gone)":         `42P01: relation "public.gone" does not exist`,
		"DELETE FROM gone":                                                  `42P01: relation "gone" does not exist`,
		"v := lost()":                                                       "42883: function lost() does not exist",
		"PERFORM upper('a'), pg_backend_pid() FROM t, pg_class":             "",
		"IF v IS NULL THEN INSERT INTO t (id) VALUES (1); END IF":           "",
		"IF v IS NULL THEN PERFORM 1 FROM gone; END IF":                     "",
		"BEGIN UPDATE t SET nope = 1; EXCEPTION WHEN others THEN NULL; END": "",
		"CREATE TEMP TABLE gone (id int); PERFORM 1 FROM gone":              "",
		"SET search_path TO other; PERFORM 1 FROM gone":                     "",
		"PERFORM set_config('search_path', 'x', true); PERFORM 1 FROM gone": "",
		"WITH gone AS (SELECT 1) SELECT count(*) INTO v FROM gone":          "",
		"INSERT INTO gone (id) VALUES (1)":                                  `42P01: relation "gone" does not exist`,
		"PERFORM 1 FROM news":                                               "",
		"SELECT 1 INTO v":                                                   "",
	} {
		text := schema + "CREATE FUNCTION f() RETURNS trigger LANGUAGE plpgsql AS $f$DECLARE v int; BEGIN " + body + "; RETURN NULL; END$f$; " +
			"CREATE TRIGGER g AFTER INSERT ON t REFERENCING NEW TABLE AS news FOR EACH STATEMENT EXECUTE FUNCTION f()"
		c, problems := apply(t, catalog.New(), text)
		if problems != "" {
			t.Fatalf("a function with the body %q has problems:\n%s", body, problems)
		}
		for _, complete := range []bool{false, true} {
			c.Complete = complete
			got := ""
			if place, p := c.FindRefusedInBody(c.Functions("", "f")[0]); p != nil {
				got = p.SQLSTATE + ": " + p.Message()
				if !strings.Contains(body, strings.TrimPrefix(place.Text, "SELECT ")) || !place.Sure || place.Maybe {
					t.Errorf("%s: the place is %s", body, describeMention(place))
				}
			}
			if diff := cmp.Diff(want, got); diff != "" {
				t.Errorf("%s (complete: %t)\n%s", body, complete, diff)
			}
		}
	}
}

// TestMissingInBody: what nothing created is missing if the schema is known whole, or the history creates all that it names.
func TestMissingInBody(t *testing.T) {
	t.Parallel()
	for _, c := range []struct{ before, set, body, want string }{
		{"", "", "PERFORM 1 FROM nowhere", `relation "nowhere" does not exist, unseen; complete: relation "nowhere" does not exist`},
		{"", "", "PERFORM 1 FROM app.nowhere", `; complete: relation "app.nowhere" does not exist`},
		{"CREATE SCHEMA app;", "", "PERFORM 1 FROM app.nowhere", `relation "app.nowhere" does not exist, unseen; complete: relation "app.nowhere" does not exist`},
		{"", "", "PERFORM nothing(1)", `; complete: function nothing() does not exist`},
		{"CREATE INDEX ON older (id);", "", "PERFORM 1 FROM nowhere", `; complete: relation "nowhere" does not exist`},
		{"CREATE EXTENSION postgis;", "", "PERFORM 1 FROM nowhere", `; complete: relation "nowhere" does not exist`},
		{"SET search_path TO app, public;", "", "PERFORM 1 FROM nowhere", "; complete: "},
		{"", "SET search_path TO app", "PERFORM 1 FROM nowhere", "; complete: "},
		{"", "", "PERFORM 1 FROM pg_temp.nowhere, information_schema.nowhere, pg_nowhere", "; complete: "},
	} {
		schema, problems := apply(t, catalog.New(), "CREATE TABLE t (id int);"+c.before+
			"CREATE FUNCTION public.f() RETURNS void LANGUAGE plpgsql "+c.set+" AS $f$BEGIN "+c.body+"; END$f$")
		if problems != "" {
			t.Fatalf("a function with the body %q has problems:\n%s", c.body, problems)
		}
		find := func() string {
			_, p := schema.FindRefusedInBody(schema.Functions("public", "f")[0])
			switch {
			case p == nil:
				return ""
			case p.Unseen == p.Certain:
				return fmt.Sprintf("%s, certain and unseen are %t", p.Message(), p.Unseen)
			case p.Unseen:
				return p.Message() + ", unseen"
			}
			return p.Message()
		}
		got := find()
		schema.Complete = true
		got += "; complete: " + find()
		if diff := cmp.Diff(c.want, got); diff != "" {
			t.Errorf("FindRefusedInBody for %q after %q %s (-want +got):\n%s", c.body, c.before, c.set, diff)
		}
	}
}

// TestRowCopies: where INSERT … SELECT NEW.* of a trigger's function gives a column to one of another name.
func TestRowCopies(t *testing.T) {
	t.Parallel()
	const tables = "CREATE TABLE a (id int, title text, body text); CREATE TABLE same (id int, title text, body text); " +
		"CREATE TABLE other (id int, body text, title text); CREATE TABLE more (op text, id int, title text, body text, made timestamptz); " +
		"CREATE TABLE less (id int, title text); ALTER TABLE guess ADD COLUMN id int; "
	const many, few = "INSERT has more expressions than target columns", "INSERT has more target columns than expressions"
	for body, want := range map[string]string{
		"INSERT INTO same SELECT NEW.*":                                             "NEW into same fits",
		"INSERT INTO same VALUES (OLD.*)":                                           "OLD into same fits",
		"INSERT INTO same SELECT (NEW).*":                                           "NEW into same fits",
		"INSERT INTO other SELECT NEW.*":                                            "NEW into other: title lands in body",
		"INSERT INTO other (id, title, body) SELECT NEW.*":                          "NEW into other fits",
		"INSERT INTO more SELECT TG_OP, NEW.*":                                      "NEW into more fits",
		"INSERT INTO more VALUES (TG_OP, NEW.*, now())":                             "NEW into more fits",
		"INSERT INTO more SELECT NEW.*":                                             "NEW into more: id lands in op",
		"INSERT INTO more (id, title, body, made) SELECT NEW.*":                     "NEW into more, " + few,
		"INSERT INTO less SELECT NEW.*":                                             "NEW into less, " + many,
		"INSERT INTO less VALUES (NEW.*, 1)":                                        "NEW into less, " + many,
		"INSERT INTO same SELECT a.* FROM a":                                        "",
		"INSERT INTO same SELECT NEW.*, x.* FROM less x":                            "",
		"INSERT INTO same SELECT n.* FROM (SELECT NEW.*) n":                         "",
		"INSERT INTO same (id) VALUES (NEW.id * 2)":                                 "",
		"INSERT INTO same VALUES (NEW.*), (OLD.*)":                                  "",
		"INSERT INTO guess SELECT NEW.*":                                            "",
		"INSERT INTO nowhere SELECT NEW.*":                                          "",
		"UPDATE same SET id = 2 * NEW.id":                                           "",
		"IF NEW.id > 1 THEN INSERT INTO less SELECT NEW.*; END IF":                  "NEW into less, " + many + ", maybe",
		"BEGIN INSERT INTO less SELECT NEW.*; EXCEPTION WHEN others THEN NULL; END": "",
	} {
		c, _ := apply(t, catalog.New(), tables+"CREATE FUNCTION f() RETURNS trigger LANGUAGE plpgsql AS $f$BEGIN "+body+"; RETURN NEW; END$f$")
		var got []string
		for _, x := range c.RowCopies(c.Functions("", "f")[0], c.Lookup("", "a")) {
			text := x.Record + " into " + x.Into.Name.Name
			switch {
			case x.Fails != "":
				text += ", " + x.Fails
			case !x.IsFit():
				text += ": " + x.Column + " lands in " + x.Lands
			default:
				text += " fits"
			}
			if x.Maybe {
				text += ", maybe"
			}
			got = append(got, text)
		}
		if diff := cmp.Diff(want, strings.Join(got, "; ")); diff != "" {
			t.Errorf("RowCopies of %q (-want +got):\n%s", body, diff)
		}
	}
}

// TestCallsOfABody: where a body calls a function, the best place first, and what it writes to.
func TestCallsOfABody(t *testing.T) {
	t.Parallel()
	for body, want := range map[string]string{
		"PERFORM app.g()":    "",
		"PERFORM public.g()": "sure: public.g()",
		"PERFORM h()":        "",
		"IF x THEN PERFORM g(1); END IF; PERFORM g(2)":                     "sure: g(2)",
		"IF x THEN PERFORM g(1); END IF; INSERT INTO logs (id) VALUES (1)": "sure maybe: g(1) writes logs",
		"BEGIN PERFORM g(1); EXCEPTION WHEN others THEN NULL; END":         "sure caught: g(1)",
		"x := 1 + g(x); DELETE FROM app.posts; UPDATE nowhere SET a = 1":   "sure: x := 1 + g(x) writes posts",
	} {
		schema, b := bodyOf(t, bodyTables, "CREATE FUNCTION f() RETURNS void LANGUAGE plpgsql AS $f$DECLARE x int; BEGIN "+body+"; END$f$")
		got := ""
		if place, found := b.FindCall(catalog.Name{Schema: "public", Name: "g"}, nil); found {
			got = describeMention(place)
		}
		for _, r := range b.ListWrittenRelations(schema) {
			got += " writes " + r.Name.Name
		}
		if diff := cmp.Diff(want, got); diff != "" {
			t.Errorf("call of g and written tables in %q (-want +got):\n%s", body, diff)
		}
	}
	_, b := bodyOf(t, bodyTables, "CREATE FUNCTION f() RETURNS trigger LANGUAGE plpgsql AS "+
		"$f$BEGIN DELETE FROM logs; IF TG_NAME = 'x' THEN DELETE FROM posts; END IF; RETURN NULL; END$f$")
	if !b.ByTable() || len(b.ListCertainStatements()) != 3 {
		t.Errorf("by table: %t; %d statements that each call comes to", b.ByTable(), len(b.ListCertainStatements()))
	}
	if _, b = bodyOf(t, bodyTables, "CREATE FUNCTION f() RETURNS trigger LANGUAGE plpgsql AS 'BEGIN RETURN NULL; END'"); b.ByTable() {
		t.Error("a body that does not name the table is by table")
	}
	_, b = bodyOf(t, bodyTables, "CREATE FUNCTION f() RETURNS int LANGUAGE c AS 'lib', 'f'")
	if _, found := b.FindCall(catalog.Name{Name: "g"}, nil); found || b != nil || b.ListCertainStatements() != nil || b.ListWrittenRelations(nil) != nil {
		t.Error("a body in C is read")
	}
}
