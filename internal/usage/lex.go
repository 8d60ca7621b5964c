package usage

import (
	"bytes"
	"slices"
)

// Strings are cut out of code by a lexer that knows what a family of languages takes
// for one, and for a comment. It is one loop over the bytes that matter.

// literal is a string of the code, by its offsets without the quotes.
type literal struct {
	from, to int
	open     int  // where its quotes begin
	end      int  // behind its closing quotes
	escapes  bool // \n is one
	interp   byte // what is put in between: '$' for ${x}, '{' for {x}, '#' for #{x}, 'd' for $x as well
	symbol   bool
}

// lexer cuts one file.
type lexer struct {
	text  []byte
	d     *dialect
	out   []literal
	deep  int
	notes []Span // the comments
}

// lex gives the strings and the comments of a text, in the order in which they begin.
func lex(text []byte, d *dialect) ([]literal, []Span) {
	l := &lexer{text: text, d: d}
	l.run(0, len(text))
	return l.out, l.notes
}

// within reports whether an offset is in one of some pieces of a text.
func within(list []Span, at int) bool {
	i, _ := slices.BinarySearchFunc(list, at+1, func(x Span, at int) int { return x.From - at })
	return i > 0 && at < list[i-1].To
}

func (l *lexer) run(i, to int) {
	text, stop := l.text, l.d.stop
	for i < to {
		c := text[i]
		if !stop[c] {
			i++
			continue
		}
		i = l.at(i, to, c)
	}
}

// at reads what may begin at a byte, and gives the offset behind it.
func (l *lexer) at(i, to int, c byte) int {
	text, d := l.text, l.d
	rest := text[i:to]
	switch c {
	case '/':
		switch {
		case len(rest) > 1 && rest[1] == '/':
			return l.note(i, i+lineEnd(rest))
		case len(rest) > 1 && rest[1] == '*':
			return l.note(i, i+2+endOf(rest[2:], "*/"))
		case d.regex && l.beginsRegex(i):
			return i + regexEnd(rest)
		}
	case '#':
		if i == 0 || !nameByte[text[i-1]] && text[i-1] != '$' {
			return l.note(i, i+lineEnd(rest))
		}
	case '-':
		if len(rest) > 1 && rest[1] == '-' {
			return l.note(i, i+lineEnd(rest))
		}
	case '<':
		return l.here(i, to)
	case ':':
		return l.symbol(i, to)
	case '`':
		if d.template == 't' {
			return l.templateString(i, to)
		}
		n := endOf(rest[1:], "`")
		l.add(literal{from: i + 1, to: i + 1 + n, open: i}, 1)
		return i + 1 + n
	default:
		return l.quoted(i, to, c)
	}
	return i + 1
}

// note passes over a comment.
func (l *lexer) note(from, to int) int {
	l.notes = append(l.notes, Span{From: from, To: to})
	return to
}

// add adds a string whose end has a quote of some length behind it, if it is whole.
func (l *lexer) add(s literal, quote int) {
	s.end = s.to
	if s.to-quote >= s.from && s.to <= len(l.text) {
		tail := l.text[s.to-quote : s.to]
		if tail[0] == l.text[s.open] || quote > 1 || tail[0] == '"' || tail[0] == '\'' || tail[0] == '`' {
			s.to -= quote
		}
	}
	l.out = append(l.out, s)
}

// beginsRegex reports whether a slash begins a pattern, and divides nothing.
func (l *lexer) beginsRegex(i int) bool {
	for k := i - 1; k >= 0 && k > i-80; k-- {
		switch c := l.text[k]; {
		case c == ' ' || c == '\t':
		case bytes.IndexByte([]byte("(,=:[!&|?{};\n"), c) >= 0:
			return true
		case c == 'n':
			return k > 5 && string(l.text[k-5:k+1]) == "return"
		default:
			return false
		}
	}
	return false
}

func regexEnd(rest []byte) int {
	class := false
	for n := 1; n < len(rest) && rest[n] != '\n'; n++ {
		switch rest[n] {
		case '\\':
			n++
		case '[':
			class = true
		case ']':
			class = false
		case '/':
			if !class {
				return n + 1
			}
		}
	}
	return 1
}

func lineEnd(rest []byte) int {
	if n := bytes.IndexByte(rest, '\n'); n >= 0 {
		return n
	}
	return len(rest)
}

// endOf is the offset behind a mark.
func endOf(rest []byte, mark string) int {
	if n := bytes.Index(rest, []byte(mark)); n >= 0 {
		return n + len(mark)
	}
	return len(rest)
}

// nameByte are the bytes of names.
var nameByte = func() (out [256]bool) {
	for c := range out {
		out[c] = c == '_' || c >= 'a' && c <= 'z' || c >= 'A' && c <= 'Z' || c >= '0' && c <= '9' || c >= 0x80
	}
	return out
}()
