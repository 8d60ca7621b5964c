package audit

import "strings"

// lineAt is the line of a text in which an offset lies, without white space
// around it, and its number.
func lineAt(text string, at int) (line string, number int) {
	from := strings.LastIndexByte(text[:at], '\n') + 1
	to := len(text)
	if n := strings.IndexByte(text[at:], '\n'); n >= 0 {
		to = at + n
	}
	return strings.TrimSpace(text[from:to]), 1 + strings.Count(text[:from], "\n")
}
