package usage

import (
	"bytes"
	"path"
	"strings"

	"github.com/onward-sql/onward/internal/fault"
)

// Read reads one file of the code. It never fails: what it does not understand says
// nothing, and a fault of onward's own costs the file, as Fault says.
func Read(file string, text []byte) *Facts {
	r := newReader(file, text)
	failed := survive(func() {
		if r.statements(); r.d != nil {
			r.constantCalls()
			r.rows()
		}
		r.models()
		r.enums()
		r.told()
		r.upserts()
		r.compares()
	})
	if failed != "" {
		return &Facts{Fault: failed}
	}
	return r.facts
}

// survive runs what reads a file, and gives the words for a panic of onward's own; "" for none.
func survive(read func()) (failed string) {
	defer func() {
		if p := recover(); p != nil {
			failed = fault.Of(p).Error()
		}
	}()
	read()
	return ""
}

func newReader(file string, text []byte) *reader {
	return &reader{path: file, text: text, d: dialectOf(file), facts: &Facts{}, line: 1}
}

// statements reads the SQL of the file.
func (r *reader) statements() {
	switch {
	case r.d != nil:
		r.taking = r.takes()
		r.program()
	case QueryFile(r.path):
		r.queries()
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

// program reads the strings of a program.
func (r *reader) program() {
	r.lits, r.notes = lex(r.text, r.d)
	r.pieces(func(l literal) {
		r.short(l)
		r.fragment(l)
	}, func(from, to int, s *sqlText) {
		r.short(r.lits[from])
		stars := len(r.facts.Stars)
		r.ends = r.lits[to].end
		r.sql(s)
		r.taken(stars, from, to)
	})
}

// pieces calls text for each string of a program that begins no query, and query for
// those that make one together, with the first and the last.
func (r *reader) pieces(text func(l literal), query func(from, to int, s *sqlText)) {
	for i := 0; i < len(r.lits); i++ {
		l := r.lits[i]
		if l.symbol || !sqlish(r.text[l.from:l.to]) && !r.goesOn(i) {
			text(l)
			continue
		}
		from := i
		s := &sqlText{}
		s.add(r.text, l, r.d)
		last := l
		for i+1 < len(r.lits) && len(s.text) < maxSQL {
			next := r.lits[i+1]
			if name, end := r.joinedList(last, next); name != "" {
				r.fill(s, name, end)
				last.end = end
				i++
				continue
			}
			what, ok := r.joins(last, next)
			if !ok {
				break
			}
			if what != "" {
				r.fill(s, what, next.from)
			}
			s.add(r.text, next, r.d)
			last = next
			i++
		}
		r.tail(s, last)
		query(from, i, s)
	}
}

const (
	// minSQL is how long the shortest query is that says anything: SET a.b=1.
	minSQL = 8
	// maxSQL is how long one is, at most.
	maxSQL = 256 << 10
)

// fill puts in what a name of the program stands for, where that is in the file.
func (r *reader) fill(s *sqlText, name string, next int) {
	of := r.constOf(name)
	if list := r.listOf(name, next); list != nil {
		for i, l := range list {
			if i > 0 {
				s.put(", ", l.from)
			}
			s.add(r.text, l, r.d)
		}
		s.from(next)
		return
	}
	if of == nil {
		s.put(holeName, next)
		return
	}
	for _, i := range of {
		s.add(r.text, r.lits[i], r.d)
	}
	s.from(next)
}

// tail puts in what is joined to the end of a string.
func (r *reader) tail(s *sqlText, l literal) {
	rest := r.text[l.end:min(len(r.text), l.end+maxGlue)]
	rest = bytes.TrimLeft(rest, " \t\r\n)")
	op := operator(rest)
	if op == "" || op == "." && !r.d.dollar {
		return
	}
	rest = bytes.TrimLeft(rest[len(op):], " \t\r\n")
	n := 0
	for n < len(rest) && (nameByte[rest[n]] || rest[n] == '.') {
		n++
	}
	if n > 0 {
		s.put(" ", l.to)
		if of := r.constOf(string(rest[:n])); of != nil {
			r.fill(s, string(rest[:n]), l.to)
		}
	}
}

// short notes a text that may be a name or a value.
func (r *reader) short(l literal) {
	n := l.to - l.from
	if n == 0 || n > maxConstant || bytes.IndexByte(r.text[l.from:l.to], '\n') >= 0 {
		return
	}
	r.facts.Strings = append(r.facts.Strings, String{Mark(string(r.text[l.from:l.to])), r.lineAt(l.from)})
	if !l.symbol && nameLen(r.text[l.from:l.to]) > 0 {
		r.call(l)
		r.constantText(l)
	}
}

// verbs are what a statement begins with that says something, each with words of which
// it has one, too.
var verbs = map[string][]string{
	"select": {"from", "(", "*"}, "(select": {"from", "("}, "insert": {"into"}, "update": {"set"}, "delete": {"from"}, "with": {"as"}, "(with": {"as"}, "merge": {"into"},
	"copy": {"from", "to"}, "truncate": {" "}, "lock": {"table", "in"}, "refresh": {"view"}, "call": {"("}, "set": {"=", " to "},
	"explain": {"select", "insert", "update", "delete"}, "declare": {"cursor"}, "prepare": {"as"},
}

// sqlish reports whether a string begins as SQL does.
func sqlish(text []byte) bool {
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

// goesOn reports whether a string begins as a query does, and the next one goes on
// with it.
func (r *reader) goesOn(i int) bool {
	l := r.lits[i]
	text := bytes.TrimLeft(r.text[l.from:l.to], " \t\r\n")
	if n := nameLen(text); n < 4 || n > 6 || n == len(text) || verbs[strings.ToLower(string(text[:n]))] == nil || i+1 == len(r.lits) {
		return false
	}
	_, ok := r.joins(l, r.lits[i+1])
	return ok
}

// containsFold reports whether a text has a word of lower case, in any case.
func containsFold(text []byte, word string) bool {
	first := word[0]
	for i := 0; i+len(word) <= len(text); i++ {
		if text[i]|0x20 == first|0x20 && strings.EqualFold(string(text[i:i+len(word)]), word) {
			return true
		}
	}
	return false
}

// queries reads a file of SQL.
func (r *reader) queries() {
	s := &sqlText{}
	s.add(r.text, literal{from: 0, to: len(r.text)}, nil)
	r.sql(s)
}
