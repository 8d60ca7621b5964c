package audit

import (
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/onward-sql/onward/config"
	"github.com/onward-sql/onward/internal/adapter"
	"github.com/onward-sql/onward/internal/rules/tools/ruletest"
	"github.com/onward-sql/onward/internal/script"
	"github.com/onward-sql/onward/onward"
)

// examples are the SQL of all rules' fixtures: what one part of the line notes and
// another reads at its own pace shows here.
func examples(t *testing.T) []string {
	t.Helper()
	files, err := filepath.Glob("../internal/rules/*/testdata/*.txtar")
	if err != nil || len(files) < 100 {
		t.Fatalf("%d fixtures: %v", len(files), err)
	}
	var out []string
	for _, file := range files {
		text, err := os.ReadFile(file)
		if err != nil {
			t.Fatal(err)
		}
		f, err := ruletest.ParseFixture(text)
		if err != nil {
			t.Fatal(err)
		}
		for i := range f.Releases {
			out = append(out, f.Releases[i].SQL())
		}
	}
	return out
}

// What goes through the line comes out as one by one, in the order of the
// list, whatever runs at the same time.
func TestAllIsOneByOne(t *testing.T) {
	t.Parallel()
	var texts []string
	for i := range 120 {
		texts = append(texts, fmt.Sprintf("CREATE TABLE t%d (id int PRIMARY KEY, v text);\n", i),
			fmt.Sprintf("ALTER TABLE t%d ADD COLUMN c%d int NOT NULL;\nDROP TABLE old%d;\n", i/2, i, i),
			fmt.Sprintf("CREATE INDEX ON used (c%d);\nSELECT FROM WHERE;\n", i))
	}
	texts[7] = "" // a file that could not be read
	texts = append(texts, examples(t)...)
	texts[11] = strings.Repeat("INSERT INTO t1 VALUES (1, 'x');\n", 4*bunchBytes/32)
	list := func() []releasedMigration {
		var out []releasedMigration
		for i, text := range texts {
			m := &adapter.Migration{
				ID: fmt.Sprint(i), Path: fmt.Sprintf("%d.sql", i), Framework: "sql",
				Source: script.Source{Text: text, Parts: []script.Part{{SQL: text}}, Mode: onward.TransactionNone},
			}
			if text == "" {
				m.Failed = "permission denied"
			}
			out = append(out, releasedMigration{migration: m, status: onward.StatusNew})
		}
		return out
	}
	sequential, err := newJudge(&config.Config{}, &deployedFacts{})
	if err != nil {
		t.Fatal(err)
	}
	for _, m := range list() {
		sequential.judgeMigration(m)
	}
	want := sequential.finishReport()
	if len(want.Findings) < 100 || want.Summary.Statements < 800 {
		t.Fatalf("%d findings in %d statements", len(want.Findings), want.Summary.Statements)
	}
	for range 5 {
		j, err := newJudge(&config.Config{}, &deployedFacts{})
		if err != nil {
			t.Fatal(err)
		}
		j.judgeMigrations(list())
		if diff := cmp.Diff(want, j.finishReport()); diff != "" {
			t.Fatal(diff)
		}
	}
}
