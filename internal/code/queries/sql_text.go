package queries

import (
	"slices"
	"strings"

	"github.com/onward-sql/onward/internal/code/lexer"
	"github.com/onward-sql/onward/internal/pgparse"
)

// HoleName replaces text in SQL that the program inserts at run time. It is a name, because a name is also
// allowed as a value.
const HoleName = "onward_hole"

// HasHole reports whether a name is, in part, inserted at run time.
func HasHole(name string) bool { return strings.Contains(name, HoleName) }

// Text is SQL that is assembled from strings of the code: "SELECT id FROM " + table has a hole after FROM.
type Text struct {
	SQL []byte
	// Segments say where each piece of it comes from, in order.
	Segments []Segment
	// holes are the placeholders: names and values that are inserted at run time.
	holes  []Hole
	Quoted bool // within a string literal of the SQL
	// unfinished is set if something had to be appended so that the grammar could read it.
	unfinished bool
	// Fills are the texts that the program inserts for verbs of a format, by their offset in the file.
	Fills map[int]string
}

// Segment maps an offset in the SQL to an offset in the file. For a hole, to is its end.
type Segment struct{ at, to int }

// Hole is a placeholder in the SQL. source is the code of the file that fills it; it is empty if the hole
// holds a constant's text.
type Hole struct {
	Segment
	source lexer.Span
}

// fileOffset returns the offset in the file of an offset in the SQL.
func (s *Text) fileOffset(offset int) int {
	i, found := slices.BinarySearchFunc(s.Segments, offset, func(s Segment, offset int) int { return s.at - offset })
	if !found {
		i--
	}
	if i < 0 {
		return 0
	}
	return s.Segments[i].to + offset - s.Segments[i].at
}

func (s *Text) addSegment(file int) {
	if n := len(s.Segments); n > 0 && s.Segments[n-1].at == len(s.SQL) {
		s.Segments[n-1].to = file
		return
	}
	s.Segments = append(s.Segments, Segment{len(s.SQL), file})
}

// AddHole appends a placeholder. next is the offset at which the file continues.
func (s *Text) AddHole(placeholder string, next int) {
	if s.Quoted {
		placeholder = "x"
	}
	n := len(s.SQL)
	s.SQL = append(s.SQL, placeholder...)
	s.holes = append(s.holes, Hole{Segment: Segment{n, len(s.SQL)}})
	s.addSegment(next)
}

// AddString appends a string of the code.
func (s *Text) AddString(text []byte, l lexer.String, d *lexer.Language) {
	s.addSegment(l.From)
	for i := l.From; i < l.To; {
		c := text[i]
		rest := text[i:l.To]
		switch {
		case c == '\\' && l.Escapes && len(rest) > 1:
			i = s.addEscape(rest[1], i)
			continue
		case c == '"' && d == lexer.CSharp && l.From == l.Open+1 && len(rest) > 1 && rest[1] == '"': // in @"…"
			s.SQL = append(s.SQL, c)
			i += 2
			s.addSegment(i)
			continue
		case c == '\'':
			s.Quoted = !s.Quoted
		case !holeByte[c]:
		case c == '-' && !s.Quoted && len(rest) > 1 && rest[1] == '-':
			n := lexer.LineEnd(rest)
			s.SQL = append(s.SQL, strings.Repeat(" ", n)...)
			i += n
			continue
		default:
			n, placeholder := s.holeAt(text, rest, i, l, d)
			if fill := s.Fills[i]; n > 0 && fill != "" {
				s.AddHole(fill, i+n)
				i += n
				continue
			}
			if n > 0 {
				s.AddHole(placeholder, i+n)
				s.holes[len(s.holes)-1].source = lexer.Span{From: i, To: i + n}
				i += n
				continue
			}
		}
		s.SQL = append(s.SQL, c)
		i++
	}
}

// addEscape appends the byte that a backslash sequence means.
func (s *Text) addEscape(c byte, i int) int {
	switch c {
	case 'n', 'r', 't':
		s.SQL = append(s.SQL, ' ')
	case '\n':
		s.SQL = append(s.SQL, ' ')
	default:
		if c == '\'' {
			s.Quoted = !s.Quoted
		}
		s.SQL = append(s.SQL, c)
	}
	s.addSegment(i + 2)
	return i + 2
}

var holeByte = func() (out [256]bool) {
	for _, c := range "$#{%?:@-" {
		out[c] = true
	}
	return out
}()

const parameter = " $1 "

// holeAt returns how many bytes at the start of the rest of a string are replaced at run time, and the
// placeholder: a parameter for a value, a name for anything else.
func (s *Text) holeAt(text, rest []byte, i int, l lexer.String, d *lexer.Language) (int, string) {
	switch rest[0] {
	case '$':
		return readDollar(rest, l)
	case '#':
		if secondByte(rest) != '{' {
			return 0, ""
		}
		if l.Interpolation != '#' {
			return closedLength(rest, 2), parameter
		}
		return closedLength(rest, 2), HoleName
	case '{':
		return readCurly(rest, l, d)
	case '%':
		return ReadPercent(rest)
	}
	before := byte(0)
	if i > l.From {
		before = text[i-1]
	}
	if s.Quoted {
		return 0, ""
	}
	return readBind(rest, before)
}

// secondByte returns the second byte of a text; 0 for none.
func secondByte(rest []byte) byte {
	if len(rest) > 1 {
		return rest[1]
	}
	return 0
}

// readDollar reads ${x}, $(x), $<x>, $[x] and $x; $1 and $body$ are SQL's own.
func readDollar(rest []byte, l lexer.String) (int, string) {
	switch next := secondByte(rest); {
	case next == '{':
		return closedLength(rest, 2), HoleName
	case next == '(' || next == '<' || next == '[':
		if n := bracketLength(rest[1:], next); n > 2 {
			return n + 1, parameter
		}
	case next == '$' || next >= '0' && next <= '9' || !lexer.NameByte[next]:
	default:
		n := lexer.NameLength(rest[1:])
		switch {
		case n < len(rest)-1 && rest[n+1] == '$':
			return 0, ""
		case l.Interpolation == 'd':
			return n + 1, HoleName
		}
		return n + 1, parameter
	}
	return 0, ""
}

// readCurly reads {x}, {{ x }} and {% x %}.
func readCurly(rest []byte, l lexer.String, d *lexer.Language) (int, string) {
	switch next := secondByte(rest); {
	case next == '{':
		if n := strings.Index(string(rest), "}}"); n > 0 {
			n += 2
			for n < len(rest) && rest[n] == '}' {
				n++
			}
			return n, HoleName
		}
	case next == '%':
		if n := strings.Index(string(rest), "%}"); n > 0 {
			return n + 2, " "
		}
	case l.Interpolation == '{' || l.Interpolation == 'd' && next == '$' || d != nil && d.Brace && (next == '}' || lexer.NameByte[next]):
		return closedLength(rest, 1), HoleName
	}
	return 0, ""
}

// readBind reads ?, ?1, :name, :"name" and @name. before is the byte before them.
func readBind(rest []byte, before byte) (int, string) {
	next := secondByte(rest)
	name := lexer.NameByte[next] && (next < '0' || next > '9')
	switch rest[0] {
	case '?':
		n := 1
		for n < len(rest) && rest[n] >= '0' && rest[n] <= '9' {
			n++
		}
		if next != '?' && next != '|' && next != '&' {
			return n, parameter
		}
	case ':':
		quoted := next == '"' || next == '\''
		if before == ':' || lexer.NameByte[before] || before == ']' || !name && !quoted {
			return 0, ""
		}
		n := 1
		if quoted {
			n = 2
		}
		n += lexer.NameLength(rest[n:])
		if quoted && n < len(rest) && (rest[n] == '"' || rest[n] == '\'') {
			n++
		}
		return n, parameter
	case '@':
		if before != '@' && !lexer.NameByte[before] && name {
			return 1 + lexer.NameLength(rest[1:]), parameter
		}
	}
	return 0, ""
}

// ReadPercent reads %s, %[1]d, %1$s and %(name)s.
func ReadPercent(rest []byte) (int, string) {
	n := 1
	if n < len(rest) && rest[n] == '(' {
		if k := bracketLength(rest[1:], '('); k > 0 && k+1 < len(rest) && (rest[k+1] == 's' || rest[k+1] == 'd') {
			return k + 2, parameter
		}
		return 0, ""
	}
	for n < len(rest) && (rest[n] >= '0' && rest[n] <= '9' || strings.IndexByte("[]$+#.-", rest[n]) >= 0) {
		n++
	}
	if n < len(rest) && strings.IndexByte("sdvqtfIL", rest[n]) >= 0 && (n+1 == len(rest) || !lexer.NameByte[rest[n+1]] || rest[n+1] == '_') {
		return n + 1, HoleName
	}
	return 0, ""
}

// closedLength returns the length up to the brace that closes what is open after n bytes.
func closedLength(rest []byte, n int) int {
	depth := 1
	for ; n < len(rest); n++ {
		switch rest[n] {
		case '{':
			depth++
		case '}':
			if depth--; depth == 0 {
				return n + 1
			}
		}
	}
	return len(rest)
}

// bracketLength returns the length of a name in brackets, 0 for anything else.
func bracketLength(rest []byte, open byte) int {
	end := map[byte]byte{'(': ')', '<': '>', '[': ']'}[open]
	for n := 1; n < len(rest); n++ {
		if rest[n] == end {
			return n + 1
		}
		if !lexer.NameByte[rest[n]] && strings.IndexByte(":~.^/", rest[n]) < 0 {
			return 0
		}
	}
	return 0
}

// maxMends bounds the attempts to read assembled SQL.
const maxMends = 8

// parseStatements reads the statements of the text. If the grammar refuses a placeholder, it is left out, and parseStatements
// tries again.
func (s *Text) parseStatements() []pgparse.Stmt {
	text := slices.Clone(s.SQL)
	out := SplitStatements(text)
	for range maxMends {
		failure := firstFailure(out)
		if failure < 0 {
			return out
		}
		if failure >= len(strings.TrimRight(string(text), " \t\r\n;")) {
			break // more follows at run time
		}
		i := s.holeBefore(text, failure)
		if i < 0 {
			break
		}
		for k := s.holes[i].at; k < s.holes[i].to; k++ {
			text[k] = ' '
		}
		out = SplitStatements(text)
	}
	for _, more := range []string{
		" (" + HoleName + ") DO NOTHING", " DO NOTHING", " " + HoleName, " (" + HoleName + ")", " = " + HoleName, ")",
		"))", " " + HoleName + ")",
	} {
		if firstFailure(out) < 0 || len(text) > 64<<10 {
			return out
		}
		if tried := SplitStatements(append(text[:len(text):len(text)], more...)); firstFailure(tried) < 0 {
			s.unfinished = true
			return clampStatements(tried, len(s.SQL))
		}
	}
	return out
}

// clampStatements ends statements at the end of the text: whatever was appended for the grammar is not part of
// them.
func clampStatements(list []pgparse.Stmt, end int) []pgparse.Stmt {
	for i := range list {
		list[i].Start, list[i].End = min(list[i].Start, end), min(list[i].End, end)
	}
	return list
}

// SplitStatements splits and parses a text of SQL, within the bounds of the parser.
func SplitStatements(text []byte) []pgparse.Stmt {
	f, err := pgparse.SplitText(string(text))
	if err != nil {
		return nil
	}
	return f.Stmts
}

// firstFailure returns the offset at which the first invalid statement fails; -1 for none.
func firstFailure(list []pgparse.Stmt) int {
	for i := range list {
		if list[i].Err != nil {
			return list[i].Err.Offset
		}
	}
	return -1
}

// holeBefore returns the hole at an offset, or the last one before it, that is not yet removed.
func (s *Text) holeBefore(text []byte, offset int) int {
	for i := len(s.holes) - 1; i >= 0; i-- {
		h := s.holes[i]
		if h.at <= offset+1 && offset-h.to < 40 && strings.TrimSpace(string(text[h.at:h.to])) != "" {
			return i
		}
	}
	return -1
}
