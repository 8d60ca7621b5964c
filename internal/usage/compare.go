package usage

import (
	"bytes"
	"slices"

	"github.com/onward-sql/onward/internal/catalog"
)

// comparing are the words that mappers and query builders have for DISTINCT, UNION and
// GROUP BY.
var comparing = []string{"distinct", "distinctOn", "Distinct", "DistinctOn", "union", "groupBy", "group_by"}

// compares notes the calls of mappers that may compare whole rows.
func (r *reader) compares() {
	if r.d == nil {
		return
	}
	for _, word := range comparing {
		for at := 0; ; {
			n := bytes.Index(r.text[at:], []byte(word))
			if n < 0 {
				break
			}
			from := at + n
			at = from + len(word)
			if r.calls(from, at) && !r.inLiteral(from) && !within(r.notes, from) {
				r.facts.Compares = append(r.facts.Compares, r.lineAt(from))
			}
		}
	}
	slices.Sort(r.facts.Compares)
	r.facts.Compares = slices.Compact(r.facts.Compares)
}

// calls reports whether a word is that of a method, a function or a named argument:
// .distinct, union(a, b), distinct: true.
func (r *reader) calls(from, to int) bool {
	before, rest := byte('\n'), r.text[to:]
	if from > 0 {
		before = r.text[from-1]
	}
	switch {
	case nameByte[before] || len(rest) == 0 || nameByte[rest[0]]:
		return false
	case before == '.':
		return !bytes.HasSuffix(r.text[:from], []byte("_.")) // lodash, of a list
	}
	return rest[0] == '(' || rest[0] == ':' && following(rest) != '='
}

// Compares gives the places that may compare whole rows of a relation: its queries with
// DISTINCT, GROUP BY or UNION, and such calls of mappers in files that work on it.
func (b *Bound) Compares(n catalog.Name) []Use {
	var out []Use
	b.naming(n, func(path string, q *Query, i int) {
		if q.Compares {
			out = append(out, Use{path, q.Relations[i].Line, Reads, Parsed, rankQuery})
		}
	})
	works := b.Works(n)
	b.eachFile(func(f *File) {
		for _, line := range f.Facts.Compares {
			if works[f.Path] {
				out = append(out, Use{f.Path, line, Reads, Named, rankCall})
			}
		}
	})
	return b.ranked(out)
}
