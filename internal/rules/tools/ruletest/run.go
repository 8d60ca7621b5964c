package ruletest

import (
	"errors"
	"fmt"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/onward-sql/onward/internal/pgparse"
	"github.com/onward-sql/onward/internal/rule"
	"github.com/onward-sql/onward/internal/rules"
	"github.com/onward-sql/onward/internal/script"
	"github.com/onward-sql/onward/onward"
)

// Read reads the fixture of a rule.
func Read(id string) (*Fixture, error) {
	text, ok := rules.FixtureText(id)
	if !ok {
		return nil, fmt.Errorf("rule %s has no fixture", id)
	}
	return ParseFixture(text)
}

// ExerciseRule runs a rule on its fixture. It must flag bad exactly where bad says so, report
// nothing in fixed and good, and turn bad.sql into fixed.sql by its fix.
func ExerciseRule(t *testing.T, r *rule.Rule) {
	t.Helper()
	f, err := Read(r.ID)
	if err != nil {
		t.Fatal(err)
	}
	bad, silent := false, false
	for i := range f.Releases {
		rel := &f.Releases[i]
		findings, err := f.Run([]*rule.Rule{r}, rel)
		if err != nil {
			t.Fatalf("%s: %v", rel.Name, err)
		}
		f.judgeAmongOthers(t, rel, findings, r)
		if rel.IsBad() {
			bad = true
			f.compareFindings(t, rel, findings, r)
			continue
		}
		if !slices.Equal(rel.Versions, f.Versions) {
			if findings, err = f.RunOn([]*rule.Rule{r}, rel, rel.Versions); err != nil {
				t.Fatalf("%s: %v", rel.Name, err)
			}
		}
		silent = true
		for _, x := range findings {
			if x.Rule == r.ID {
				t.Errorf("%s: %s:%d: should be silent, but: %s; %s", rel.Name, x.Path, x.Line, x.Fact, x.Harm)
			}
		}
	}
	if !bad || !silent {
		t.Errorf("the fixture needs an example that is flagged and one that is not")
	}
}

// judgeAmongOthers judges a release with more migrations after it. At the end, only what the rule
// kept is left of the earlier ones, and the findings must be the same.
func (f *Fixture) judgeAmongOthers(t *testing.T, rel *Release, findings []onward.Finding, r *rule.Rule) {
	t.Helper()
	if rel.Together != 0 || len(rel.Refusals) > 0 {
		return
	}
	longer := *rel
	longer.Files = append(slices.Clip(rel.Files), File{"zz-later.sql", "CREATE SCHEMA zz_later;\n"}, File{"zz-last.sql", "CREATE SCHEMA zz_last;\n"})
	more, err := f.Run([]*rule.Rule{r}, &longer)
	if err != nil {
		t.Fatalf("%s: among others: %v", rel.Name, err)
	}
	if diff := cmp.Diff(findings, more); diff != "" {
		t.Errorf("%s: among others (-alone +among):\n%s", rel.Name, diff)
	}
}

func (f *Fixture) compareFindings(t *testing.T, rel *Release, findings []onward.Finding, r *rule.Rule) {
	t.Helper()
	findings = slices.Clone(findings)
	for i := range findings {
		if x := &findings[i]; x.Path == codeFile && len(rel.Files) > 0 {
			x.Path, x.Line, x.EndLine = rel.Files[0].Name, 1, 1
		}
	}
	wanted := 0
	for _, file := range rel.Files {
		wants, err := ParseWants(file.SQL)
		if err != nil {
			t.Fatal(err)
		}
		for _, w := range wants {
			wanted += len(w)
		}
		for _, x := range findings {
			if x.Path != file.Name || x.Rule != r.ID {
				continue
			}
			if !takeMatch(wants, &x) {
				t.Errorf("%s: %s:%d: not expected: %s; %s", rel.Name, x.Path, x.Line, x.Fact, x.Harm)
				continue
			}
			if !slices.Equal(rel.Versions, x.Postgres) && (x.Postgres != nil || len(rel.Versions) != 6) {
				t.Errorf("%s: %s:%d: flagged on Postgres %v, the fixture says %v", rel.Name, x.Path, x.Line, x.Postgres, rel.Versions)
			}
			if x.Fact == "" || x.Harm == "" || x.Instead == "" {
				t.Errorf("%s: %s:%d: a finding has fact, harm and instead: %+v", rel.Name, x.Path, x.Line, x)
			}
			if len(x.Fix) > 0 && rel.Name == "bad" && len(rel.Files) == 1 {
				f.compareFix(t, file.SQL, x.Fix)
			}
		}
		for line, texts := range wants {
			t.Errorf("%s: %s:%d: expected findings are missing: %q", rel.Name, file.Name, line, texts)
		}
	}
	if wanted == 0 {
		t.Errorf("%s: expects nothing: write -- want \"…\" on the line", rel.Name)
	}
}

// takeMatch takes the expectation that a finding meets out of wants.
func takeMatch(wants map[int][]Want, x *onward.Finding) bool {
	for line := x.Line; line <= max(x.EndLine, x.Line); line++ {
		for i, w := range wants[line] {
			if (strings.Contains(x.Fact, w.Text) || strings.Contains(x.Harm, w.Text)) && (w.Severity == "" || w.Severity == x.Severity.String()) {
				wants[line] = slices.Delete(wants[line], i, i+1)
				if len(wants[line]) == 0 {
					delete(wants, line)
				}
				return true
			}
		}
	}
	return false
}

func (f *Fixture) compareFix(t *testing.T, sql string, edits []onward.Edit) {
	t.Helper()
	for i := range f.Releases {
		if rel := &f.Releases[i]; rel.Name == "fixed" {
			if diff := cmp.Diff(CleanExample(rel.SQL()), CleanExample(ApplyEdits(sql, edits))); diff != "" {
				t.Errorf("the fix of bad.sql is not fixed.sql (-want +got):\n%s", diff)
			}
			return
		}
	}
	t.Errorf("the rule has a fix, the fixture has no fixed.sql")
}

// ApplyEdits makes the edits of one fix.
func ApplyEdits(text string, edits []onward.Edit) string {
	sorted := slices.Clone(edits)
	slices.SortFunc(sorted, func(a, b onward.Edit) int { return b.Start - a.Start })
	for _, e := range sorted {
		text = text[:e.Start] + e.New + text[e.End:]
	}
	return text
}

func buildScript(sql string, mode onward.Transaction) (*script.Script, error) {
	return script.BuildScript(script.Source{Text: sql, Parts: []script.Part{{SQL: sql}}, Mode: mode})
}

// buildFile builds the script of a file.
func (r *Release) buildFile(i int) (*script.Script, error) {
	if i == 0 && r.Connections != nil {
		return buildConnections(r.Files[i].SQL, r)
	}
	return buildScript(r.Files[i].SQL, r.Transaction)
}

// buildConnections builds the script of a program that sends each statement on its connection. On each connection but 0 the first statement
// begins a transaction, which the program ends after the last statement.
func buildConnections(sql string, r *Release) (*script.Script, error) {
	f, err := pgparse.SplitText(sql)
	if err != nil || len(f.Stmts) != len(r.Connections) {
		return nil, errors.Join(err, fmt.Errorf("%s: %d statements, %d connections", r.Name, len(f.Stmts), len(r.Connections)))
	}
	src := script.Source{Text: sql, Mode: r.Transaction}
	open := map[int]bool{0: r.Transaction == onward.TransactionFile}
	for i, st := range f.Stmts {
		n := r.Connections[i]
		open[n] = open[n] || n > 0
		p := script.Part{SQL: sql[st.Start:st.End], Start: st.Start, Block: n, Connection: n}
		for other, isOpen := range open {
			if isOpen && other != n {
				p.Beside = append(p.Beside, other)
			}
		}
		slices.Sort(p.Beside)
		src.Parts = append(src.Parts, p)
	}
	return script.BuildScript(src)
}
