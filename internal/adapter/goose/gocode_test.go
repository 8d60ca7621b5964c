package goose

import (
	"strings"
	"testing"
)

// What is read from a migration in Go: the literal SQL that it gives to Exec; "…" marks
// other code.
func TestReadGo(t *testing.T) {
	t.Parallel()
	const head = "package migrations\n\nfunc init() { goose.AddMigrationContext(up, down) }\n\nfunc down(ctx context.Context, tx *sql.Tx) error {\n" +
		"\t_, err := tx.Exec(`DROP TABLE t`)\n\treturn err\n}\n\n"
	body := func(code string) string {
		return head + "func up(ctx context.Context, tx *sql.Tx) error {\n" + code + "\n}\n"
	}
	for _, tt := range []struct{ name, text, want string }{
		{"one", body("\t_, err := tx.ExecContext(ctx, `CREATE TABLE t (id int)`)\n\treturn err"), "CREATE TABLE t (id int)"},
		{
			"two, and their errors",
			body("\tif _, err := tx.Exec(`SELECT 1`); err != nil {\n\t\treturn fmt.Errorf(\"one: %w\", err)\n\t}\n\t_, err := tx.Exec(\"SELECT 2\")\n\treturn err"),
			"SELECT 1|SELECT 2",
		},
		{
			"a constant",
			"package migrations\n\nconst q = `SELECT 1`\n\nfunc init() {\n\tgoose.AddMigrationNoTxContext(func(ctx context.Context, db *sql.DB) error {\n" +
				"\t\t_, err := db.ExecContext(ctx, q)\n\t\treturn err\n\t}, nil)\n}\n",
			"SELECT 1",
		},
		{
			"a list",
			body("\tfor _, q := range []string{`SELECT 1`, `SELECT 2`} {\n\t\tif _, err := tx.Exec(q); err != nil {\n\t\t\treturn err\n\t\t}\n\t}\n\treturn nil"),
			"SELECT 1|SELECT 2",
		},
		{"a list with a name", body("\tqs := []string{`SELECT 1`}\n\tfor _, q := range qs {\n\t\ttx.Exec(q)\n\t}\n\treturn nil"), "SELECT 1"},
		{"a value of its own", body("\t_, err := tx.Exec(`UPDATE t SET a = $1`, 3)\n\treturn err"), "UPDATE t SET a = $1"},
		{"put together", body("\t_, err := tx.Exec(`DROP TABLE ` + name)\n\treturn err"), "…"},
		{"with an escape", body("\t_, err := tx.Exec(\"SELECT '\\t'\")\n\treturn err"), "…"},
		{"in a condition", body("\tif os.Getenv(\"X\") != \"\" {\n\t\ttx.Exec(`SELECT 1`)\n\t}\n\t_, err := tx.Exec(`SELECT 2`)\n\treturn err"), "SELECT 2|…"},
		{"in a loop", body("\tfor i := 0; i < 3; i++ {\n\t\ttx.Exec(`SELECT 1`)\n\t}\n\treturn nil"), "…"},
		{"with queries", body("\trows, err := tx.Query(`SELECT id FROM t`)\n\t_ = rows\n\treturn err"), "…"},
		{"nothing that is seen", "package migrations\n\nfunc init() { goose.AddMigrationContext(elsewhere.Up, nil) }\n", "…"},
		{"no Go", "package", "…"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			up := readGoMigration(tt.text)
			var got []string
			for _, p := range up.parts {
				got = append(got, p.SQL)
				if p.Start >= 0 && !strings.HasPrefix(tt.text[p.Start:], p.SQL) {
					t.Errorf("%q does not stand at %d", p.SQL, p.Start)
				}
			}
			if !up.whole {
				got = append(got, "…")
			}
			if s := strings.Join(got, "|"); s != tt.want {
				t.Errorf("got %s, want %s", s, tt.want)
			}
		})
	}
}
