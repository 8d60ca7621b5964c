package pgparse

import "strings"

// SqueezeSQL returns a statement without comments, with one blank for each run of white
// space outside quotes. Two statements with the same result do the same. For "SELECT  1 -- one" it is "SELECT 1".
func SqueezeSQL(sql string) string {
	var b strings.Builder
	b.Grow(len(sql))
	space := false
	for i := 0; i < len(sql); {
		start := i
		c := sql[i]
		switch {
		case c == ' ' || c == '\t' || c == '\n' || c == '\r' || c == '\f' || c == '\v':
			space = true
			i++
			continue
		case c == '-' && strings.HasPrefix(sql[i:], "--"):
			space = true
			i = lineEnd(sql, i)
			continue
		case c == '/' && strings.HasPrefix(sql[i:], "/*"):
			space = true
			i = commentEnd(sql, i)
			continue
		default:
			i = tokenEnd(sql, i)
		}
		if space && b.Len() > 0 {
			b.WriteByte(' ')
		}
		space = false
		b.WriteString(sql[start:i])
	}
	return b.String()
}

// tokenEnd returns the end of the quoted text at i, or of the single byte.
func tokenEnd(sql string, i int) int {
	switch c := sql[i]; {
	case c == '\'':
		escapes := i > 0 && (sql[i-1] == 'e' || sql[i-1] == 'E') && (i == 1 || !isWordByte(sql[i-2]))
		return stringEnd(sql, i, escapes)
	case c == '"':
		return quoteEnd(sql, i, '"', false)
	case c == '$' && (i == 0 || !isWordByte(sql[i-1])):
		return dollarEnd(sql, i)
	}
	return i + 1
}
