package deployed

import (
	"strings"

	"github.com/onward-sql/onward/internal/code/facts"
	"github.com/onward-sql/onward/internal/lazyregexp"
)

// Several tables have columns of the same name: kind, data, status. The query around a
// word of the code decides whose column it is, and so does the type of which it is a
// field.

// columnOwner separates the mentions of a column from columns of other tables with the same
// name.
type columnOwner struct {
	q       question
	others  map[string]bool
	rows    map[string]bool // names of the other tables' rows
	rowName string          // the name of the table's row, in lower case
	words   []string        // names of the table
	names   map[*codeText]*nameCounts
}

func (u *Code) newColumnOwner(q question, otherTables map[string]bool) *columnOwner {
	if len(otherTables) == 0 {
		return nil
	}
	b := &columnOwner{
		q:       q,
		others:  otherTables,
		rows:    map[string]bool{},
		rowName: strings.ToLower(facts.Singular(q.Name.Name)),
		words:   facts.TableWords(q.Name.Name),
		names:   map[*codeText]*nameCounts{},
	}
	for o := range otherTables {
		for _, w := range facts.TableWords(o) {
			b.rows[facts.NormalizeName(w)] = true
		}
	}
	for _, w := range b.words {
		delete(b.rows, facts.NormalizeName(w))
	}
	return b
}

// qualifier matches the name of a table before its column.
var qualifier = lazyregexp.New(`(\w+)"?\."?$`)

// isOtherTable reports whether a mention is the column of another table. It looks at the text
// before it, then at the smallest block around it that names a table with the column: a
// function, a class, a call over several lines.
func (b *columnOwner) isOtherTable(t *codeText, m mention) bool {
	if b == nil || t == nil {
		return false
	}
	line := m.Line - 1
	if q := qualifier.FindStringSubmatch(t.text[t.starts[line]:m.At]); q != nil && b.rows[facts.NormalizeName(q[1])] {
		return true
	}
	for i := line; i >= 0; i = t.above[i] {
		from, to := i, t.below[i]
		for from > 0 && decorates.MatchString(t.lineText(from-1)) {
			from--
		}
		if name := declaredType(t.lineText(i)); name != "" && b.isOtherRowType(name) {
			return !b.isDeclaredByType(t, name, from, to) // whatever tables its rows refer to
		}
		n := b.countNames(t)
		ownCount, foreign := n.own[to]-n.own[from], n.foreign[to]-n.foreign[from]
		if ownCount > 0 || foreign > 0 {
			return ownCount == 0
		}
	}
	return false
}

// tells matches a line that declares the table of a type.
var tells = lazyregexp.New(`(?i)table|entity|collection`)

// isDeclaredByType reports whether a type declares this table: in the given lines, or in one of its
// methods.
func (b *columnOwner) isDeclaredByType(t *codeText, name string, from, to int) bool {
	quoted := func(line string) bool {
		return strings.Contains(line, `"`+b.q.Name.Name+`"`) || strings.Contains(line, `'`+b.q.Name.Name+`'`) || strings.Contains(line, ":"+b.q.Name.Name)
	}
	for i := from; i < to; i++ {
		if line := t.lineText(i); quoted(line) && tells.MatchString(line) {
			return true
		}
	}
	for i := range t.starts {
		if line := t.lineText(i); strings.Contains(line, "TableName()") && hasWord(line, name) &&
			quoted(t.text[t.starts[i]:t.starts[min(t.below[i], len(t.starts)-1)]]) {
			return true
		}
	}
	return false
}
