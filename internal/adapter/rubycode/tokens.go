package rubycode

import (
	"strings"
	"unicode/utf8"
)

// kind is the kind of a token.
type kind byte

const (
	newline  kind = iota // the end of a line, or a semicolon
	word                 // a name or a keyword: foo, foo?, @foo
	constant             // Foo
	label                // foo: or "foo":
	text                 // a string or a heredoc
	symbol               // :foo or :"foo"
	number
	list  // %w[a b] or %i[a b]
	other // a regular expression, a command, a character
	punct // an operator or a bracket
)

// token is a piece of a program.
type token struct {
	kind       kind
	start, end int
	// space is set if white space is before it.
	space bool
	// value is the content of a name or a text without expressions. raw is set if the program has the same bytes from content on.
	value   string
	raw     bool
	content int
	// pieces are the parts of a text with #{}; nil if it has none. symbols is set for %i[].
	pieces  []piece
	symbols bool
}

// piece is a part of a text: constant text, and the tokens of the expression after it; nil for the last one.
type piece struct {
	text   string
	tokens []token
}

// lexer splits a program into tokens.
type lexer struct {
	program string
	tokens  []token
	// bodies is the offset at which the heredocs that begin in this line continue; 0 for none.
	bodies int
	// end is where this lexer stops. depth counts the texts around it.
	end, depth int
	// overBound is set if it is broken because it is nested too deep.
	overBound bool
	// broken is set if something has no end, or is nested too deep.
	broken bool
}

// mostNested bounds how deep texts in texts are read: it is recursive.
const mostNested = 40

// mostTokens bounds how long a program may be.
const mostTokens = 500_000

func splitTokens(program string) *lexer {
	l := &lexer{program: program, end: len(program), tokens: make([]token, 0, min(len(program)/4+8, 8<<10))}
	for i := 0; i < l.end && !l.broken; {
		i = l.readToken(i)
		l.overBound = l.overBound || len(l.tokens) > mostTokens
		l.broken = l.broken || l.overBound
	}
	return l
}

// addToken adds a token and returns its end.
func (l *lexer) addToken(k kind, start, end int, space bool) int {
	t := token{kind: k, start: start, end: end, space: space}
	if k != newline {
		t.value = l.program[start:end]
	}
	l.tokens = append(l.tokens, t)
	return end
}

// readToken reads the token or the white space at i, and returns the offset after it.
func (l *lexer) readToken(i int) int {
	p, c := l.program[:l.end], l.program[i]
	space := i > 0 && strings.IndexByte(" \t\r\\\n", p[i-1]) >= 0
	switch {
	case c == ' ' || c == '\t' || c == '\r':
		return i + 1
	case c == '\\' && i+1 < l.end && (p[i+1] == '\n' || strings.HasPrefix(p[i+1:], "\r\n")):
		return i + 1 + lengthThrough(p[i+1:], "\n")
	case c == '\n':
		return l.readLineEnd(i)
	case c == '#':
		return i + strings.IndexByte(p[i:]+"\n", '\n')
	case c == ';':
		return l.addToken(newline, i, i+1, space)
	case c == '"' || c == '\'' || c == '`':
		return l.readQuoted(i, i+1, c, c, space)
	case c >= '0' && c <= '9':
		return l.readNumber(i, space)
	case isLetter(c) || c == '@' || c == '$':
		return l.readName(i, space)
	case c == ':':
		return l.readColon(i, space)
	case c == '%':
		if end, ok := l.readPercent(i, space); ok {
			return end
		}
	case c == '/' && l.mayBeginText(i, space):
		return l.readRegexp(i, i+1, '/', '/', space)
	case strings.HasPrefix(p[i:], "<<"):
		if end, ok := l.readHeredoc(i, space); ok {
			return end
		}
	case c == '?' && !l.isAfterValue() && i+1 < l.end && isLetter(p[i+1]) && (i+2 == l.end || !isNameByte(p[i+2])):
		return l.addToken(other, i, i+2, space)
	}
	return l.addToken(punct, i, i+operatorLength(p[i:]), space)
}

// operators have several characters; the longest are first.
var operators = []string{
	"**=", "<=>", "===", "...", "<<=", ">>=", "&&=", "||=", "&.", "**", "==", "!=", ">=", "<=", "&&", "||", "=~", "!~", "..", "::", "<<", ">>",
	"+=", "-=", "*=", "/=", "%=", "|=", "&=", "^=", "->", "=>",
}

func operatorLength(s string) int {
	for _, o := range operators {
		if strings.HasPrefix(s, o) {
			return len(o)
		}
	}
	_, size := utf8.DecodeRuneInString(s)
	return size
}

// readLineEnd reads the end of a line, the bodies of its heredocs and a comment of several lines after it.
func (l *lexer) readLineEnd(i int) int {
	l.addToken(newline, i, i+1, false)
	next := i + 1
	if l.bodies > 0 {
		next, l.bodies = max(next, l.bodies), 0
	}
	rest := l.program[next:l.end]
	switch {
	case strings.HasPrefix(rest, "=begin"):
		if n := strings.Index(rest, "\n=end"); n >= 0 {
			return next + n + 1 + lengthThrough(rest[n+1:], "\n")
		}
		return l.end
	case strings.HasPrefix(rest, "__END__"):
		return l.end
	}
	return next
}

func (l *lexer) readNumber(i int, space bool) int {
	p, end := l.program[:l.end], i+1
	for end < len(p) && (isNameByte(p[end]) || p[end] == '.' && end+1 < len(p) && p[end+1] >= '0' && p[end+1] <= '9') {
		end++
	}
	l.addToken(number, i, end, space)
	t := &l.tokens[len(l.tokens)-1]
	t.value = strings.ReplaceAll(t.value, "_", "")
	return end
}

// readName reads a name, a keyword, or the name of an option.
func (l *lexer) readName(i int, space bool) int {
	p, end := l.program[:l.end], i
	for end < len(p) && (p[end] == '@' || p[end] == '$') {
		end++
	}
	for end < len(p) && isNameByte(p[end]) {
		end++
	}
	if end == i {
		end++
	}
	if end < len(p) && (p[end] == '?' || p[end] == '!') && (end+1 == len(p) || p[end+1] != '=' || strings.HasPrefix(p[end+1:], "==")) {
		end++
	}
	if end < len(p) && p[end] == ':' && (end+1 == len(p) || p[end+1] != ':') && !l.isLastOperator(".") && !l.isLastOperator("&.") && !l.isInTernary(end) {
		l.addToken(label, i, end, space)
		return end + 1
	}
	if p[i] >= 'A' && p[i] <= 'Z' {
		return l.addToken(constant, i, end, space)
	}
	return l.addToken(word, i, end, space)
}

// isInTernary reports whether a colon after a name ends the first branch of a ? b : c. It looks back at most 20 tokens.
func (l *lexer) isInTernary(colon int) bool {
	if colon+1 >= l.end || l.program[colon+1] != ' ' {
		return false
	}
	for n := len(l.tokens) - 1; n >= max(0, len(l.tokens)-20); n-- {
		t := &l.tokens[n]
		if t.kind == newline || t.kind == punct && strings.Contains(",({[", t.value) {
			return false
		}
		if t.kind == punct && t.value == "?" {
			return true
		}
	}
	return false
}

// isLastOperator reports whether the last token is this operator.
func (l *lexer) isLastOperator(spelling string) bool {
	n := len(l.tokens)
	return n > 0 && l.tokens[n-1].kind == punct && l.tokens[n-1].value == spelling
}

// readColon reads a symbol, or an operator that begins with a colon.
func (l *lexer) readColon(i int, space bool) int {
	p := l.program[:l.end]
	switch rest := p[i+1:]; {
	case strings.HasPrefix(rest, ":"):
		return l.addToken(punct, i, i+2, space)
	case strings.HasPrefix(rest, `"`), strings.HasPrefix(rest, "'"):
		end := l.readQuoted(i, i+2, rest[0], rest[0], space)
		l.tokens[len(l.tokens)-1].kind = symbol
		return end
	case rest != "" && isLetter(rest[0]):
		end := i + 2
		for end < len(p) && isNameByte(p[end]) {
			end++
		}
		if end < len(p) && (p[end] == '?' || p[end] == '!' || p[end] == '=' && !strings.HasPrefix(p[end:], "=>") && !strings.HasPrefix(p[end:], "==")) {
			end++
		}
		l.addToken(symbol, i, end, space)
		l.tokens[len(l.tokens)-1].value = p[i+1 : end]
		return end
	case rest != "" && strings.IndexByte("+-*/<>=![%&|^~", rest[0]) >= 0 && !l.isAfterValue():
		end := i + 1 + operatorLength(rest)
		if strings.HasPrefix(rest, "[]") {
			end = i + 3
		}
		return l.addToken(symbol, i, end, space)
	}
	return l.addToken(punct, i, i+1, space)
}

// valueless are keywords after which a value begins.
var valueless = map[string]bool{
	"if": true, "unless": true, "while": true, "until": true, "and": true, "or": true, "not": true, "return": true, "when": true, "case": true, "in": true,
	"then": true, "do": true, "else": true, "elsif": true, "begin": true, "puts": true, "raise": true, "execute": true,
}

// isAfterValue reports whether the last token ends a value.
func (l *lexer) isAfterValue() bool {
	if len(l.tokens) == 0 {
		return false
	}
	switch t := &l.tokens[len(l.tokens)-1]; t.kind {
	case newline, label:
		return false
	case word:
		return !valueless[t.value]
	case punct:
		return t.value == ")" || t.value == "]" || t.value == "}"
	}
	return true
}

// mayBeginText reports whether a character that is an operator between values begins a literal at i.
func (l *lexer) mayBeginText(i int, space bool) bool {
	if !l.isAfterValue() {
		return true
	}
	last := &l.tokens[len(l.tokens)-1]
	return last.kind == word && space && i+1 < l.end && !strings.Contains(" \t\n=", l.program[i+1:i+2])
}

// lengthThrough returns the length of a text up to and with an end; the whole length if it has none.
func lengthThrough(s, end string) int {
	if i := strings.Index(s, end); i >= 0 {
		return i + len(end)
	}
	return len(s)
}

func isLetter(c byte) bool {
	return c == '_' || c >= 'a' && c <= 'z' || c >= 'A' && c <= 'Z' || c >= utf8.RuneSelf
}

func isNameByte(c byte) bool { return isLetter(c) || c >= '0' && c <= '9' }
