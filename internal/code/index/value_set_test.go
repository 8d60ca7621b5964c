package index_test

import (
	"testing"

	"github.com/onward-sql/onward/internal/catalog"
	"github.com/onward-sql/onward/internal/code/index"
	"github.com/onward-sql/onward/internal/pgparse"
)

// withSchema is code bound to a schema of its own.
func withSchema(t *testing.T, sql string, files map[string]string) *index.Bound {
	t.Helper()
	c := catalog.New()
	f, err := pgparse.SplitText(sql)
	if err != nil {
		t.Fatal(err)
	}
	for _, s := range f.Stmts {
		c, _ = c.Apply(s.Node, "")
	}
	b := bound(t, files)
	b.Schema = c
	return b
}

// A constant of a query is a label of an enum where the server takes it for one, and a
// value of a column where the column is compared with it or gets it.
func TestConstantsOfQueries(t *testing.T) {
	t.Parallel()
	const made = `CREATE TYPE mood AS ENUM ('glad', 'sad'); CREATE TYPE hue AS ENUM ('red', 'sad');
CREATE TABLE users (id int, mood mood, moods mood[], note text); CREATE TABLE teams (id int, tone text, hue hue);
CREATE FUNCTION feel(m mood) RETURNS int LANGUAGE sql AS 'SELECT 1'; CREATE FUNCTION say(t text) RETURNS int LANGUAGE sql AS 'SELECT 1';`
	for sql, want := range map[string][2]bool{ // the label of mood, the value of users.note
		"SELECT id FROM users WHERE mood = 'sad'":                                                 {true, false},
		"SELECT id FROM users WHERE 'sad' = mood":                                                 {true, false},
		"SELECT id FROM users WHERE mood IN ('glad', 'sad')":                                      {true, false},
		"SELECT id FROM users WHERE mood = 'sad'::text::mood":                                     {true, false},
		"SELECT id FROM users WHERE note = 'sad'":                                                 {false, true},
		"SELECT id FROM users WHERE mood IS NULL AND note = 'sad'":                                {false, true},
		"SELECT u.id FROM users u JOIN teams t ON t.id = u.id WHERE mood = 'sad'":                 {true, false},
		"SELECT u.id FROM users u JOIN teams t ON t.id = u.id WHERE hue = 'sad'":                  {false, false},
		"SELECT u.id FROM users u JOIN teams t ON t.id = u.id WHERE tone = 'sad' AND note = 'x'":  {false, false},
		"SELECT s.id FROM (SELECT id, mood FROM users) s WHERE s.mood = 'sad'":                    {true, false},
		"SELECT id FROM teams WHERE tone = 'sad'":                                                 {false, false},
		"SELECT id FROM teams WHERE hue = 'sad'":                                                  {false, false},
		"SELECT 'sad'::mood":                                                                      {true, false},
		"SELECT 'sad'::hue":                                                                       {false, false},
		"SELECT 'sad'":                                                                            {false, false},
		"SELECT coalesce(mood, 'sad') FROM users":                                                 {true, false},
		"SELECT coalesce(note, 'sad') FROM users":                                                 {false, true},
		"SELECT CASE mood WHEN 'sad' THEN 1 END FROM users":                                       {true, false},
		"SELECT id FROM users WHERE mood = ANY (ARRAY['sad', 'glad']::mood[])":                    {true, false},
		"SELECT array_append(moods, 'sad') FROM users":                                            {true, false},
		"SELECT lower('sad') FROM users WHERE mood IS NULL AND note IS NULL":                      {false, false},
		"SELECT feel('sad')":                                                                      {true, false},
		"SELECT say('sad')":                                                                       {false, false},
		"INSERT INTO users (id, mood) VALUES (1, 'sad')":                                          {true, false},
		"INSERT INTO users (id, mood) VALUES (1, 'glad'), (2, 'sad')":                             {true, false},
		"INSERT INTO users (id, note) VALUES (1, 'sad')":                                          {false, true},
		"INSERT INTO users VALUES (1, 'sad')":                                                     {true, false},
		"INSERT INTO users (id, mood) SELECT id, 'sad' FROM teams":                                {true, false},
		"INSERT INTO teams (id, tone) SELECT id, 'sad' FROM users":                                {false, false},
		"UPDATE users SET mood = 'sad'":                                                           {true, false},
		"UPDATE users SET note = 'sad' WHERE mood IS NULL":                                        {false, true},
		"UPDATE users SET mood = CASE WHEN id > 1 THEN 'sad' ELSE 'glad' END":                     {true, false},
		"INSERT INTO users (id) VALUES (1) ON CONFLICT (id) DO UPDATE SET mood = 'sad'":           {true, false},
		"WITH x AS (SELECT id FROM users WHERE mood = 'sad') SELECT tone FROM teams, x":           {true, false},
		"MERGE INTO users u USING teams t ON t.id = u.id WHEN MATCHED THEN UPDATE SET mood='sad'": {true, false},
	} {
		b := withSchema(t, made, map[string]string{"q.sql": sql + ";\n"})
		got := [2]bool{len(b.Label(catalog.Name{Schema: "public", Name: "mood"}, "sad")) > 0, len(b.Value(users, "note", "sad")) > 0}
		if got != want {
			t.Errorf("%s: %v, want %v", sql, got, want)
		}
	}
}

// A function that the schema has tells by its body there which labels it knows: a file
// with another version of it does not.
func TestLabelsInFunctions(t *testing.T) {
	t.Parallel()
	const made = `CREATE TYPE mood AS ENUM ('glad', 'sad'); CREATE TABLE users (id int, mood mood); CREATE FUNCTION kept() RETURNS SETOF int LANGUAGE sql AS 'SELECT 1';`
	for name, want := range map[string]bool{"kept": false, "fresh": true} {
		sql := "CREATE OR REPLACE FUNCTION " + name + "() RETURNS SETOF int LANGUAGE sql AS $$ SELECT id FROM users WHERE mood = 'sad' $$;\n"
		b := withSchema(t, made, map[string]string{"f.sql": sql})
		if got := len(b.Label(catalog.Name{Schema: "public", Name: "mood"}, "sad")) > 0; got != want {
			t.Errorf("label sad is used in function %s: %t, want %t", name, got, want)
		}
	}
}

// What is called after a function, a type or a constraint is no use of it.
func TestNamesAsTexts(t *testing.T) {
	t.Parallel()
	total := catalog.Name{Schema: "public", Name: "total"}
	for sql, want := range map[string][2]bool{ // spelled, the constraint
		"SELECT id FROM users WHERE name = 'total'":                                    {false, false},
		"SELECT 'total' AS total FROM users":                                           {false, false},
		"SELECT 'total'::regproc":                                                      {true, false},
		"SELECT 'public.total'::regclass":                                              {true, false},
		"SELECT to_regtype('total')":                                                   {true, false},
		"SELECT count('total') FROM users":                                             {false, false},
		"SELECT 1 FROM pg_proc WHERE proname = 'total'":                                {true, false},
		"SELECT 1 FROM pg_proc p JOIN users u ON true WHERE u.name = 'total'":          {false, false},
		"INSERT INTO users (id) VALUES (1) ON CONFLICT ON CONSTRAINT total DO NOTHING": {false, true},
		"SET CONSTRAINTS total DEFERRED":                                               {false, true},
	} {
		b := bound(t, map[string]string{"q.sql": sql + ";\n"})
		if got := [2]bool{len(b.FindSpelled(total)) > 0, len(b.Constraint("total")) > 0}; got != want {
			t.Errorf("%s: %v, want %v", sql, got, want)
		}
	}
}

// The list of a CHECK tells which class of constants is for a column.
func TestValuesOfAList(t *testing.T) {
	t.Parallel()
	const made = "CREATE TABLE orders (id int, state text CHECK (state IN ('open', 'paid', 'sent')), note text)"
	orders := catalog.Name{Schema: "public", Name: "orders"}
	for code, want := range map[string]string{
		"enum class OrderState(val db: String) {\n    OPEN(\"open\"),\n    PAID(\"paid\"),\n}": "a.kt:3",
		"enum class State { open, paid }":       "a.kt:1",
		"enum class Door { open, paid }":        "",
		"enum class State { paid, unpaid }":     "",
		"val state = setOf(\"open\", \"paid\")": "",
	} {
		b := withSchema(t, made, map[string]string{"a.kt": code + "\n", "q.kt": "val x = \"SELECT id FROM orders\"\n"})
		if got := places(b.Value(orders, "state", "paid")); got != want {
			t.Errorf("%s: %q, not %q", code, got, want)
		}
		if got := b.Value(orders, "note", "paid"); len(got) > 0 {
			t.Errorf("%s: a column without a list: %v", code, got)
		}
	}
}
