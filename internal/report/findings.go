package report

import (
	"slices"

	"github.com/onward-sql/onward/onward"
)

// worstFirst sorts findings by severity; equal ones keep the order of the
// release.
func worstFirst(findings []onward.Finding) []onward.Finding {
	out := slices.Clone(findings)
	slices.SortStableFunc(out, func(a, b onward.Finding) int { return int(b.Severity) - int(a.Severity) })
	return out
}

// evidence is what a finding rests on, in a line: the place, then the text.
func evidence(e *onward.Evidence) string {
	text := Line(e.Text)
	if e.Path == "" {
		return text
	}
	where := place(Line(e.Path), e.Line, 0)
	if e.Revision != "" {
		where += " at " + Line(e.Revision)
	}
	if text == "" {
		return where
	}
	return where + ": " + text
}

// sentence is an opaque thing in a line.
func sentence(o *onward.Opaque) string {
	text := Line(o.What)
	if o.Why != "" {
		text += ": " + Line(o.Why)
	}
	return text
}
