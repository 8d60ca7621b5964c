package record

import (
	"fmt"
	"strings"
	"testing"

	"github.com/onward-sql/onward/internal/pgserver/pgservertest"
	"github.com/onward-sql/onward/internal/workload"
)

const namesSchema = `CREATE TYPE mood AS ENUM ('fine', 'sad'); CREATE TABLE users (id serial, mood mood, note text); CREATE SEQUENCE inv_no;
CREATE TEXT SEARCH CONFIGURATION words (COPY = simple);`

// TestNames: a literal is kept if it names an object, or is a label of the enum that it is compared with. Secrets in
// the same positions are dropped, and the query says that its names are not all known.
func TestNames(t *testing.T) {
	t.Parallel()
	pgservertest.EachEnd(t, func(t *testing.T, major int) {
		c := pgservertest.Connect(t, pgservertest.Database(t, major))
		pgservertest.Exec(t, c, namesSchema)
		for sql, want := range map[string]string{
			"SELECT nextval('inv_no')":                                  "[{1 regclass [inv_no] false}]",
			"SELECT currval('public.inv_no'), setval('inv_no', 7)":      "[{1 regclass [public.inv_no] false} {2 regclass [inv_no] false}]",
			"SELECT 'users'::regclass":                                  "[{1 regclass [users] false}]",
			"SELECT 'users'::text::regclass":                            "[{1 regclass [users] false}]",
			"SELECT to_tsvector('words', 'hunter2')":                    "[{1 regconfig [words] false}]",
			"SELECT pg_get_serial_sequence('users', 'id')":              "[{1 table [users] false} {2 column [id] false}]",
			"SELECT id FROM users WHERE mood = 'fine'":                  "[{1 mood [fine] false}]",
			"SELECT id FROM users WHERE mood IN ('fine', 'sad')":        "[{1 mood [fine sad] false}]",
			"SELECT id FROM users WHERE mood = ANY ('{fine,sad}')":      "[{1 mood[] [fine sad] false}]",
			"INSERT INTO users (mood, note) VALUES ('sad', 'hunter2')":  "[{1 mood [sad] false}]",
			"SELECT id FROM users WHERE note = 'fine'":                  "[]",
			"SELECT nextval('hunter2')":                                 "[{1 regclass [] true}]",
			"SELECT nextval('4815162342')":                              "[{1 regclass [] true}]",
			"SELECT 'hunter2'::regtype":                                 "[{1 regtype [] true}]",
			"SELECT to_tsvector('hunter2', 'hunter2')":                  "[{1 regconfig [] true}]",
			"SELECT pg_get_serial_sequence('users', 'hunter2')":         "[{1 table [users] false} {2 column [] true}]",
			"SELECT pg_get_serial_sequence('hunter2', 'hunter2')":       "[{1 table [] true} {2 column [] true}]",
			"SELECT id FROM users WHERE mood IN ('fine', 'hunter2')":    "[{1 mood [fine] true}]",
			"SELECT id FROM users WHERE mood = ANY ('{fine,hunter2}')":  "[{1 mood[] [] true}]",
			"SELECT id FROM users WHERE mood = E'fine\\\\u0020hunter2'": "[{1 mood [] true}]",
		} {
			n := workload.Normalize(sql)
			q := &workload.Query{SQL: n.SQL, Params: n.Params, Kind: n.Kind}
			r := &resolver{conn: c, major: major, strings: workload.ReadStrings(sql)}
			if err := r.resolveQuery(t.Context(), q); err != nil {
				t.Fatal(err)
			}
			if got := fmt.Sprint(q.Names); got != want || q.Unread != "" {
				t.Errorf("%s\n got %s %s\nwant %s", sql, got, q.Unread, want)
			}
			if text := fmt.Sprintf("%+v", *q); strings.Contains(text, "hunter2") || strings.Contains(text, "4815162342") {
				t.Errorf("%s: a value is stored: %s", sql, text)
			}
		}
	})
}
