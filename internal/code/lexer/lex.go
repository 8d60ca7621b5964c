package lexer

import (
	"bytes"
	"slices"
)

// NameLength returns the length of the name at the beginning of a text.
func NameLength(rest []byte) int {
	n := 0
	for n < len(rest) && NameByte[rest[n]] {
		n++
	}
	return n
}

// A lexer cuts strings out of code. It knows the strings and comments of a family of
// languages. It is one loop over the bytes that matter.

// String is a string of the code, by its offsets without the quotes.
type String struct {
	From, To      int
	Open          int  // where its quotes begin
	End           int  // after its closing quotes
	Reach         int  // the largest End of the strings up to this one: a text around it may end later
	Escapes       bool // backslash sequences like \n count
	Interpolation byte // the form of inserted expressions: '$' for ${x}, '{' for {x}, '#' for #{x}, 'd' for $x as well
	Symbol        bool
}

// lexer cuts one file.
type lexer struct {
	text  []byte
	d     *Language
	out   []String
	deep  int    // the nesting of inserted expressions
	notes []Span // the comments
}

// CutStrings returns the strings and the comments of a text, in the order in which they begin.
func CutStrings(text []byte, d *Language) ([]String, []Span) {
	l := &lexer{text: text, d: d}
	l.readRange(0, len(text))
	for i, reach := 0, 0; i < len(l.out); i++ {
		reach = max(reach, l.out[i].End)
		l.out[i].Reach = reach
	}
	return l.out, l.notes
}

// IsInSpans reports whether an offset is in one of some ranges.
func IsInSpans(list []Span, offset int) bool {
	i, _ := slices.BinarySearchFunc(list, offset+1, func(x Span, offset int) int { return x.From - offset })
	return i > 0 && offset < list[i-1].To
}

func (l *lexer) readRange(i, to int) {
	text, stop := l.text, l.d.stop
	for i < to {
		c := text[i]
		if !stop[c] {
			i++
			continue
		}
		i = l.readToken(i, to, c)
	}
}

// readToken reads the token that may begin at a byte, and returns the offset after it.
func (l *lexer) readToken(i, to int, c byte) int {
	text, d := l.text, l.d
	rest := text[i:to]
	switch c {
	case '/':
		switch {
		case len(rest) > 1 && rest[1] == '/':
			return l.addComment(i, i+LineEnd(rest))
		case len(rest) > 1 && rest[1] == '*':
			return l.addComment(i, i+2+FindEnd(rest[2:], "*/"))
		case d.regex && l.beginsRegex(i):
			return i + regexEnd(rest)
		}
	case '#':
		if i == 0 || !NameByte[text[i-1]] && text[i-1] != '$' {
			return l.addComment(i, i+LineEnd(rest))
		}
	case '-':
		if len(rest) > 1 && rest[1] == '-' {
			return l.addComment(i, i+LineEnd(rest))
		}
	case '<':
		return l.readHeredoc(i, to)
	case ':':
		return l.readSymbol(i, to)
	case '`':
		if d.template == 't' {
			return l.readTemplateString(i, to)
		}
		n := FindEnd(rest[1:], "`")
		l.addString(String{From: i + 1, To: i + 1 + n, Open: i}, 1)
		return i + 1 + n
	default:
		return l.readQuoted(i, to, c)
	}
	return i + 1
}

// addComment records a comment, and returns its end.
func (l *lexer) addComment(from, to int) int {
	l.notes = append(l.notes, Span{From: from, To: to})
	return to
}

// addString adds a string. Its end includes closing quotes of some length, if the string is
// complete.
func (l *lexer) addString(s String, quote int) {
	s.End = s.To
	if s.To-quote >= s.From && s.To <= len(l.text) {
		tail := l.text[s.To-quote : s.To]
		if tail[0] == l.text[s.Open] || quote > 1 || tail[0] == '"' || tail[0] == '\'' || tail[0] == '`' {
			s.To -= quote
		}
	}
	l.out = append(l.out, s)
}

// beginsRegex reports whether a slash begins a pattern, and is no division.
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

// LineEnd returns the offset of the end of the first line of a text.
func LineEnd(rest []byte) int {
	if n := bytes.IndexByte(rest, '\n'); n >= 0 {
		return n
	}
	return len(rest)
}

// FindEnd returns the offset after a mark.
func FindEnd(rest []byte, mark string) int {
	if n := bytes.Index(rest, []byte(mark)); n >= 0 {
		return n + len(mark)
	}
	return len(rest)
}

// NameByte are the bytes of names.
var NameByte = func() (out [256]bool) {
	for c := range out {
		out[c] = c == '_' || c >= 'a' && c <= 'z' || c >= 'A' && c <= 'Z' || c >= '0' && c <= '9' || c >= 0x80
	}
	return out
}()

// Span is a piece of a file, by its offsets: a string without its quotes, or a comment.
type Span struct {
	From, To int
	// Query is set if it is parsed as SQL, which has its own facts.
	Query bool
}
