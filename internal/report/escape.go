package report

import (
	"bytes"
	"fmt"
	"io"
	"regexp"
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

// What stands in a log may be a command to the service that keeps it, whoever wrote
// it: a name in a migration, a file's name, what a server says. GitHub's runner takes
// ::error:: where a line begins, and ##[error] anywhere; Azure's takes ##vso[…], and
// TeamCity ##teamcity[…]. GitLab's sections need characters that Visible spells out.
var (
	command      = regexp.MustCompile(`##[A-Za-z0-9_.-]*\[`)
	firstCommand = regexp.MustCompile(`(?m)^((?:[ \t]|\x1b\[[0-9;]*m)*):(:[A-Za-z0-9_-]+(?: .*)?::)`)
)

// Tame puts a backslash into what would be such a command: "##\[error]", "\::error::".
// Every writer of text ends with it, so that what it joins is no command either.
func Tame(text string) string { return tame(text, `\[`, `\:`) }

// tame writes the bracket, or the first colon, of commands in another way.
func tame(text, bracket, colon string) string {
	if strings.Contains(text, "##") {
		text = command.ReplaceAllStringFunc(text, func(s string) string { return s[:len(s)-1] + bracket })
	}
	if strings.Contains(text, "::") {
		text = firstCommand.ReplaceAllString(text, "${1}"+colon+"$2")
	}
	return text
}

// tameHTML is for a page: it says the same to its reader.
func tameHTML(text string) string { return tame(text, "&#91;", "&#58;") }

// tameJSON is for JSON, which means the same to every reader. None of its lines
// begins with text of others.
func tameJSON(data []byte) []byte {
	if !bytes.Contains(data, []byte("##")) {
		return data
	}
	return command.ReplaceAllFunc(data, func(s []byte) []byte { return append(s[:len(s)-1:len(s)-1], `\u005b`...) })
}

// Aside is a writer for what is said beside a result, a line or several at a time:
// nothing of it moves the cursor or is a command.
type Aside struct{ W io.Writer }

// Write writes text as Visible and Tame make it.
func (a Aside) Write(p []byte) (int, error) {
	if _, err := io.WriteString(a.W, Tame(Visible(string(p)))); err != nil {
		return 0, err
	}
	return len(p), nil
}
