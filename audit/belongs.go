package audit

import (
	"path"
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
	u      *usage
	q      question
	others map[string]bool
	types  map[string]bool // the names of types that are rows of the others
	texts  map[string]*codeText
}

// codeText is a file of the code: where its lines begin, and its strings.
type codeText struct {
	text  string
	lines []int
	spans []span
}

func (u *usage) belonging(q question, others map[string]bool, hits []gitrange.Hit) *belonging {
	if len(others) == 0 {
		return nil
	}
	b := &belonging{u: u, q: q, others: others, types: map[string]bool{}, texts: map[string]*codeText{}}
	for o := range others {
		for _, w := range tableWords(o) {
			b.types[bare(w)] = true
		}
	}
	for _, w := range tableWords(q.table.Name) {
		delete(b.types, bare(w))
	}
	var paths []string
	for _, h := range hits {
		if _, seen := b.texts[h.Path]; !seen && !data(h.Path) {
			b.texts[h.Path] = nil
			paths = append(paths, h.Path)
		}
	}
	contents, err := u.base.ReadAll(paths)
	if err != nil {
		return nil
	}
	for p, content := range contents {
		t := &codeText{text: string(content), lines: []int{0}}
		for i := range t.text {
			if t.text[i] == '\n' {
				t.lines = append(t.lines, i+1)
			}
		}
		t.spans = literals(path.Ext(p), t.text)
		b.texts[p] = t
	}
	return b
}

// ofOthers reports whether a word is the column of another table wherever it stands in
// its line.
func (b *belonging) ofOthers(h gitrange.Hit) bool {
	if b == nil || h.Word == "" || b.texts[h.Path] == nil || h.Line > len(b.texts[h.Path].lines) {
		return false
	}
	t := b.texts[h.Path]
	from := t.lines[h.Line-1]
	line, _, _ := strings.Cut(t.text[from:], "\n")
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
		if !b.inQuery(t, from+place, len(h.Word)) && !b.inType(t, h, from+place) {
			return false
		}
		seen = true
	}
}

// inQuery reports whether a word at a place of a text is in a query that has another
// table's column of that name, and not this one's.
func (b *belonging) inQuery(t *codeText, at, length int) bool {
	s, ok := t.span(at)
	if !ok || !beginsQuery.MatchString(s.text) {
		return false
	}
	own, foreign := tablesOf(s.text, b.q.table.Name, b.others)
	if len(foreign) == 0 {
		return false
	}
	if own == nil {
		return b.onlyTables(s.text)
	}
	before := s.text[:at-s.start]
	m := qualifier.FindStringSubmatch(before)
	return m != nil && foreign[strings.ToLower(m[1])] && !own[strings.ToLower(m[1])] && !strings.HasPrefix(s.text[at-s.start+length:], ".")
}

// span is the string that a place of the text is in.
func (t *codeText) span(at int) (span, bool) {
	for _, s := range t.spans {
		if at >= s.start && at < s.start+len(s.text) {
			return s, true
		}
	}
	return span{}, false
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

// typeBegin is where a type with fields begins.
var typeBegin = regexp.MustCompile(`^\s*(?:(?:export|default|declare|abstract|final|public|data|sealed|pub(?:\([^)]*\))?|static|open|internal)\s+)*(?:type|class|struct|interface|record)\s+(\w+)`)

// rowEndings are what the name of a type has behind that of the table.
var rowEndings = []string{"row", "model", "entity", "record", "schema", "dto", "params", "input", "request", "response"}

// maxType is how many lines above a field its type begins, at most.
const maxType = 80

// inType reports whether a place is in a type that is named as the rows of another
// table are, in a file that speaks of this table in queries only.
func (b *belonging) inType(t *codeText, h gitrange.Hit, at int) bool {
	if s, ok := t.span(at); ok && beginsQuery.MatchString(s.text) {
		return false
	}
	for _, mark := range []string{`"`, `'`, "`"} {
		if strings.Contains(t.text, mark+b.q.table.Name+mark) {
			return false // a type may be told of its table
		}
	}
	indent := -1
	for i := h.Line - 1; i >= 0 && i > h.Line-maxType; i-- {
		line := t.text[t.lines[i]:]
		if i+1 < len(t.lines) {
			line = t.text[t.lines[i] : t.lines[i+1]-1]
		}
		trimmed := strings.TrimLeft(line, " \t")
		if trimmed == "" {
			continue
		}
		depth := len(line) - len(trimmed)
		if indent < 0 {
			indent = depth
			continue // the line itself
		}
		if depth >= indent {
			continue // beside it
		}
		m := typeBegin.FindStringSubmatch(line)
		return m != nil && b.rowOf(m[1])
	}
	return false
}

// rowOf reports whether a type is named as the rows of one of the others are.
func (b *belonging) rowOf(name string) bool {
	name = bare(name)
	if b.types[name] {
		return true
	}
	for _, ending := range rowEndings {
		if rest, ok := strings.CutSuffix(name, ending); ok && b.types[rest] {
			return true
		}
	}
	return false
}

// bare is a name in one spelling.
func bare(name string) string { return strings.ToLower(strings.ReplaceAll(name, "_", "")) }
