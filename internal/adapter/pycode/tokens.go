package pycode

import (
	"strconv"
	"strings"
	"unicode/utf8"
)

// Kind is the kind of a token.
type Kind byte

// The kinds of tokens. Comments, white space and line ends within brackets are none.
const (
	Word    Kind = 'w' // a name, keyword or number
	Literal Kind = 's' // a string with its prefix and quotes
	Symbol  Kind = 'o' // one other character
	NewLine Kind = 'n'
)

// Token is a piece of a program: Text is Program[Start:End].
type Token struct {
	Kind       Kind
	Start, End int
	Text       string
}

// Line is a logical line: its tokens, and how far it is indented.
type Line struct {
	Tokens []Token
	Indent int
}

// ReadLines splits a program into logical lines. It takes time in proportion to the text.
func ReadLines(text string) []Line {
	var out []Line
	var line Line
	depth, indent := 0, 0
	atStart := true
	for i := 0; i < len(text); {
		c := text[i]
		if atStart {
			indent = 0
			for i < len(text) && (text[i] == ' ' || text[i] == '\t') {
				indent++
				i++
			}
			atStart = false
			continue
		}
		switch {
		case c == '\n':
			if i++; depth == 0 && len(line.Tokens) > 0 {
				out = append(out, line)
				line = Line{}
			}
			atStart = depth == 0
			continue
		case c == ' ' || c == '\t' || c == '\r' || c == '\f':
			i++
			continue
		case c == '\\' && i+1 < len(text) && (text[i+1] == '\n' || text[i+1] == '\r'):
			i += 2
			continue
		case c == '#':
			if end := strings.IndexByte(text[i:], '\n'); end >= 0 {
				i += end
			} else {
				i = len(text)
			}
			continue
		}
		t := readToken(text, i)
		switch t.Text {
		case "(", "[", "{":
			depth++
		case ")", "]", "}":
			depth = max(0, depth-1)
		}
		if len(line.Tokens) == 0 {
			line.Indent = indent
		}
		line.Tokens = append(line.Tokens, t)
		i = t.End
	}
	if len(line.Tokens) > 0 {
		out = append(out, line)
	}
	return out
}

// readToken reads the token at an offset.
func readToken(text string, start int) Token {
	end := start
	for end < len(text) && isWordByte(text[end]) {
		end++
	}
	if end < len(text) && (text[end] == '"' || text[end] == '\'') && end-start <= 2 && isStringPrefix(text[start:end]) {
		end = literalEnd(text, end)
		return Token{Literal, start, end, text[start:end]}
	}
	if end > start {
		return Token{Word, start, end, text[start:end]}
	}
	_, n := utf8.DecodeRuneInString(text[start:])
	return Token{Symbol, start, start + n, text[start : start+n]}
}

func isWordByte(c byte) bool {
	return c == '_' || c >= '0' && c <= '9' || c >= 'a' && c <= 'z' || c >= 'A' && c <= 'Z' || c >= utf8.RuneSelf
}

// isStringPrefix reports whether a word may precede a string's quotes.
func isStringPrefix(word string) bool {
	return strings.Trim(strings.ToLower(word), "rbfu") == ""
}

// literalEnd returns the end of a string whose quotes begin at an offset.
func literalEnd(text string, start int) int {
	quote := text[start : start+1]
	if long := strings.Repeat(quote, 3); strings.HasPrefix(text[start:], long) {
		quote = long
	}
	for i := start + len(quote); i < len(text); i++ {
		switch {
		case text[i] == '\\':
			i++
		case text[i] == '\n' && len(quote) == 1:
			return i
		case strings.HasPrefix(text[i:], quote):
			return i + len(quote)
		}
	}
	return len(text)
}

// StringValue returns the value of a string token. start is where the value begins in the program if it is there letter by letter, else -1. It
// is false for bytes, for strings with expressions in them, and for escapes that are not known.
func (t Token) StringValue() (value string, start int, ok bool) {
	open := strings.IndexAny(t.Text, `"'`)
	if open < 0 {
		return "", 0, false
	}
	prefix, body := strings.ToLower(t.Text[:open]), t.Text[open:]
	if strings.ContainsAny(prefix, "bf") {
		return "", 0, false
	}
	n := 1
	if len(body) >= 6 && strings.HasPrefix(body, strings.Repeat(body[:1], 3)) {
		n = 3
	}
	if len(body) < 2*n || !strings.HasSuffix(body, strings.Repeat(body[:1], n)) {
		return "", 0, false
	}
	body = body[n : len(body)-n]
	if strings.Contains(prefix, "r") || !strings.Contains(body, `\`) {
		return body, t.Start + open + n, true
	}
	value, ok = unescapeString(body)
	return value, -1, ok
}

// simpleEscapes are the escapes of one character.
var simpleEscapes = map[byte]string{
	'\n': "", '\\': `\`, '\'': "'", '"': `"`, 'n': "\n", 't': "\t", 'r': "\r", 'a': "\a", 'b': "\b", 'f': "\f", 'v': "\v",
}

// unescapeString replaces the escapes of a string. It is false for those by name or in octal.
func unescapeString(body string) (string, bool) {
	var b strings.Builder
	for i := 0; i < len(body); i++ {
		if body[i] != '\\' || i+1 == len(body) {
			b.WriteByte(body[i])
			continue
		}
		i++
		c := body[i]
		if text, ok := simpleEscapes[c]; ok {
			b.WriteString(text)
			continue
		}
		digits := map[byte]int{'x': 2, 'u': 4, 'U': 8}[c]
		switch {
		case c >= '0' && c <= '7' || c == 'N':
			return "", false
		case digits == 0: // Python keeps the backslash of an escape that it does not know
			b.WriteByte('\\')
			b.WriteByte(c)
		case i+digits >= len(body):
			return "", false
		default:
			code, err := strconv.ParseUint(body[i+1:i+1+digits], 16, 32)
			if err != nil {
				return "", false
			}
			b.WriteRune(rune(code))
			i += digits
		}
	}
	return b.String(), true
}
