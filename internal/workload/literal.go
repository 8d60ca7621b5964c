package workload

import (
	"math/big"
	"strings"

	"github.com/onward-sql/onward/internal/pgparse"
)

// literalType returns the type that Postgres gives a literal. A string is unknown: it
// takes its type from its context.
func (t *text) literalType(i int) string {
	tok := &t.toks[i]
	switch tok.kind {
	case pgparse.LexemeBits:
		return "bit"
	case pgparse.LexemeNumber:
		return numberType(t.tokenText(i), tok.minus)
	}
	return "unknown"
}

// numberType returns the type of a number: integer or bigint if it fits, else numeric.
func numberType(s string, minus bool) string {
	if len(s) < 10 && strings.IndexFunc(s, func(r rune) bool { return r < '0' || r > '9' }) < 0 {
		return "integer"
	}
	n, ok := new(big.Int).SetString(trimZeros(s), 0)
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

// trimZeros removes the leading zeros of a number, which other languages read as octal.
func trimZeros(s string) string {
	if len(s) > 1 && s[0] == '0' && s[1] >= '0' && s[1] <= '9' {
		if s = strings.TrimLeft(s, "0"); s == "" {
			return "0"
		}
	}
	return s
}

// typeEnd returns the token after the type that begins at a token. Numbers in the type's
// brackets are not values.
func (t *text) typeEnd(i int) int {
	interval := t.isKeyword(i, "INTERVAL")
	first := i
	for i < len(t.toks) && (t.toks[i].kind == pgparse.LexemeWord || t.toks[i].kind == pgparse.LexemeQuoted) {
		i++
		if t.isKeyword(i-1, "SETOF", "NATIONAL") || t.isKeyword(i, "VARYING", "PRECISION", "CHARACTER") && i == first+1 {
			if t.isKeyword(i-1, "SETOF", "NATIONAL") {
				first = i
			}
			continue
		}
		if !t.isByte(i, '.') {
			break
		}
		i++
	}
	for interval && t.isKeyword(i, "YEAR", "MONTH", "DAY", "HOUR", "MINUTE", "SECOND", "TO") {
		i++
	}
	if t.isByte(i, '(') {
		i = t.bracketEnd(i)
	}
	if t.isKeyword(i, "WITH", "WITHOUT") && t.isKeyword(i+1, "TIME") && t.isKeyword(i+2, "ZONE") {
		i += 3
	}
	if t.isKeyword(i, "ARRAY") {
		i++
	}
	for t.isByte(i, '[') {
		i = t.bracketEnd(i)
	}
	return i
}

// bracketEnd returns the token after the bracket that closes the one at i.
func (t *text) bracketEnd(i int) int {
	depth := 0
	for ; i < len(t.toks); i++ {
		switch {
		case t.isByte(i, '('), t.isByte(i, '['):
			depth++
		case t.isByte(i, ')'), t.isByte(i, ']'):
			if depth--; depth <= 0 {
				return i + 1
			}
		}
	}
	return i
}

// castTypeName returns how a cast must spell the type of a literal such as char '…'. A type
// without a length is unbounded there, but has length one in a cast.
func castTypeName(words string) string {
	switch strings.ToLower(words) {
	case "char", "character", "nchar", "n", "national char", "national character":
		return "pg_catalog.bpchar"
	case "bit":
		return `pg_catalog."bit"`
	}
	return words
}

// joinTokens returns the text of some tokens, with one blank for white space.
func (t *text) joinTokens(from, to int) string {
	var b strings.Builder
	for i := from; i < to; i++ {
		if i > from && t.toks[i].space {
			b.WriteByte(' ')
		}
		b.WriteString(t.tokenText(i))
	}
	return b.String()
}
