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
	rows       bool // the rows of a COPY stand in it
	endless    bool // it is rows of a COPY that have no end, and look like SQL
	plain      bool // strings without an E in it have escapes
	unsure     bool // where a string of it ends is not known
}

// scanner cuts a source into pieces without building anything. It knows just
// enough of Postgres' lexical rules (strings of all kinds, dollar quotes,
// nested comments, BEGIN ATOMIC bodies, psql commands, COPY data) to find the
// ends of statements in text that the grammar may reject.
type scanner struct {
	src    string
	pos    int
	pieces []piece
	by     Reader
	// plain has the strings without an E that have escapes all the same.
	plain []Comment
	// copies counts the COPYs of the message whose rows are to come; lineBreak
	// is the end of the line behind which they stood, resume where the text goes on.
	copies, lineBreak, resume int
	endless                   int // where rows begin that nothing ends

	start, last int // first token of the current piece; end of its last token
	brackets    int
	parens      int // the round ones of them
	run         int // prefix operators without an operand between
	cases       int
	depth       int
	atomic      int  // open blocks of a BEGIN ATOMIC body
	opened      int  // where the word ATOMIC ends
	words       int  // words seen in the current piece
	chain       int  // operators since the last comma
	longest     int  // the longest such chain
	slash       int  // the first psql command in the piece
	copying     int  // 1: starts with COPY, 2: … FROM, 3: … FROM STDIN
	made        byte // how far the first words are CREATE OR REPLACE FUNCTION
	prevBegin   bool
	prevAs      bool // AS or a dot: a name follows
	broken      bool // the rows of a COPY stand in the piece
	escaped     bool // a string of it is in plain
	unsure      bool
	unsent      bool // pieces before this one go in its message
	sent        bool // and now they went
}

func scan(src string) []piece { return newScanner(src, Reader{}).all() }

func newScanner(src string, by Reader) *scanner {
	return &scanner{src: src, by: by, start: -1, pieces: make([]piece, 0, min(strings.Count(src, ";")+1, 64))}
}

func (s *scanner) all() []piece {
	for s.pos < len(s.src) {
		s.token()
	}
	s.flush()
	return s.pieces
}

// flush ends a piece.
func (s *scanner) flush() {
	if s.copying == 3 {
		s.copies++
	}
	if s.start >= 0 {
		s.pieces = append(s.pieces, piece{
			start: s.start, end: s.last, depth: s.depth, chain: s.longest, slash: s.slash, rows: s.broken, plain: s.escaped, unsure: s.unsure,
		})
	}
	*s = scanner{
		src: s.src, pos: s.pos, pieces: s.pieces, by: s.by, plain: s.plain, start: -1,
		unsent: s.unsent, copies: s.copies, lineBreak: s.lineBreak, resume: s.resume, endless: s.endless,
	}
}

// send ends a message: the rows of its COPYs are read now.
func (s *scanner) send() {
	s.flush()
	s.sent, s.unsent = s.unsent, false
	for ; s.copies > 0; s.copies-- {
		s.skipRows()
	}
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
	if s.resume > 0 && i >= s.lineBreak {
		s.overRows()
		return
	}
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
	case c == ';' && s.parens == 0 && s.atomic == 0:
		s.pos++
		s.send()
		return
	case c == '\\':
		s.slashed()
		return
	}
	s.begin(i)
	operand, name := true, false
	switch {
	case c == '\'':
		s.quoted(i, s.by.Strings.Off && !(i > 1 && src[i-1] == '&' && (src[i-2] == 'U' || src[i-2] == 'u')))
	case c == '"':
		s.pos = quoteEnd(src, i, '"', false)
	case c == '$':
		s.pos = dollarEnd(src, i)
	case c == '(' || c == '[':
		s.brackets++
		if c == '(' {
			s.parens++
		}
		s.pos++
		operand = false
		s.note()
	case c == ')' || c == ']':
		s.brackets = max(0, s.brackets-1)
		if c == ')' {
			s.parens = max(0, s.parens-1)
		}
		s.pos++
	case isWordStart(c):
		operand = s.word()
		name = s.prevAs
	case c >= '0' && c <= '9':
		s.pos = junkEnd(src, i)
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
	case c == '.':
		s.pos++
		name = true
	default:
		s.pos++
		s.operator()
		operand = false
	}
	if operand {
		s.run = 0
	}
	s.prevAs = name
	s.last = s.pos
}

// quoted consumes a string. One without an E in front has escapes where
// standard_conforming_strings is off.
func (s *scanner) quoted(start int, escapes bool) {
	i := s.pos
	if s.by.Psql {
		s.pos = quoteEnd(s.src, i, '\'', escapes)
		for escapes {
			next := continued(s.src, s.pos, true)
			if next < 0 {
				break
			}
			s.pos = quoteEnd(s.src, next, '\'', true)
		}
	} else {
		s.pos = stringEnd(s.src, i, escapes)
	}
	switch has := s.src[i:s.pos]; {
	case escapes && s.by.Strings.Encoding != "" && swallowed(has), start == i && s.by.Strings.Unsure && EndsElsewhere(s.src[i:]):
		s.unsure = true
	case escapes && start == i && strings.IndexByte(has, '\\') >= 0:
		s.plain = append(s.plain, Comment{i, s.pos})
		s.escaped = true
	}
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
			s.quoted(i, true)
			return true
		case 'n', 'N':
			s.quoted(s.pos, s.by.Strings.Off)
			return true
		case 'b', 'B', 'x', 'X':
			s.quoted(i, false)
			return true
		}
	}
	s.words++
	begin, from := s.prevBegin, s.copying == 2
	label := s.prevAs && !s.by.Psql // psql asks for no more than the word
	s.prevBegin, s.prevAs = false, false
	if from {
		s.copying = 0
	}
	if s.words <= 4 {
		s.making(w)
	}
	switch len(w) {
	case 2:
		if is(w, "OR") {
			s.operator()
		}
		s.prevAs = is(w, "AS")
	case 3:
		if is(w, "NOT") {
			s.run++
			s.note()
			return false
		}
		if is(w, "AND") {
			s.operator()
		}
		if is(w, "END") && !label {
			s.cases = max(0, s.cases-1)
			if s.by.Psql && s.parens == 0 || !s.by.Psql && s.closes() {
				s.atomic = max(0, s.atomic-1)
			}
		}
	case 4:
		if is(w, "CASE") && !label {
			s.cases++
			if s.atomic > 0 && (s.parens == 0 || !s.by.Psql) {
				s.atomic++
			}
			s.note()
		} else if is(w, "COPY") && s.words == 1 {
			s.copying = 1
		} else if is(w, "FROM") && s.copying == 1 && s.parens == 0 {
			s.copying = 2
		}
	case 5:
		if is(w, "BEGIN") {
			s.prevBegin = true
			if s.by.Psql && s.made == madeFunction && s.parens == 0 {
				s.atomic++
			}
		} else if from && is(w, "STDIN") {
			s.copying = 3
		}
	case 6:
		if begin && !s.by.Psql && s.made == madeFunction && s.parens == 0 && is(w, "ATOMIC") {
			s.atomic, s.opened = 1, s.pos
		}
	}
	return true
}

// closes reports whether an END is that of a CASE or of the body itself, and no
// label: the body's stands behind a statement's end, or where the body begins.
func (s *scanner) closes() bool {
	return s.atomic != 1 || s.last == s.opened || s.src[s.last-1] == ';'
}

// How far the first words of a piece are CREATE OR REPLACE FUNCTION or PROCEDURE.
const (
	madeCreate byte = iota + 1
	madeOr
	madeReplace
	madeFunction
)

// making follows the first words of a piece.
func (s *scanner) making(w string) {
	switch {
	case s.words == 1 && is(w, "CREATE"):
		s.made = madeCreate
	case s.words == 2 && s.made == madeCreate && is(w, "OR"):
		s.made = madeOr
	case s.words == 3 && s.made == madeOr && is(w, "REPLACE"):
		s.made = madeReplace
	case (s.words == 2 && s.made == madeCreate || s.words == 4 && s.made == madeReplace) && (is(w, "FUNCTION") || is(w, "PROCEDURE")):
		s.made = madeFunction
	}
}

// is compares a word with an upper-case keyword.
func is(word, keyword string) bool { return strings.EqualFold(word, keyword) }

func isWordStart(c byte) bool {
	return c >= 'a' && c <= 'z' || c >= 'A' && c <= 'Z' || c == '_' || c >= 0x80
}

func isWordByte(c byte) bool {
	return isWordStart(c) || c >= '0' && c <= '9' || c == '$'
}
