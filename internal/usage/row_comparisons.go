package usage

import (
	"bytes"
	"slices"

	"github.com/onward-sql/onward/internal/catalog"
)

// comparisonCalls are the names of mappers and query builders for DISTINCT, UNION and GROUP BY.
var comparisonCalls = []string{"distinct", "distinctOn", "Distinct", "DistinctOn", "union", "groupBy", "group_by"}

// recordRowComparisons records the calls of mappers that may compare whole rows.
func (r *reader) recordRowComparisons() {
	if r.d == nil {
		return
	}
	for _, word := range comparisonCalls {
		for at := 0; ; {
			n := bytes.Index(r.text[at:], []byte(word))
			if n < 0 {
				break
			}
			from := at + n
			at = from + len(word)
			if r.isCall(from, at) && !r.inLiteral(from) && !isInSpans(r.notes, from) {
				r.facts.Compares = append(r.facts.Compares, r.lineAt(from))
			}
		}
	}
	slices.Sort(r.facts.Compares)
	r.facts.Compares = slices.Compact(r.facts.Compares)
}

// isCall reports whether a word is a method, a function or a named argument: .distinct,
// union(a, b), distinct: true.
func (r *reader) isCall(from, to int) bool {
	before, rest := byte('\n'), r.text[to:]
	if from > 0 {
		before = r.text[from-1]
	}
	switch {
	case nameByte[before] || len(rest) == 0 || nameByte[rest[0]]:
		return false
	case before == '.':
		return !bytes.HasSuffix(r.text[:from], []byte("_.")) // lodash's function works on a list
	}
	return rest[0] == '(' || rest[0] == ':' && secondByte(rest) != '='
}

// FindRowComparisons returns the code that may compare whole rows of a relation: queries on it with
// DISTINCT, GROUP BY or UNION, and such calls of mappers in files that use it.
func (b *Bound) FindRowComparisons(n catalog.Name) []Use {
	var out []Use
	b.eachNamingQuery(n, func(path string, q *Query, i int) {
		if q.Compares {
			out = append(out, Use{path, q.Relations[i].Line, Reads, Parsed, rankQuery})
		}
	})
	works := b.FilesUsing(n)
	b.eachFile(func(f *File) {
		for _, line := range f.Facts.Compares {
			if works[f.Path] {
				out = append(out, Use{f.Path, line, Reads, Named, rankCall})
			}
		}
	})
	return b.rankUses(out)
}
