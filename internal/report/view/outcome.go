package view

import (
	"fmt"
	"slices"
	"strings"

	"github.com/onward-sql/onward/internal/report/escape"
	"github.com/onward-sql/onward/onward"
)

// DescribeOutcome returns a migration's verdict in a few words.
func DescribeOutcome(x *Index, m *onward.Migration) string {
	s := onward.Summary{}
	severities := make([]onward.Severity, 0, 8)
	for _, f := range x.FindingsOn(m) {
		severities = append(severities, f.Severity)
	}
	for _, r := range x.Repeated[m.Path] {
		if r.Migration == m.ID {
			severities = append(severities, slices.Repeat([]onward.Severity{r.Finding.Severity}, len(r.Lines))...)
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
	opaque := len(x.OpaqueIn(m))
	words := countFindings(&s)
	switch {
	case m.Status == onward.StatusReplaced:
		words = append(words, "a plan under way replaces it")
	case opaque > 0: // unjudged code is not ok
		words = append(words, fmt.Sprintf("%d not judged", opaque))
	case len(words) == 0:
		words = append(words, "ok")
	}
	return strings.Join(words, ", ")
}

// MaxEffects bounds the effects of a statement, and the places of a finding, that are shown.
const MaxEffects = 6

// ListStrongestLocks returns the strongest lock on each relation that others use, with the heaviest work under it. Locks that nobody
// notices are left out.
func ListStrongestLocks(m *onward.Migration) []onward.Effect {
	var out []onward.Effect
	indexByRelation := map[string]int{}
	for _, s := range m.Statements {
		for _, e := range ListNoticeable(s.Effects) {
			i, seen := indexByRelation[e.Relation]
			if !seen {
				indexByRelation[e.Relation] = len(out)
				out = append(out, e)
				continue
			}
			o := &out[i]
			o.Lock, o.Work, o.EstimateMS = max(o.Lock, e.Lock), max(o.Work, e.Work), max(o.EstimateMS, e.EstimateMS)
		}
	}
	return slices.DeleteFunc(out, func(e onward.Effect) bool { return e.Lock < onward.ShareUpdateExclusiveLock && e.Work == onward.NoWork })
}

// DescribeChange returns a change in words, and says so if its object is new.
func DescribeChange(c *onward.Change) string {
	text := escape.Line(c.Text)
	if c.New && !strings.HasPrefix(text, "new ") {
		text += " (new)"
	}
	return text
}

// SplitInstead returns the first line of a fix, which is prose, and the lines after it.
func SplitInstead(text string) (words, sql string) {
	words, sql, _ = strings.Cut(strings.TrimSpace(escape.Controls(text)), "\n")
	return words, sql
}
