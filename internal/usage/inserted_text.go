package usage

import (
	"slices"
	"strings"

	"github.com/onward-sql/onward/internal/pgparse"
)

// holeName replaces text in SQL that the program inserts at run time. It is a name, because a name is also
// allowed as a value.
const holeName = "onward_hole"

// hasHole reports whether a name is, in part, inserted at run time.
func hasHole(name string) bool { return strings.Contains(name, holeName) }

// sqlText is SQL that is assembled from strings of the code.
type sqlText struct {
	text []byte
	// segs say where each piece of it comes from, in order.
	segs []seg
	// holes are the placeholders: names and values that are inserted at run time.
	holes []filledHole
	quote bool // within a string literal of the SQL
	// unfinished is set if something had to be appended so that the grammar could read it.
	unfinished bool
	// fills are the texts that the program inserts for verbs of a format, by their offset in the file.
	fills map[int]string
}

// seg maps an offset in the SQL to an offset in the file. For a hole, to is its end.
type seg struct{ at, to int }

// filledHole is a hole, and the code of the file that fills it; said is empty if the hole holds a constant's
// text.
type filledHole struct {
	seg
	source Span
}

// fileOffset returns the offset in the file of an offset in the SQL.
func (s *sqlText) fileOffset(at int) int {
	i, found := slices.BinarySearchFunc(s.segs, at, func(s seg, at int) int { return s.at - at })
	if !found {
		i--
	}
	if i < 0 {
		return 0
	}
	return s.segs[i].to + at - s.segs[i].at
}

func (s *sqlText) continueAt(file int) {
	if n := len(s.segs); n > 0 && s.segs[n-1].at == len(s.text) {
		s.segs[n-1].to = file
		return
	}
	s.segs = append(s.segs, seg{len(s.text), file})
}

// addHole appends a placeholder. next is the offset at which the file continues.
func (s *sqlText) addHole(what string, next int) {
	if s.quote {
		what = "x"
	}
	n := len(s.text)
	s.text = append(s.text, what...)
	s.holes = append(s.holes, filledHole{seg: seg{n, len(s.text)}})
	s.continueAt(next)
}

// addString appends a string of the code.
func (s *sqlText) addString(text []byte, l literal, d *dialect) {
	s.continueAt(l.from)
	for i := l.from; i < l.to; {
		c := text[i]
		rest := text[i:l.to]
		switch {
		case c == '\\' && l.escapes && len(rest) > 1:
			i = s.addEscape(rest[1], i)
			continue
		case c == '"' && d == csharp && l.from == l.open+1 && len(rest) > 1 && rest[1] == '"': // in @"…"
			s.text = append(s.text, c)
			i += 2
			s.continueAt(i)
			continue
		case c == '\'':
			s.quote = !s.quote
		case !holeByte[c]:
		case c == '-' && !s.quote && len(rest) > 1 && rest[1] == '-':
			n := lineEnd(rest)
			s.text = append(s.text, strings.Repeat(" ", n)...)
			i += n
			continue
		default:
			n, what := s.holeAt(text, rest, i, l, d)
			if fill := s.fills[i]; n > 0 && fill != "" {
				s.addHole(fill, i+n)
				i += n
				continue
			}
			if n > 0 {
				s.addHole(what, i+n)
				s.holes[len(s.holes)-1].source = Span{From: i, To: i + n}
				i += n
				continue
			}
		}
		s.text = append(s.text, c)
		i++
	}
}

// addEscape appends the byte that a backslash sequence means.
func (s *sqlText) addEscape(c byte, i int) int {
	switch c {
	case 'n', 'r', 't':
		s.text = append(s.text, ' ')
	case '\n':
		s.text = append(s.text, ' ')
	default:
		if c == '\'' {
			s.quote = !s.quote
		}
		s.text = append(s.text, c)
	}
	s.continueAt(i + 2)
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
func (s *sqlText) holeAt(text, rest []byte, i int, l literal, d *dialect) (int, string) {
	switch rest[0] {
	case '$':
		return readDollar(rest, l)
	case '#':
		if secondByte(rest) != '{' {
			return 0, ""
		}
		if l.interp != '#' {
			return closedLength(rest, 2), parameter
		}
		return closedLength(rest, 2), holeName
	case '{':
		return readCurly(rest, l, d)
	case '%':
		return readPercent(rest)
	}
	before := byte(0)
	if i > l.from {
		before = text[i-1]
	}
	if s.quote {
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
func readDollar(rest []byte, l literal) (int, string) {
	switch next := secondByte(rest); {
	case next == '{':
		return closedLength(rest, 2), holeName
	case next == '(' || next == '<' || next == '[':
		if n := bracketLength(rest[1:], next); n > 2 {
			return n + 1, parameter
		}
	case next == '$' || next >= '0' && next <= '9' || !nameByte[next]:
	default:
		n := nameLen(rest[1:])
		switch {
		case n < len(rest)-1 && rest[n+1] == '$':
			return 0, ""
		case l.interp == 'd':
			return n + 1, holeName
		}
		return n + 1, parameter
	}
	return 0, ""
}

// readCurly reads {x}, {{ x }} and {% x %}.
func readCurly(rest []byte, l literal, d *dialect) (int, string) {
	switch next := secondByte(rest); {
	case next == '{':
		if n := strings.Index(string(rest), "}}"); n > 0 {
			n += 2
			for n < len(rest) && rest[n] == '}' {
				n++
			}
			return n, holeName
		}
	case next == '%':
		if n := strings.Index(string(rest), "%}"); n > 0 {
			return n + 2, " "
		}
	case l.interp == '{' || l.interp == 'd' && next == '$' || d != nil && d.brace && (next == '}' || nameByte[next]):
		return closedLength(rest, 1), holeName
	}
	return 0, ""
}

// readBind reads ?, ?1, :name, :"name" and @name. before is the byte before them.
func readBind(rest []byte, before byte) (int, string) {
	next := secondByte(rest)
	name := nameByte[next] && (next < '0' || next > '9')
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
		if before == ':' || nameByte[before] || before == ']' || !name && !quoted {
			return 0, ""
		}
		n := 1
		if quoted {
			n = 2
		}
		n += nameLen(rest[n:])
		if quoted && n < len(rest) && (rest[n] == '"' || rest[n] == '\'') {
			n++
		}
		return n, parameter
	case '@':
		if before != '@' && !nameByte[before] && name {
			return 1 + nameLen(rest[1:]), parameter
		}
	}
	return 0, ""
}

// readPercent reads %s, %[1]d, %1$s and %(name)s.
func readPercent(rest []byte) (int, string) {
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
	if n < len(rest) && strings.IndexByte("sdvqtfIL", rest[n]) >= 0 && (n+1 == len(rest) || !nameByte[rest[n+1]] || rest[n+1] == '_') {
		return n + 1, holeName
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
		if !nameByte[rest[n]] && strings.IndexByte(":~.^/", rest[n]) < 0 {
			return 0
		}
	}
	return 0
}

func nameLen(rest []byte) int {
	n := 0
	for n < len(rest) && nameByte[rest[n]] {
		n++
	}
	return n
}

// maxMends bounds the attempts to read assembled SQL.
const maxMends = 8

// parseStatements reads the statements of the text. If the grammar refuses a placeholder, it is left out, and parse
// tries again.
func (s *sqlText) parseStatements() []pgparse.Stmt {
	text := slices.Clone(s.text)
	out := splitStatements(text)
	for range maxMends {
		at := firstFailure(out)
		if at < 0 {
			return out
		}
		if at >= len(strings.TrimRight(string(text), " \t\r\n;")) {
			break // more follows at run time
		}
		i := s.holeBefore(text, at)
		if i < 0 {
			break
		}
		for k := s.holes[i].at; k < s.holes[i].to; k++ {
			text[k] = ' '
		}
		out = splitStatements(text)
	}
	for _, more := range []string{
		" (" + holeName + ") DO NOTHING", " DO NOTHING", " " + holeName, " (" + holeName + ")", " = " + holeName, ")",
		"))", " " + holeName + ")",
	} {
		if firstFailure(out) < 0 || len(text) > 64<<10 {
			return out
		}
		if tried := splitStatements(append(text[:len(text):len(text)], more...)); firstFailure(tried) < 0 {
			s.unfinished = true
			return clampTo(tried, len(s.text))
		}
	}
	return out
}

// clampTo ends statements at the end of the text: whatever was appended for the grammar is not part of
// them.
func clampTo(list []pgparse.Stmt, end int) []pgparse.Stmt {
	for i := range list {
		list[i].Start, list[i].End = min(list[i].Start, end), min(list[i].End, end)
	}
	return list
}

func splitStatements(text []byte) []pgparse.Stmt {
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
func (s *sqlText) holeBefore(text []byte, at int) int {
	for i := len(s.holes) - 1; i >= 0; i-- {
		h := s.holes[i]
		if h.at <= at+1 && at-h.to < 40 && strings.TrimSpace(string(text[h.at:h.to])) != "" {
			return i
		}
	}
	return -1
}
