package queries

import (
	"bytes"
	"strings"

	"github.com/onward-sql/onward/internal/code/lexer"
	"github.com/onward-sql/onward/internal/code/source"
)

// EachString calls text for each string of a program that begins no query, and query for strings
// that together are one, with the first and the last of them.
func EachString(r *source.File, text func(l lexer.String), query func(from, to int, s *Text)) {
	for i := 0; i < len(r.Strings); i++ {
		l := r.Strings[i]
		if l.Symbol || !BeginsLikeSQL(r.Text[l.From:l.To]) && !isContinuedQuery(r, i) {
			text(l)
			continue
		}
		from := i
		s := &Text{Fills: r.Fills}
		s.AddString(r.Text, l, r.Language)
		last := l
		for i+1 < len(r.Strings) && len(s.SQL) < MaxSQL {
			next := r.Strings[i+1]
			if name, end := r.FindJoinedList(last, next); name != "" {
				insertValue(r, s, name, end)
				last.End = end
				i++
				continue
			}
			variable, ok := r.AreJoined(last, next)
			if !ok {
				break
			}
			if variable != "" {
				insertValue(r, s, variable, next.From)
			}
			s.AddString(r.Text, next, r.Language)
			last = next
			i++
		}
		appendJoinedText(r, s, last)
		query(from, i, appendLaterStrings(r, s, from, i))
	}
}

const (
	// minSQL is the length of the shortest useful query: SET a.b=1.
	minSQL = 8
	// MaxSQL is the maximal length of a query.
	MaxSQL = 256 << 10
)

// insertValue inserts the value of a name of the program, if the file has it.
func insertValue(r *source.File, s *Text, name string, next int) {
	indexes := r.FindConstant(name)
	if list := r.FindList(name, next); list != nil {
		for i, l := range list {
			if i > 0 {
				s.AddHole(", ", l.From)
			}
			s.AddString(r.Text, l, r.Language)
		}
		s.addSegment(next)
		return
	}
	if indexes == nil {
		s.AddHole(HoleName, next)
		return
	}
	for _, i := range indexes {
		s.AddString(r.Text, r.Strings[i], r.Language)
	}
	s.addSegment(next)
}

// appendJoinedText inserts a text that is joined to the end of a string.
func appendJoinedText(r *source.File, s *Text, l lexer.String) {
	rest := r.Text[l.End:min(len(r.Text), l.End+source.MaxGlue)]
	rest = bytes.TrimLeft(rest, " \t\r\n)")
	op := source.ReadJoinOperator(rest)
	if op == "" || op == "." && !r.Language.Dollar {
		return
	}
	rest = bytes.TrimLeft(rest[len(op):], " \t\r\n")
	n := 0
	for n < len(rest) && (lexer.NameByte[rest[n]] || rest[n] == '.') {
		n++
	}
	if n > 0 {
		s.AddHole(" ", l.To)
		if indexes := r.FindConstant(string(rest[:n])); indexes != nil {
			insertValue(r, s, string(rest[:n]), l.To)
		}
	}
}

// verbs are the first words of useful statements. Each has a list of words, one of which the
// statement must have, too.
var verbs = map[string][]string{
	"select": {
		"from", "(", "*",
	}, "(select": {"from", "("}, "insert": {"into"}, "update": {"set"}, "delete": {"from"}, "with": {"as"}, "(with": {"as"}, "merge": {"into"},
	"copy": {"from", "to"}, "truncate": {" "}, "lock": {"table", "in"}, "refresh": {"view"}, "call": {"("}, "set": {"=", " to "},
	"explain": {"select", "insert", "update", "delete"}, "declare": {"cursor"}, "prepare": {"as"},
}

// BeginsLikeSQL reports whether a string begins as SQL does.
func BeginsLikeSQL(text []byte) bool {
	for {
		text = bytes.TrimLeft(text, " \t\r\n;")
		switch {
		case len(text) > 1 && text[0] == '\\' && (text[1] == 'n' || text[1] == 't' || text[1] == '\n'):
			text = text[2:]
			continue
		case bytes.HasPrefix(text, []byte("--")):
			text = text[lexer.LineEnd(text):]
			continue
		case bytes.HasPrefix(text, []byte("/*")):
			text = text[lexer.FindEnd(text, "*/"):]
			continue
		}
		break
	}
	n := 0
	if len(text) > 0 && text[0] == '(' {
		n = 1
	}
	n += lexer.NameLength(text[n:])
	if n < 3 || n > 8 || n == len(text) || len(text) < minSQL {
		return false
	}
	for _, w := range verbs[strings.ToLower(string(text[:n]))] {
		if ContainsFold(text[n:], w) {
			return true
		}
	}
	return false
}

// isContinuedQuery reports whether a string begins as a query does, and the next one continues it.
func isContinuedQuery(r *source.File, i int) bool {
	l := r.Strings[i]
	text := bytes.TrimLeft(r.Text[l.From:l.To], " \t\r\n")
	if n := lexer.NameLength(text); n < 4 || n > 6 || n == len(text) || verbs[strings.ToLower(string(text[:n]))] == nil || i+1 == len(r.Strings) {
		return false
	}
	_, ok := r.AreJoined(l, r.Strings[i+1])
	return ok
}

// ContainsFold reports whether a text contains a lower-case word, in any case.
func ContainsFold(text []byte, word string) bool {
	first := word[0]
	for i := 0; i+len(word) <= len(text); i++ {
		if text[i]|0x20 == first|0x20 && strings.EqualFold(string(text[i:i+len(word)]), word) {
			return true
		}
	}
	return false
}
