// Package escape makes untrusted text safe to print: a name in a migration must not move the cursor or give a command.
package escape

import (
	"bytes"
	"fmt"
	"io"
	"strings"
	"unicode"
	"unicode/utf8"

	"github.com/onward-sql/onward/internal/lazyregexp"
)

// Controls makes text safe to print. It escapes characters that move the cursor, change
// colours, turn the direction of text or are invisible, as \x1b or \u202e. Line feeds
// stay, tabs become blanks, and other line breaks are escaped.
func Controls(s string) string {
	if isPlain(s) {
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
			// The line feed after it is enough.
		case r == '\t':
			b.WriteString("    ")
		case !isHidden(r):
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

// Line makes text safe to print on one line: every run of white space is one blank.
func Line(s string) string {
	s = Controls(s)
	if !strings.Contains(s, "\n") && !strings.Contains(s, "  ") && !strings.HasPrefix(s, " ") && !strings.HasSuffix(s, " ") {
		return s // most texts do
	}
	return strings.Join(strings.Fields(s), " ")
}

// Words makes a part of a line safe to print: as [Line], but a blank stays at each end that has one.
func Words(s string) string {
	line := Line(s)
	if strings.TrimLeft(s, " ") != s {
		line = " " + line
	}
	if line != " " && strings.TrimRight(s, " ") != s {
		line += " "
	}
	return line
}

// Lines escapes texts, each to a line.
func Lines(list []string) []string {
	out := make([]string, len(list))
	for i, s := range list {
		out[i] = Line(s)
	}
	return out
}

// isPlain reports whether a text needs no further check.
func isPlain[T string | []byte](s T) bool {
	for i := 0; i < len(s); i++ {
		if c := s[i]; c >= 0x7f || c < ' ' && c != '\n' {
			return false
		}
	}
	return true
}

// isHidden reports whether a character is not visible as itself: controls, format
// characters (direction, zero width, tags), separators of lines, private use, and blanks
// other than the plain one.
func isHidden(r rune) bool {
	if r >= ' ' && r < 0x7f {
		return false
	}
	return !unicode.IsPrint(r) || unicode.In(r, unicode.Other_Default_Ignorable_Code_Point, unicode.Variation_Selector)
}

// Text in a log may be a command to the CI service, whoever wrote it: a name in a
// migration, a file's name, a server's message. GitHub's runner reads ::error:: at the
// beginning of a line, and ##[error] anywhere; Azure's reads ##vso[…], and TeamCity's
// ##teamcity[…]. GitLab's sections need characters that [Controls] escapes.
var (
	command      = lazyregexp.New(`##[A-Za-z0-9_.-]*\[`)
	firstCommand = lazyregexp.New(`(?m)^((?:[ \t]|\x1b\[[0-9;]*m)*):(:[A-Za-z0-9_-]+(?: .*)?::)`)
)

// Commands breaks such commands with a backslash: "##\[error]", "\::error::". Every writer of
// text calls it last, so that joined pieces form no command either.
func Commands(text string) string { return escapeCommands(text, `\[`, `\:`) }

// escapeCommands replaces the bracket, or the first colon, of commands.
func escapeCommands(text, bracket, colon string) string {
	if strings.Contains(text, "##") {
		text = command.ReplaceAllStringFunc(text, func(s string) string { return s[:len(s)-1] + bracket })
	}
	if strings.Contains(text, "::") {
		text = firstCommand.ReplaceAllString(text, "${1}"+colon+"$2")
	}
	return text
}

// CommandsInHTML breaks commands in a page: the reader sees the same text.
func CommandsInHTML(text string) string { return escapeCommands(text, "&#91;", "&#58;") }

// CommandsInJSON breaks commands in JSON: the decoded text is the same. No line of it begins with
// untrusted text.
func CommandsInJSON(data []byte) []byte {
	if !bytes.Contains(data, []byte("##")) {
		return data
	}
	return command.ReplaceAllFunc(data, func(s []byte) []byte { return append(s[:len(s)-1:len(s)-1], `\u005b`...) })
}

// Writer is a writer for messages besides the result, a line or several at a time. It
// escapes cursor movements and commands.
type Writer struct{ W io.Writer }

// Write writes text through [Controls] and [Commands].
func (a Writer) Write(p []byte) (int, error) {
	if _, err := io.WriteString(a.W, Commands(Controls(string(p)))); err != nil {
		return 0, err
	}
	return len(p), nil
}

// HiddenInJSON escapes hidden characters as \uXXXX. They occur only inside JSON strings.
func HiddenInJSON(data []byte) []byte {
	if isPlain(data) {
		return data
	}
	out := make([]byte, 0, len(data)+64)
	for len(data) > 0 {
		if data[0] < 0x7f {
			n := 1
			for n < len(data) && data[n] < 0x7f {
				n++
			}
			out, data = append(out, data[:n]...), data[n:]
			continue
		}
		r, size := utf8.DecodeRune(data)
		switch {
		case !isHidden(r):
			out = append(out, data[:size]...)
		case r < 0x10000:
			out = fmt.Appendf(out, `\u%04x`, r)
		default:
			r -= 0x10000
			out = fmt.Appendf(out, `\u%04x\u%04x`, 0xd800+r>>10, 0xdc00+r&0x3ff)
		}
		data = data[size:]
	}
	return out
}

var shellSafe = lazyregexp.New(`^[A-Za-z0-9_./:=,@%+-]+$`)

// QuoteShell returns a word for a POSIX shell, with control characters escaped, and quoted if necessary.
func QuoteShell(s string) string {
	s = Line(s)
	if shellSafe.MatchString(s) {
		return s
	}
	return "'" + strings.ReplaceAll(s, "'", `'\''`) + "'"
}
