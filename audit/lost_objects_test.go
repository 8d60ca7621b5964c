package audit

import (
	"testing"

	"github.com/jackc/pgx/v5"

	"github.com/onward-sql/onward/internal/pgserver/pgservertest"
	"github.com/onward-sql/onward/onward"
)

// lostSchema is the deployed schema of TestLostObjects.
const lostSchema = `CREATE SCHEMA other;
CREATE TYPE mood AS ENUM ('sad', 'happy');
CREATE TYPE mood2 AS ENUM ('happy', 'blue');
CREATE TYPE pair AS (a integer, b text);
CREATE DOMAIN email AS text CHECK (VALUE LIKE '%@%');
CREATE TABLE people (id serial PRIMARY KEY, mood mood, name text, mail text, number integer GENERATED ALWAYS AS IDENTITY);
CREATE TABLE helper (id integer);
CREATE TABLE ticket (id integer);
CREATE SEQUENCE numbers;
CREATE FUNCTION f(i integer) RETURNS integer LANGUAGE sql AS 'SELECT i';
CREATE FUNCTION other.f(i integer) RETURNS integer LANGUAGE sql AS 'SELECT i';
CREATE FUNCTION ticket(i integer) RETURNS integer LANGUAGE sql AS 'SELECT i';
CREATE FUNCTION g(i integer, j text DEFAULT 'a') RETURNS integer LANGUAGE sql AS 'SELECT i';
CREATE FUNCTION of_helper(h helper) RETURNS integer LANGUAGE sql AS 'SELECT h.id';
CREATE FUNCTION of_pair(p pair) RETURNS integer LANGUAGE sql AS 'SELECT 1';
CREATE PROCEDURE work() LANGUAGE sql AS 'SELECT 1';
CREATE AGGREGATE total(integer) (SFUNC = int4pl, STYPE = integer);
CREATE FUNCTION less(a integer, b integer) RETURNS boolean LANGUAGE sql AS 'SELECT a < b';
CREATE FUNCTION less(a text, b text) RETURNS boolean LANGUAGE sql AS 'SELECT a < b';
CREATE OPERATOR <<< (LEFTARG = integer, RIGHTARG = integer, FUNCTION = less);
CREATE OPERATOR >>> (LEFTARG = integer, RIGHTARG = integer, FUNCTION = less);
CREATE OPERATOR >>> (LEFTARG = text, RIGHTARG = text, FUNCTION = less);
CREATE COLLATION plain FROM "C";
CREATE COLLATION other.plain FROM "C";
CREATE TEXT SEARCH CONFIGURATION words (COPY = simple);
`

// TestLostObjects compares the report on a release that takes an object away with what servers say of a query of the deployed code. The query
// fails after the release if, and only if, an error says that deployed code breaks.
func TestLostObjects(t *testing.T) {
	t.Parallel()
	cases := []struct{ release, query string }{
		// A function, and what is called like one.
		{"DROP FUNCTION f(integer)", "SELECT f(1)"},
		{"DROP FUNCTION other.f(integer)", "SELECT f(1)"},
		{"DROP FUNCTION ticket(integer)", "SELECT id FROM ticket"},
		{"DROP FUNCTION ticket(integer)", "SELECT 'ticket'"},
		{"ALTER FUNCTION f(integer) RENAME TO f2", "SELECT f(1)"},
		{"DROP FUNCTION other.f(integer); ALTER FUNCTION f(integer) SET SCHEMA other", "SELECT f(1)"},
		{"DROP FUNCTION g(integer, text); CREATE FUNCTION g(i integer, j text) RETURNS integer LANGUAGE sql AS 'SELECT i'", "SELECT g(1)"},
		{"DROP FUNCTION g(integer, text); CREATE FUNCTION g(i integer, j text) RETURNS integer LANGUAGE sql AS 'SELECT i'", "SELECT 'g'"},
		{"DROP PROCEDURE work()", "CALL work()"},
		{"DROP AGGREGATE total(integer)", "SELECT total(id) FROM people"},
		{"DROP TABLE helper CASCADE", "SELECT of_helper(NULL)"},
		{"DROP TYPE pair CASCADE", "SELECT of_pair(NULL)"},
		// An operator.
		{"DROP OPERATOR <<< (integer, integer)", "SELECT id <<< 3 FROM people"},
		{"DROP FUNCTION less(integer, integer) CASCADE", "SELECT id <<< 3 FROM people"},
		{"ALTER OPERATOR <<< (integer, integer) SET SCHEMA other", "SELECT id <<< 3 FROM people"},
		{"DROP OPERATOR >>> (integer, integer)", "SELECT id FROM people"},
		// Types and their values.
		{"DROP DOMAIN email", "SELECT mail::email FROM people"},
		{"ALTER DOMAIN email RENAME TO address", "SELECT mail::email FROM people"},
		{"ALTER DOMAIN email SET SCHEMA other", "SELECT mail::email FROM people"},
		{"ALTER TYPE mood RENAME VALUE 'sad' TO 'low'", "SELECT id FROM people WHERE mood = 'sad'"},
		{"ALTER TYPE mood2 RENAME VALUE 'blue' TO 'low'", "SELECT id FROM people WHERE mood = 'sad'"},
		{"ALTER TABLE people ALTER COLUMN mood TYPE mood2 USING mood::text::mood2", "SELECT id FROM people WHERE mood = 'sad'"},
		{"ALTER TABLE people ALTER COLUMN mood TYPE mood2 USING mood::text::mood2", "SELECT id FROM people WHERE mood = 'happy'"},
		// Sequences, also those that go with something.
		{"DROP SEQUENCE numbers", "SELECT nextval('numbers')"},
		{"ALTER SEQUENCE numbers RENAME TO digits", "SELECT nextval('numbers')"},
		{"ALTER TABLE people DROP COLUMN number", "SELECT nextval('people_number_seq')"},
		{"ALTER TABLE people DROP COLUMN number", "SELECT nextval('people_id_seq')"},
		{"ALTER TABLE people SET SCHEMA other", "SELECT nextval('people_id_seq')"},
		{"ALTER TABLE people RENAME TO persons", "SELECT nextval('people_id_seq')"},
		// Other things that a query names.
		{"DROP COLLATION plain", "SELECT id FROM people ORDER BY name COLLATE plain"},
		{"DROP COLLATION other.plain", "SELECT id FROM people ORDER BY name COLLATE plain"},
		{"ALTER COLLATION plain RENAME TO bare", "SELECT id FROM people ORDER BY name COLLATE plain"},
		{"DROP TEXT SEARCH CONFIGURATION words", "SELECT to_tsvector('words', name) FROM people"},
		{"DROP TEXT SEARCH CONFIGURATION words", "SELECT to_tsvector('words')"},
		{"ALTER TEXT SEARCH CONFIGURATION words RENAME TO terms", "SELECT websearch_to_tsquery('public.words', 'a')"},
		{"ALTER SCHEMA other RENAME TO another", "SELECT other.f(1)"},
		{"DROP SCHEMA other CASCADE", "SELECT other.f(1)"},
	}
	for _, c := range cases {
		t.Run(c.release+" "+c.query, func(t *testing.T) {
			t.Parallel()
			r := reportOf(t, map[string]string{
				"migrate.sh":    "for f in m/*.sql; do psql -1 -f $f; done\n",
				"m/1_start.sql": lostSchema,
				"app.py":        "import psycopg\n\ndef run(c):\n    c.execute(\"" + c.query + "\")\n",
			}, map[string]string{"m/2_change.sql": c.release + ";\n"})
			var found []string
			for _, f := range r.Findings {
				if f.Severity == onward.Error && f.Category == onward.Compatibility {
					found = append(found, f.Rule+": "+f.Fact)
				}
			}
			for _, major := range pgservertest.Majors() {
				if err := runQueryAfter(t, major, c.release, c.query); (err != nil) != (len(found) > 0) {
					t.Errorf("Postgres %d: %v; the report says %q of %d findings", major, err, found, len(r.Findings))
				}
			}
		})
	}
}

// runQueryAfter returns the server's error for a query that worked before a release.
func runQueryAfter(t *testing.T, major int, release, query string) error {
	t.Helper()
	c, err := pgx.Connect(t.Context(), pgservertest.Database(t, major))
	if err != nil {
		t.Fatal(err)
	}
	defer c.Close(t.Context())
	for _, sql := range []string{lostSchema, query, release} {
		if _, err := c.Exec(t.Context(), sql); err != nil {
			t.Fatalf("Postgres %d: %s: %v", major, sql, err)
		}
	}
	_, err = c.Exec(t.Context(), query)
	return err
}
