package usage

import (
	"bytes"
	"path"
)

// Strings are cut out of code by a lexer that knows what a family of languages takes
// for one, and for a comment. It is one loop over the bytes that matter.

// dialect is how a language writes strings and comments.
type dialect struct {
	slash, hash, dash bool // comments: // and /* */, #, --
	single            bool // '…' is a string; else a character
	triple            bool // """…"""
	multi             bool // "…" goes over lines
	template          byte // `…`: 'r' raw, 't' with ${…}
	raw               byte // 'r' Rust's r#"…"#, 'c' C#'s @"…"
	heredoc           bool // <<SQL
	symbols           bool // :name
	regex             bool // /…/
	adjacent          bool // "a" "b" is one string
	brace, sharp      bool // "{x}" with f or $ in front; "#{x}"
	dollar            bool // "$x"
	stop              *[256]bool
}

var (
	goLike     = made(dialect{slash: true, template: 'r'})
	cLike      = made(dialect{slash: true, triple: true, adjacent: true})
	jvm        = made(dialect{slash: true, triple: true, dollar: true})
	csharp     = made(dialect{slash: true, triple: true, raw: 'c', brace: true})
	script     = made(dialect{slash: true, single: true, template: 't', regex: true})
	python     = made(dialect{hash: true, single: true, triple: true, adjacent: true, brace: true})
	ruby       = made(dialect{hash: true, single: true, multi: true, heredoc: true, symbols: true, sharp: true, adjacent: true})
	elixir     = made(dialect{hash: true, triple: true, multi: true, symbols: true, sharp: true})
	php        = made(dialect{slash: true, hash: true, single: true, multi: true, heredoc: true, dollar: true})
	rust       = made(dialect{slash: true, multi: true, raw: 'r', brace: true})
	shell      = made(dialect{hash: true, single: true, multi: true, heredoc: true, dollar: true})
	functional = made(dialect{dash: true, multi: true})

	dialects = map[string]*dialect{
		".go": goLike, ".templ": goLike, ".gotmpl": goLike,
		".c": cLike, ".cc": cLike, ".cpp": cLike, ".h": cLike, ".hpp": cLike, ".m": cLike, ".zig": cLike, ".d": cLike, ".nim": python,
		".java": jvm, ".kt": jvm, ".kts": jvm, ".scala": jvm, ".groovy": jvm, ".swift": jvm, ".dart": made(dialect{slash: true, single: true, triple: true, dollar: true}),
		".cs": csharp, ".vb": csharp, ".fs": csharp, ".razor": csharp, ".cshtml": csharp,
		".js": script, ".jsx": script, ".ts": script, ".tsx": script, ".mjs": script, ".cjs": script, ".mts": script, ".cts": script, ".vue": script, ".svelte": script, ".astro": script,
		".py": python, ".pyx": python, ".jl": python,
		".rb": ruby, ".rake": ruby, ".cr": ruby,
		".ex": elixir, ".exs": elixir, ".erl": elixir,
		".php": php, ".pl": made(dialect{hash: true, single: true, multi: true, heredoc: true, dollar: true}), ".pm": shell,
		".rs": rust, ".sh": shell, ".lua": functional, ".hs": functional, ".ml": functional, ".clj": functional, ".cljs": functional,
		".r": python, ".R": python,
	}
)

// dialectOf is the dialect of a file; nil for what has no strings of a program.
func dialectOf(file string) *dialect { return dialects[path.Ext(file)] }

func made(d dialect) *dialect {
	d.stop = &[256]bool{'"': true, '\'': true}
	d.stop['`'] = d.template != 0
	d.stop['/'] = d.slash
	d.stop['#'] = d.hash
	d.stop['-'] = d.dash
	d.stop['<'] = d.heredoc
	d.stop[':'] = d.symbols
	return &d
}

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
	text []byte
	d    *dialect
	out  []literal
	deep int
}

// lex gives the strings of a text, in the order in which they begin.
func lex(text []byte, d *dialect) []literal {
	l := &lexer{text: text, d: d}
	l.run(0, len(text))
	return l.out
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
			return i + lineEnd(rest)
		case len(rest) > 1 && rest[1] == '*':
			return i + 2 + endOf(rest[2:], "*/")
		case d.regex && l.beginsRegex(i):
			return i + regexEnd(rest)
		}
	case '#':
		if i == 0 || !nameByte[text[i-1]] && text[i-1] != '$' {
			return i + lineEnd(rest)
		}
	case '-':
		if len(rest) > 1 && rest[1] == '-' {
			return i + lineEnd(rest)
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

// quoted reads a string in quotes.
func (l *lexer) quoted(i, to int, c byte) int {
	text, d := l.text, l.d
	rest := text[i:to]
	interp := l.interp(i)
	if d.triple && len(rest) > 2 && rest[1] == c && rest[2] == c && (c == '"' || d.single) {
		n := endOf(rest[3:], string(rest[:3]))
		l.add(literal{from: i + 3, to: i + 3 + n, open: i, escapes: d.single, interp: interp}, 3)
		return i + 3 + n
	}
	if c == '\'' && !d.single {
		switch { // a character, or a lifetime
		case len(rest) > 3 && rest[1] == '\\':
			if n := bytes.IndexByte(rest[3:min(len(rest), 12)], '\''); n >= 0 {
				return i + n + 4
			}
		case len(rest) > 2 && rest[2] == '\'':
			return i + 3
		}
		return i + 1
	}
	if d.raw == 'r' {
		k := i
		for k > 0 && text[k-1] == '#' {
			k--
		}
		if k > 0 && text[k-1] == 'r' && (k < 2 || !nameByte[text[k-2]] || text[k-2] == 'b') {
			mark := append([]byte{'"'}, text[k:i]...)
			n := endOf(rest[1:], string(mark))
			s := literal{from: i + 1, to: i + 1 + n, open: k - 1, end: i + 1 + n}
			if bytes.HasSuffix(text[s.from:s.to], mark) {
				s.to -= len(mark)
			}
			l.out = append(l.out, s)
			return i + 1 + n
		}
	}
	if d.raw == 'c' && i > 0 && (text[i-1] == '@' || i > 1 && text[i-1] == '$' && text[i-2] == '@') {
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
		l.add(literal{from: i + 1, to: i + n, open: i, interp: interp}, 1)
		return i + n
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
			break // of one line
		}
		n++
	}
	n = min(n, len(rest))
	l.add(literal{from: i + 1, to: i + n, open: i, escapes: true, interp: interp}, 1)
	return i + n
}

// interp is what is put into the string whose quotes begin at an offset.
func (l *lexer) interp(i int) byte {
	switch d := l.d; {
	case d.sharp:
		return '#'
	case d.dollar:
		return 'd'
	case d.brace:
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

// templateString reads `… ${x} …`, and the strings in x.
func (l *lexer) templateString(i, to int) int {
	at := len(l.out)
	l.out = append(l.out, literal{from: i + 1, open: i, escapes: true, interp: '$'})
	k := i + 1
	for k < to && l.text[k] != '`' {
		switch {
		case l.text[k] == '\\':
			k += 2
		case l.text[k] == '$' && k+1 < to && l.text[k+1] == '{':
			from := k + 2
			k = l.balanced(from, to)
			if l.deep < 8 && k > from {
				l.deep++
				l.run(from, k-1)
				l.deep--
			}
		default:
			k++
		}
	}
	k = min(k, to)
	l.out[at].to, l.out[at].end = k, min(k+1, to)
	return l.out[at].end
}

// balanced is the offset behind the brace that ends what begins at an offset.
func (l *lexer) balanced(i, to int) int {
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
					k = l.balanced(k+2, to) - 1
				}
				k++
			}
			i = k
		}
		i++
	}
	return to
}

// here reads a string that goes from the next line to one of its own.
func (l *lexer) here(i, to int) int {
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
	for k < to && nameByte[l.text[k]] {
		k++
	}
	word := l.text[from:k]
	if len(word) < 2 || word[0] < 'A' || word[0] > 'Z' && word[0] != '_' {
		return i + 2
	}
	start := k + lineEnd(l.text[k:to]) + 1
	for line := start; line < to; {
		n := lineEnd(l.text[line:to])
		said := bytes.Trim(l.text[line:line+n], " \t\r")
		if bytes.HasPrefix(said, word) && (len(said) == len(word) || !nameByte[said[len(word)]]) {
			l.out = append(l.out, literal{from: start, to: line, open: i, end: line + n, escapes: true, interp: l.interp(i)})
			return line + n
		}
		line += n + 1
	}
	return k
}

func (l *lexer) symbol(i, to int) int {
	k := i + 1
	if i > 0 && (nameByte[l.text[i-1]] || l.text[i-1] == ':') {
		return k
	}
	for k < to && nameByte[l.text[k]] {
		k++
	}
	if k > i+1 {
		l.out = append(l.out, literal{from: i + 1, to: k, open: i, end: k, symbol: true})
	}
	return k
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
