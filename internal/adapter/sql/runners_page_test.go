package sql

import (
	"os"
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/onward-sql/onward/internal/adapter"
)

// The page of the tools has each of those that are known here.
func TestRunnersPage(t *testing.T) {
	t.Parallel()
	page, err := os.ReadFile("../../../docs/runners.md")
	if err != nil {
		t.Fatal(err)
	}
	tables := strings.Split(string(page), "## What a changed history does")
	for _, r := range tools {
		for i, table := range tables {
			if r.historyBehavior != (adapter.HistoryBehavior{}) && !strings.Contains(table, r.name) {
				t.Errorf("%s is not in table %d", r.name, i+1)
			}
		}
	}
	if len(tables) != 2 {
		t.Fatalf("%d tables", len(tables))
	}
	for line := range strings.Lines(tables[1]) {
		cells := strings.Split(strings.Trim(line, "|\n "), "|")
		for _, r := range tools {
			if !slices.Contains(strings.Split(strings.TrimSpace(cells[0]), ", "), r.name) || r == &drizzle { // the journal decides
				continue
			}
			late := strings.TrimSpace(cells[len(cells)-1])
			if runs := strings.Contains(r.historyBehavior.OutOfOrder, "runs it"); runs != (late == "runs it") {
				t.Errorf("%s %s if a new migration comes late; the finding says %q", r.name, late, r.historyBehavior.OutOfOrder)
			}
		}
	}
	lookedAt := regexp.MustCompile(` · 20\d\d-\d\d-\d\d \|$`)
	rows := 0
	first, _, _ := strings.Cut(tables[0], "## Models of the deployed code")
	for line := range strings.Lines(first) {
		line = strings.TrimSpace(line)
		if !strings.HasPrefix(line, "| ") || strings.HasPrefix(line, "| tool |") || strings.HasPrefix(line, "| --- |") ||
			strings.HasPrefix(line, "| [any") || strings.HasPrefix(line, "| [your own") || strings.HasPrefix(line, "| your own") {
			continue
		}
		if rows++; !lookedAt.MatchString(line) {
			t.Errorf("no day of the last look: %s", line)
		}
	}
	if rows < 40 {
		t.Errorf("%d rows of tools", rows)
	}
}
