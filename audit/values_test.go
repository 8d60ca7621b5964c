package audit

import (
	"strings"
	"testing"
)

// What the deployed code knows of a column's values.
func TestValuesThatTheCodeKnows(t *testing.T) {
	t.Parallel()
	const rename = "UPDATE users SET role = 'contributor' WHERE role = 'editor'"
	for _, tt := range []struct{ name, file, code, sql, want string }{
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
			base := "-- migrations/1_a.sql --\nCREATE TABLE users (id int PRIMARY KEY, role text);\nCREATE TABLE flags (name text PRIMARY KEY);\n-- " + tt.file + " --\n" + tt.code + "\n"
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
