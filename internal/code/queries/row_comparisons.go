package queries

import (
	"bytes"
	"slices"

	"github.com/onward-sql/onward/internal/code/lexer"
	"github.com/onward-sql/onward/internal/code/source"
)

// comparisonCalls are the names of mappers and query builders for DISTINCT, UNION and GROUP BY.
var comparisonCalls = lexer.NewWords("distinct", "distinctOn", "Distinct", "DistinctOn", "union", "groupBy", "group_by")

// RecordRowComparisons records the calls of mappers that may compare whole rows.
func RecordRowComparisons(r *source.File) {
	if r.Language == nil {
		return
	}
	comparisonCalls.Each(r.Text, func(from int, word string) bool {
		if isCall(r, from, from+len(word)) && !r.IsInString(from) && !lexer.IsInSpans(r.Comments, from) {
			r.Facts.Compares = append(r.Facts.Compares, r.LineAt(from))
		}
		return true
	})
	r.Facts.Compares = slices.Compact(r.Facts.Compares)
}

// isCall reports whether a word is a method, a function or a named argument: .distinct,
// union(a, b), distinct: true.
func isCall(r *source.File, from, to int) bool {
	before, rest := byte('\n'), r.Text[to:]
	if from > 0 {
		before = r.Text[from-1]
	}
	switch {
	case lexer.NameByte[before] || len(rest) == 0 || lexer.NameByte[rest[0]]:
		return false
	case before == '.':
		return !bytes.HasSuffix(r.Text[:from], []byte("_.")) // lodash's function works on a list
	}
	return rest[0] == '(' || rest[0] == ':' && secondByte(rest) != '='
}
