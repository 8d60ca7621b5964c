package audit

import (
	"regexp"
	"slices"
	"strings"

	"github.com/onward-sql/onward/internal/catalog"
	"github.com/onward-sql/onward/internal/gitrange"
)

// Several tables have columns of one name: kind, data, status. Whose column a word of
// the code is, the query tells that it stands in, and the type that it is a field of.

// belonging tells the hits of a column apart from those of other tables' columns. It
// reads the files that have hits, and only where another table has such a column.
type belonging struct {
	u      *deployedCode
	q      question
	others map[string]bool
	rows   map[string]bool // what the rows of the others are called
	one    string          // what a row of the table is called, in lower case
	words  []string        // what the table is called
	texts  map[string]*codeText
	names  map[*codeText]*named
}

func (u *deployedCode) belonging(q question, others map[string]bool, hits []gitrange.Hit) *belonging {
	if len(others) == 0 {
		return nil
	}
	b := &belonging{u: u, q: q, others: others, rows: map[string]bool{}, one: strings.ToLower(singular(q.Name.Name)), words: tableWords(q.Name.Name), names: map[*codeText]*named{}}
	for o := range others {
		for _, w := range tableWords(o) {
			b.rows[bare(w)] = true
		}
	}
	for _, w := range b.words {
		delete(b.rows, bare(w))
	}
	if u.codes == nil {
		u.codes = map[string]*codeText{}
	}
	var missing []string
	for _, h := range hits {
		if _, known := u.codes[h.Path]; !known && !data(h.Path) {
			u.codes[h.Path] = nil
			missing = append(missing, h.Path)
		}
	}
	contents, _ := u.base.ReadAll(missing) // what cannot be read tells nothing
	for p, content := range contents {
		u.codes[p] = readCode(p, string(content))
	}
	b.texts = u.codes
	return b
}

// ofOthers reports whether a word is the column of another table wherever it stands in
// its line.
func (b *belonging) ofOthers(h gitrange.Hit) bool {
	if b == nil || h.Word == "" || b.texts[h.Path] == nil || h.Line > len(b.texts[h.Path].starts) {
		return false
	}
	t := b.texts[h.Path]
	line := t.line(h.Line - 1)
	seen := false
	for at := 0; ; {
		n := strings.Index(line[at:], h.Word)
		if n < 0 {
			return seen
		}
		place := at + n
		at = place + len(h.Word)
		if !alone(line, place, len(h.Word)) {
			continue
		}
		if !b.ofOther(t, h.Line-1, place, len(h.Word)) {
			return false
		}
		seen = true
	}
}

// ofOther tells it of one place of a line. What stands in a query is the query's to
// tell; else what is in front of it, and then the smallest block around it that names
// a table which has the column: a function, a class, a call over several lines.
func (b *belonging) ofOther(t *codeText, line, place, length int) bool {
	at := t.starts[line] + place
	if s, ok := t.span(at); ok && beginsQuery.MatchString(s.text) {
		return b.inQuery(s, at, length)
	}
	if m := qualifier.FindStringSubmatch(t.text[t.starts[line]:at]); m != nil && b.rows[bare(m[1])] {
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

// inQuery reports whether a word at a place of the code is, in its query, another
// table's column of that name, and not this one's.
func (b *belonging) inQuery(s span, at, length int) bool {
	own, foreign := tablesOf(s.text, b.q.Name.Name, b.others)
	if len(foreign) == 0 {
		return false
	}
	if own == nil {
		return b.onlyTables(s.text)
	}
	m := qualifier.FindStringSubmatch(s.text[:at-s.start])
	return m != nil && foreign[strings.ToLower(m[1])] && !own[strings.ToLower(m[1])] && !strings.HasPrefix(s.text[at-s.start+length:], ".")
}

var (
	sourceWord = regexp.MustCompile(`(?i)\b(?:from|join|into|update|using)\s+(?:only\s+|lateral\s+)?`)
	sourceName = regexp.MustCompile("^(?:\\\\?[\"`]?\\w+\\\\?[\"`]?\\s*\\.\\s*)?\\\\?[\"`]?([A-Za-z_][\\w$]*)\\\\?[\"`]?(\\s*\\()?(?:\\s+(?:as\\s+)?\\\\?[\"`]?(\\w+)\\b)?\\s*(,\\s*)?")
	// Where these words are followed by no table.
	notSource = regexp.MustCompile(`(?i)(?:\bdo|\bfor(?:\s+no\s+key)?)\s+update\b|\bdistinct\s+from\b|\b(?:extract|substring|trim|overlay)\s*\([^()]*?\sfrom\b|\busing\s*\(`)
	withName  = regexp.MustCompile(`(?i)(?:\bwith\s+(?:recursive\s+)?|\)\s*,\s*)(\w+)(?:\s*\([^()]*\))?\s+as\s+(?:(?:not\s+)?materialized\s+)?\(`)
)

// source is what a query reads from or writes to: "" for what is put together when
// the query is sent.
type source struct{ name, alias string }

// sourcesOf lists those of a query that are no subqueries, functions or queries of its
// WITH, in lower case.
func sourcesOf(text string) []source {
	text = strings.ToLower(notSource.ReplaceAllString(text, ""))
	with := map[string]bool{}
	for _, m := range withName.FindAllStringSubmatch(text, -1) {
		with[m[1]] = true
	}
	var out []source
	for _, at := range sourceWord.FindAllStringIndex(text, -1) {
		into := strings.HasPrefix(text[at[0]:], "into")
		for rest := text[at[1]:]; ; {
			if strings.HasPrefix(rest, "(") {
				break
			}
			m := sourceName.FindStringSubmatch(rest)
			if m == nil {
				out = append(out, source{})
				break
			}
			if !with[m[1]] && (into || m[2] == "") {
				out = append(out, source{m[1], m[3]})
			}
			if m[4] == "" || m[2] != "" {
				break
			}
			rest = rest[len(m[0]):]
		}
	}
	return out
}

// tablesOf gives the names by which a query speaks of a table, nil for none, and those
// by which it speaks of others.
func tablesOf(text, table string, others map[string]bool) (own, foreign map[string]bool) {
	table = strings.ToLower(table)
	if names(strings.ToLower(text), table) {
		own = map[string]bool{table: true}
	}
	foreign = map[string]bool{}
	for _, s := range sourcesOf(text) {
		switch {
		case s.name == table:
			own[s.alias] = true
		case others[s.name]:
			foreign[s.name], foreign[s.alias] = true, true
		}
	}
	return own, foreign
}

// onlyTables reports whether all that a query reads from or writes to are tables: a
// view may have this table's columns, and what is put in later may be this table.
func (b *belonging) onlyTables(text string) bool {
	c := b.u.deployed[b.q.database]
	return !slices.ContainsFunc(sourcesOf(text), func(s source) bool {
		r := lookup(c, s.name)
		return r == nil || !r.Kind.IsTable()
	})
}

// lookup finds a relation by its name, in any schema.
func lookup(c *catalog.Catalog, name string) *catalog.Relation {
	if r := c.Lookup("", name); r != nil {
		return r
	}
	var found *catalog.Relation
	c.Relations(func(r *catalog.Relation) bool {
		if strings.EqualFold(r.Name.Name, name) {
			found = r
		}
		return found == nil
	})
	return found
}
