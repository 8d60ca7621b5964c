package pgparse

import "strings"

// HasPlainBackslash reports whether a string constant of a text, other than E'…', has a backslash. The server reads
// such a string differently if standard_conforming_strings is off.
func HasPlainBackslash(text string) bool {
	for i := 0; i < len(text); {
		switch {
		case text[i] == '\'':
			escapes := i > 0 && (text[i-1] == 'e' || text[i-1] == 'E') && (i == 1 || !isWordByte(text[i-2]))
			end := quoteEnd(text, i, '\'', escapes)
			if !escapes && strings.IndexByte(text[i:end], '\\') >= 0 {
				return true
			}
			i = end
		default:
			i = skipToken(text, i)
		}
	}
	return false
}

// skipToken returns the end of the comment or token at i.
func skipToken(text string, i int) int {
	switch {
	case strings.HasPrefix(text[i:], "--"):
		return lineEnd(text, i)
	case strings.HasPrefix(text[i:], "/*"):
		return commentEnd(text, i)
	}
	return tokenEnd(text, i)
}
