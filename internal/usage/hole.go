package usage

import (
	"slices"
	"strings"

	"github.com/onward-sql/onward/internal/pgparse"
)

// holeName is what stands in SQL where the program puts something in as it runs: a
// name, which may stand where a value may.
const holeName = "onward_hole"

// hole reports whether a name is, in part, what the program puts in.
func hole(name string) bool { return strings.Contains(name, holeName) }

// sqlText is SQL that was put together of strings of the code.
type sqlText struct {
	text []byte
	// segs tell where a piece of it is from, in order.
	segs []seg
	// holes are what stands for something else: names and values that are put in.
	holes []filled
	quote bool // within a text of SQL's own
	// unfinished: something had to be put behind it for the grammar to read it.
	unfinished bool
}

// seg is a place in SQL: with where it is in the file, or, of a hole, where it ends.
type seg struct{ at, to int }

// filled is a hole, with where the file says what is put in; nowhere, where it is what a
// name stands for.
type filled struct {
	seg
	said Span
}

// place is the offset in the file of one in the SQL.
func (s *sqlText) place(at int) int {
	i, found := slices.BinarySearchFunc(s.segs, at, func(s seg, at int) int { return s.at - at })
	if !found {
		i--
	}
	if i < 0 {
		return 0
	}
	return s.segs[i].to + at - s.segs[i].at
}

func (s *sqlText) from(file int) {
	if n := len(s.segs); n > 0 && s.segs[n-1].at == len(s.text) {
		s.segs[n-1].to = file
		return
	}
	s.segs = append(s.segs, seg{len(s.text), file})
}

// put puts in what stands for something else. next is where the file goes on.
func (s *sqlText) put(what string, next int) {
	if s.quote {
		what = "x"
	}
	n := len(s.text)
	s.text = append(s.text, what...)
	s.holes = append(s.holes, filled{seg: seg{n, len(s.text)}})
	s.from(next)
}

// add adds a string of the code.
func (s *sqlText) add(text []byte, l literal, d *dialect) {
	s.from(l.from)
	for i := l.from; i < l.to; {
		c := text[i]
		rest := text[i:l.to]
		switch {
		case c == '\\' && l.escapes && len(rest) > 1:
			i = s.escape(rest[1], i)
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
			if n, what := s.holeAt(text, rest, i, l, d); n > 0 {
				s.put(what, i+n)
				s.holes[len(s.holes)-1].said = Span{From: i, To: i + n}
				i += n
				continue
			}
		}
		s.text = append(s.text, c)
		i++
	}
}

// escape adds what a backslash makes of a byte.
func (s *sqlText) escape(c byte, i int) int {
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
	s.from(i + 2)
	return i + 2
}

var holeByte = func() (out [256]bool) {
	for _, c := range "$#{%?:@-" {
		out[c] = true
	}
	return out
}()

const parameter = " $1 "

// holeAt tells how many bytes of the rest of a string are put in as it runs, and what
// to put there: a value is a parameter, all else a name.
func (s *sqlText) holeAt(text, rest []byte, i int, l literal, d *dialect) (int, string) {
	switch rest[0] {
	case '$':
		return dollar(rest, l)
	case '#':
		if following(rest) != '{' {
			return 0, ""
		}
		if l.interp != '#' {
			return braces(rest, 2), parameter
		}
		return braces(rest, 2), holeName
	case '{':
		return curly(rest, l, d)
	case '%':
		return percent(rest)
	}
	before := byte(0)
	if i > l.from {
		before = text[i-1]
	}
	if s.quote {
		return 0, ""
	}
	return bind(rest, before)
}

// following is the second byte of a text; 0 for none.
func following(rest []byte) byte {
	if len(rest) > 1 {
		return rest[1]
	}
	return 0
}

// dollar reads ${x}, $(x), $<x>, $[x] and $x; $1 and $body$ are SQL's own.
func dollar(rest []byte, l literal) (int, string) {
	switch next := following(rest); {
	case next == '{':
		return braces(rest, 2), holeName
	case next == '(' || next == '<' || next == '[':
		if n := closes(rest[1:], next); n > 2 {
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

// curly reads {x}, {{ x }} and {% x %}.
func curly(rest []byte, l literal, d *dialect) (int, string) {
	switch next := following(rest); {
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
		return braces(rest, 1), holeName
	}
	return 0, ""
}

// bind reads ?, ?1, :name, :"name" and @name, behind a byte.
func bind(rest []byte, before byte) (int, string) {
	next := following(rest)
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

// percent reads %s, %[1]d, %1$s and %(name)s.
func percent(rest []byte) (int, string) {
	n := 1
	if n < len(rest) && rest[n] == '(' {
		if k := closes(rest[1:], '('); k > 0 && k+1 < len(rest) && (rest[k+1] == 's' || rest[k+1] == 'd') {
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

// braces is the length up to the brace that ends what is open after n bytes.
func braces(rest []byte, n int) int {
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

// closes is the length of a name in brackets, 0 for anything else.
func closes(rest []byte, open byte) int {
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

// maxMends bounds the tries to read SQL that is put together.
const maxMends = 8

// parse reads the statements of the text. Where the grammar has something against
// what stands for a hole, the hole is left out, and tried again.
func (s *sqlText) parse() []pgparse.Stmt {
	text := slices.Clone(s.text)
	out := split(text)
	for range maxMends {
		at := failing(out)
		if at < 0 {
			return out
		}
		if at >= len(strings.TrimRight(string(text), " \t\r\n;")) {
			break // something is to come
		}
		i := s.suspect(text, at)
		if i < 0 {
			break
		}
		for k := s.holes[i].at; k < s.holes[i].to; k++ {
			text[k] = ' '
		}
		out = split(text)
	}
	for _, more := range []string{" (" + holeName + ") DO NOTHING", " DO NOTHING", " " + holeName, " (" + holeName + ")", " = " + holeName, ")", "))", " " + holeName + ")"} {
		if failing(out) < 0 || len(text) > 64<<10 {
			return out
		}
		if tried := split(append(text[:len(text):len(text)], more...)); failing(tried) < 0 {
			s.unfinished = true
			return clampTo(tried, len(s.text))
		}
	}
	return out
}

// clampTo ends statements where the text ends, which what was put behind it for the grammar is no part of.
func clampTo(list []pgparse.Stmt, end int) []pgparse.Stmt {
	for i := range list {
		list[i].Start, list[i].End = min(list[i].Start, end), min(list[i].End, end)
	}
	return list
}

func split(text []byte) []pgparse.Stmt {
	f, err := pgparse.Split(string(text))
	if err != nil {
		return nil
	}
	return f.Stmts
}

// failing is where the first statement that is none fails; -1 for nowhere.
func failing(list []pgparse.Stmt) int {
	for i := range list {
		if list[i].Err != nil {
			return list[i].Err.Offset
		}
	}
	return -1
}

// suspect is the hole at a place, or the last one in front of it, that still stands.
func (s *sqlText) suspect(text []byte, at int) int {
	for i := len(s.holes) - 1; i >= 0; i-- {
		h := s.holes[i]
		if h.at <= at+1 && at-h.to < 40 && strings.TrimSpace(string(text[h.at:h.to])) != "" {
			return i
		}
	}
	return -1
}
