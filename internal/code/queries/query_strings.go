package queries

import (
	"bytes"
	"cmp"
	"slices"
	"strings"

	"github.com/onward-sql/onward/internal/code/facts"
	"github.com/onward-sql/onward/internal/code/lexer"
	"github.com/onward-sql/onward/internal/code/source"
	"github.com/onward-sql/onward/internal/pgparse"
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

// Programs assemble SQL from parts that are not side by side: by += and, in Go, by Sprintf.

const (
	// maxAppended bounds how many parts are appended to a string, and maxApart how many other strings may be between.
	maxAppended = 16
	maxApart    = 60
)

// appendLaterStrings returns a query with the strings that the program appends to its variable afterwards: q += "…". It returns
// the query alone if the result is no SQL, for example because only one of two branches runs.
func appendLaterStrings(r *source.File, s *Text, from, to int) *Text {
	name := r.FindHolder(r.Strings[from])
	if name == "" || len(s.SQL) > MaxSQL {
		return s
	}
	var parts []lexer.String
	offset := r.Strings[to].End
	for i := to + 1; i < len(r.Strings) && i < to+maxApart && len(parts) < maxAppended; i++ {
		l := r.Strings[i]
		if l.Open < offset {
			continue
		}
		code := r.Text[offset:l.Open]
		if bytes.Contains(code, []byte("\nfunc ")) || bytes.Contains(code, []byte("\ndef ")) || r.FindHolder(l) == name {
			break
		}
		before := bytes.TrimRight(code, " \t\r\n(fr`$")
		if before, found := bytes.CutSuffix(before, []byte("+=")); found && bytes.HasSuffix(bytes.TrimRight(before, " \t"), []byte(name)) {
			parts = append(parts, l)
		}
		offset = l.End
	}
	if len(parts) == 0 {
		return s
	}
	whole := &Text{SQL: slices.Clone(s.SQL), Segments: slices.Clone(s.Segments), holes: slices.Clone(s.holes), Quoted: s.Quoted, Fills: s.Fills}
	for _, l := range parts {
		whole.AddString(r.Text, l, r.Language)
	}
	if list := whole.parseStatements(); len(list) == 0 || firstFailure(list) >= 0 {
		return s
	}
	return whole
}

// A function that a program creates when it starts, from files of its own, is code: no
// migration shows what it reads, and it reads it until the new code starts.

// recordRoutine records what the body of a function, or of a DO block, uses. line returns the
// line of an offset in the statement.
func recordRoutine(r *source.File, n *pgparse.Node, statement string, line func(offset int) int) {
	var routine facts.Relation
	var options []*pgparse.Node
	otherwise := "plpgsql"
	switch s := pgparse.Unwrap(n).(type) {
	case *pgparse.CreateFunctionStmt:
		routine.Schema, routine.Name = pgparse.SchemaAndName(s.GetFuncname())
		options, otherwise = s.GetOptions(), "sql"
	case *pgparse.DoStmt:
		options = s.GetArgs()
	default:
		return
	}
	language, bodies := pgparse.FunctionCode(options)
	if len(bodies) != 1 {
		return
	}
	body := bodies[0]
	bodyStart := strings.Index(statement, body)
	in := func(offset int) int {
		if bodyStart < 0 {
			return line(0) // the body is in doubled quotes
		}
		return line(bodyStart + offset)
	}
	switch cmp.Or(language, otherwise) {
	case "sql":
		recordBodySQL(r, routine, body, in)
	case "plpgsql":
		for _, p := range pgparse.ReadBody(body).Parts {
			recordBodySQL(r, routine, p.SQL, func(offset int) int { return in(p.Offset + offsetInPart(&p, offset)) })
		}
	}
}

// offsetInPart maps an offset in a part's SQL to its text. They differ in one stretch, where
// something was removed or inserted: before and after it, both are equal.
func offsetInPart(p *pgparse.Part, offset int) int {
	prefixLength := 0
	for prefixLength < min(len(p.SQL), len(p.Text)) && p.SQL[prefixLength] == p.Text[prefixLength] {
		prefixLength++
	}
	if offset <= prefixLength {
		return offset
	}
	return max(0, len(p.Text)-(len(p.SQL)-offset))
}

func recordBodySQL(r *source.File, routine facts.Relation, sql string, line func(offset int) int) {
	for _, st := range SplitStatements([]byte(sql)) {
		if st.Node == nil {
			continue
		}
		place := func(offset int) int { return line(st.Start + max(offset, 0)) }
		q, sets := DigestStatement(st.Node, false, place)
		r.Facts.Settings = append(r.Facts.Settings, sets...)
		if q != nil && len(q.Relations)+len(q.Functions)+len(q.Types) > 0 {
			q.Line, q.Routine = place(0), routine
			r.Facts.Queries = append(r.Facts.Queries, *q)
		}
		if q == nil {
			recordRoutine(r, st.Node, sql[st.Start:st.End], place)
		}
		recordAssembledSQL(r, routine, st.Node, sql[st.Start:st.End], place)
	}
}

// recordAssembledSQL records the use in texts of a statement that are SQL: a body assembles SQL from
// them, and runs it with EXECUTE. A list of written columns does not count, because the
// body may add other names. The recursion ends because a text within a text is shorter.
func recordAssembledSQL(r *source.File, routine facts.Relation, n *pgparse.Node, statement string, line func(offset int) int) {
	pgparse.Walk(n, func(msg any) bool {
		c, ok := msg.(*pgparse.A_Const)
		if !ok {
			return true
		}
		text := c.GetSval().GetSval()
		if begins := strings.TrimSpace(text); !BeginsLikeSQL([]byte(text)) && !hasPrefixFold(begins, "create function") &&
			!hasPrefixFold(begins, "create or replace") {
			return true
		}
		if start := strings.Index(statement, text); start >= 0 && len(text) < len(statement) {
			n := len(r.Facts.Queries)
			recordBodySQL(r, routine, text, func(offset int) int { return line(start + offset) })
			for i := n; i < len(r.Facts.Queries); i++ {
				r.Facts.Queries[i].Writes, r.Facts.Queries[i].Open = nil, true
			}
		}
		return true
	})
}

func hasPrefixFold(text, prefix string) bool {
	return len(text) >= len(prefix) && strings.EqualFold(text[:len(prefix)], prefix)
}
