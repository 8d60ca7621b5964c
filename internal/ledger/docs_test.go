package ledger_test

import (
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/onward-sql/onward/internal/ledger"
)

// The pages that count the ledger's tables have the number of those that are created.
func TestPagesCountTables(t *testing.T) {
	t.Parallel()
	tables := 0
	for _, sql := range ledger.TableStatements() {
		if strings.HasPrefix(sql, "CREATE TABLE ") {
			tables++
		}
	}
	numbers := strings.Fields("zero one two three four five six seven eight nine ten eleven twelve thirteen fourteen fifteen sixteen")
	counted := regexp.MustCompile("`onward_ledger`[^.]*?\\b(" + strings.Join(numbers, "|") + "|\\d+) (?:small )?tables")
	pages, err := filepath.Glob("../../docs/*.md")
	if err != nil {
		t.Fatal(err)
	}
	found := 0
	for _, page := range pages {
		text, err := os.ReadFile(page)
		if err != nil {
			t.Fatal(err)
		}
		for _, m := range counted.FindAllStringSubmatch(strings.Join(strings.Fields(string(text)), " "), -1) {
			if found++; slices.Index(numbers, m[1]) != tables {
				t.Errorf("%s counts %s tables of %d: %s", page, m[1], tables, m[0])
			}
		}
	}
	if found < 2 {
		t.Errorf("%d pages count the tables; docs/apply.md and docs/stored.md did", found)
	}
}
