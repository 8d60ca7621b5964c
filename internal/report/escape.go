package report

import (
	"fmt"
	"strings"
	"unicode"
	"unicode/utf8"
)

// Visible makes text safe to print: what would move the cursor, colour the
// screen, turn the direction of the text or be invisible is spelled out as
// \x1b or \u202e. Line feeds stay, tabs become blanks, the rest of the line
// break characters is spelled out too.
func Visible(s string) string {
	if plain(s) {
		return s
	}
	var b strings.Builder
	b.Grow(len(s) + 16)
	for i := 0; i < len(s); {
		r, size := utf8.DecodeRuneInString(s[i:])
		switch {
		case r == utf8.RuneError && size == 1:
			fmt.Fprintf(&b, `\x%02x`, s[i])
		case r == '\n':
			b.WriteByte('\n')
		case r == '\r' && strings.HasPrefix(s[i+1:], "\n"):
			// The line feed behind it says it all.
		case r == '\t':
			b.WriteString("    ")
		case !hidden(r):
			b.WriteString(s[i : i+size])
		case r < 0x100:
			fmt.Fprintf(&b, `\x%02x`, r)
		case r < 0x10000:
			fmt.Fprintf(&b, `\u%04x`, r)
		default:
			fmt.Fprintf(&b, `\U%08x`, r)
		}
		i += size
	}
	return b.String()
}

// Line is Visible on one line: every run of white space is one blank.
func Line(s string) string {
	s = Visible(s)
	if !strings.Contains(s, "\n") && !strings.Contains(s, "  ") && !strings.HasPrefix(s, " ") && !strings.HasSuffix(s, " ") {
		return s // as most are
	}
	return strings.Join(strings.Fields(s), " ")
}

// plain reports whether nothing in the text needs a second look.
func plain[T string | []byte](s T) bool {
	for i := 0; i < len(s); i++ {
		if c := s[i]; c >= 0x7f || c < ' ' && c != '\n' {
			return false
		}
	}
	return true
}

// hidden reports whether a character is not seen as itself: controls, format
// characters (direction, zero width, tags), separators of lines, private use,
// and blanks other than the plain one.
func hidden(r rune) bool {
	if r >= ' ' && r < 0x7f {
		return false
	}
	return !unicode.IsPrint(r) || unicode.In(r, unicode.Other_Default_Ignorable_Code_Point, unicode.Variation_Selector)
}
