package audit

import (
	"regexp"
	"slices"
	"strings"

	"github.com/onward-sql/onward/internal/analysis"
	"github.com/onward-sql/onward/internal/usage"
)

// ownName is a value that is hardly the word of another thing: "invoice_paid",
// "search.v2".
var ownName = regexp.MustCompile(`^\w+(?:[_.:/-]\w+)+$`)

// valueReach is how many lines above a value the column, or the class or type of its
// name, may stand.
const valueReach = 12

// knowing answers the question which values of a column the code knows: queries and
// classes of constants of the column have it, or a text near the column's name, or one
// that is like no other; and nothing has the value that takes its place.
func (u *deployedCode) knowing(q question) analysis.Usage {
	b := u.bound(q)
	out := analysis.Usage{Known: u.code().err == nil}
	if len(b.Value(q.Name, q.Column, q.Now))+len(b.String(q.Now)) > 0 {
		return out
	}
	found := b.Value(q.Name, q.Column, q.Old)
	texts := b.String(q.Old)
	u.code().fetch(texts)
	for _, e := range texts {
		if ownName.MatchString(q.Old) || ofColumn(u.code().lines[e.Path], e.Line, q.Column) {
			found = append(found, e)
		}
	}
	if slices.ContainsFunc(found, func(e usage.Use) bool { return u.hasMember(e.Path, q.Now) }) {
		return out
	}
	out.Used, out.Evidence = len(found) > 0, u.evidence(found, maxEvidence)
	return out
}

// hasMember reports whether a file has a constant by its name: Status.paid.
func (u *deployedCode) hasMember(file, name string) bool {
	u.code().fetch([]usage.Use{{Path: file}})
	return name != "" && slices.ContainsFunc(u.code().lines[file], func(line string) bool {
		for at := 0; ; {
			n := strings.Index(line[at:], name)
			if n < 0 {
				return false
			}
			at += n + len(name)
			if from := at - len(name); from > 0 && (line[from-1] == '.' || line[from-1] == ':') && alone(line, from, len(name)) {
				return !comment(strings.TrimSpace(line))
			}
		}
	})
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
