package pgparse

import (
	"strconv"
	"strings"
	"unicode/utf16"
	"unicode/utf8"
)

// writeStandardStrings rewrites strings that have escapes without an E as they are written if
// standard_conforming_strings is on: 'a\\b' becomes 'a\b'. The length stays the same, by adding blanks.
func writeStandardStrings(b []byte, list []Comment) {
	for _, span := range list {
		text := b[span.Start:span.End]
		if len(text) < 2 || text[len(text)-1] != '\'' {
			continue // it has no end: the parser says so
		}
		written := "'" + strings.ReplaceAll(unescapeString(string(text[1:len(text)-1])), "'", "''") + "'"
		for i := copy(text, written); i < len(text); i++ {
			text[i] = ' '
		}
	}
}

// isDoBlock reports whether a statement is a DO block. The server reads its body with the current
// settings, but a function's body with the settings at the call.
func isDoBlock(sql string) bool {
	return len(sql) > 2 && isKeyword(sql[:2], "DO") && !isWordByte(sql[2])
}

// listBodyStrings returns the strings with escapes in the dollar-quoted body of a DO block that
// begins at an offset.
func listBodyStrings(sql string, offset int) []Comment {
	if !isDoBlock(sql) {
		return nil
	}
	for i := 0; i < len(sql); {
		end := tokenEnd(sql, i)
		if sql[i] != '$' || end == i+1 {
			i = end
			continue
		}
		from := i + 2 + strings.IndexByte(sql[i+1:], '$')
		s := newScanner(sql[from:max(from, end-(from-i))], Reader{Strings: Strings{Off: true}})
		s.scanAll()
		for j := range s.plain {
			s.plain[j].Start += offset + from
			s.plain[j].End += offset + from
		}
		return s.plain
	}
	return nil
}

var escapes = map[byte]byte{'b': '\b', 'f': '\f', 'n': '\n', 'r': '\r', 't': '\t', 'v': '\v'}

// unescapeString returns the value of the content of a string with escapes.
// (https://www.postgresql.org/docs/current/sql-syntax-lexical.html#SQL-SYNTAX-STRINGS-ESCAPE)
func unescapeString(s string) string {
	var b strings.Builder
	for i := 0; i < len(s); {
		c := s[i]
		switch {
		case c == '\'' && i+1 < len(s) && s[i+1] == '\'':
			b.WriteByte(c)
			i += 2
		case c != '\\' || i+1 == len(s):
			b.WriteByte(c)
			i++
		case s[i+1] >= '0' && s[i+1] <= '7':
			i = writeByteEscape(&b, s, i+1, 3, 8)
		case s[i+1] == 'x' && isHexAt(s, i+2):
			i = writeByteEscape(&b, s, i+2, 2, 16)
		case s[i+1] == 'u' || s[i+1] == 'U':
			n := 4
			if s[i+1] == 'U' {
				n = 8
			}
			i = writeUnicodeEscape(&b, s, i, n)
		default:
			c = s[i+1]
			if e, ok := escapes[c]; ok {
				c = e
			}
			b.WriteByte(c)
			i += 2
		}
	}
	return strings.ReplaceAll(strings.ToValidUTF8(b.String(), "?"), "\x00", "?")
}

func isHexAt(s string, i int) bool {
	return i < len(s) && strings.IndexByte("0123456789abcdefABCDEF", s[i]) >= 0
}

// writeByteEscape writes the byte whose digits begin at i.
func writeByteEscape(b *strings.Builder, s string, i, most, base int) int {
	end := i
	for end < len(s) && end < i+most && isHexAt(s, end) && (base == 16 || s[end] <= '7') {
		end++
	}
	n, _ := strconv.ParseUint(s[i:end], base, 16)
	b.WriteByte(byte(n))
	return end
}

// writeUnicodeEscape writes the character whose escape begins at i, including the second half of a
// surrogate pair.
func writeUnicodeEscape(b *strings.Builder, s string, i, digits int) int {
	read := func(i int) (rune, int) {
		if i+2+digits > len(s) {
			return utf8.RuneError, len(s)
		}
		n, err := strconv.ParseUint(s[i+2:i+2+digits], 16, 31)
		if err != nil {
			return utf8.RuneError, i + 2
		}
		return rune(n), i + 2 + digits
	}
	r, end := read(i)
	if utf16.IsSurrogate(r) && end+1 < len(s) && s[end] == '\\' && s[end+1] == s[i+1] {
		low, after := read(end)
		r, end = utf16.DecodeRune(r, low), after
	}
	if r == utf8.RuneError && end-i < utf8.UTFMax {
		b.WriteByte('?') // the server refuses it
		return end
	}
	b.WriteRune(r)
	return end
}

// EndsElsewhere reports whether the end of a string in a text depends on
// standard_conforming_strings.
func EndsElsewhere(text string) bool {
	for i := 0; i < len(text); {
		switch {
		case text[i] == '\'' && (i == 0 || text[i-1] != 'e' && text[i-1] != 'E'):
			end := quoteEnd(text, i, '\'', false)
			if strings.IndexByte(text[i:end], '\\') >= 0 && quoteEnd(text, i, '\'', true) != end {
				return true
			}
			i = end
		default:
			i = skipToken(text, i)
		}
	}
	return false
}

// maySwallowBackslash reports whether a multi-byte character may precede a backslash in a text.
func maySwallowBackslash(text string) bool {
	for i := 1; i < len(text); i++ {
		if text[i] == '\\' && text[i-1] >= 0x80 {
			return true
		}
	}
	return false
}
