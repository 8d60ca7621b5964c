package audit

import (
	"regexp"
	"slices"
	"strings"

	"github.com/onward-sql/onward/internal/gitrange"
	"github.com/onward-sql/onward/internal/rule"
	"github.com/onward-sql/onward/onward"
)

// value reports a question of rule.Pass.KnowsOnly.
func (q question) value() bool { return q.table.Schema == rule.Value.Name }

var (
	valueWord = regexp.MustCompile(`\w+`)
	// ownName is a value that is hardly the word of another thing: "invoice_paid",
	// "search.v2".
	ownName = regexp.MustCompile(`^\w+(?:[_.:/-]\w+)+$`)
)

// valueReach is how many lines above a value the column, or the class or type of its
// name, may stand.
const valueReach = 12

// knowing answers the questions which values of a column the code knows: it has the
// text in quotation marks, near the name of the column, or a text that is like no
// other; and nowhere in quotation marks the one that takes its place.
func (u *usage) knowing() {
	if len(u.values) == 0 {
		return
	}
	var words []string
	for _, q := range u.values {
		_, old, now := rule.CutValue(q.column)
		words = append(words, longest(old), longest(now))
	}
	hits, err := gitrange.Words(u.base, words, u.noCode)
	if err != nil {
		return
	}
	hits = slices.DeleteFunc(hits, func(h gitrange.Hit) bool { return data(h.Path) || comment(h.Text) })
	texts := map[string][]string{}
	lines := func(file string) []string {
		if _, read := texts[file]; !read {
			text, _ := u.base.ReadAll([]string{file})
			texts[file] = strings.Split(string(text[file]), "\n")
		}
		return texts[file]
	}
	for _, q := range u.values {
		column, old, now := rule.CutValue(q.column)
		other, _ := u.elsewhere(question{table: q.table, column: column, database: q.database})
		told, knows := constant(old), meant(now)
		var found []onward.Evidence
		both := false
		for _, h := range hits {
			if h.Word == longest(now) && knows.MatchString(h.Text) {
				both = true
				break
			}
			if h.Word != longest(old) || !told.MatchString(h.Text) || len(found) == maxEvidence || under(other, h.Path) {
				continue
			}
			if ownName.MatchString(old) || ofColumn(lines(h.Path), h.Line, column) {
				found = append(found, onward.Evidence{Kind: "code", Path: h.Path, Line: h.Line, Text: h.Text, Revision: u.name})
			}
		}
		u.cache[q] = rule.Usage{Known: true, Used: len(found) > 0 && !both, Evidence: found}
	}
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
