package realrunners

import (
	"os"
	"regexp"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/onward-sql/onward/internal/adapter/adaptertest"
	"github.com/onward-sql/onward/internal/adapter/liquibase"
)

var (
	// ofLiquibase matches what Liquibase and its driver ask and record by themselves.
	ofLiquibase = regexp.MustCompile(`(?i)databasechangelog|pg_catalog|pg_settings|^select (?:current_|version\(\))|^SHOW |^SET |^BEGIN|^COMMIT|^ROLLBACK`)
	blanks      = regexp.MustCompile(`(?m)--.*$|\s+`)
	// The schema of the connection, which Liquibase and others put before each name.
	ownSchema = regexp.MustCompile(`\bpublic\.|"public"\.`)
)

// sameForm writes a statement so that two are equal if they mean the same: the case of letters does not count outside of quotes.
func sameForm(sql string) string {
	sql = strings.TrimSpace(blanks.ReplaceAllString(ownSchema.ReplaceAllString(strings.TrimSuffix(strings.TrimSpace(sql), ";"), ""), " "))
	parts := strings.Split(sql, "'")
	for i := 0; i < len(parts); i += 2 {
		parts[i] = strings.ReplaceAll(strings.ToLower(parts[i]), " (", "(")
	}
	return strings.Join(parts, "'")
}

// TestLiquibaseChanges compares the statements of changes with those that Liquibase sends.
//
// Not parallel: it reads the end of the server's log.
func TestLiquibaseChanges(t *testing.T) {
	run := java(t, "liquibase")
	s := server(t)
	for _, part := range []string{"changes", "types", "formats"} {
		db, _ := database(t, s)
		root := t.TempDir()
		if err := os.CopyFS(root, os.DirFS("testdata/liquibase/"+part)); err != nil {
			t.Fatal(err)
		}
		if failed := run([][2]string{{root, overTCP(t, s, db)}})[0]; failed != "" {
			t.Fatalf("Liquibase runs %s: %s", part, failed)
		}
		var sent, read []string
		for _, sql := range sentStatements(s, db) {
			if !ofLiquibase.MatchString(sql) {
				sent = append(sent, sameForm(sql))
			}
		}
		for _, sql := range readStatements(t, liquibase.Adapter, adaptertest.Disk(t, root)) {
			read = append(read, sameForm(sql))
		}
		if diff := cmp.Diff(sent, read); diff != "" {
			t.Errorf("%s (-liquibase +onward):\n%s", part, diff)
		}
		t.Logf("%s: %d statements", part, len(read))
	}
}
