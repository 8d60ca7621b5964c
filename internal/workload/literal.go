package workload

import (
	"math/big"
	"strings"

	"github.com/onward-sql/onward/internal/pgparse"
)

// literalType is the type that Postgres gives a literal: unknown for a string, which takes
// the type of what it stands beside.
func (t *text) literalType(i int) string {
	tok := &t.toks[i]
	switch tok.kind {
	case pgparse.LexemeBits:
		return "bit"
	case pgparse.LexemeNumber:
		return numberType(t.of(i), tok.minus)
	}
	return "unknown"
}

// numberType is the type of a number: the narrowest of integer and bigint that holds it.
func numberType(s string, minus bool) string {
	if len(s) < 10 && strings.IndexFunc(s, func(r rune) bool { return r < '0' || r > '9' }) < 0 {
		return "integer"
	}
	n, ok := new(big.Int).SetString(decimal(s), 0)
	if !ok || !n.IsInt64() && !minus {
		return "numeric"
	}
	if minus {
		n.Neg(n)
	}
	switch {
	case !n.IsInt64():
		return "numeric"
	case n.Int64() >= -1<<31 && n.Int64() < 1<<31:
		return "integer"
	}
	return "bigint"
}

// decimal is a number without the zeros before it, which say octal elsewhere.
func decimal(s string) string {
	if len(s) > 1 && s[0] == '0' && s[1] >= '0' && s[1] <= '9' {
		if s = strings.TrimLeft(s, "0"); s == "" {
			return "0"
		}
	}
	return s
}

// typeEnd is the token behind the type that begins at one: what stands in its brackets is
// no value.
func (t *text) typeEnd(i int) int {
	interval := t.word(i, "INTERVAL")
	first := i
	for i < len(t.toks) && (t.toks[i].kind == pgparse.LexemeWord || t.toks[i].kind == pgparse.LexemeQuoted) {
		i++
		if t.word(i-1, "SETOF", "NATIONAL") || t.word(i, "VARYING", "PRECISION", "CHARACTER") && i == first+1 {
			if t.word(i-1, "SETOF", "NATIONAL") {
				first = i
			}
			continue
		}
		if !t.is(i, '.') {
			break
		}
		i++
	}
	for interval && t.word(i, "YEAR", "MONTH", "DAY", "HOUR", "MINUTE", "SECOND", "TO") {
		i++
	}
	if t.is(i, '(') {
		i = t.bracketEnd(i)
	}
	if t.word(i, "WITH", "WITHOUT") && t.word(i+1, "TIME") && t.word(i+2, "ZONE") {
		i += 3
	}
	if t.word(i, "ARRAY") {
		i++
	}
	for t.is(i, '[') {
		i = t.bracketEnd(i)
	}
	return i
}

// bracketEnd is the token behind the bracket that closes the one at i.
func (t *text) bracketEnd(i int) int {
	depth := 0
	for ; i < len(t.toks); i++ {
		switch {
		case t.is(i, '('), t.is(i, '['):
			depth++
		case t.is(i, ')'), t.is(i, ']'):
			if depth--; depth <= 0 {
				return i + 1
			}
		}
	}
	return i
}

// plainType is how a cast writes the type of a literal that names its type. A type
// without a length means no bound there, and a length of one in a cast.
func plainType(words string) string {
	switch strings.ToLower(words) {
	case "char", "character", "nchar", "n", "national char", "national character":
		return "pg_catalog.bpchar"
	case "bit":
		return `pg_catalog."bit"`
	}
	return words
}

// words are some tokens as they stand, with one blank for white space.
func (t *text) words(from, to int) string {
	var b strings.Builder
	for i := from; i < to; i++ {
		if i > from && t.toks[i].space {
			b.WriteByte(' ')
		}
		b.WriteString(t.of(i))
	}
	return b.String()
}
