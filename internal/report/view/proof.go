package view

import (
	"fmt"
	"slices"
	"strings"

	"github.com/onward-sql/onward/internal/prose"
	"github.com/onward-sql/onward/internal/report/escape"
	"github.com/onward-sql/onward/onward"
)

// ListBreaks returns the verdicts on queries that break or may break during the release, in groups; those that only need a later schema are left out. What
// breaks in several versions of the code in the same way is one group.
func ListBreaks(r *onward.Report) (out []SimilarVerdicts) {
	for _, l := range GroupVerdicts(r) {
		if NeedsLater(l.Verdict) {
			continue
		}
		index := slices.IndexFunc(out, func(known SimilarVerdicts) bool { return known.breaksAlike(&l) })
		if index < 0 {
			out = append(out, l)
			continue
		}
		out[index].Others = append(out[index].Others, l)
	}
	return out
}

// breaksAlike reports whether the queries of a group of another version of the code are among these, and break in the same way.
func (l *SimilarVerdicts) breaksAlike(other *SimilarVerdicts) bool {
	return l.Code != other.Code && l.After == other.After && l.Kind == other.Kind && l.Severity == other.Severity && l.Until == nil && other.Until == nil &&
		DescribeFailure(l.Verdict) == DescribeFailure(other.Verdict) &&
		!slices.ContainsFunc(other.All, func(d *onward.Verdict) bool {
			return !slices.ContainsFunc(l.All, func(known *onward.Verdict) bool { return known.Query == d.Query })
		})
}

// DescribeBreak says who sends the queries of a group, which version of the code that is, and what the server says.
func DescribeBreak(l *SimilarVerdicts) string {
	sources := l.DescribeSenders()
	switch {
	case sources == "":
		sources = NameCode(l.Code)
	case l.Code != onward.OldCode:
		sources += ", " + NameCode(l.Code)
	}
	for i := range l.Others {
		other := &l.Others[i]
		sources += ", also " + NameCode(other.Code)
		if sender := other.DescribeSenders(); sender != "" && sender != l.DescribeSenders() {
			sources += " (" + sender + ")"
		}
	}
	return sources + ": " + DescribeFailure(l.Verdict)
}

// IsBreakKnown reports whether a verdict on a query has what a finding says: that the statement breaks the deployed code by what it does to a column or
// relation which the server's message names.
func IsBreakKnown(r *onward.Report, f *onward.Finding) bool {
	return f.Category == onward.Compatibility && slices.ContainsFunc(r.Verdicts, func(d onward.Verdict) bool {
		return d.Severity >= f.Severity && !NeedsLater(&d) && d.After.Path == f.Path && d.After.Line == f.Line && sharesQuotedName(d.Message, f.Fact)
	})
}

// sharesQuotedName reports whether a server's message has, in quotes, a name that a fact has as a word.
func sharesQuotedName(message, fact string) bool {
	words := strings.FieldsFunc(fact, func(c rune) bool { return c == ' ' || c == '.' || c == ',' })
	for i, quoted := range strings.Split(message, `"`) {
		if i%2 == 1 && slices.Contains(words, quoted[strings.LastIndexByte(quoted, '.')+1:]) {
			return true
		}
	}
	return false
}

// StatementAt returns the statement at a place in one line; "" if there is none.
func StatementAt(r *onward.Report, place *onward.VerdictPlace) string {
	for i := range r.Migrations {
		m := &r.Migrations[i]
		if m.Path != place.Path {
			continue
		}
		for j := range m.Statements {
			if m.Statements[j].Line == place.Line {
				return escape.Line(strings.Join(strings.Fields(m.Statements[j].SQL), " "))
			}
		}
	}
	return ""
}

// DescribeProof says what a server was asked about a release.
func DescribeProof(r *onward.Report) string {
	v := r.Verification
	var parts []string
	for _, version := range ListVersions(v) {
		if n := version.Queries; n != nil && n.Queries > 0 {
			text := prose.CountNoun(n.Queries, "query") + " of " + NameCodeInSentence(version.Code)
			if len(parts) > 0 {
				text = GroupDigits(n.Queries) + " of " + strings.TrimSuffix(NameCodeInSentence(version.Code), " code")
			}
			if n.Unjudged > 0 {
				text += fmt.Sprintf(" (%d not judged)", n.Unjudged)
			}
			parts = append(parts, text)
		}
	}
	if len(parts) == 0 {
		parts = append(parts, "no query")
	}
	text := fmt.Sprintf("proven on Postgres %s, %s: %s", escape.Line(v.Version), prose.CountNoun(len(v.Points), "commit point"), strings.Join(parts, ", "))
	if n := v.Replay; n != nil {
		text += fmt.Sprintf("; %s executed with values", prose.CountNoun(n.Statements, "statement"))
		if n.Unlike > 0 {
			text += fmt.Sprintf(", %d not as recorded", n.Unlike)
		}
		if n.Fixtures > 0 {
			text += ", rows of " + prose.CountNoun(n.Fixtures, "test")
		}
	}
	if n := v.MadeValues; n != nil {
		text += fmt.Sprintf("; %s executed with made values", prose.CountNoun(n.Queries, "query"))
		if left := n.CountLeft(); left > 0 {
			text += fmt.Sprintf(", %d not", left)
		}
	}
	if len(r.Rehearsals) > 0 {
		text += "; rehearsed on " + DescribeData(&r.Rehearsals[0])
	}
	return text
}
