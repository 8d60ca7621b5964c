package audit

import (
	"regexp"
	"strings"

	"github.com/onward-sql/onward/internal/analysis"
	"github.com/onward-sql/onward/internal/gitrange"
	"github.com/onward-sql/onward/internal/usage"
)

var (
	valueWord = regexp.MustCompile(`\w+`)
	// ownName is a value that is hardly the word of another thing: "invoice_paid",
	// "search.v2".
	ownName = regexp.MustCompile(`^\w+(?:[_.:/-]\w+)+$`)
)

// valueReach is how many lines above a value the column, or the class or type of its
// name, may stand.
const valueReach = 12

// knowing answers the question which values of a column the code knows: it has the
// text in quotation marks, near the name of the column, or a text that is like no
// other; and nowhere in quotation marks the one that takes its place.
func (u *deployedCode) knowing(q question) analysis.Usage {
	column, old, now := q.Column, q.Old, q.Now
	b := u.bound(q)
	has := map[string]bool{}
	for _, value := range []string{old, now} {
		for _, e := range append(b.String(value), b.Constant(value)...) {
			has[e.Path] = true
		}
	}
	hits, err := gitrange.Words(u.base, []string{longest(old), longest(now)}, func(p string) bool { return !has[p] })
	if err != nil {
		return analysis.Usage{}
	}
	told, knows := constant(old), meant(now)
	var found []usage.Use
	for _, h := range hits {
		if comment(h.Text) {
			continue
		}
		if h.Word == longest(now) && knows.MatchString(h.Text) {
			return analysis.Usage{Known: true}
		}
		if h.Word != longest(old) || !told.MatchString(h.Text) {
			continue
		}
		e := usage.Use{Path: h.Path, Line: h.Line}
		u.code().fetch([]usage.Use{e})
		if ownName.MatchString(old) || ofColumn(u.code().lines[h.Path], h.Line, column) {
			found = append(found, e)
		}
	}
	return analysis.Usage{Known: true, Used: len(found) > 0, Evidence: u.evidence(found, maxEvidence)}
}

// longest is the longest word of a value, by which it is looked for.
func longest(value string) string {
	out := ""
	for _, w := range valueWord.FindAllString(value, -1) {
		if len(w) > len(out) {
			out = w
		}
	}
	return out
}

// constant finds a text as a constant of a language: "paid", :paid.
func constant(value string) *regexp.Regexp {
	v := regexp.QuoteMeta(value)
	return regexp.MustCompile("[\"'`]" + v + "\\\\?[\"'`]|(?:^|[\\s(\\[{,|]):" + v + `\b`)
}

// meant finds a text as a constant, or as the name of one: Status.paid.
func meant(value string) *regexp.Regexp {
	return regexp.MustCompile(constant(value).String() + `|(?:^|[.:])` + regexp.QuoteMeta(value) + `\b`)
}

// ofColumn reports whether a line, or one of those above it, has the name of a column
// in it, in any of its spellings.
func ofColumn(lines []string, at int, column string) bool {
	bare := strings.ReplaceAll(strings.ToLower(column), "_", "")
	for _, line := range lines[max(0, at-1-valueReach):min(at, len(lines))] {
		if strings.Contains(strings.ReplaceAll(strings.ToLower(line), "_", ""), bare) {
			return true
		}
	}
	return false
}
