package analysis

import "strings"

// IndexWord returns the offset of a keyword in SQL, outside parentheses and strings; -1
// if it is not found. The keyword is in upper case, with a blank on both sides.
func IndexWord(sql, word string) int {
	word = strings.TrimSpace(word)
	depth, quote := 0, byte(0)
	for i := 0; i < len(sql); i++ {
		switch c := sql[i]; {
		case quote != 0:
			if c == quote {
				quote = 0
			}
		case c == '\'' || c == '"':
			quote = c
		case c == '(':
			depth++
		case c == ')':
			depth--
		case depth == 0 && i > 0 && isBlank(sql[i-1]) && len(sql) > i+len(word) && strings.EqualFold(sql[i:i+len(word)], word) && isBlank(sql[i+len(word)]):
			return i - 1
		}
	}
	return -1
}

func isBlank(c byte) bool { return c == ' ' || c == '\t' || c == '\n' || c == '\r' }
