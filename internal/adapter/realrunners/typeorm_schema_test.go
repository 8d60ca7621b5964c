package realrunners

import (
	"encoding/json"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/onward-sql/onward/internal/adapter/adaptertest"
	"github.com/onward-sql/onward/internal/adapter/typeorm"
)

// TestTypeORMSchema compares the statements of the schema API with those that TypeORM sends.
func TestTypeORMSchema(t *testing.T) {
	packages := installed(t, "typeorm")
	s := server(t)
	db, _ := database(t, s)
	text, err := os.ReadFile("testdata/schema.js")
	if err != nil {
		t.Fatal(err)
	}
	const file = "src/migrations/1700000000002-Schema.js"
	root := t.TempDir()
	write(t, root, map[string]string{file: string(text)})
	statements := filepath.Join(root, "sent")
	t.Setenv("SENT_FILE", statements)
	run := atOnce(t, func(url string) string { return url }, "node", "testdata/typeorm.cjs", packages)
	if failed := run([][2]string{{filepath.Join(root, "src/migrations"), overTCP(t, s, db)}}); failed[0] != "" {
		t.Fatalf("TypeORM runs %s: %s", file, failed[0])
	}
	tree := adaptertest.Files{file: text}
	set, err := typeorm.Adapter.Load(t.Context(), tree, typeorm.Adapter.Detect(tree)[0])
	if err != nil || len(set.Migrations) != 1 || len(set.Migrations[0].Opaque) > 0 {
		t.Fatalf("load %s: %v; it reads %+v, want one migration read in full", file, err, set)
	}
	// The schema that TypeORM finds is not known.
	normalize := func(sql string) string { return strings.TrimSpace(strings.ReplaceAll(sql, `"public".`, "")) }
	want := map[string]bool{} // of what goes with a column or with a table, TypeORM drops the parts first
	var sent, read []string
	own := regexp.MustCompile(`^(SELECT|INSERT|START|COMMIT|SHOW|CREATE EXTENSION|CREATE TABLE "migrations")`)
	lines, err := os.ReadFile(statements)
	if err != nil {
		t.Fatal(err)
	}
	for line := range strings.Lines(string(lines)) {
		var m string
		if err := json.Unmarshal([]byte(line), &m); err != nil {
			t.Fatal(err)
		}
		if !own.MatchString(m) {
			sent = append(sent, normalize(m))
		}
	}
	for _, p := range set.Migrations[0].Source.Parts {
		read = append(read, normalize(p.SQL))
		want[normalize(p.SQL)] = true
	}
	parts := regexp.MustCompile(`^(DROP INDEX|ALTER TABLE .* DROP CONSTRAINT|ALTER TABLE .* ADD CONSTRAINT "PK_|DROP TYPE)`)
	kept := sent[:0]
	for _, m := range sent {
		if want[m] || !parts.MatchString(m) {
			kept = append(kept, m)
		}
	}
	if diff := cmp.Diff(kept, read); diff != "" {
		t.Errorf("(-TypeORM +onward):\n%s", diff)
	}
}
