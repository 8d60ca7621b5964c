package audit

import (
	"regexp"
	"strings"
)

// Several tables have columns of one name: kind, data, status. Whose column a word of
// the code is, the query tells that it stands in, and the type that it is a field of.

// belonging tells the mentions of a column apart from those of other tables' columns.
type belonging struct {
	q      question
	others map[string]bool
	rows   map[string]bool // what the rows of the others are called
	one    string          // what a row of the table is called, in lower case
	words  []string        // what the table is called
	names  map[*codeText]*named
}

func (u *deployedCode) belonging(q question, others map[string]bool) *belonging {
	if len(others) == 0 {
		return nil
	}
	b := &belonging{q: q, others: others, rows: map[string]bool{}, one: strings.ToLower(singular(q.Name.Name)), words: tableWords(q.Name.Name), names: map[*codeText]*named{}}
	for o := range others {
		for _, w := range tableWords(o) {
			b.rows[bare(w)] = true
		}
	}
	for _, w := range b.words {
		delete(b.rows, bare(w))
	}
	return b
}

// qualifier is the name of a table in front of that of its column.
var qualifier = regexp.MustCompile(`(\w+)"?\."?$`)

// ofOther reports whether a mention is the column of another table: by what is in front
// of it, or by the smallest block around it that names a table which has the column: a
// function, a class, a call over several lines.
func (b *belonging) ofOther(t *codeText, m mention) bool {
	if b == nil || t == nil {
		return false
	}
	line := m.Line - 1
	if q := qualifier.FindStringSubmatch(t.text[t.starts[line]:m.At]); q != nil && b.rows[bare(q[1])] {
		return true
	}
	for i := line; i >= 0; i = t.above[i] {
		from, to := i, t.below[i]
		for from > 0 && decorates.MatchString(t.line(from-1)) {
			from--
		}
		if name := typeOf(t.line(i)); name != "" && b.rowOf(name) {
			return !b.mapped(t, name, from, to) // whatever its rows are related to
		}
		n := b.naming(t)
		own, foreign := n.own[to]-n.own[from], n.foreign[to]-n.foreign[from]
		if own > 0 || foreign > 0 {
			return own == 0
		}
	}
	return false
}

// tells is a line on which a type is told of its table.
var tells = regexp.MustCompile(`(?i)table|entity|collection`)

// mapped reports whether a type, which is in some lines, is told that its table is this
// one: in them, or by a method of it.
func (b *belonging) mapped(t *codeText, name string, from, to int) bool {
	quoted := func(line string) bool {
		return strings.Contains(line, `"`+b.q.Name.Name+`"`) || strings.Contains(line, `'`+b.q.Name.Name+`'`) || strings.Contains(line, ":"+b.q.Name.Name)
	}
	for i := from; i < to; i++ {
		if line := t.line(i); quoted(line) && tells.MatchString(line) {
			return true
		}
	}
	for i := range t.starts {
		if line := t.line(i); strings.Contains(line, "TableName()") && names(line, name) && quoted(t.text[t.starts[i]:t.starts[min(t.below[i], len(t.starts)-1)]]) {
			return true
		}
	}
	return false
}
