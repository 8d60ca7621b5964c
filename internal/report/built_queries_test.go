package report

import (
	"io"
	"strings"
	"testing"

	"github.com/onward-sql/onward/internal/report/html"
	"github.com/onward-sql/onward/internal/report/markdown"
	"github.com/onward-sql/onward/internal/report/terminal"
	"github.com/onward-sql/onward/onward"
)

// Each format for people says how many queries of the code could not be read, also if there is no finding.
func TestBuiltQueries(t *testing.T) {
	t.Parallel()
	const want = "not read: 154 places of the code at main that build queries by calls of a mapper " +
		"in 4 files (a.py 114, b.py 30, c.py 9 and 1 more; record them: onward record)"
	report := func() *onward.Report {
		return &onward.Report{
			Base: "main", Head: "head", Migrations: []onward.Migration{{ID: "1", Path: "m/1.sql"}},
			Summary: onward.Summary{Migrations: 1, State: onward.StateSafe, Safe: true},
			BuiltQueries: &onward.BuiltQueries{Revision: "main", Places: 154, Files: []onward.BuiltFile{
				{Path: "a.py", Places: 114}, {Path: "b.py", Places: 30}, {Path: "c.py", Places: 9}, {Path: "d.py", Places: 1},
			}},
		}
	}
	found := report()
	found.Findings = []onward.Finding{{Rule: "column-drop", Severity: onward.Warning, Path: "m/1.sql", Line: 1, Fact: "drops a column"}}
	verified := report()
	verified.Verification = &onward.Verification{}
	for name, print := range map[string]func(io.Writer, *onward.Report) error{
		"terminal": func(w io.Writer, r *onward.Report) error {
			return terminal.WriteReport(w, r, Options{Width: 100})
		},
		"markdown": markdown.WriteReport,
		"html":     html.WriteReport,
	} {
		for kind, r := range map[string]*onward.Report{"clean": report(), "with a finding": found, "verified": verified} {
			var b strings.Builder
			if err := print(&b, r); err != nil {
				t.Fatal(err)
			}
			text := strings.ReplaceAll(strings.Join(strings.Fields(b.String()), " "), `\`, "")
			if got := strings.Count(text, want); (got == 1) != (kind != "verified") {
				t.Errorf("%s, %s: printed %d times:\n%s", name, kind, got, b.String())
			}
		}
	}
}
