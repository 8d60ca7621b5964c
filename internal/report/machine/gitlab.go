package machine

import (
	"io"

	"github.com/onward-sql/onward/internal/report/escape"
	"github.com/onward-sql/onward/onward"
)

// WriteGitLab prints the findings as a report of GitLab's Code Quality, which it shows at their lines in a merge request.
// It takes one place and one line of text each.
// https://docs.gitlab.com/ci/testing/code_quality/#code-quality-report-format
func WriteGitLab(w io.Writer, r *onward.Report) error {
	type lines struct {
		Begin int `json:"begin"`
	}
	type location struct {
		Path  string `json:"path"`
		Lines lines  `json:"lines"`
	}
	type issue struct {
		Description string   `json:"description"`
		CheckName   string   `json:"check_name"`
		Fingerprint string   `json:"fingerprint"`
		Severity    string   `json:"severity"`
		Location    location `json:"location"`
	}
	severity := map[string]string{"error": "critical", "warning": "minor", "info": "info"}
	out := []issue{}
	for _, a := range listAnnotations(r) {
		out = append(out, issue{
			Description: escape.Line(a.message), CheckName: a.ruleOrKind(), Fingerprint: a.fingerprint, Severity: severity[a.forgeLevel("info")],
			Location: location{escape.Line(a.path), lines{max(1, a.line)}},
		})
	}
	return WriteJSON(w, out)
}
