package report

import "github.com/onward-sql/onward/onward"

// Marked is something of a report as an editor marks it in a file.
type Marked struct {
	Severity onward.Severity
	// Rule is the finding's rule, "" for what is none, and Page the page that says more.
	Rule, Page string
	Path       string
	// Line, Column, EndLine and EndColumn count as those of a finding do. What could not be
	// judged has no end, and where it is not known where it stands Line is 0.
	Line, Column, EndLine, EndColumn int
	Message                          string
	// Finding is nil for what could not be judged; Unread: it should have been readable.
	Finding *onward.Finding
	Unread  bool
}

// Marks are those of a report, the worst findings first.
func Marks(r *onward.Report) []Marked {
	var out []Marked
	list := annotations(r)
	for i := range list {
		a := &list[i]
		out = append(out, Marked{
			Severity: a.severity, Rule: a.rule, Page: a.help(), Path: a.path,
			Line: a.line, Column: a.column, EndLine: a.endLine, EndColumn: a.endColumn,
			Message: Visible(a.message), Finding: a.finding, Unread: a.unread,
		})
	}
	return out
}
