package lexer

import (
	"bytes"
	"path"
	"slices"
	"sync"
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

// Language describes how a language writes strings and comments.
type Language struct {
	slash, hash, dash bool       // comments: // and /* */, #, --
	single            bool       // '…' is a string; else a character
	triple            bool       // """…"""
	multi             bool       // "…" goes over lines
	template          byte       // `…`: 'r' raw, 't' with ${…}
	raw               byte       // 'r' Rust's r#"…"#, 'c' C#'s @"…"
	heredoc           bool       // <<SQL
	symbols           bool       // :name
	regex             bool       // /…/
	Adjacent          bool       // "a" "b" is one string
	Brace, sharp      bool       // "{x}" with f or $ before it; "#{x}"
	Dollar            bool       // "$x"
	stop              *[256]bool // the bytes at which a string or a comment may begin
}

var (
	Go         = completeDialect(Language{slash: true, template: 'r'})
	cLike      = completeDialect(Language{slash: true, triple: true, Adjacent: true})
	JVM        = completeDialect(Language{slash: true, triple: true, Dollar: true})
	CSharp     = completeDialect(Language{slash: true, triple: true, raw: 'c', Brace: true})
	script     = completeDialect(Language{slash: true, single: true, template: 't', regex: true})
	Python     = completeDialect(Language{hash: true, single: true, triple: true, Adjacent: true, Brace: true})
	Ruby       = completeDialect(Language{hash: true, single: true, multi: true, heredoc: true, symbols: true, sharp: true, Adjacent: true})
	Elixir     = completeDialect(Language{hash: true, triple: true, multi: true, symbols: true, sharp: true})
	php        = completeDialect(Language{slash: true, hash: true, single: true, multi: true, heredoc: true, Dollar: true})
	Rust       = completeDialect(Language{slash: true, multi: true, raw: 'r', Brace: true})
	shell      = completeDialect(Language{hash: true, single: true, multi: true, heredoc: true, Dollar: true})
	functional = completeDialect(Language{dash: true, multi: true})

	dialects = map[string]*Language{
		".go": Go, ".templ": Go, ".gotmpl": Go,
		".c": cLike, ".cc": cLike, ".cpp": cLike, ".h": cLike, ".hpp": cLike, ".m": cLike, ".zig": cLike, ".d": cLike, ".nim": Python,
		".java": JVM, ".kt": JVM, ".kts": JVM, ".scala": JVM, ".groovy": JVM, ".swift": JVM, ".dart": completeDialect(Language{
			slash:  true,
			single: true,
			triple: true,
			Dollar: true,
		}),
		".cs": CSharp, ".vb": CSharp, ".fs": CSharp, ".razor": CSharp, ".cshtml": CSharp,
		".js": script, ".jsx": script, ".ts": script, ".tsx": script, ".mjs": script, ".cjs": script, ".mts": script, ".cts": script, ".vue": script, ".svelte": script, ".astro": script,
		".py": Python, ".pyx": Python, ".jl": Python,
		".rb": Ruby, ".rake": Ruby, ".cr": Ruby,
		".ex": Elixir, ".exs": Elixir, ".erl": Elixir,
		".php": php, ".pl": completeDialect(Language{hash: true, single: true, multi: true, heredoc: true, Dollar: true}), ".pm": shell,
		".rs": Rust, ".sh": shell, ".lua": functional, ".hs": functional, ".ml": functional, ".clj": functional, ".cljs": functional,
		".r": Python, ".R": Python,
	}
)

// LanguageOf returns the dialect of a file; nil for a file without a program's strings.
func LanguageOf(file string) *Language { return dialects[path.Ext(file)] }

func completeDialect(d Language) *Language {
	d.stop = &[256]bool{'"': true, '\'': true}
	d.stop['`'] = d.template != 0
	d.stop['/'] = d.slash
	d.stop['#'] = d.hash
	d.stop['-'] = d.dash
	d.stop['<'] = d.heredoc
	d.stop[':'] = d.symbols
	return &d
}

// Words finds the words of a list in a text, in one pass: to search for one after the other takes a pass for each.
type Words struct {
	words []string
	index sync.Once
	// pairs has the bits of the first two bytes of the words.
	pairs  [1 << 10]uint64
	byPair map[uint16][]string
}

// NewWords returns a finder. Each word has at least two bytes. They are indexed at the first use, and not when the program starts.
func NewWords(words ...string) *Words { return &Words{words: words} }

func (w *Words) indexPairs() {
	w.byPair = map[uint16][]string{}
	for _, word := range w.words {
		pair := uint16(word[0])<<8 | uint16(word[1])
		w.pairs[pair>>6] |= 1 << (pair & 63)
		w.byPair[pair] = append(w.byPair[pair], word)
	}
}

// Each calls f with each word and its offset, in the order of the text, until f returns false. Words may overlap.
func (w *Words) Each(text []byte, f func(offset int, word string) bool) {
	w.index.Do(w.indexPairs)
	pair := uint16(0)
	for i, c := range text {
		if pair = pair<<8 | uint16(c); w.pairs[pair>>6]>>(pair&63)&1 == 0 || i == 0 {
			continue
		}
		for _, word := range w.byPair[pair] {
			if rest := text[i-1:]; len(rest) >= len(word) && string(rest[:len(word)]) == word && !f(i-1, word) {
				return
			}
		}
	}
}
