package view

import "github.com/charmbracelet/x/ansi"

// CutText shortens text to a number of bytes, between characters.
func CutText(s string, n int) string {
	if len(s) <= n {
		return s
	}
	for n > 0 && s[n]&0xc0 == 0x80 {
		n--
	}
	return s[:n] + "…"
}

// MeasureText is the width of a text on the screen.
func MeasureText(text string) int {
	for i := 0; i < len(text); i++ {
		if c := text[i]; c < ' ' || c >= 0x7f {
			return ansi.StringWidth(text)
		}
	}
	return len(text)
}

// CutToWidth cuts text to width columns and marks the cut.
func CutToWidth(text string, width int) string {
	if MeasureText(text) <= max(width, 8) {
		return text
	}
	return ansi.Truncate(text, max(width, 8), "…")
}
