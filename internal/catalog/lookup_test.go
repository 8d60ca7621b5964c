package catalog_test

import (
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/onward-sql/onward/internal/catalog"
	"github.com/onward-sql/onward/internal/pgparse"
)

// TestAbsent: what is certainly not there, in a schema that is known whole and in one that is not.
func TestAbsent(t *testing.T) {
	t.Parallel()
	const schema = "CREATE SCHEMA app; CREATE TABLE other.t (id int); CREATE TABLE gone (id int); DROP TABLE gone; " +
		"CREATE SCHEMA left_over; DROP SCHEMA left_over; " +
		"CREATE FUNCTION f() RETURNS int LANGUAGE sql AS 'SELECT 1'; " +
		"CREATE FUNCTION lost() RETURNS int LANGUAGE sql AS 'SELECT 1'; DROP FUNCTION lost(); " +
		"CREATE EXTENSION pg_trgm; CREATE TABLE again (id int); DROP TABLE again; CREATE TABLE again (id int)"
	known, problems := apply(t, catalog.New(), schema)
	if problems != "" {
		t.Fatalf("the test's schema has problems:\n%s", problems)
	}
	whole, _ := apply(t, catalog.New(), schema)
	whole.Complete = true
	for name, want := range map[string]struct {
		absent      func(c *catalog.Catalog) bool
		part, whole bool
	}{
		"a schema that was made":      {func(c *catalog.Catalog) bool { return c.IsAbsent("schema", "app") }, false, false},
		"a schema of a table":         {func(c *catalog.Catalog) bool { return c.IsAbsent("schema", "other") }, false, false},
		"a schema that was dropped":   {func(c *catalog.Catalog) bool { return c.IsAbsent("schema", "left_over") }, true, true},
		"a schema that nothing made":  {func(c *catalog.Catalog) bool { return c.IsAbsent("schema", "nowhere") }, false, true},
		"a schema of the system":      {func(c *catalog.Catalog) bool { return c.IsAbsent("schema", "pg_catalog") }, false, false},
		"a server":                    {func(c *catalog.Catalog) bool { return c.IsAbsent("server", "other") }, false, true},
		"a function":                  {func(c *catalog.Catalog) bool { return c.AbsentFunction("", "f") }, false, false},
		"a dropped function":          {func(c *catalog.Catalog) bool { return c.AbsentFunction("", "lost") }, true, true},
		"a function that nobody made": {func(c *catalog.Catalog) bool { return c.AbsentFunction("", "nothing") }, false, true},
		"a function of the server":    {func(c *catalog.Catalog) bool { return c.AbsentFunction("", "lower") }, false, false},
		"a function of the system":    {func(c *catalog.Catalog) bool { return c.AbsentFunction("pg_catalog", "x") }, false, false},
		"an extension's function":     {func(c *catalog.Catalog) bool { return c.AbsentFunction("", "similarity") }, false, false},
		"a dropped table":             {func(c *catalog.Catalog) bool { return c.IsDropped("", "gone") }, true, true},
		"a table that came back":      {func(c *catalog.Catalog) bool { return c.IsDropped("", "again") }, false, false},
		"a table of another schema":   {func(c *catalog.Catalog) bool { return c.IsDropped("app", "gone") }, false, false},
	} {
		if part, whole := want.absent(known), want.absent(whole); part != want.part || whole != want.whole {
			t.Errorf("%s is absent: %t, and if all is known %t", name, part, whole)
		}
	}
}

// TestObjectsOverTime: what a later catalog has that an earlier one has not.
func TestObjectsOverTime(t *testing.T) {
	t.Parallel()
	base, _ := apply(t, catalog.New(), "ALTER TABLE guess ADD COLUMN id int")
	if !base.IsBlank("") || !base.IsBlank("public") {
		t.Error("nothing but a guess is no blank schema")
	}
	after, _ := apply(t, base, "CREATE TABLE t (id int); CREATE VIEW app.v AS SELECT 1; ALTER TABLE guess2 ADD COLUMN id int")
	if after.IsBlank("") || after.IsBlank("public") || !after.IsBlank("app") {
		t.Error("a schema with a table is blank, or one without any is not")
	}
	createdOID, guess, guess2 := after.Lookup("", "t").OID, after.Lookup("", "guess").OID, after.Lookup("", "guess2").OID
	if !after.CreatedSince(base, createdOID) || after.CreatedSince(base, guess) || after.CreatedSince(base, guess2) || after.CreatedSince(after, createdOID) {
		t.Error("what was created since")
	}
	if base.HasIssued(createdOID) || !after.HasIssued(createdOID) || after.HasIssued(0) {
		t.Error("which OIDs were issued")
	}
	afterDrop, _ := apply(t, after, "DROP TABLE t")
	if !afterDrop.HasIssued(createdOID) || !afterDrop.CreatedSince(base, createdOID) {
		t.Error("a table that is gone was created all the same")
	}
	if g := afterDrop.FindGuess(catalog.Name{Schema: "public", Name: "guess"}); g == nil || g.OID != guess {
		t.Errorf("the guess: %v", g)
	}
	if g := afterDrop.FindGuess(catalog.Name{Schema: "public", Name: "t"}); g != nil {
		t.Errorf("a table that was created is a guess: %v", g)
	}
	whole := catalog.New()
	if whole.Complete = true; whole.IsBlank("") {
		t.Error("a dump is blank")
	}
}

// TestSession: SET LOCAL ends with its transaction, temporary tables and SET with the session.
func TestSession(t *testing.T) {
	t.Parallel()
	c, _ := apply(t, catalog.New(), "SET search_path TO a, b; CREATE TEMP TABLE tmp (id int); CREATE TABLE t (id int)")
	if c.EndTransaction() != c {
		t.Error("the end of a transaction without SET LOCAL changes something")
	}
	local, _ := apply(t, c, "SET LOCAL search_path TO b; SET LOCAL search_path TO c")
	if diff := cmp.Diff([]string{"c"}, local.SearchPath); diff != "" {
		t.Error(diff)
	}
	if diff := cmp.Diff([]string{"a", "b"}, local.EndTransaction().SearchPath); diff != "" {
		t.Error(diff)
	}
	end := local.EndSession()
	if diff := cmp.Diff(catalog.New().SearchPath, end.SearchPath); diff != "" {
		t.Error(diff)
	}
	if end.Lookup("pg_temp", "tmp") != nil || end.Lookup("a", "t") == nil || c.Lookup("pg_temp", "tmp") == nil {
		t.Error("the temporary table goes, and the other stays")
	}
	if other := c.WithSearchPath([]string{"x"}); other.SearchPath[0] != "x" || c.SearchPath[0] != "a" {
		t.Error("another search path")
	}
}

// TestNamesRole: what shows that a role exists.
func TestNamesRole(t *testing.T) {
	t.Parallel()
	for sql, want := range map[string]bool{
		"CREATE ROLE app":                                                                                  true,
		"CREATE USER MAPPING FOR app SERVER srv":                                                           true,
		"ALTER ROLE app SET work_mem = '1MB'":                                                              true,
		"ALTER ROLE app IN DATABASE d SET work_mem = '1MB'":                                                true,
		"ALTER ROLE app2 SET work_mem = '1MB'":                                                             false,
		"CREATE SCHEMA s AUTHORIZATION app":                                                                true,
		"CREATE SCHEMA s; GRANT USAGE ON SCHEMA s TO app":                                                  true,
		"CREATE TABLE t (id int); ALTER TABLE t OWNER TO app":                                              true,
		"CREATE TABLE t (id int); GRANT SELECT ON t TO app":                                                true,
		"CREATE TABLE t (id int); CREATE POLICY p ON t TO other, app USING (true)":                         true,
		"CREATE FUNCTION f() RETURNS int LANGUAGE sql AS 'SELECT 1'; ALTER FUNCTION f() OWNER TO app":      true,
		"CREATE FUNCTION f() RETURNS int LANGUAGE sql AS 'SELECT 1'; GRANT EXECUTE ON FUNCTION f() TO app": true,
		"GRANT app TO other":                                                                               true,
		"GRANT CONNECT ON DATABASE app TO other":                                                           false,
		"CREATE TABLE app (id int); CREATE ROLE b":                                                         false,
	} {
		c, problems := apply(t, catalog.New(), sql)
		if problems != "" {
			t.Fatalf("apply %s: it has problems:\n%s", sql, problems)
		}
		if got := c.NamesRole("app"); got != want {
			t.Errorf("NamesRole(\"app\") after %q = %t, want %t", sql, got, want)
		}
	}
	for limits, want := range map[[2]string]bool{
		{"5", "-1"}: true, {"", "-1"}: true, {"-1", "5"}: false, {"5", "5"}: true, {"5", "6"}: true,
		{"5", "4"}: false, {"", "4"}: false, {"5", ""}: false, {"-1", "-1"}: true,
	} {
		if got := catalog.KeepsConnections(limits[0], limits[1]); got != want {
			t.Errorf("connection limits %q: %t", limits, got)
		}
	}
}

// TestCallers: what needs a function that a DROP names. A call means the overload that takes as many arguments: a variadic parameter takes at
// least one, as servers 13 and 18 say.
func TestCallers(t *testing.T) {
	t.Parallel()
	const schema = "CREATE FUNCTION f(int) RETURNS int IMMUTABLE LANGUAGE sql AS 'SELECT 1'; " +
		"CREATE FUNCTION f(int, VARIADIC int[]) RETURNS int IMMUTABLE LANGUAGE sql AS 'SELECT 1'; " +
		"CREATE FUNCTION g(int, int DEFAULT 1, VARIADIC int[] DEFAULT '{}') RETURNS int IMMUTABLE LANGUAGE sql AS 'SELECT 1'; " +
		"CREATE FUNCTION g(text) RETURNS int IMMUTABLE LANGUAGE sql AS 'SELECT 1'; " +
		"CREATE FUNCTION fire() RETURNS trigger LANGUAGE plpgsql AS 'BEGIN RETURN NEW; END'; "
	for _, c := range []struct{ sql, function, want string }{
		{"CREATE TABLE t (a int DEFAULT f(1))", "f(int)", "t sure"},
		{"CREATE TABLE t (a int DEFAULT f(1))", "f(int, int[])", ""},
		{"CREATE TABLE t (a int DEFAULT f(1, 2))", "f(int, int[])", "t sure"},
		{"CREATE TABLE t (a int DEFAULT f(1, 2, 3))", "f(int, int[])", "t sure"},
		{"CREATE TABLE t (a int DEFAULT f(1, 2))", "f(int)", ""},
		{"CREATE TABLE t (a int CHECK (g(a) > 1))", "g(int, int, int[])", "t"},
		{"CREATE TABLE t (a int CHECK (g(a, 1, 2, 3) > 1))", "g(int, int, int[])", "t sure"},
		{"CREATE TABLE t (a int, b int GENERATED ALWAYS AS (f(a)) STORED)", "f(int)", "t sure"},
		{"CREATE TABLE t (a int); CREATE INDEX i ON t (f(a)) WHERE f(a) > 1", "f(int)", "i whole sure"},
		{"CREATE TABLE t (a int); CREATE VIEW v AS SELECT f(a) AS x FROM t", "f(int)", "v whole sure"},
		{"CREATE TABLE t (a int); CREATE VIEW v AS SELECT other.f(a) AS x FROM t", "f(int)", ""},
		{"CREATE TABLE t (a int); CREATE POLICY p ON t USING (f(a) > 1) WITH CHECK (true)", "f(int)", "t sure"},
		{"CREATE TABLE t (a int); CREATE TRIGGER g BEFORE INSERT ON t FOR EACH ROW WHEN (f(NEW.a) > 1) EXECUTE FUNCTION fire()", "f(int)", "t sure"},
		{"CREATE TABLE t (a int); CREATE TRIGGER g BEFORE INSERT ON t FOR EACH ROW EXECUTE FUNCTION fire()", "fire()", "t sure"},
		{"CREATE TABLE t (a int) PARTITION BY RANGE (f(a))", "f(int)", "t sure"},
		{"CREATE TABLE t (a int DEFAULT unseen(1))", "unseen(int)", "t sure"},
		{"CREATE TABLE t (a int DEFAULT 1)", "f(int)", ""},
	} {
		schema, problems := apply(t, catalog.New(), schema+c.sql)
		if problems != "" {
			t.Fatalf("apply %s: it has problems:\n%s", c.sql, problems)
		}
		object := parseOne(t, "DROP FUNCTION "+c.function).GetDropStmt().GetObjects()[0].GetObjectWithArgs()
		list := schema.ListFunctionUsers(object).Callers
		if fn := schema.FunctionWith(object); fn != nil {
			if diff := cmp.Diff(len(list), len(schema.UsersOfFunction(fn).Callers)); diff != "" {
				t.Error(diff)
			}
		}
		var got []string
		for _, x := range list {
			text := x.Relation.Name.Name
			if x.Whole {
				text += " whole"
			}
			if x.Sure {
				text += " sure"
			}
			got = append(got, text)
		}
		if diff := cmp.Diff(c.want, strings.Join(got, ", ")); diff != "" {
			t.Errorf("%s, DROP %s\n%s", c.sql, c.function, diff)
		}
	}
}

// TestHashRelations: it is the same for the same columns and constraints, and only for those.
func TestHashRelations(t *testing.T) {
	t.Parallel()
	const table = "CREATE TABLE t (id int PRIMARY KEY, a text DEFAULT 'x' CHECK (a <> ''))"
	hash := func(sql string) string {
		c, _ := apply(t, catalog.New(), sql)
		return c.HashRelations([]string{"public.t", "public.nowhere"})
	}
	want := hash(table)
	for sql, wantEqual := range map[string]bool{
		"CREATE TABLE t (a text, id int NOT NULL); ALTER TABLE t ADD PRIMARY KEY (id), ADD CHECK (a <> 'other')": true,
		table + "; CREATE TABLE u (id int); CREATE INDEX ON t (a)":                                               true,
		table + "; CREATE TABLE nowhere (id int)":                                                                false,
		table + "; ALTER TABLE t ALTER COLUMN a SET NOT NULL":                                                    false,
		table + "; ALTER TABLE t ALTER COLUMN a TYPE varchar(3)":                                                 false,
		table + "; ALTER TABLE t RENAME COLUMN a TO b":                                                           false,
		table + "; ALTER TABLE t ADD UNIQUE (a)":                                                                 false,
		table + "; ALTER TABLE t ADD CONSTRAINT c CHECK (id > 1) NOT VALID":                                      false,
		"": false,
	} {
		if got := hash(sql); (got == want) != wantEqual {
			t.Errorf("%s: %s, and of the table %s", sql, got, want)
		}
	}
	if hash(table+"; ALTER TABLE t ADD CONSTRAINT c CHECK (id > 1) NOT VALID") == hash(table+"; ALTER TABLE t ADD CONSTRAINT c CHECK (id > 1)") {
		t.Error("a constraint that is not valid is as one that is")
	}
}

// TestJudge: Judge has the objections of Apply, and those to names and bodies.
func TestJudge(t *testing.T) {
	t.Parallel()
	c, _ := apply(t, catalog.New(), "CREATE TABLE t (id int); CREATE TABLE \"Users\" (id int)")
	for sql, want := range map[string]string{
		"ALTER TABLE t ADD COLUMN id int": `42701: column "id" of relation "t" already exists`,
		"SELECT nope FROM t":              `42703: column "nope" does not exist`,
		"SELECT id FROM t":                "",
		"SELECT id FROM users":            `42P01: relation "users" does not exist (like Users)`,
		"CREATE FUNCTION f() RETURNS int LANGUAGE plpgsql AS 'BEGIN RETURN 1; END'":             "",
		"CREATE FUNCTION f() RETURNS int LANGUAGE plpgsql AS 'BEGIN RETURN 1 FROM FROM x; END'": `42601: syntax error at or near "FROM" (body)`,
		"CREATE FUNCTION f() RETURNS int LANGUAGE sql AS 'SELECT FROM FROM t'":                  `42601: syntax error at or near "FROM" (body)`,
		"CREATE FUNCTION f(a int) RETURNS int LANGUAGE sql AS 'SELECT a; SELECT b'":             "",
	} {
		_, list := c.Judge(parseOne(t, sql), sql, false)
		got := ""
		for _, p := range list {
			got += p.SQLSTATE + ": " + p.Message()
			if p.Like != "" {
				got += " (like " + p.Like + ")"
			}
			if p.Body {
				got += " (body)"
			}
		}
		if diff := cmp.Diff(want, got); diff != "" {
			t.Errorf("problems of %q (-want +got):\n%s", sql, diff)
		}
	}
	if r, known := c.Resolve(&pgparse.RangeVar{Relname: "t"}); !known || r != c.LookupMapped("t") || r != c.LookupMapped(`public"."t`) ||
		c.LookupMapped("x") != nil {
		t.Errorf("t is %v", r)
	}
	if r, known := c.Resolve(&pgparse.RangeVar{Relname: "x"}); known || !r.Inferred || r.OID != 0 || r.Name.Qualified() != "public.x" {
		t.Errorf("the stand-in is %v", r)
	}
	view, _ := apply(t, c, "CREATE MATERIALIZED VIEW m AS SELECT id, 1 AS b FROM t; CREATE UNIQUE INDEX m_expr ON m ((b + 1)); "+
		"CREATE UNIQUE INDEX m_part ON m (id) WHERE b > 1; CREATE INDEX m_id ON m (id)")
	if i := view.RefreshIndex(view.Lookup("", "m")); i != nil {
		t.Errorf("REFRESH CONCURRENTLY takes %s", i.Name)
	}
	view, _ = apply(t, view, "CREATE UNIQUE INDEX m_key ON m (id, b)")
	if i := view.RefreshIndex(view.Lookup("", "m")); i == nil || i.Name.Name != "m_key" {
		t.Errorf("REFRESH CONCURRENTLY takes %v", i)
	}
}
