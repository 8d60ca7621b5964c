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
		case strings.HasPrefix(text[i:], "--"):
			i = lineEnd(text, i)
		case strings.HasPrefix(text[i:], "/*"):
			i = commentEnd(text, i)
		default:
			i = tokenEnd(text, i)
		}
	}
	return false
}
