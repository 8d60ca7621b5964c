package deployed

import (
	"slices"
	"strings"

	"github.com/onward-sql/onward/internal/analysis"
	"github.com/onward-sql/onward/internal/code/index"
	"github.com/onward-sql/onward/internal/lazyregexp"
)

// ownName matches a value that hardly means anything else: "invoice_paid",
// "search.v2".
var ownName = lazyregexp.New(`^\w+(?:[_.:/-]\w+)+$`)

// valueReach is how many lines above a value the name of the column, or of its class or
// type, may be.
const valueReach = 12

// findKnownValues answers the question which values of a column the code knows. A value is known
// if a query or a class of constants of the column has it, a text near the column's name,
// or a distinctive text. The replacing value must be unknown.
func (u *Code) findKnownValues(q question) analysis.Usage {
	b := u.indexFor(q)
	out := analysis.Usage{Known: u.ReadFiles().err == nil}
	if len(b.Value(q.Name, q.Column, q.Now))+len(b.String(q.Now)) > 0 {
		return out
	}
	found := b.Value(q.Name, q.Column, q.Old)
	texts := b.String(q.Old)
	u.ReadFiles().readFilesOf(texts)
	for _, e := range texts {
		if ownName.MatchString(q.Old) || isNearColumnName(u.ReadFiles().lines[e.Path], e.Line, q.Column) {
			found = append(found, e)
		}
	}
	if slices.ContainsFunc(found, func(e index.Use) bool { return u.usesConstant(e.Path, q.Now) }) {
		return out
	}
	out.Used, out.Evidence = len(found) > 0, u.makeEvidence(found, maxEvidence)
	return out
}

// usesConstant reports whether a file uses a constant by its name: Status.paid.
func (u *Code) usesConstant(file, name string) bool {
	u.ReadFiles().readFilesOf([]index.Use{{Path: file}})
	return name != "" && slices.ContainsFunc(u.ReadFiles().lines[file], func(line string) bool {
		for offset := 0; ; {
			n := strings.Index(line[offset:], name)
			if n < 0 {
				return false
			}
			offset += n + len(name)
			if from := offset - len(name); from > 0 && (line[from-1] == '.' || line[from-1] == ':') && isWholeWord(line, from, len(name)) {
				return !isComment(strings.TrimSpace(line))
			}
		}
	})
}

// isNearColumnName reports whether a line, or one of the lines above it, has the name of a
// column, in any of its spellings.
func isNearColumnName(lines []string, lineNumber int, column string) bool {
	bare := strings.ReplaceAll(strings.ToLower(column), "_", "")
	for _, line := range lines[max(0, lineNumber-1-valueReach):min(lineNumber, len(lines))] {
		if strings.Contains(strings.ReplaceAll(strings.ToLower(line), "_", ""), bare) {
			return true
		}
	}
	return false
}
