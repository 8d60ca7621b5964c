package first_test

import (
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/onward-sql/onward/audit"
	"github.com/onward-sql/onward/config"
	"github.com/onward-sql/onward/internal/first"
	"github.com/onward-sql/onward/internal/gitrange/gittest"
	"github.com/onward-sql/onward/onward"
)

// The proposal for a repository's own program is a comment. Without its marks it is an onward.yaml that says what was found.
func TestOwnRunnerProposal(t *testing.T) {
	t.Parallel()
	dir := gittest.Commits(t, map[string]string{
		"internal/store/store.go": "package store\n\n//go:embed sql\nvar files embed.FS\n\n" +
			"func run() { db.BeginTx(ctx, nil); exec(\"CREATE TABLE app_migrations (name text)\") }\n",
		"internal/store/sql/001_a.up.sql": "CREATE TABLE {{ .Schema }}.t (id int);\n", "internal/store/sql/001_a.down.sql": "DROP TABLE t;\n",
		"internal/store/sql/002_b.up.sql": "-- no transaction\nCREATE INDEX CONCURRENTLY i ON t (id);\n",
		"internal/store/render.go":        "package store\n\ntype values struct{ Schema string }\n",
	})
	found, err := first.ReadRepository(t.Context(), dir)
	if err != nil {
		t.Fatal(err)
	}
	text := found.YAML("")
	if c, err := config.Decode([]byte(text), config.Name, audit.Names()); err != nil || len(c.Migrations) > 0 {
		t.Fatalf("%v: the proposal counts before somebody has read it:\n%s", err, text)
	}
	_, text, _ = strings.Cut(text, "# migrations:\n")
	text, _, _ = strings.Cut(text, "\n\n")
	if !strings.Contains(text, "leave out framework") {
		t.Errorf("nothing is said of framework in:\n%s", text)
	}
	text = "migrations:\n" + strings.ReplaceAll("\n"+text, "\n# ", "\n")
	text = strings.Replace(text, "framework: golang-migrate", "", 1)
	c, err := config.Decode([]byte(text), config.Name, audit.Names())
	if err != nil {
		t.Fatalf("decode the proposed migrations: %v\n%s", err, text)
	}
	want := &config.Runner{
		Name: "internal/store/store.go", Down: []string{"*.down.sql"}, NoTransactionMarker: "-- no transaction",
		Replace: map[string]string{"{{ .Schema }}": "schema"}, Table: "app_migrations (name text)", Transaction: onward.TransactionFile,
	}
	if diff := cmp.Diff(want, c.Migrations[0].Runner); diff != "" {
		t.Errorf("(-want +got):\n%s\n%s", diff, text)
	}
}
