package database

import (
	"strings"
	"unicode/utf8"

	"github.com/onward-sql/onward/internal/pgparse"
)

// listLongNames lists the identifiers of a statement that are too long.
func listLongNames(sql string) []string {
	if !mayHoldTooLongName(sql) {
		return nil
	}
	var out []string
	text := pgparse.SqueezeSQL(sql)
	for i := 0; i < len(text); {
		switch c := text[i]; {
		case c == '\'':
			i = closingQuote(text, i, '\'')
		case c == '"':
			end := closingQuote(text, i, '"')
			if name := strings.ReplaceAll(strings.Trim(text[i:end], `"`), `""`, `"`); len(name) > limit {
				out = append(out, name)
			}
			i = end
		case c == '$':
			// Skip a dollar-quoted body.
			end := strings.IndexByte(text[i+1:], '$')
			if end < 0 {
				return out
			}
			tag := text[i : i+end+2]
			close := strings.Index(text[i+len(tag):], tag)
			if close < 0 {
				return out
			}
			i += 2*len(tag) + close
		case isWordByte(c):
			start := i
			for i < len(text) && (isWordByte(text[i]) || text[i] == '$') {
				i++
			}
			if i-start > limit {
				out = append(out, strings.ToLower(text[start:i]))
			}
		default:
			i++
		}
	}
	return out
}

// closingQuote returns the offset after the quote that ends the text that begins at i.
func closingQuote(text string, i int, quote byte) int {
	for i++; i < len(text); i++ {
		if text[i] == quote {
			if i+1 < len(text) && text[i+1] == quote {
				i++
				continue
			}
			return i + 1
		}
	}
	return len(text)
}

func isWordByte(c byte) bool {
	return c == '_' || c >= '0' && c <= '9' || c >= 'a' && c <= 'z' || c >= 'A' && c <= 'Z' || c >= 0x80
}

// truncateIdentifier shortens a name as Postgres does. The name must be longer than limit.
func truncateIdentifier(name string) string {
	n := limit
	for n > 0 && !utf8.RuneStart(name[n]) {
		n--
	}
	return name[:n]
}
