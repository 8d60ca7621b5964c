package usage

import (
	"bytes"
	"path"
	"strings"

	"github.com/onward-sql/onward/internal/fault"
)

// Read reads one file of the code. It never fails: code that it does not understand gives no
// facts. If onward itself fails, it returns no facts but Fault.
func Read(file string, text []byte) *Facts {
	r := newReader(file, text)
	failed := catchPanic(func() {
		if r.readSQL(); r.d != nil {
			r.constantCalls()
			r.constantAliases()
			r.recordStructs()
		}
		r.readModels()
		r.readEnums()
		r.recordDeclarations()
		r.recordUpserts()
		r.recordRowComparisons()
		r.builds()
	})
	if failed != "" {
		return &Facts{Fault: failed}
	}
	return r.facts
}

// catchPanic runs a function that reads a file, and returns the message if onward panics; "" if
// not.
func catchPanic(read func()) (failed string) {
	defer func() {
		if p := recover(); p != nil {
			failed = fault.FromPanic(p).Error()
		}
	}()
	read()
	return ""
}

func newReader(file string, text []byte) *reader {
	return &reader{path: file, text: text, d: dialectOf(file), facts: &Facts{}, line: 1}
}

// readSQL reads the SQL of the file.
func (r *reader) readSQL() {
	switch {
	case r.d != nil:
		r.typedEnd = r.typedCodeEnd()
		r.readProgram()
	case QueryFile(r.path):
		r.readQueryFile()
	case mapperFile(r.path):
		r.mapperXML()
	}
}

// QueryFile reports whether a file holds queries and nothing else.
func QueryFile(file string) bool {
	if dialectOf(file) != nil {
		return false // such as query.sql.go
	}
	switch path.Ext(file) {
	case ".sql", ".pgsql", ".psql":
		return true
	}
	base := strings.TrimSuffix(file, path.Ext(file))
	return path.Ext(base) == ".sql" // a template of one
}

// readProgram reads the strings of a program.
func (r *reader) readProgram() {
	r.lits, r.notes = lexText(r.text, r.d)
	if r.d == goLike {
		r.fills = r.formatArguments()
	}
	r.eachString(func(l literal) {
		r.recordShortText(l)
		r.readFragment(l)
	}, func(from, to int, s *sqlText) {
		r.recordShortText(r.lits[from])
		first, queries := len(r.facts.AllColumnsQueries), len(r.facts.Queries)
		r.ends = r.lits[to].end
		r.recordStatements(s)
		r.recordRowStruct(queries, from)
		r.recordTargets(first, from, to)
	})
}

// eachString calls text for each string of a program that begins no query, and query for strings
// that together are one, with the first and the last of them.
func (r *reader) eachString(text func(l literal), query func(from, to int, s *sqlText)) {
	for i := 0; i < len(r.lits); i++ {
		l := r.lits[i]
		if l.symbol || !beginsLikeSQL(r.text[l.from:l.to]) && !r.continuesQuery(i) {
			text(l)
			continue
		}
		from := i
		s := &sqlText{fills: r.fills}
		s.addString(r.text, l, r.d)
		last := l
		for i+1 < len(r.lits) && len(s.text) < maxSQL {
			next := r.lits[i+1]
			if name, end := r.joinedList(last, next); name != "" {
				r.insertValue(s, name, end)
				last.end = end
				i++
				continue
			}
			what, ok := r.areJoined(last, next)
			if !ok {
				break
			}
			if what != "" {
				r.insertValue(s, what, next.from)
			}
			s.addString(r.text, next, r.d)
			last = next
			i++
		}
		r.insertTail(s, last)
		query(from, i, r.appendLater(s, from, i))
	}
}

const (
	// minSQL is the length of the shortest useful query: SET a.b=1.
	minSQL = 8
	// maxSQL is the maximal length of a query.
	maxSQL = 256 << 10
)

// insertValue inserts the value of a name of the program, if the file has it.
func (r *reader) insertValue(s *sqlText, name string, next int) {
	of := r.constOf(name)
	if list := r.listOf(name, next); list != nil {
		for i, l := range list {
			if i > 0 {
				s.addHole(", ", l.from)
			}
			s.addString(r.text, l, r.d)
		}
		s.continueAt(next)
		return
	}
	if of == nil {
		s.addHole(holeName, next)
		return
	}
	for _, i := range of {
		s.addString(r.text, r.lits[i], r.d)
	}
	s.continueAt(next)
}

// insertTail inserts a text that is joined to the end of a string.
func (r *reader) insertTail(s *sqlText, l literal) {
	rest := r.text[l.end:min(len(r.text), l.end+maxGlue)]
	rest = bytes.TrimLeft(rest, " \t\r\n)")
	op := joinOperator(rest)
	if op == "" || op == "." && !r.d.dollar {
		return
	}
	rest = bytes.TrimLeft(rest[len(op):], " \t\r\n")
	n := 0
	for n < len(rest) && (nameByte[rest[n]] || rest[n] == '.') {
		n++
	}
	if n > 0 {
		s.addHole(" ", l.to)
		if of := r.constOf(string(rest[:n])); of != nil {
			r.insertValue(s, string(rest[:n]), l.to)
		}
	}
}

// recordShortText records a text that may be a name or a value.
func (r *reader) recordShortText(l literal) {
	n := l.to - l.from
	if n == 0 || n > maxConstant || bytes.IndexByte(r.text[l.from:l.to], '\n') >= 0 {
		return
	}
	r.facts.Strings = append(r.facts.Strings, String{HashText(string(r.text[l.from:l.to])), r.lineAt(l.from)})
	if !l.symbol && nameLen(r.text[l.from:l.to]) > 0 {
		r.recordMapperCall(l)
		r.constantText(l)
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

// beginsLikeSQL reports whether a string begins as SQL does.
func beginsLikeSQL(text []byte) bool {
	for {
		text = bytes.TrimLeft(text, " \t\r\n;")
		switch {
		case len(text) > 1 && text[0] == '\\' && (text[1] == 'n' || text[1] == 't' || text[1] == '\n'):
			text = text[2:]
			continue
		case bytes.HasPrefix(text, []byte("--")):
			text = text[lineEnd(text):]
			continue
		case bytes.HasPrefix(text, []byte("/*")):
			text = text[endOf(text, "*/"):]
			continue
		}
		break
	}
	n := 0
	if len(text) > 0 && text[0] == '(' {
		n = 1
	}
	n += nameLen(text[n:])
	if n < 3 || n > 8 || n == len(text) || len(text) < minSQL {
		return false
	}
	for _, w := range verbs[strings.ToLower(string(text[:n]))] {
		if containsFold(text[n:], w) {
			return true
		}
	}
	return false
}

// continuesObject reports whether a string begins as a query does, and the next one continues it.
func (r *reader) continuesQuery(i int) bool {
	l := r.lits[i]
	text := bytes.TrimLeft(r.text[l.from:l.to], " \t\r\n")
	if n := nameLen(text); n < 4 || n > 6 || n == len(text) || verbs[strings.ToLower(string(text[:n]))] == nil || i+1 == len(r.lits) {
		return false
	}
	_, ok := r.areJoined(l, r.lits[i+1])
	return ok
}

// containsFold reports whether a text contains a lower-case word, in any case.
func containsFold(text []byte, word string) bool {
	first := word[0]
	for i := 0; i+len(word) <= len(text); i++ {
		if text[i]|0x20 == first|0x20 && strings.EqualFold(string(text[i:i+len(word)]), word) {
			return true
		}
	}
	return false
}

// readQueryFile reads a file of SQL.
func (r *reader) readQueryFile() {
	s := &sqlText{}
	s.addString(r.text, literal{from: 0, to: len(r.text)}, nil)
	r.recordStatements(s)
}
