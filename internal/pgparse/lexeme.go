package pgparse

import "strings"

// LexemeKind is the kind of a token.
type LexemeKind byte

// The kinds of tokens.
const (
	LexemeEnd     LexemeKind = iota // the text is over
	LexemeWord                      // a name or keyword
	LexemeQuoted                    // a quoted name, with its UESCAPE
	LexemeString                    // a string of any spelling, with what continues it and its UESCAPE
	LexemeBits                      // B'01', X'1F'
	LexemeNumber                    // without its sign
	LexemeParam                     // $1
	LexemeComment                   // with its markers
	LexemeOther                     // one byte of anything else
)

// Lexeme is a token in a text. White space is not a token.
type Lexeme struct {
	Start, End int
	Kind       LexemeKind
}

// NextLexeme returns the first token at or after an offset. It accepts broken text: a
// string without an end extends to the end of the text. It assumes that
// standard_conforming_strings is on.
func NextLexeme(src string, offset int) Lexeme {
	i := offset
	for i < len(src) && isBlank(src[i]) {
		i++
	}
	if i >= len(src) {
		return Lexeme{len(src), len(src), LexemeEnd}
	}
	switch c := src[i]; {
	case isWordStart(c):
		return wordToken(src, i)
	case c >= '0' && c <= '9', c == '.' && i+1 < len(src) && isDigit(src[i+1]) && (i == 0 || !isWordByte(src[i-1])):
		return Lexeme{i, literalNumberEnd(src, i), LexemeNumber}
	case c == '\'':
		return Lexeme{i, continuedEnd(src, quoteEnd(src, i, '\'', false), false), LexemeString}
	case c == '"':
		return Lexeme{i, quoteEnd(src, i, '"', false), LexemeQuoted}
	case c == '$':
		return dollarToken(src, i)
	case c == '-' && strings.HasPrefix(src[i:], "--"):
		return Lexeme{i, lineEnd(src, i), LexemeComment}
	case c == '/' && strings.HasPrefix(src[i:], "/*"):
		return Lexeme{i, commentEnd(src, i), LexemeComment}
	default:
		return Lexeme{i, i + 1, LexemeOther}
	}
}

func isBlank(c byte) bool {
	return c == ' ' || c == '\t' || c == '\n' || c == '\r' || c == '\f' || c == '\v'
}

func isDigit(c byte) bool { return c >= '0' && c <= '9' }

// dollarToken returns the parameter, the dollar-quoted text or the lone dollar at i.
func dollarToken(src string, i int) Lexeme {
	end := i + 1
	for end < len(src) && isDigit(src[end]) {
		end++
	}
	if end > i+1 {
		return Lexeme{i, end, LexemeParam}
	}
	if end = dollarEnd(src, i); end > i+1 {
		return Lexeme{i, end, LexemeString}
	}
	return Lexeme{i, end, LexemeOther}
}

// wordToken returns the name, or the string with a letter before it, at i.
func wordToken(src string, i int) Lexeme {
	end := i + 1
	for end < len(src) && isWordByte(src[end]) {
		end++
	}
	if end != i+1 || end >= len(src) {
		return Lexeme{i, end, LexemeWord}
	}
	next, letter := src[end], src[i]|0x20
	switch {
	case next == '\'' && letter == 'e':
		return Lexeme{i, continuedEnd(src, quoteEnd(src, end, '\'', true), true), LexemeString}
	case next == '\'' && letter == 'n':
		return Lexeme{i, continuedEnd(src, quoteEnd(src, end, '\'', false), false), LexemeString}
	case next == '\'' && (letter == 'b' || letter == 'x'):
		return Lexeme{i, continuedEnd(src, quoteEnd(src, end, '\'', false), false), LexemeBits}
	case next == '&' && letter == 'u' && end+1 < len(src) && src[end+1] == '\'':
		return Lexeme{i, escapeEnd(src, continuedEnd(src, quoteEnd(src, end+1, '\'', false), false)), LexemeString}
	case next == '&' && letter == 'u' && end+1 < len(src) && src[end+1] == '"':
		return Lexeme{i, escapeEnd(src, quoteEnd(src, end+1, '"', false)), LexemeQuoted}
	}
	return Lexeme{i, end, LexemeWord}
}

// continuedEnd returns the end of a string whose first part ends at i.
func continuedEnd(src string, i int, escapes bool) int {
	for {
		next := continuedAt(src, i, false)
		if next < 0 {
			return i
		}
		i = quoteEnd(src, next, '\'', escapes)
	}
}

// escapeEnd returns the end of UESCAPE and its string, if they follow.
func escapeEnd(src string, i int) int {
	w := NextLexeme(src, i)
	if w.Kind != LexemeWord || !isKeyword(src[w.Start:w.End], "UESCAPE") {
		return i
	}
	if s := NextLexeme(src, w.End); s.Kind == LexemeString {
		return s.End
	}
	return i
}

// literalNumberEnd returns the end of the number at i, including letters directly after
// it.
func literalNumberEnd(src string, i int) int {
	digits := func() {
		for i < len(src) && (isDigit(src[i]) || src[i] == '_') {
			i++
		}
	}
	digits()
	if i < len(src) && src[i] == '.' && !strings.HasPrefix(src[i:], "..") {
		i++
		digits()
	}
	if i+1 < len(src) && src[i]|0x20 == 'e' {
		if sign := src[i+1] == '+' || src[i+1] == '-'; isDigit(src[i+1]) || sign && i+2 < len(src) && isDigit(src[i+2]) {
			i += 2
			digits()
		}
	}
	if i < len(src) && isWordStart(src[i]) {
		for i < len(src) && isWordByte(src[i]) {
			i++
		}
	}
	return i
}
