package html

import (
	"slices"

	"github.com/onward-sql/onward/onward"
)

// setTone sets the verdict's colour, and a word with the same meaning for readers who do not
// see it.
func (p *reportPage) setTone(r *onward.Report) {
	switch s := &r.Summary; {
	case s.Withheld == onward.WithheldHistory && s.Errors > 0:
		p.Tone, p.Mark, p.Deploy = "error", "errors", ""
	case s.Errors > 0:
		p.Tone, p.Mark = "error", "not safe"
	case s.Withheld != "":
		p.Tone, p.Mark, p.Deploy = "ok", "no errors", ""
		if s.Warnings > 0 || slices.ContainsFunc(r.Opaque, func(o onward.Opaque) bool { return o.Failed }) {
			p.Tone, p.Mark = "warning", "no verdict"
		}
	case s.State == onward.StateSafeIf:
		p.Tone, p.Mark, p.Deploy = "warning", "safe to deploy if …", ""
	case !s.Safe:
		p.Tone, p.Mark = "warning", "not certain"
	case s.Warnings > 0:
		p.Tone, p.Mark = "warning", "with warnings"
	}
}
