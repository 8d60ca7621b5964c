package pgparse

import "strings"

// piece is a stretch of the source that holds one statement, as far as the
// lexical rules tell: from its first token up to, not including, its ';'.
type piece struct {
	start, end int
	depth      int  // the deepest nesting of brackets, CASE and prefix operators
	chain      int  // the longest chain of operators
	meta       bool // a psql command: \connect, \set, …
	slash      int  // where one stands in the statement; 0: none
}

// scanner cuts a source into pieces without building anything. It knows just
// enough of Postgres' lexical rules (strings of all kinds, dollar quotes,
// nested comments, BEGIN ATOMIC bodies, psql commands, COPY data) to find the
// ends of statements in text that the grammar may reject.
type scanner struct {
	src    string
	pos    int
	pieces []piece

	start, last int // first token of the current piece; end of its last token
	brackets    int
	run         int // prefix operators without an operand between
	cases       int
	depth       int
	atomic      int // open blocks of a BEGIN ATOMIC body
	words       int // words seen in the current piece
	chain       int // operators since the last comma
	longest     int // the longest such chain
	slash       int // the first psql command in the piece
	copying     int // 1: starts with COPY, 2: … FROM, 3: … FROM STDIN
	prevBegin   bool
}

func scan(src string) []piece {
	s := &scanner{src: src, start: -1, pieces: make([]piece, 0, min(strings.Count(src, ";")+1, 64))}
	for s.pos < len(src) {
		s.token()
	}
	s.flush()
	return s.pieces
}

func (s *scanner) flush() {
	if s.start >= 0 {
		s.pieces = append(s.pieces, piece{start: s.start, end: s.last, depth: s.depth, chain: s.longest, slash: s.slash})
	}
	*s = scanner{src: s.src, pos: s.pos, pieces: s.pieces, start: -1}
}

func (s *scanner) begin(at int) {
	if s.start < 0 {
		s.start = at
	}
}

func (s *scanner) note() {
	if d := s.brackets + s.run + s.cases; d > s.depth {
		s.depth = d
	}
}

func (s *scanner) operator() {
	s.chain++
	s.longest = max(s.longest, s.chain)
}

// token consumes one token, comment or stretch of white space.
func (s *scanner) token() {
	src, i := s.src, s.pos
	c := src[i]
	switch {
	case c == ' ' || c == '\t' || c == '\n' || c == '\r' || c == '\f' || c == '\v':
		s.pos++
		return
	case c == '-' && strings.HasPrefix(src[i:], "--"):
		s.pos = lineEnd(src, i)
		return
	case c == '/' && strings.HasPrefix(src[i:], "/*"):
		end, closed := comment(src, i)
		if s.pos = end; !closed {
			// The server refuses it, with the statement that it stands in.
			s.begin(i)
			s.last = end
		}
		return
	case c == ';' && s.brackets == 0 && s.atomic == 0:
		copied := s.copying == 3
		s.flush()
		s.pos++
		if copied {
			s.pos = copyDataEnd(src, s.pos)
		}
		return
	case c == '\\' && s.start < 0:
		end := lineEnd(src, i)
		s.pieces = append(s.pieces, piece{start: i, end: end, meta: true})
		s.pos = end
		return
	case c == '\\': // no SQL begins so
		if s.slash == 0 {
			s.slash = i
		}
		s.pos, s.last = lineEnd(src, i), lineEnd(src, i)
		if sends(src[i:s.pos]) {
			s.flush()
		}
		return
	}
	s.begin(i)
	operand := true
	switch {
	case c == '\'':
		s.pos = quoteEnd(src, i, '\'', false)
	case c == '"':
		s.pos = quoteEnd(src, i, '"', false)
	case c == '$':
		s.pos = dollarEnd(src, i)
	case c == '(' || c == '[':
		s.brackets++
		s.pos++
		operand = false
		s.note()
	case c == ')' || c == ']':
		if s.brackets > 0 {
			s.brackets--
		}
		s.pos++
	case isWordStart(c):
		operand = s.word()
	case c >= '0' && c <= '9' || c == '.':
		s.pos++
		for s.pos < len(src) && isWordByte(src[s.pos]) {
			s.pos++
		}
	case c == '-' || c == '+' || c == '~' || c == '!' || c == '@':
		s.pos++
		s.run++
		s.operator()
		operand = false
		s.note()
	case c == ',':
		s.pos++
		s.chain = 0
		operand = false
	default:
		s.pos++
		s.operator()
		operand = false
	}
	if operand {
		s.run = 0
	}
	s.last = s.pos
}

// word consumes an identifier or keyword and reports whether it can stand
// where an operand stands.
func (s *scanner) word() (operand bool) {
	src, i := s.src, s.pos
	for s.pos < len(src) && isWordByte(src[s.pos]) {
		s.pos++
	}
	w := src[i:s.pos]
	if s.pos < len(src) && src[s.pos] == '\'' && len(w) == 1 {
		switch w[0] {
		case 'e', 'E':
			s.pos = quoteEnd(src, s.pos, '\'', true)
			return true
		case 'b', 'B', 'x', 'X', 'n', 'N':
			s.pos = quoteEnd(src, s.pos, '\'', false)
			return true
		}
	}
	s.words++
	begin := s.prevBegin
	s.prevBegin = false
	switch len(w) {
	case 2:
		if is(w, "OR") {
			s.operator()
		}
	case 3:
		if is(w, "NOT") {
			s.run++
			s.note()
			return false
		}
		if is(w, "AND") {
			s.operator()
		}
		if is(w, "END") {
			if s.cases > 0 {
				s.cases--
			}
			if s.atomic > 0 {
				s.atomic--
			}
		}
	case 4:
		if is(w, "CASE") {
			s.cases++
			if s.atomic > 0 {
				s.atomic++
			}
			s.note()
		} else if is(w, "COPY") && s.words == 1 {
			s.copying = 1
		} else if is(w, "FROM") && s.copying == 1 && s.brackets == 0 {
			s.copying = 2
		}
	case 5:
		if is(w, "BEGIN") {
			s.prevBegin = true
		} else if is(w, "STDIN") && s.copying == 2 {
			s.copying = 3
		}
	case 6:
		if begin && is(w, "ATOMIC") {
			s.atomic = 1
		}
	}
	return true
}

// is compares a word with an upper-case keyword.
func is(word, keyword string) bool { return strings.EqualFold(word, keyword) }

func isWordStart(c byte) bool {
	return c >= 'a' && c <= 'z' || c >= 'A' && c <= 'Z' || c == '_' || c >= 0x80
}

func isWordByte(c byte) bool {
	return isWordStart(c) || c >= '0' && c <= '9' || c == '$'
}

// lineEnd is the end of the line comment or psql command at i. Postgres ends a
// comment at a carriage return, too.
func lineEnd(src string, i int) int {
	end := len(src)
	if n := strings.IndexByte(src[i:], '\n'); n >= 0 {
		end = i + n
	}
	if n := strings.IndexByte(src[i:end], '\r'); n >= 0 {
		return i + n
	}
	return end
}

func commentEnd(src string, i int) int {
	end, _ := comment(src, i)
	return end
}

// comment is the end of the comment at i, and whether it is closed.
func comment(src string, i int) (end int, closed bool) {
	depth := 0
	for i < len(src) {
		switch {
		case strings.HasPrefix(src[i:], "/*"):
			depth++
			i += 2
		case strings.HasPrefix(src[i:], "*/"):
			depth--
			i += 2
			if depth == 0 {
				return i, true
			}
		default:
			i++
		}
	}
	return len(src), false
}

// quoteEnd is the end of the quoted text that begins at i. A doubled quote
// stays inside; so does one behind a backslash when escapes are on.
func quoteEnd(src string, i int, quote byte, escapes bool) int {
	for i++; i < len(src); i++ {
		switch {
		case src[i] == '\\' && escapes:
			i++
		case src[i] == quote:
			if i+1 < len(src) && src[i+1] == quote {
				i++
				continue
			}
			return i + 1
		}
	}
	return len(src)
}

// dollarEnd is the end of a dollar-quoted text at i, or of a lone '$' or a
// parameter like $1.
func dollarEnd(src string, i int) int {
	j := i + 1
	if j < len(src) && (isWordStart(src[j]) || src[j] == '$') {
		for j < len(src) && isWordByte(src[j]) && src[j] != '$' {
			j++
		}
		if j < len(src) && src[j] == '$' {
			tag := src[i : j+1]
			if n := strings.Index(src[j+1:], tag); n >= 0 {
				return j + 1 + n + len(tag)
			}
			return len(src)
		}
	}
	return i + 1
}

// copyDataEnd skips the rows that psql reads after COPY … FROM STDIN; they
// end at a line that holds "\." alone. Without such a line there are none.
func copyDataEnd(src string, i int) int {
	for at := i; ; {
		n := strings.Index(src[at:], "\n\\.")
		if n < 0 {
			return i
		}
		end := at + n + 3
		if end == len(src) || src[end] == '\n' || src[end] == '\r' {
			return end
		}
		at = end
	}
}
