package pgparse

import "strings"

// piece is the part of a source that holds one statement, by the lexical rules: from its
// first token up to, not including, its ';'.
type piece struct {
	start, end int
	depth      int  // the deepest nesting of brackets, CASE and prefix operators
	chain      int  // the longest chain of operators
	meta       bool // a psql command: \connect, \set, …
	slash      int  // the offset of a psql command inside the statement; 0: none
	rows       bool // it contains the rows of a COPY
	endless    bool // it is rows of a COPY that have no end, and look like SQL
	plain      bool // strings without an E have escapes
	unsure     bool // the end of one of its strings is not known
}

// scanner splits a source into pieces without building a tree. It knows just enough of
// Postgres' lexical rules (strings of all kinds, dollar quotes, nested comments, BEGIN
// ATOMIC bodies, psql commands, COPY data) to find the ends of statements in text that
// the grammar may reject.
type scanner struct {
	src    string
	pos    int
	pieces []piece
	by     Reader
	// plain lists the strings without an E that have escapes nevertheless.
	plain []Comment
	// copies counts the COPYs of the message whose rows follow. lineBreak is the end of
	// their line, and resume the place where the text continues after the rows.
	copies, lineBreak, resume int
	endless                   int // the offset of rows without an end

	start, last int // first token of the current piece; end of its last token
	brackets    int
	parens      int // only round brackets
	run         int // prefix operators without an operand between them
	cases       int
	depth       int
	atomic      int  // open blocks of a BEGIN ATOMIC body
	opened      int  // the end of the word ATOMIC
	words       int  // words seen in the current piece
	chain       int  // operators since the last comma
	longest     int  // the longest such chain
	slash       int  // the first psql command in the piece
	copying     int  // 1: starts with COPY, 2: … FROM, 3: … FROM STDIN
	made        byte // how much of CREATE OR REPLACE FUNCTION was read
	prevBegin   bool
	prevAs      bool // AS or a dot: a name follows
	broken      bool // the piece contains the rows of a COPY
	escaped     bool // plain has one of its strings
	unsure      bool
	unsent      bool // its message already has earlier pieces
	sent        bool // a message was just sent

	// variables are psql's variables in the text, if keepsVariables is set.
	variables      []Comment
	keepsVariables bool
}

func scanPieces(src string) []piece { return newScanner(src, Reader{}).scanAll() }

func newScanner(src string, reader Reader) *scanner {
	return &scanner{src: src, by: reader, start: -1, pieces: make([]piece, 0, min(strings.Count(src, ";")+1, 64))}
}

func (s *scanner) scanAll() []piece {
	for s.pos < len(s.src) {
		s.scanToken()
	}
	s.endPiece()
	return s.pieces
}

// endPiece ends a piece.
func (s *scanner) endPiece() {
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
		variables: s.variables, keepsVariables: s.keepsVariables,
	}
}

// endMessage ends a message. The rows of its COPYs follow now.
func (s *scanner) endMessage() {
	s.endPiece()
	s.sent, s.unsent = s.unsent, false
	for ; s.copies > 0; s.copies-- {
		s.locateRowsEnd()
	}
}

func (s *scanner) beginPiece(offset int) {
	if s.start < 0 {
		s.start = offset
	}
}

func (s *scanner) recordDepth() {
	if d := s.brackets + s.run + s.cases; d > s.depth {
		s.depth = d
	}
}

func (s *scanner) countOperator() {
	s.chain++
	s.longest = max(s.longest, s.chain)
}

// scanToken consumes one token, comment or stretch of white space.
func (s *scanner) scanToken() {
	src, i := s.src, s.pos
	if s.resume > 0 && i >= s.lineBreak {
		s.skipCopyRows()
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
		end, closed := skipComment(src, i)
		if s.pos = end; !closed {
			// The server refuses it together with the statement that contains it.
			s.beginPiece(i)
			s.last = end
		}
		return
	case c == ';' && s.parens == 0 && s.atomic == 0:
		s.pos++
		s.endMessage()
		return
	case c == '\\':
		s.scanCommand()
		return
	}
	s.beginPiece(i)
	operand, name := true, false
	switch {
	case c == '\'':
		s.scanString(i, s.by.Strings.Off && !(i > 1 && src[i-1] == '&' && (src[i-2] == 'U' || src[i-2] == 'u')))
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
		s.recordDepth()
	case c == ')' || c == ']':
		s.brackets = max(0, s.brackets-1)
		if c == ')' {
			s.parens = max(0, s.parens-1)
		}
		s.pos++
	case isWordStart(c):
		operand = s.scanWord()
		name = s.prevAs
	case c >= '0' && c <= '9':
		s.pos = junkEnd(src, i)
	case c == '-' || c == '+' || c == '~' || c == '!' || c == '@':
		s.pos++
		s.run++
		s.countOperator()
		operand = false
		s.recordDepth()
	case c == ',':
		s.pos++
		s.chain = 0
		operand = false
	case c == '.':
		s.pos++
		name = true
	default:
		s.recordVariable()
		s.pos++
		s.countOperator()
		operand = false
	}
	if operand {
		s.run = 0
	}
	s.prevAs = name
	s.last = s.pos
}

// scanString consumes a string. A string without an E has escapes if
// standard_conforming_strings is off.
func (s *scanner) scanString(start int, escapes bool) {
	i := s.pos
	if s.by.Psql {
		s.pos = quoteEnd(s.src, i, '\'', escapes)
		for escapes {
			next := continuedAt(s.src, s.pos, true)
			if next < 0 {
				break
			}
			s.pos = quoteEnd(s.src, next, '\'', true)
		}
	} else {
		s.pos = stringEnd(s.src, i, escapes)
	}
	switch content := s.src[i:s.pos]; {
	case escapes && s.by.Strings.Encoding != "" && maySwallowBackslash(content), start == i && s.by.Strings.Unsure && EndsElsewhere(s.src[i:]):
		s.unsure = true
	case escapes && start == i && strings.IndexByte(content, '\\') >= 0:
		s.plain = append(s.plain, Comment{i, s.pos})
		s.escaped = true
	}
}

// scanWord consumes an identifier or keyword and reports whether it can be an operand.
func (s *scanner) scanWord() (operand bool) {
	src, i := s.src, s.pos
	for s.pos < len(src) && isWordByte(src[s.pos]) {
		s.pos++
	}
	w := src[i:s.pos]
	if s.pos < len(src) && src[s.pos] == '\'' && len(w) == 1 {
		switch w[0] {
		case 'e', 'E':
			s.scanString(i, true)
			return true
		case 'n', 'N':
			s.scanString(s.pos, s.by.Strings.Off)
			return true
		case 'b', 'B', 'x', 'X':
			s.scanString(i, false)
			return true
		}
	}
	s.words++
	begin, from := s.prevBegin, s.copying == 2
	label := s.prevAs && !s.by.Psql // psql only looks at the word
	s.prevBegin, s.prevAs = false, false
	if from {
		s.copying = 0
	}
	if s.words <= 4 {
		s.trackFirstWords(w)
	}
	switch len(w) {
	case 2:
		if isKeyword(w, "OR") {
			s.countOperator()
		}
		s.prevAs = isKeyword(w, "AS")
	case 3:
		if isKeyword(w, "NOT") {
			s.run++
			s.recordDepth()
			return false
		}
		if isKeyword(w, "AND") {
			s.countOperator()
		}
		if isKeyword(w, "END") && !label {
			s.cases = max(0, s.cases-1)
			if s.by.Psql && s.parens == 0 || !s.by.Psql && s.isClosingEnd() {
				s.atomic = max(0, s.atomic-1)
			}
		}
	case 4:
		if isKeyword(w, "CASE") && !label {
			s.cases++
			if s.atomic > 0 && (s.parens == 0 || !s.by.Psql) {
				s.atomic++
			}
			s.recordDepth()
		} else if isKeyword(w, "COPY") && s.words == 1 {
			s.copying = 1
		} else if isKeyword(w, "FROM") && s.copying == 1 && s.parens == 0 {
			s.copying = 2
		}
	case 5:
		if isKeyword(w, "BEGIN") {
			s.prevBegin = true
			if s.by.Psql && s.made == madeFunction && s.parens == 0 {
				s.atomic++
			}
		} else if from && isKeyword(w, "STDIN") {
			s.copying = 3
		}
	case 6:
		if begin && !s.by.Psql && s.made == madeFunction && s.parens == 0 && isKeyword(w, "ATOMIC") {
			s.atomic, s.opened = 1, s.pos
		}
	}
	return true
}

// isClosingEnd reports whether an END closes a CASE or the body, and is not a label. The END of
// the body comes after the end of a statement, or where the body begins.
func (s *scanner) isClosingEnd() bool {
	return s.atomic != 1 || s.last == s.opened || s.src[s.last-1] == ';'
}

// How many of the first words CREATE OR REPLACE FUNCTION or PROCEDURE a piece has.
const (
	madeCreate byte = iota + 1
	madeOr
	madeReplace
	madeFunction
)

// trackFirstWords tracks the first words of a piece.
func (s *scanner) trackFirstWords(w string) {
	switch {
	case s.words == 1 && isKeyword(w, "CREATE"):
		s.made = madeCreate
	case s.words == 2 && s.made == madeCreate && isKeyword(w, "OR"):
		s.made = madeOr
	case s.words == 3 && s.made == madeOr && isKeyword(w, "REPLACE"):
		s.made = madeReplace
	case (s.words == 2 && s.made == madeCreate || s.words == 4 && s.made == madeReplace) && (isKeyword(w, "FUNCTION") || isKeyword(w, "PROCEDURE")):
		s.made = madeFunction
	}
}

// isKeyword compares a word with a keyword in upper case.
func isKeyword(word, keyword string) bool { return strings.EqualFold(word, keyword) }

func isWordStart(c byte) bool {
	return c >= 'a' && c <= 'z' || c >= 'A' && c <= 'Z' || c == '_' || c >= 0x80
}

func isWordByte(c byte) bool {
	return isWordStart(c) || c >= '0' && c <= '9' || c == '$'
}
