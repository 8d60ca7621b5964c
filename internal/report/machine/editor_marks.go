package machine

import (
	"github.com/onward-sql/onward/internal/report/escape"
	"github.com/onward-sql/onward/onward"
)

// Marked is a part of a report that an editor marks in a file.
type Marked struct {
	Severity onward.Severity
	// Rule is the finding's rule, "" if it is no finding. Page is the URL with more about
	// it.
	Rule, Page string
	Path       string
	// Line, Column, EndLine and EndColumn count as in a finding. Code that could not be
	// judged has no end; if its position is not known, Line is 0.
	Line, Column, EndLine, EndColumn int
	Message                          string
	// Finding is nil for code that could not be judged. Unread is set if that code should
	// have been readable.
	Finding *onward.Finding
	Unread  bool
}

// ListMarks returns a report's marks, the worst findings first.
func ListMarks(r *onward.Report) []Marked {
	var out []Marked
	list := listAnnotations(r)
	for i := range list {
		a := &list[i]
		out = append(out, Marked{
			Severity: a.severity, Rule: a.rule, Page: a.helpURL(), Path: a.path,
			Line: a.line, Column: a.column, EndLine: a.endLine, EndColumn: a.endColumn,
			Message: escape.Controls(a.message), Finding: a.finding, Unread: a.unread,
		})
	}
	return out
}
