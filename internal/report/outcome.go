package report

import (
	"fmt"
	"slices"
	"strings"

	"github.com/onward-sql/onward/onward"
)

// describeOutcome returns a migration's verdict in a few words.
func describeOutcome(x *index, m *onward.Migration) string {
	s := onward.Summary{}
	severities := make([]onward.Severity, 0, 8)
	for _, f := range x.findingsOn(m) {
		severities = append(severities, f.Severity)
	}
	for _, r := range x.also[m.Path] {
		if r.migration == m.ID {
			severities = append(severities, slices.Repeat([]onward.Severity{r.finding.Severity}, len(r.lines))...)
		}
	}
	for _, severity := range severities {
		switch severity {
		case onward.Error:
			s.Errors++
		case onward.Warning:
			s.Warnings++
		default:
			s.Infos++
		}
	}
	opaque := len(x.opaqueIn(m))
	words := countFindings(&s)
	switch {
	case opaque > 0: // unjudged code is not ok
		words = append(words, fmt.Sprintf("%d not judged", opaque))
	case len(words) == 0:
		words = append(words, "ok")
	}
	return strings.Join(words, ", ")
}

// maxEffects bounds the effects of a statement, and the places of a finding, that are shown.
const maxEffects = 6

// strongestLocks returns the strongest lock on each relation that others use, with the heaviest work under it. Locks that nobody
// notices are left out.
func strongestLocks(m *onward.Migration) []onward.Effect {
	var out []onward.Effect
	at := map[string]int{}
	for _, s := range m.Statements {
		for _, e := range noticeableEffects(s.Effects) {
			i, seen := at[e.Relation]
			if !seen {
				at[e.Relation] = len(out)
				out = append(out, e)
				continue
			}
			o := &out[i]
			o.Lock, o.Work, o.EstimateMS = max(o.Lock, e.Lock), max(o.Work, e.Work), max(o.EstimateMS, e.EstimateMS)
		}
	}
	return slices.DeleteFunc(out, func(e onward.Effect) bool { return e.Lock < onward.ShareUpdateExclusiveLock && e.Work == onward.NoWork })
}

// describeChange returns a change in words, and says so if its object is new.
func describeChange(c *onward.Change) string {
	text := EscapeLine(c.Text)
	if c.New && !strings.HasPrefix(text, "new ") {
		text += " (new)"
	}
	return text
}

// splitInstead returns the first line of a fix, which is prose, and the lines after it.
func splitInstead(text string) (words, sql string) {
	words, sql, _ = strings.Cut(strings.TrimSpace(EscapeControls(text)), "\n")
	return words, sql
}
