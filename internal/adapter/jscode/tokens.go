package jscode

import (
	"strings"
	"unicode/utf8"
)

// kind is the kind of a token.
type kind byte

const (
	word   kind = iota // a name or a keyword
	text               // a string, or a template without ${}
	filled             // a template with ${}
	other              // a number, or a regular expression
	symbol             // one character, or =>
)

// token is a piece of the program that is no white space and no comment.
type token struct {
	kind       kind
	start, end int
	// value is the content of a text; raw is set if it is spelled without escapes, so that the
	// program has the same bytes.
	value string
	raw   bool
	// pieces are the parts of a template with ${}.
	pieces []piece
}

// piece is a part of a template: the text before an expression, and the offsets of the expression; 0 and 0 for the last text.
type piece struct {
	text       string
	start, end int
}

// isSpelled reports whether a token is this word or symbol.
func (l *lexer) isSpelled(i int, spelling string) bool {
	if i < 0 || i >= len(l.tokens) {
		return false
	}
	t := l.tokens[i]
	return (t.kind == word || t.kind == symbol) && l.program[t.start:t.end] == spelling
}

// lexer splits a program of JavaScript or TypeScript into tokens.
type lexer struct {
	program string
	tokens  []token
	// closings has, for each token that is an opening parenthesis, bracket or brace, the token that closes it; the end if it is missing.
	closings []int
	// nesting is the number of templates around the program's part.
	nesting int
	// wasted is the number of bytes that were read in search of the end of a regular expression, and in vain.
	wasted int
}

// mostNested bounds how deep templates may be nested: reading them is recursive. A deeper one takes the rest of the program.
const mostNested = 100

// splitTokens splits a program. A string without an end takes the rest.
func splitTokens(program string) *lexer {
	l := &lexer{program: program, tokens: make([]token, 0, min(len(program)/5+8, 8<<10))}
	l.readTokens(0, len(program))
	return l
}

// readTokens reads the tokens between two offsets.
func (l *lexer) readTokens(from, to int) {
	for i := from; i < to; {
		i = l.readToken(i)
	}
	l.closings = make([]int, len(l.tokens))
	var open []int
	for i, t := range l.tokens {
		if t.kind != symbol {
			continue
		}
		switch l.program[t.start] {
		case '(', '[', '{':
			l.closings[i] = len(l.tokens)
			open = append(open, i)
		case ')', ']', '}':
			if last := len(open) - 1; last >= 0 {
				l.closings[open[last]] = i
				open = open[:last]
			}
		}
	}
}

// readToken reads the token or the white space at i, and returns the offset after it.
func (l *lexer) readToken(i int) int {
	p, c := l.program, l.program[i]
	switch {
	case c == ' ' || c == '\t' || c == '\n' || c == '\r':
		return i + 1
	case strings.HasPrefix(p[i:], "//"):
		return i + lengthUntil(p[i:], "\n")
	case strings.HasPrefix(p[i:], "/*"):
		return i + 2 + lengthUntil(p[i+2:], "*/")
	case c == '\'' || c == '"' || c == '`':
		return l.readString(i, c)
	case c == '/' && l.mayBeginRegexp():
		return l.addToken(other, i, i+l.regexpLength(i))
	case isNameByte(c):
		end := i + 1
		for end < len(p) && (isNameByte(p[end]) || p[end] >= '0' && p[end] <= '9') {
			end++
		}
		return l.addToken(word, i, end)
	case c >= '0' && c <= '9':
		end := i + 1
		for end < len(p) && (isNameByte(p[end]) || p[end] >= '0' && p[end] <= '9' || p[end] == '.') {
			end++
		}
		return l.addToken(other, i, end)
	case strings.HasPrefix(p[i:], "=>"):
		return l.addToken(symbol, i, i+2)
	}
	return l.addToken(symbol, i, i+1)
}

func (l *lexer) addToken(k kind, start, end int) int {
	l.tokens = append(l.tokens, token{kind: k, start: start, end: end})
	return end
}

func isNameByte(c byte) bool {
	return c == '_' || c == '$' || c == '#' || c >= 'a' && c <= 'z' || c >= 'A' && c <= 'Z' || c >= utf8.RuneSelf
}

// lengthUntil returns the length of a text up to and with an end; the whole length if it has none.
func lengthUntil(s, end string) int {
	if i := strings.Index(s, end); i >= 0 {
		return i + len(end)
	}
	return len(s)
}

// mayBeginRegexp reports whether a slash after the last token begins a regular expression: it divides
// only after a value.
func (l *lexer) mayBeginRegexp() bool {
	if len(l.tokens) == 0 {
		return true
	}
	last := l.tokens[len(l.tokens)-1]
	switch last.kind {
	case symbol:
		return !strings.Contains(")]}", l.program[last.start:last.end])
	case word:
		switch l.program[last.start:last.end] {
		case "return", "typeof", "case", "in", "of", "await":
			return true
		}
	}
	return false
}

// regexpLength returns the length of a regular expression at an offset. It ends in its line; a slash without an end is one token. In all,
// the vain search for ends reads a program at most eight times.
func (l *lexer) regexpLength(from int) int {
	s := l.program[from:]
	class := false
	end := 1
	for ; end < len(s) && s[end] != '\n' && l.wasted <= 8*len(l.program); end++ {
		switch c := s[end]; {
		case c == '\\':
			end++
		case c == '[':
			class = true
		case c == ']':
			class = false
		case c == '/' && !class:
			return end + 1
		}
	}
	l.wasted += end
	return 1
}

// readString reads a string or a template at i.
func (l *lexer) readString(i int, quote byte) int {
	p := l.program
	t := token{kind: text, start: i, raw: true}
	var value strings.Builder
	from, end := 0, i+1
	for end < len(p) && p[end] != quote {
		switch {
		case p[end] == '\\' && end+1 < len(p):
			n, decoded := decodeEscape(p[end:])
			value.WriteString(decoded)
			t.raw = false
			end += n
			continue
		case quote == '`' && strings.HasPrefix(p[end:], "${"):
			n := l.expressionLength(end + 2)
			t.kind = filled
			t.pieces = append(t.pieces, piece{value.String()[from:], end + 2, max(end+2, end+n-1)})
			from, end = value.Len(), end+n
			continue
		case p[end] == '\n' && quote != '`':
			t.kind = filled // it does not end: no constant
			t.end = end
			l.tokens = append(l.tokens, t)
			return end
		case p[end] == '\r' && quote == '`':
			end++ // JavaScript reads \r\n in a template as \n
			t.raw = false
			if !strings.HasPrefix(p[end:], "\n") {
				value.WriteByte('\n')
			}
			continue
		}
		value.WriteByte(p[end])
		end++
	}
	switch {
	case end >= len(p):
		t.kind, t.pieces = filled, nil
	case t.kind == filled:
		t.pieces = append(t.pieces, piece{text: value.String()[from:]})
	}
	t.end, t.value = min(end+1, len(p)), value.String()
	l.tokens = append(l.tokens, t)
	return t.end
}

// expressionLength returns the length of "${…}" in a template whose expression begins at from.
func (l *lexer) expressionLength(from int) int {
	if l.nesting == mostNested {
		return len(l.program) - from + 2
	}
	inner := lexer{program: l.program, nesting: l.nesting + 1, wasted: l.wasted}
	defer func() { l.wasted = inner.wasted }()
	depth := 0
	for i := from; i < len(l.program); {
		before := len(inner.tokens)
		i = inner.readToken(i)
		if len(inner.tokens) == before {
			continue
		}
		switch last := len(inner.tokens) - 1; {
		case inner.isSpelled(last, "{"):
			depth++
		case inner.isSpelled(last, "}"):
			if depth--; depth < 0 {
				return i - from + 2
			}
		}
	}
	return len(l.program) - from + 2
}

// decodeEscape decodes the escape at the beginning of s, and returns its length. Escapes by number stay as
// they are: SQL with one is judged by its other text.
func decodeEscape(s string) (int, string) {
	switch s[1] {
	case 'n':
		return 2, "\n"
	case 't':
		return 2, "\t"
	case 'r':
		return 2, "\r"
	case '\n':
		return 2, ""
	case 'u', 'x', '0':
		return 2, s[:2]
	}
	_, size := utf8.DecodeRuneInString(s[1:])
	return 1 + size, s[1 : 1+size]
}
