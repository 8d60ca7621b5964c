package audit

import (
	"strings"
	"testing"
)

// Directories below a location of Flyway's, or of a project's versions, are one
// history, whichever of the trees shows that.
func TestDirectoriesBelow(t *testing.T) {
	t.Parallel()
	const at = "src/main/resources/db/migration/"
	file := func(name, sql string) string { return "-- " + at + name + " --\n" + sql + "\n" }
	users, orders := file("2023/V1__users.sql", "CREATE TABLE users (id int);"), file("2024/V2__orders.sql", "CREATE TABLE orders (id int);")
	for _, tt := range []struct{ name, base, head, want string }{
		{"the first one below", file("V1__users.sql", "CREATE TABLE users (id int);"), file("2024/V2__orders.sql", "CREATE TABLE orders (id int);"), "1: "},
		{"a year later", users, orders, "1: "},
		{"in the order of versions", users + file("2023/V3__note.sql", "ALTER TABLE orders ADD COLUMN note text;") + orders,
			file("2024/V4__drop.sql", "SET LOCAL lock_timeout = '1s';\nALTER TABLE orders ALTER COLUMN note TYPE int USING 0;"), "1: column-type-rewrite"},
		{"deleted", users + orders, "-- " + at + "2023/V1__users.sql --\n", "1: release-migration-deleted"},
		{
			"moved", users + orders + file("2024/V3__x.sql", "SELECT 1;"),
			"-- " + at + "2024/V2__orders.sql --\n" + file("2023/V2__orders.sql", "CREATE TABLE orders (id int);"), "0: ",
		},
		{"the second version", "-- sql/3.2/01_a.sql --\nCREATE TABLE users (id int);\n-- sql/3.2/02_b.sql --\nSELECT 1;\n",
			"-- sql/3.10/01_c.sql --\nSET lock_timeout = '1s';\nALTER TABLE users ALTER COLUMN id TYPE text;\n", "1: column-type-rewrite"},
		{"versions, moved up", "-- sql/prod/3.1/01_a.sql --\nCREATE TABLE users (id int);\n-- sql/prod/3.2/01_b.sql --\nCREATE TABLE orders (id int);\n",
			"-- sql/prod/3.1/01_a.sql --\n-- sql/prod/3.2/01_b.sql --\n-- sql/3.1/01_a.sql --\nCREATE TABLE users (id int);\n-- sql/3.2/01_b.sql --\n" +
				"CREATE TABLE orders (id int);\n" +
				"-- sql/3.3/01_c.sql --\nSET lock_timeout = '1s';\nALTER TABLE users ALTER COLUMN id TYPE text;\n", "1: column-type-rewrite"},
		{"twice", users + orders, file("2023/V2__notes.sql", "CREATE TABLE notes (id int);"), "1: release-version-duplicate"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			r := changelog0(t, Config{Dir: repository(t, tt.base, tt.head), Base: "main"})
			var rules []string
			for _, f := range r.Findings {
				if f.Severity.String() == "error" {
					rules = append(rules, f.Rule)
				}
			}
			if got := string(rune('0'+len(r.Migrations))) + ": " + strings.Join(rules, " "); got != tt.want {
				t.Errorf("%s, not %s", got, tt.want)
			}
		})
	}
}
