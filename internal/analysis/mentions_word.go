package analysis

import "strings"

// MentionsWord reports whether a text has a word.
func MentionsWord(text, word string) bool {
	for {
		before, after, found := strings.Cut(text, word)
		if !found {
			return false
		}
		if !letterAt(before, len(before)-1) && !letterAt(after, 0) {
			return true
		}
		text = after
	}
}

func letterAt(text string, i int) bool {
	if i < 0 || i >= len(text) {
		return false
	}
	c := text[i]
	return c == '_' || c >= 'a' && c <= 'z' || c >= 'A' && c <= 'Z' || c >= '0' && c <= '9' || c >= 0x80
}
