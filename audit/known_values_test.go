package audit

import (
	"fmt"
	"strings"
	"testing"

	"github.com/onward-sql/onward/onward"
)

// What the deployed code knows of a column's values.
func TestValuesThatTheCodeKnows(t *testing.T) {
	t.Parallel()
	const rename = "UPDATE users SET role = 'contributor' WHERE role = 'editor'"
	for _, tt := range []struct{ name, file, Files, sql, want string }{
		{"compared", "app/a.py", `if user.role == "editor":`, rename, "app/a.py:1"},
		{"in SQL", "app/a.go", "db.Query(`SELECT id FROM users WHERE role = 'editor'`)", rename, "app/a.go:1"},
		{"constant", "app/a.go", "type Role string\n\nconst (\n\tEditor Role = \"editor\"\n)", rename, "app/a.go:4"},
		{"far below its column", "app/a.py", "class Role:\n" + strings.Repeat("    # …\n", 20) + "EDITOR = \"editor\"", rename, ""},
		{"symbol", "app/models/user.rb", "enum :role, [:reader, :editor]", rename, "app/models/user.rb:1"},
		{"both", "app/a.py", "if user.role in (\"editor\", \"contributor\"):", rename, ""},
		{"both, elsewhere", "app/a.ts", "if (user.role === 'editor') {}\nexport const labels = { x: 'contributor' }", rename, ""},
		{"by the name of a constant", "app/a.ts", "if (user.role === 'editor' || user.role === Role.contributor) {}", rename, ""},
		{"neither", "app/a.py", "if user.role == \"admin\":", rename, ""},
		{"no constant", "app/a.py", "editor = user.role", rename, ""},
		{"comment", "app/a.py", "# the role \"editor\" comes from LDAP", rename, ""},
		{"migrations and tests", "tests/a.py", "assert user.role == \"editor\"", rename, ""},
		{"a name of its own", "app/flags.py", "if enabled(\"search.v2\"):", "UPDATE flags SET name = 'search.v3' WHERE name = 'search.v2'", "app/flags.py:1"},
		{"a word", "app/flags.py", "if enabled(\"search\"):", "UPDATE flags SET name = 'find' WHERE name = 'search'", ""},
		{"with a blank", "app/a.py", "if user.role == \"chief editor\":", "UPDATE users SET role = 'head' WHERE role = 'chief editor'", "app/a.py:1"},
		{"part of it", "app/a.py", "if user.role == \"chief editor of all\":", "UPDATE users SET role = 'head' WHERE role = 'chief editor'", ""},
	} {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			base := "-- migrations/1_a.sql --\nCREATE TABLE users (id int PRIMARY KEY, role text);\nCREATE TABLE flags (name text PRIMARY KEY);\n-- " + tt.file +
				" --\n" + tt.Files + "\n"
			r := changelog0(t, Config{Dir: repository(t, base, "-- migrations/2_b.sql --\n"+tt.sql+";\n"), Base: "main"})
			got := ""
			for _, f := range r.Findings {
				if f.Rule == "data-value-renamed" {
					got = f.Harm
				}
			}
			if tt.want == "" && got != "" || !strings.Contains(got, tt.want) {
				t.Errorf("%q, not %q", got, tt.want)
			}
		})
	}
}

// A class of constants for an enum makes an error of the renaming of a label, and the
// name of a table that a program puts into SQL one of its renaming, but no INSERT.
func TestClassesOfConstants(t *testing.T) {
	t.Parallel()
	base := `-- src/main/resources/db/migration/V1__a.sql --
CREATE TYPE mood AS ENUM ('glad', 'sad');
CREATE TABLE users (id int PRIMARY KEY, mood mood);
CREATE TABLE user_log (id int PRIMARY KEY, note text);
CREATE TABLE team_log (id int PRIMARY KEY);
-- src/main/kotlin/Mood.kt --
enum class Mood {
    glad,
    sad,
}
-- src/main/kotlin/Users.kt --
enum class Log(val table: String) {
    USER("user_log"),
    TEAM("team_log"),
}
val all = "SELECT id FROM users"
fun read(log: Log) = "SELECT note FROM ${log.table}"
`
	for sql, want := range map[string]string{
		"ALTER TYPE mood RENAME VALUE 'sad' TO 'blue'": "type-enum-value-rename error src/main/kotlin/Mood.kt:3",
		"ALTER TABLE team_log RENAME TO logs":          "table-rename error src/main/kotlin/Users.kt:3",
		"BEGIN; ALTER TABLE team_log ADD COLUMN at date; UPDATE team_log SET at = now(); ALTER TABLE team_log ALTER COLUMN at SET NOT NULL; COMMIT": "column-add-required warning src/main/kotlin/Users.kt:3",
		"ALTER TABLE user_log DROP COLUMN note": "column-drop warning src/main/kotlin/Users.kt:6",
	} {
		r := changelog0(t, Config{Dir: repository(t, base, "-- src/main/resources/db/migration/V2__b.sql --\n"+sql+";\n"), Base: "main"})
		var got []string
		for _, f := range r.Findings {
			if f.Category == onward.Compatibility && len(f.Evidence) > 0 {
				got = append(got, fmt.Sprintf("%s %s %s:%d", f.Rule, f.Severity, f.Evidence[len(f.Evidence)-1].Path, f.Evidence[len(f.Evidence)-1].Line))
			}
		}
		if strings.Join(got, "; ") != want {
			t.Errorf("%s: %q, not %q", sql, got, want)
		}
	}
}
