package index_test

import (
	"testing"

	"github.com/onward-sql/onward/internal/catalog"
)

func TestAmbiguousNames(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		name, file, code string
		want             bool
	}{
		{"python", "a.py", `cur.execute("SELECT owner_id, name FROM teams JOIN users ON users.id = teams.owner_id WHERE id = %s", [x])`, true},
		{"go, with USING", "a.go", "package a\n\nfunc f(db *sql.DB) { db.Query(\"SELECT name FROM teams JOIN users USING (id)\") }\n", true},
		{"typescript", "a.ts", "await pool.query('SELECT name FROM teams, users WHERE teams.owner_id = users.id')\n", true},
		{"ruby", "a.rb", "ActiveRecord::Base.connection.execute(\"SELECT name FROM teams JOIN users ON true\")\n", true},
		{"java", "A.java", "class A { void f() { jdbc.query(\"SELECT name FROM teams JOIN users ON true\"); } }\n", true},
		{"a query file", "a.sql", "-- name: List :many\nSELECT name FROM teams JOIN users ON true;\n", true},
		{"in WHERE", "a.py", `cur.execute("SELECT teams.id FROM teams JOIN users ON true WHERE name = 1")`, true},
		{"in an UPDATE", "a.py", `cur.execute("UPDATE teams SET owner_id = 1 FROM users WHERE name = 1")`, true},
		{"qualified", "a.py", `cur.execute("SELECT users.name FROM teams JOIN users ON true")`, false},
		{"alias", "a.py", `cur.execute("SELECT b.name FROM teams t JOIN users b ON true")`, false},
		{"one table", "a.py", `cur.execute("SELECT name FROM users")`, false},
		{"other tables", "a.py", `cur.execute("SELECT name FROM users JOIN other ON true")`, false},
		{"an inner query", "a.py", `cur.execute("SELECT id FROM teams WHERE owner_id IN (SELECT id FROM users WHERE name = 1)")`, false},
		{"order by an output", "a.py", `cur.execute("SELECT users.name AS name FROM teams JOIN users ON true ORDER BY name")`, false},
	} {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			b := bound(t, map[string]string{c.file: c.code})
			if got := b.FindAmbiguousNames(catalog.Name{Schema: "public", Name: "teams"}, "name"); (len(got) > 0) != c.want {
				t.Errorf("got %v", got)
			}
		})
	}
}
