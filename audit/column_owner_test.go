package audit

import (
	"slices"
	"testing"

	"github.com/onward-sql/onward/onward"
)

// Several tables may have a column of one name. If the query or the type around the name
// belongs to another table, it is that table's column; if that is not visible, it may be
// this one's.
func TestColumnOfAnotherTablesQuery(t *testing.T) {
	t.Parallel()
	const users = "const byID = `SELECT id, name FROM users WHERE id = $1`\n"
	for _, tt := range []struct {
		name, file, Files string
		want              bool
	}{
		{"another's query", "a.go", users + "const ofKind = `SELECT id, name FROM teams WHERE kind = $1`\n", false},
		{
			"another's INSERT", "a.go",
			users + "const put = `INSERT INTO teams (name, kind) VALUES ($1, $2)\n\tON CONFLICT (name) DO UPDATE SET kind = excluded.kind`\n",
			false,
		},
		{"another's UPDATE", "a.go", users + "const set = `UPDATE teams SET kind = $2 WHERE id = $1`\n", false},
		{"its own", "a.go", users + "const ofKind = `SELECT id, name\n\tFROM users\n\tWHERE kind = $1`\n", true},
		{"another's by its alias", "a.go", "const q = `\n\tSELECT u.id, t.kind\n\tFROM users u\n\tJOIN teams t ON t.id = u.id`\n", false},
		{"its own by its alias", "a.go", "const q = `\n\tSELECT t.id, u.kind\n\tFROM users u\n\tJOIN teams t ON t.id = u.id`\n", true},
		{"one of two, not said which", "a.go", "const q = `SELECT kind FROM teams WHERE id IN (SELECT id FROM users)`\n", false},
		{"a view", "a.go", users + "const q = `SELECT p.kind FROM people p JOIN teams ON true`\n", false},
		{"a list of sources", "a.go", users + "const q = `SELECT name, kind FROM teams t, people p`\n", false},
		{"a query of WITH", "a.go", users + "const q = `WITH x AS (SELECT id, kind FROM teams) SELECT kind FROM x`\n", false},
		{"put together", "a.go", users + "const q = `SELECT kind FROM %s JOIN teams ON true`\n", false},
		{"no query", "a.go", users + "const q = `SELECT name FROM teams`\nconst order = `kind DESC`\n", false},
		{"a field of the other's rows", "a.go", users + "type Team struct {\n\tID int64\n\tKind string `db:\"kind\"`\n}\n", false},
		{"a field of its own", "a.go", users + "type User struct {\n\tID int64\n\tKind string `db:\"kind\"`\n}\n", true},
		{
			"a type that may be told of its table", "a.go",
			users + "type Team struct {\n\tID int64\n\tKind string `db:\"kind\"`\n}\n\nfunc (Team) TableName() string { return \"users\" }\n",
			true,
		},
		{"a raw string of Rust", "a.rs", "const U: &str = \"SELECT id FROM users\";\nconst Q: &str = r#\"\n    SELECT id, kind\n    FROM teams\n\"#;\n", false},
		{
			"a raw string of Rust, its own", "a.rs",
			"const U: &str = \"SELECT id FROM teams\";\nconst Q: &str = r#\"\n    SELECT id, kind\n    FROM users\n\"#;\n",
			true,
		},
		{"a string of Rust over lines", "a.rs", "const U: &str = \"SELECT id FROM users\";\nconst Q: &str = \"SELECT id,\n    kind FROM teams\";\n", false},
	} {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			base := "-- migrations/00001_a.sql --\n-- +goose Up\nCREATE TABLE users (id int, name text, kind text);\n" +
				"CREATE TABLE teams (id int, name text, kind text);\nCREATE VIEW people AS SELECT id, kind AS k FROM users;\n-- store/" + tt.file + " --\n" + tt.Files
			r := changelog0(t, Config{
				Dir: repository(t, base, "-- migrations/00002_b.sql --\n-- +goose Up\nSET LOCAL lock_timeout = '2s';\nDROP VIEW people;\n"+
					"ALTER TABLE users DROP COLUMN kind;\n"),
				Base: "main",
			})
			found := slices.IndexFunc(r.Findings, func(f onward.Finding) bool { return f.Rule == "column-drop" && f.Severity == onward.Error })
			if found >= 0 != tt.want {
				t.Errorf("%v, not %v: %v", found >= 0, tt.want, r.Findings)
			}
		})
	}
}
