package rubycode

import (
	"strconv"
	"strings"
	"unicode/utf8"
)

// textForm says how the content of a literal is read.
type textForm struct {
	// open and end are its quotes; end is 0 for a heredoc, which ends at an offset. plain is set if it has no expressions, and only its
	// quotes are escaped.
	open, end byte
	plain     bool
	// indent is the white space that is removed from the beginning of each line.
	indent int
}

// readQuoted reads a string between quotes whose content begins at from.
func (l *lexer) readQuoted(start, from int, open, quote byte, space bool) int {
	t := token{kind: text, start: start, space: space}
	end := l.readContent(&t, from, l.end, textForm{open: open, end: quote, plain: quote == '\''})
	if quote == '`' {
		t.kind = other
	}
	if (quote == '"' || quote == '\'') && end < l.end && l.program[end] == ':' && !strings.HasPrefix(l.program[end:l.end], "::") && l.mayBeginLabel() {
		t.kind, t.end = label, end+1
		l.tokens = append(l.tokens, t)
		return t.end
	}
	t.end = end
	l.tokens = append(l.tokens, t)
	return end
}

// mayBeginLabel reports whether the name of an option may follow the last token.
func (l *lexer) mayBeginLabel() bool {
	return l.isLastOperator("{") || l.isLastOperator(",") || l.isLastOperator("(") || !l.isAfterValue()
}

// readContent reads the content of a literal from an offset, at most up to limit, and returns the offset after its end.
func (l *lexer) readContent(t *token, from, limit int, f textForm) int {
	p := l.program[:limit]
	var b strings.Builder
	t.raw, t.content = f.indent == 0, from
	depth, i, lineStart := 0, from, true
	for i < limit {
		c := p[i]
		switch {
		case lineStart && f.indent > 0:
			for n := 0; n < f.indent && i < limit && (p[i] == ' ' || p[i] == '\t'); n++ {
				i++
			}
			lineStart = false
			continue
		case c == '\\' && i+1 < limit:
			n, decoded := decodeEscape(p[i:], f)
			b.WriteString(decoded)
			t.raw = t.raw && decoded == p[i:i+n]
			i += n
			continue
		case c == '#' && !f.plain && i+1 < limit && p[i+1] == '{':
			next, inside := l.readExpression(i+2, limit)
			t.pieces = append(t.pieces, piece{b.String(), inside})
			b.Reset()
			i = next
			continue
		case f.end != 0 && c == f.end && depth == 0:
			l.finishContent(t, b.String())
			return i + 1
		case f.end != 0 && c == f.end:
			depth--
		case f.end != 0 && c == f.open:
			depth++
		}
		b.WriteByte(c)
		lineStart = c == '\n'
		i++
	}
	l.broken = l.broken || f.end != 0
	l.finishContent(t, b.String())
	return limit
}

// finishContent sets the value of a text.
func (l *lexer) finishContent(t *token, last string) {
	t.value = last
	if t.pieces != nil {
		t.pieces, t.raw = append(t.pieces, piece{text: last}), false
	}
}

// readExpression reads the tokens of an expression in a text, and returns the offset after its brace.
func (l *lexer) readExpression(from, limit int) (int, []token) {
	inner := &lexer{program: l.program, end: limit, depth: l.depth + 1}
	if inner.depth > mostNested {
		l.broken, l.overBound = true, true
		return limit, nil
	}
	depth := 0
	for i := from; i < limit && !inner.broken; {
		before := len(inner.tokens)
		i = inner.readToken(i)
		inner.overBound = inner.overBound || len(inner.tokens) > mostTokens
		inner.broken = inner.broken || inner.overBound
		if len(inner.tokens) == before {
			continue
		}
		if inner.isLastOperator("{") {
			depth++
		}
		if inner.isLastOperator("}") {
			if depth == 0 {
				return i, inner.tokens[:len(inner.tokens)-1]
			}
			depth--
		}
	}
	l.broken, l.overBound = true, l.overBound || inner.overBound
	return limit, nil
}

// pairs are the brackets that a literal with a percent sign may have.
var pairs = map[byte]byte{'[': ']', '(': ')', '{': '}', '<': '>', '|': '|', '!': '!', '/': '/', '^': '^'}

// readPercent reads %w[a b], %i[a b], %q(a), %Q(a), %(a) or %r{a} at i. ok is false if it is none.
func (l *lexer) readPercent(i int, space bool) (end int, ok bool) {
	p := l.program[:l.end]
	if !l.mayBeginText(i, space) || i+2 >= len(p) {
		return 0, false
	}
	form, from := byte('Q'), i+1
	if isLetter(p[from]) {
		form, from = p[from], from+1
	}
	if strings.IndexByte("wWiIqQrsx", form) < 0 || from >= len(p) || pairs[p[from]] == 0 {
		return 0, false
	}
	open := p[from]
	if form == 'r' {
		return l.readRegexp(i, from+1, open, pairs[open], space), true
	}
	t := token{kind: text, start: i, space: space}
	t.end = l.readContent(&t, from+1, l.end, textForm{open: open, end: pairs[open], plain: strings.IndexByte("wiqs", form) >= 0})
	switch form {
	case 'w', 'W', 'i', 'I':
		t.kind, t.symbols = list, form == 'i' || form == 'I'
	case 's':
		t.kind = symbol
	case 'x':
		t.kind = other
	}
	l.tokens = append(l.tokens, t)
	return t.end, true
}

// readRegexp reads a regular expression, of which only the end matters.
func (l *lexer) readRegexp(start, from int, open, end byte, space bool) int {
	var t token
	i := l.readContent(&t, from, l.end, textForm{open: open, end: end})
	for i < l.end && strings.IndexByte("imxounse", l.program[i]) >= 0 {
		i++
	}
	return l.addToken(other, start, i, space)
}

// readHeredoc reads the beginning of a heredoc at i and its body below the line. ok is false if it is none.
func (l *lexer) readHeredoc(i int, space bool) (end int, ok bool) {
	p := l.program[:l.end]
	pos := i + 2
	squiggly := pos < len(p) && p[pos] == '~'
	dash := squiggly || pos < len(p) && p[pos] == '-'
	if dash {
		pos++
	}
	quote := byte(0)
	if pos < len(p) && (p[pos] == '"' || p[pos] == '\'') {
		quote = p[pos]
		pos++
	}
	from := pos
	for pos < len(p) && isNameByte(p[pos]) {
		pos++
	}
	name := p[from:pos]
	if name == "" || !dash && (!l.mayBeginText(i, space) || name[0] < 'A' || name[0] > 'Z' && name[0] != '_') || quote != 0 && (pos >= len(p) || p[pos] != quote) {
		return 0, false
	}
	if quote != 0 {
		pos++
	}
	body := l.bodies
	if body == 0 {
		body = pos + lengthThrough(p[pos:], "\n")
	}
	stop, next, indent, found := findHeredocEnd(p, body, name, dash)
	if !found || l.depth > 0 {
		l.broken = true
		return l.end, true
	}
	if !squiggly {
		indent = 0
	}
	t := token{kind: text, start: i, end: pos, space: space}
	l.readContent(&t, body, stop, textForm{plain: quote == '\'', indent: indent})
	t.content = body
	l.bodies = next
	l.tokens = append(l.tokens, t)
	return pos, true
}

// findHeredocEnd returns where the body of a heredoc stops and where the program continues, and the white space that all its lines have.
func findHeredocEnd(p string, from int, name string, indented bool) (stop, next, indent int, found bool) {
	indent = -1
	for i := from; i < len(p); {
		n := lengthThrough(p[i:], "\n")
		line := strings.TrimRight(p[i:i+n], "\r\n")
		trimmed := strings.TrimLeft(line, " \t")
		if line == name || indented && trimmed == name {
			return i, i + n, max(indent, 0), true
		}
		if trimmed != "" && (indent < 0 || len(line)-len(trimmed) < indent) {
			indent = len(line) - len(trimmed)
		}
		i += n
	}
	return len(p), len(p), 0, false
}

// escapes have one letter.
var escapes = map[byte]string{'n': "\n", 't': "\t", 'r': "\r", 's': " ", 'e': "\x1b", 'a': "\a", 'b': "\b", 'f': "\f", 'v': "\v", '0': "\x00", '\n': ""}

// decodeEscape decodes the escape at the beginning of s, and returns its length.
func decodeEscape(s string, f textForm) (int, string) {
	if f.plain {
		if s[1] == '\\' && f.end != 0 || s[1] == f.end || s[1] == f.open {
			return 2, s[1:2]
		}
		return 1, `\`
	}
	if decoded, known := escapes[s[1]]; known {
		return 2, decoded
	}
	if s[1] == 'u' && len(s) >= 6 {
		if code, err := strconv.ParseUint(s[2:6], 16, 32); err == nil {
			return 6, string(rune(code))
		}
	}
	_, size := utf8.DecodeRuneInString(s[1:])
	return 1 + size, s[1 : 1+size]
}
