package pycode

import "strings"

// QuoteString returns a text as a Python string of several lines, which begins with a line break.
func QuoteString(text string) string {
	text = strings.ReplaceAll(strings.ReplaceAll(text, `\`, `\\`), `"""`, `""\"`)
	return "\"\"\"\n" + text + `"""`
}
