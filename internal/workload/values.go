package workload

import (
	"slices"
	"strings"

	"github.com/onward-sql/onward/internal/pgparse"
)

// MostValues is how many examples of its values a query keeps, where a recording keeps any.
const MostValues = 3

// Values are what stood for each parameter of Normalise(sql).SQL, as Postgres reads it from
// a text. nil is a parameter of the client's, and a literal in a form that is not read: with
// escapes, in dollars, of bits.
func Values(sql string) []*string {
	_, s := normalise(sql)
	if s == nil {
		return nil
	}
	out := make([]*string, len(s.params))
	for i, from := range s.from {
		if from > 0 {
			continue
		}
		tok := &s.toks[s.literal[i]]
		switch text := s.of(s.literal[i]); {
		case tok.kind == pgparse.LexemeNumber && tok.minus:
			text = "-" + text
			out[i] = &text
		case tok.kind == pgparse.LexemeNumber:
			out[i] = &text
		case tok.kind == pgparse.LexemeString && len(text) >= 2 && text[0] == '\'' && strings.Count(text, "\n") == 0:
			text = strings.ReplaceAll(text[1:len(text)-1], "''", "'")
			out[i] = &text
		}
	}
	return out
}

// AddValues puts examples together: sorted, each once, and of many the first.
func AddValues(a [][]*string, b ...[]*string) [][]*string {
	out := slices.Concat(a, b)
	slices.SortFunc(out, compareValues)
	out = slices.CompactFunc(out, func(a, b []*string) bool { return compareValues(a, b) == 0 })
	return out[:min(len(out), MostValues):min(len(out), MostValues)]
}

// compareValues orders NULL before values.
func compareValues(a, b []*string) int {
	return slices.CompareFunc(a, b, func(a, b *string) int {
		switch {
		case a == nil && b == nil:
			return 0
		case a == nil:
			return -1
		case b == nil:
			return 1
		}
		return strings.Compare(*a, *b)
	})
}
