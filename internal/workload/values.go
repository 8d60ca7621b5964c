package workload

import (
	"slices"
	"strings"

	"github.com/onward-sql/onward/internal/pgparse"
)

// MostValues is how many examples of its values a query keeps, if the recording keeps
// values.
const MostValues = 3

// ParameterValues returns the value of each parameter of Normalize(sql).SQL, as text that Postgres
// can read. nil stands for a parameter of the client, and for a literal with escapes, in
// dollar quotes or of bits, which is not read.
func ParameterValues(sql string) []*string {
	_, s := normalizeStatement(sql)
	if s == nil {
		return nil
	}
	out := make([]*string, len(s.params))
	for i, from := range s.from {
		if from > 0 {
			continue
		}
		out[i] = s.readLiteral(s.literal[i])
	}
	return out
}

// readLiteral is a literal's value as a text; nil if its form is not read.
func (t *text) readLiteral(i int) *string {
	tok := &t.toks[i]
	switch text := t.tokenText(i); {
	case tok.kind == pgparse.LexemeNumber && tok.minus:
		text = "-" + text
		return &text
	case tok.kind == pgparse.LexemeNumber:
		return &text
	case tok.kind == pgparse.LexemeString && len(text) >= 2 && text[0] == '\'' && strings.Count(text, "\n") == 0:
		text = strings.ReplaceAll(text[1:len(text)-1], "''", "'")
		return &text
	}
	return nil
}

// AddValues merges examples: sorted, without duplicates, at most MostValues.
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
