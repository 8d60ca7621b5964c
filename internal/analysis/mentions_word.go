package analysis

import "strings"

// MentionsWord reports whether a text has a word: "a.users(id)" has users, and "users_old" does not. No text has the empty word.
func MentionsWord(text, word string) bool {
	for from := 0; word != ""; from++ {
		i := strings.Index(text[from:], word)
		if i < 0 {
			return false
		}
		from += i
		if !isWordByteAt(text, from-1) && !isWordByteAt(text, from+len(word)) {
			return true
		}
	}
	return false
}

func isWordByteAt(text string, i int) bool {
	if i < 0 || i >= len(text) {
		return false
	}
	c := text[i]
	return c == '_' || c >= 'a' && c <= 'z' || c >= 'A' && c <= 'Z' || c >= '0' && c <= '9' || c >= 0x80
}
