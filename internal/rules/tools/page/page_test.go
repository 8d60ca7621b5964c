package page_test

import (
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/onward-sql/onward/internal/rules"
	"github.com/onward-sql/onward/internal/rules/tools/page"
	"github.com/onward-sql/onward/internal/rules/tools/ruletest"
	"github.com/onward-sql/onward/onward"
)

// TestDocsUpToDate holds that docs/rules is what the generator writes.
func TestDocsUpToDate(t *testing.T) {
	t.Parallel()
	files, err := page.BuildAll()
	if err != nil {
		t.Fatal(err)
	}
	dir := filepath.Join("..", "..", "..", "..", "docs", "rules")
	for name, want := range files {
		got, err := os.ReadFile(filepath.Join(dir, name))
		if err != nil {
			t.Errorf("%v; go generate ./internal/rules writes it", err)
			continue
		}
		if diff := cmp.Diff(want, string(got)); diff != "" {
			t.Errorf("docs/rules/%s is stale; go generate ./internal/rules (-want +file):\n%s", name, diff)
		}
	}
	skill, err := page.FormatSkill()
	if err != nil {
		t.Fatal(err)
	}
	for name, want := range map[string]string{"SKILL.md": skill, "AGENTS.md": page.FormatGuide()} {
		got, err := os.ReadFile(filepath.Join(dir, "..", "assistants", name))
		if err != nil || string(got) != want {
			t.Errorf("docs/assistants/%s is stale; go generate ./internal/rules (%v)", name, err)
		}
	}
	pages, err := filepath.Glob(filepath.Join(dir, "*.md"))
	if err != nil {
		t.Fatal(err)
	}
	for _, path := range pages {
		data, err := os.ReadFile(path)
		if err != nil {
			t.Fatal(err)
		}
		if _, ok := files[filepath.Base(path)]; !ok && strings.HasPrefix(string(data), page.Generated) {
			t.Errorf("%s is the page of no rule; go generate ./internal/rules", path)
		}
	}
}

// TestSameAsTests holds that the page shows what the tests of the rules run:
// the same examples, claims and versions.
func TestSameAsTests(t *testing.T) {
	t.Parallel()
	for _, r := range rules.All() {
		p, err := page.OfRule(r)
		if err != nil {
			t.Error(err)
			continue
		}
		f, err := ruletest.Read(r.ID)
		if err != nil {
			t.Error(err)
			continue
		}
		var want, got []string
		for i := range f.Releases {
			want = append(want, code(ruletest.CleanExample(f.Releases[i].SQL())))
		}
		for _, e := range p.Examples {
			got = append(got, code(e.SQL))
		}
		if diff := cmp.Diff(want, got); diff != "" {
			t.Errorf("%s: examples (-tests +page):\n%s", r.ID, diff)
		}
		if diff := cmp.Diff(f.Old, p.Old); diff != "" {
			t.Errorf("%s: statements of the deployed code (-tests +page):\n%s", r.ID, diff)
		}
		if len(f.Claims) != len(p.Claims) {
			t.Errorf("%s: %d claims in the tests, %d on the page", r.ID, len(f.Claims), len(p.Claims))
		}
		for i := range min(len(f.Claims), len(p.Claims)) {
			if c, d := f.Claims[i], p.Claims[i]; c.Relation != d.Relation || c.Lock != d.Lock {
				t.Errorf("%s: claim %v in the tests, %v on the page", r.ID, c, d)
			}
		}
		if r.Since == 0 && r.Until == 0 {
			if diff := cmp.Diff(f.Versions, p.Postgres); diff != "" {
				t.Errorf("%s: versions (-tests +page):\n%s", r.ID, diff)
			}
		}
	}
}

// code is an example without blank lines.
func code(sql string) string {
	var out []string
	for _, line := range strings.Split(sql, "\n") {
		if line != "" {
			out = append(out, line)
		}
	}
	return strings.Join(out, "\n")
}

// TestNotRules holds that the list of what is no rule names rules that exist,
// and every rule that is off by default under its preset.
func TestNotRules(t *testing.T) {
	t.Parallel()
	data, err := os.ReadFile(filepath.Join("..", "..", "..", "..", "docs", "rules", "not-rules.md"))
	if err != nil {
		t.Fatal(err)
	}
	for _, m := range regexp.MustCompile(`\]\(([a-z-]+)\.md\)`).FindAllStringSubmatch(string(data), -1) {
		if rules.FindRule(m[1]) == nil {
			t.Errorf("not-rules.md links to %s, which is no rule", m[1])
		}
	}
	listed := map[string]onward.Preset{}
	for _, m := range regexp.MustCompile(`(?m)^- \*\*([a-z]+)\*\*: (.*)$`).FindAllStringSubmatch(string(data), -1) {
		for _, id := range regexp.MustCompile(`[a-z]+(-[a-z0-9]+)+`).FindAllString(m[2], -1) {
			listed[id] = onward.Preset(m[1])
		}
	}
	want := map[string]onward.Preset{}
	for _, r := range rules.All() {
		if r.OnlyIn != "" {
			want[r.ID] = r.OnlyIn
		}
	}
	if diff := cmp.Diff(want, listed); diff != "" {
		t.Errorf("not-rules.md, rules that are off by default (-rules +listed):\n%s", diff)
	}
}
