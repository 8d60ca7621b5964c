package lexer

import (
	"bytes"
)

// Functions for each kind of string: how it begins and ends.

// readQuoted reads a string in quotes.
func (l *lexer) readQuoted(i, to int, c byte) int {
	text, d := l.text, l.d
	rest := text[i:to]
	switch {
	case d.triple && len(rest) > 2 && rest[1] == c && rest[2] == c && (c == '"' || d.single):
		n := FindEnd(rest[3:], string(rest[:3]))
		l.addString(String{From: i + 3, To: i + 3 + n, Open: i, Escapes: d.single, Interpolation: l.interpolationForm(i)}, 3)
		return i + 3 + n
	case c == '\'' && !d.single:
		return i + quoteTokenLength(rest)
	case d.raw == 'r':
		if mark := l.rustRawEnd(i); mark != nil {
			return l.readRustRaw(i, rest, mark)
		}
	case d.raw == 'c' && i > 0 && (text[i-1] == '@' || i > 1 && text[i-1] == '$' && text[i-2] == '@'):
		return l.readVerbatim(i, rest)
	}
	n := 1
	for n < len(rest) {
		b := rest[n]
		if b == '\\' {
			n += 2
			continue
		}
		if b == c {
			n++
			break
		}
		if b == '\n' && !d.multi {
			break // it ends with the line
		}
		n++
	}
	n = min(n, len(rest))
	l.addString(String{From: i + 1, To: i + n, Open: i, Escapes: true, Interpolation: l.interpolationForm(i)}, 1)
	return i + n
}

// quoteTokenLength returns the length of a token that begins with a quote and is no string: 'x',
// or the quote of a lifetime.
func quoteTokenLength(rest []byte) int {
	switch {
	case len(rest) > 3 && rest[1] == '\\':
		if n := bytes.IndexByte(rest[3:min(len(rest), 12)], '\''); n >= 0 {
			return n + 4
		}
	case len(rest) > 2 && rest[2] == '\'':
		return 3
	}
	return 1
}

// rustRawEnd returns the text that ends the Rust raw string whose quote is at an offset:
// r#"…"#; nil if it is no raw string.
func (l *lexer) rustRawEnd(i int) []byte {
	k := i
	for k > 0 && l.text[k-1] == '#' {
		k--
	}
	if k > 0 && l.text[k-1] == 'r' && (k < 2 || !NameByte[l.text[k-2]] || l.text[k-2] == 'b') {
		return append([]byte{'"'}, l.text[k:i]...)
	}
	return nil
}

// readRustRaw reads a raw string of Rust's.
func (l *lexer) readRustRaw(i int, rest, mark []byte) int {
	n := FindEnd(rest[1:], string(mark))
	s := String{From: i + 1, To: i + 1 + n, Open: i - len(mark), End: i + 1 + n}
	if bytes.HasSuffix(l.text[s.From:s.To], mark) {
		s.To -= len(mark)
	}
	l.out = append(l.out, s)
	return i + 1 + n
}

// readVerbatim reads C#'s @"…", in which a quote is doubled.
func (l *lexer) readVerbatim(i int, rest []byte) int {
	n := 1
	for n < len(rest) {
		if rest[n] == '"' {
			if n+1 < len(rest) && rest[n+1] == '"' {
				n += 2
				continue
			}
			n++
			break
		}
		n++
	}
	l.addString(String{From: i + 1, To: i + n, Open: i, Interpolation: l.interpolationForm(i)}, 1)
	return i + n
}

// interpolationForm returns the form of inserted expressions in the string whose quotes begin at an
// offset.
func (l *lexer) interpolationForm(i int) byte {
	switch d := l.d; {
	case d.sharp:
		return '#'
	case d.Dollar:
		return 'd'
	case d.Brace:
		for k := i - 1; k >= 0 && k >= i-3; k-- {
			switch l.text[k] {
			case 'f', 'F', '$':
				return '{'
			case 'r', 'R', 'b', 'B', '@':
				continue
			}
			break
		}
	}
	return 0
}

// readTemplateString reads `… ${x} …`, and the strings in x.
func (l *lexer) readTemplateString(i, to int) int {
	index := len(l.out)
	l.out = append(l.out, String{From: i + 1, Open: i, Escapes: true, Interpolation: '$'})
	k := i + 1
	for k < to && l.text[k] != '`' {
		switch {
		case l.text[k] == '\\':
			k += 2
		case l.text[k] == '$' && k+1 < to && l.text[k+1] == '{':
			from := k + 2
			k = l.skipBlock(from, to)
			if l.deep < 8 && k > from {
				l.deep++
				l.readRange(from, k-1)
				l.deep--
			}
		default:
			k++
		}
	}
	k = min(k, to)
	l.out[index].To, l.out[index].End = k, min(k+1, to)
	return l.out[index].End
}

// skipBlock returns the offset after the brace that closes the block at an offset.
func (l *lexer) skipBlock(i, to int) int {
	depth := 1
	for i < to {
		switch c := l.text[i]; c {
		case '{':
			depth++
		case '}':
			if depth--; depth == 0 {
				return i + 1
			}
		case '"', '\'':
			k := i + 1
			for k < to && l.text[k] != c && l.text[k] != '\n' {
				if l.text[k] == '\\' {
					k++
				}
				k++
			}
			i = k
		case '`':
			k := i + 1
			for k < to && l.text[k] != '`' {
				if l.text[k] == '\\' {
					k++
				} else if l.text[k] == '$' && k+1 < to && l.text[k+1] == '{' {
					k = l.skipBlock(k+2, to) - 1
				}
				k++
			}
			i = k
		}
		i++
	}
	return to
}

// readHeredoc reads a string from the next line to a line with its end mark.
func (l *lexer) readHeredoc(i, to int) int {
	k := i + 1
	if k >= to || l.text[k] != '<' {
		return i + 1
	}
	for k < to && (l.text[k] == '<' || l.text[k] == '~' || l.text[k] == '-') {
		k++
	}
	if k < to && (l.text[k] == '\'' || l.text[k] == '"') {
		k++
	}
	from := k
	for k < to && NameByte[l.text[k]] {
		k++
	}
	word := l.text[from:k]
	if len(word) < 2 || word[0] < 'A' || word[0] > 'Z' && word[0] != '_' {
		return i + 2
	}
	start := k + LineEnd(l.text[k:to]) + 1
	for line := start; line < to; {
		n := LineEnd(l.text[line:to])
		lineText := bytes.Trim(l.text[line:line+n], " \t\r")
		if bytes.HasPrefix(lineText, word) && (len(lineText) == len(word) || !NameByte[lineText[len(word)]]) {
			l.out = append(l.out, String{From: start, To: line, Open: i, End: line + n, Escapes: true, Interpolation: l.interpolationForm(i)})
			return line + n
		}
		line += n + 1
	}
	return k
}

func (l *lexer) readSymbol(i, to int) int {
	k := i + 1
	if i > 0 && (NameByte[l.text[i-1]] || l.text[i-1] == ':') {
		return k
	}
	for k < to && NameByte[l.text[k]] {
		k++
	}
	if k > i+1 {
		l.out = append(l.out, String{From: i + 1, To: k, Open: i, End: k, Symbol: true})
	}
	return k
}
