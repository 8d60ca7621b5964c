package page_test

import (
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/onward-sql/onward/audit"
	"github.com/onward-sql/onward/internal/rules"
	"github.com/onward-sql/onward/internal/rules/tools/page"
	"github.com/onward-sql/onward/onward"
)

// mostSkillLines keeps the skill short: an assistant reads all of it.
const mostSkillLines = 250

// Each SQL of the skill is what it says: the unsafe one has the finding of its section, and the safe one has no error or warning.
func TestSkill(t *testing.T) {
	t.Parallel()
	data, err := os.ReadFile(filepath.Join("..", "..", "..", "..", "docs", "assistants", "SKILL.md"))
	if err != nil {
		t.Fatal(err)
	}
	text := string(data)
	if n := strings.Count(text, "\n"); n > mostSkillLines {
		t.Errorf("the skill has %d lines, more than %d", n, mostSkillLines)
	}
	unsafe, safe := 0, 0
	for _, section := range strings.Split(text, "\n## ")[1:] {
		id, rest, _ := strings.Cut(section, "\n")
		_, rest, _ = strings.Cut(rest, "```sql\n")
		sql, rest, closed := strings.Cut(rest, "```\n")
		if !closed || strings.Contains(rest, "```") {
			t.Errorf("%s: not one block of SQL", id)
		}
		bad, good, both := strings.Cut(sql, page.Safe+"\n")
		bad, ok := strings.CutPrefix(bad, page.Unsafe+"\n")
		if !ok {
			t.Errorf("%s: its SQL does not begin with %q", id, page.Unsafe)
		}
		unsafe++
		if report := judgeAfter(t, id, bad); !slices.ContainsFunc(report.Findings, func(f onward.Finding) bool { return f.Rule == id }) {
			t.Errorf("%s: the unsafe SQL has not its finding:\n%s%v", id, bad, report.Findings)
		}
		if !both {
			continue
		}
		safe++
		for _, f := range judgeAfter(t, id, good).Findings {
			if f.Severity >= onward.Warning {
				t.Errorf("%s: the safe SQL has %s %s, line %d:\n%s", id, f.Severity, f.Rule, f.Line, good)
			}
		}
	}
	if unsafe != len(page.SkillRules) || safe < 8 {
		t.Errorf("%d unsafe and %d safe of %d rules", unsafe, safe, len(page.SkillRules))
	}
}

// judgeAfter judges SQL on the schema of a rule's examples.
func judgeAfter(t *testing.T, id, sql string) *onward.Report {
	t.Helper()
	p, err := page.OfRule(rules.FindRule(id))
	if err != nil {
		t.Fatal(err)
	}
	dir := t.TempDir()
	for name, text := range map[string]string{"1_before.sql": p.Before, "2_change.sql": sql} {
		if err := os.WriteFile(filepath.Join(dir, name), []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	report, err := audit.Check(t.Context(), audit.CheckConfig{
		Dir: dir, Paths: []string{"2_change.sql"}, Applied: []string{"1_before.sql"}, Transaction: onward.TransactionNone,
	})
	if err != nil {
		t.Fatal(err)
	}
	if len(report.Opaque) > 0 {
		t.Errorf("%s: not judged: %v", id, report.Opaque)
	}
	return report
}
