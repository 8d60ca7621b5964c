package report

import (
	"slices"

	"github.com/onward-sql/onward/onward"
)

// worstFirst sorts findings by severity; equal ones keep the order of the
// release.
func worstFirst(findings []onward.Finding) []*onward.Finding {
	out := make([]*onward.Finding, len(findings))
	for i := range findings {
		out[i] = &findings[i]
	}
	slices.SortStableFunc(out, func(a, b *onward.Finding) int { return int(b.Severity) - int(a.Severity) })
	return out
}

// formatEvidence returns a finding's evidence in a line: the place, then the text.
func formatEvidence(e *onward.Evidence) string {
	text := EscapeLine(e.Text)
	if e.Path == "" {
		return text
	}
	where := formatPlace(EscapeLine(e.Path), e.Line, 0)
	if e.Revision != "" {
		where += " at " + EscapeLine(e.Revision)
	}
	if text == "" {
		return where
	}
	return where + ": " + text
}

// formatOpaque returns an opaque item in a line.
func formatOpaque(o *onward.Opaque) string {
	text := EscapeLine(o.What)
	if o.Why != "" {
		text += ": " + EscapeLine(o.Why)
	}
	return text
}
