package adapter

import "strings"

// Lexer follows Postgres' lexical rules through a text that it reads piece by piece.
// Runners that cut a file at semicolons without these rules cut inside bodies and
// strings; the lexer finds these places.
type Lexer struct {
	mode    byte   // what is open: ' E " $ * - or 0
	tag     string // of the dollar quote
	nesting int    // of block comments
	parens  int    // open parentheses
	atomic  int    // open blocks of a BEGIN ATOMIC body
	begin   bool   // the last word was BEGIN
	prev    byte   // the byte before, for what a quote belongs to
}

// Open names what is open at the lexer's position: a string, a comment; "" if a statement
// may end there.
func (l *Lexer) Open() string {
	switch l.mode {
	case '\'', 'E':
		return "a string"
	case '"':
		return "a quoted name"
	case '$':
		return "a body quoted with " + l.tag
	case '*', '-':
		return "a comment"
	}
	switch {
	case l.atomic > 0:
		return "a BEGIN ATOMIC body"
	case l.parens > 0:
		return "parentheses"
	}
	return ""
}

// Feed reads the next piece.
func (l *Lexer) Feed(s string) {
	for i := 0; i < len(s); {
		n := l.consumeToken(s[i:])
		l.prev = s[i+n-1]
		i += n
	}
}

// consumeToken consumes the beginning of s and returns the number of bytes.
func (l *Lexer) consumeToken(s string) int {
	switch l.mode {
	case '-':
		return l.skipTo(s, "\n", 0)
	case '$':
		return l.skipTo(s, l.tag, 0)
	case '"':
		return l.skipTo(s, `"`, 0) // a doubled quote opens again at once
	case '\'':
		return l.skipTo(s, "'", 0)
	case 'E':
		switch s[0] {
		case '\\':
			return min(2, len(s))
		case '\'':
			l.mode = 0
		}
		return 1
	case '*':
		switch {
		case strings.HasPrefix(s, "/*"):
			l.nesting++
			return 2
		case strings.HasPrefix(s, "*/"):
			if l.nesting--; l.nesting == 0 {
				l.mode = 0
			}
			return 2
		}
		return 1
	}
	return l.scanToken(s)
}

// skipTo returns the length up to and including the closing text.
func (l *Lexer) skipTo(s, closing string, next byte) int {
	i := strings.Index(s, closing)
	if i < 0 {
		return len(s)
	}
	l.mode = next
	return i + len(closing)
}

func (l *Lexer) scanToken(s string) int {
	switch c := s[0]; {
	case strings.HasPrefix(s, "--"):
		l.mode = '-'
		return 2
	case strings.HasPrefix(s, "/*"):
		l.mode, l.nesting = '*', 1
		return 2
	case c == '\'':
		l.mode = '\''
	case c == '"':
		l.mode = '"'
	case c == '$':
		if tag := leadingDollarTag(s); tag != "" && !isWordByte(l.prev) {
			l.mode, l.tag = '$', tag
			return len(tag)
		}
	case c == '(':
		l.parens++
	case c == ')':
		l.parens = max(0, l.parens-1)
	case isWordByte(c):
		return l.scanWord(s)
	}
	return 1
}

func (l *Lexer) scanWord(s string) int {
	n := 1
	for n < len(s) && isWordByte(s[n]) {
		n++
	}
	w := s[:n]
	if n == 1 && (w == "e" || w == "E") && n < len(s) && s[n] == '\'' {
		l.mode = 'E'
		return 2
	}
	after := l.begin
	l.begin = false
	switch strings.ToUpper(w) {
	case "BEGIN":
		l.begin = true
	case "ATOMIC":
		if after {
			l.atomic = 1
		}
	case "CASE":
		if l.atomic > 0 {
			l.atomic++
		}
	case "END":
		l.atomic = max(0, l.atomic-1)
	}
	return n
}

// leadingDollarTag returns the tag that s begins with, "$$" or "$name$"; "" for none.
func leadingDollarTag(s string) string {
	for i := 1; i < len(s); i++ {
		switch c := s[i]; {
		case c == '$':
			return s[:i+1]
		case !isWordByte(c) || i == 1 && c >= '0' && c <= '9':
			return ""
		}
	}
	return ""
}

func isWordByte(c byte) bool {
	return c >= 'a' && c <= 'z' || c >= 'A' && c <= 'Z' || c == '_' || c >= 0x80 || c >= '0' && c <= '9'
}
