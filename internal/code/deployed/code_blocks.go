package deployed

import (
	"slices"
	"strings"

	"github.com/onward-sql/onward/internal/code/facts"
	"github.com/onward-sql/onward/internal/code/mentions"
	"github.com/onward-sql/onward/internal/lazyregexp"
)

// codeText is a file of the code as blocks: a line and the more indented lines after it.
type codeText struct {
	text   string
	source *mentions.Source
	starts []int // the start of each line
	// above is the line whose block a line belongs to, -1 for none; below is the first
	// line after a line's own block.
	above, below []int
}

// nameCounts counts, for each line of a file, the earlier lines that name the table, and those
// that name other tables with such a column.
type nameCounts struct{ own, foreign []int }

// lineText returns a line without its end.
func (t *codeText) lineText(i int) string {
	if i+1 < len(t.starts) {
		return t.text[t.starts[i] : t.starts[i+1]-1]
	}
	return t.text[t.starts[i]:]
}

var (
	// decorates matches a line that annotates the next one.
	decorates = lazyregexp.New(`^\s*(?:@\w|#\[)`)
	// closes matches a line that ends a block and begins none.
	closes = lazyregexp.New(`^\s*(?:[)}\]]+[;,.)]*|end)\s*$`)
	// typeBegin matches the beginning of a type with fields.
	typeBegin = lazyregexp.New(`^\s*(?:(?:export|default|declare|abstract|final|public|data|sealed|pub(?:\([^)]*\))?|static|open|internal)\s+)*(?:type|class|struct|interface|record)\s+(\w+)`)
)

// rowEndings are suffixes of types after the name of the table.
var rowEndings = []string{"row", "model", "entity", "record", "schema", "dto", "params", "input", "request", "response"}

// readBlocks reads the blocks of a file.
func readBlocks(source *mentions.Source, text string) *codeText {
	t := &codeText{text: text, source: source, starts: []int{0}}
	for i := range text {
		if text[i] == '\n' {
			t.starts = append(t.starts, i+1)
		}
	}
	n := len(t.starts)
	t.above, t.below = make([]int, n), make([]int, n)
	var open []int // lines with open blocks, each indented more than the one before
	depth := make([]int, n)
	for i := range n {
		line := t.lineText(i)
		trimmed := strings.TrimLeft(line, " \t")
		t.above[i] = -1
		if strings.TrimSpace(trimmed) == "" {
			if len(open) > 0 {
				t.above[i] = open[len(open)-1]
			}
			t.below[i] = i + 1
			continue
		}
		depth[i] = len(line) - len(trimmed)
		for len(open) > 0 && depth[open[len(open)-1]] >= depth[i] {
			t.below[open[len(open)-1]] = i
			open = open[:len(open)-1]
		}
		if len(open) > 0 {
			t.above[i] = open[len(open)-1]
		}
		if strings.IndexByte(")}]e", trimmed[0]) < 0 || !closes.MatchString(line) {
			open = append(open, i)
		}
		t.below[i] = i + 1
	}
	for _, i := range open {
		t.below[i] = n
	}
	return t
}

// countNames returns the counts for a file, which it computes once.
func (b *columnOwner) countNames(t *codeText) *nameCounts {
	if out := b.names[t]; out != nil {
		return out
	}
	n := len(t.starts)
	out := &nameCounts{make([]int, n+1), make([]int, n+1)}
	for i := range n {
		out.own[i+1], out.foreign[i+1] = out.own[i], out.foreign[i]
		isOwn, foreign := b.lineNamesTables(t, i)
		if isOwn {
			out.own[i+1]++
		}
		if foreign {
			out.foreign[i+1]++
		}
	}
	b.names[t] = out
	return out
}

// lineNamesTables reports whether a line names the table, in any spelling, and whether it names
// another table with such a column: in a string, as the type of its rows, or as a
// declared name.
func (b *columnOwner) lineNamesTables(t *codeText, i int) (isOwn, foreign bool) {
	line := t.lineText(i)
	isOwn = b.mentionsTable(line)
	if name := declaredType(line); name != "" && b.isOtherRowType(name) {
		return isOwn, true
	}
	for o := range b.others {
		for offset := 0; !foreign; {
			n := strings.Index(line[offset:], o)
			if n < 0 {
				break
			}
			offset += n + len(o)
			if !isWholeWord(line, offset-len(o), len(o)) {
				continue
			}
			foreign = t.isTableInString(t.starts[i]+offset-1, o) || declaresField(line[:offset-len(o)], line[offset:])
		}
	}
	return isOwn, foreign
}

// clause matches text in which SQL names a table.
var clause = lazyregexp.New(`(?i)\b(?:select|insert into|update|delete from|where|join|returning|(?:order|group)\s+by)\b`)

// isTableInString reports whether a place is in a string that is the name of a table, or that
// names it as SQL and mappers do.
func (t *codeText) isTableInString(offset int, table string) bool {
	s, ok := t.source.String(offset)
	if !ok {
		return false
	}
	text := t.text[s.From:s.To]
	return s.Query || text == table || clause.MatchString(text) || strings.Contains(text, "table:"+table)
}

// mentionsTable reports whether a line names the table, in any spelling, or something with its
// name as a part: parcelRepo, PARCEL_COLUMNS. A foreign key to it does not count.
func (b *columnOwner) mentionsTable(line string) bool {
	if slices.ContainsFunc(b.words, func(w string) bool { return hasWord(line, w) }) {
		return true
	}
	if len(b.rowName) < commonWord {
		return false
	}
	line = strings.ToLower(line)
	for offset := 0; ; {
		n := strings.Index(line[offset:], b.rowName)
		if n < 0 {
			return false
		}
		offset += n + len(b.rowName)
		if rest := strings.TrimPrefix(line[offset:], "_"); !strings.HasPrefix(rest, "id") {
			return true
		}
	}
}

// declaredType returns the type that a line begins; "" for none.
func declaredType(line string) string {
	if !slices.ContainsFunc(typeWords, func(w string) bool { return strings.Contains(line, w) }) {
		return ""
	}
	if m := typeBegin.FindStringSubmatch(line); m != nil {
		return m[1]
	}
	return ""
}

var typeWords = []string{"type ", "class ", "struct ", "interface ", "record "}

// declaresField reports whether a line declares the name between two pieces of it, with
// fields.
func declaresField(before, after string) bool {
	before, after = strings.TrimSpace(before), strings.TrimSpace(after)
	return (before == "" || strings.HasSuffix(before, "const")) && len(after) > 0 && (after[0] == ':' || after[0] == '=') && strings.Contains(after, "{")
}

// isOtherRowType reports whether a type's name means the rows of another table.
func (b *columnOwner) isOtherRowType(name string) bool {
	name = facts.NormalizeName(name)
	if b.rows[name] {
		return true
	}
	for _, ending := range rowEndings {
		if rest, ok := strings.CutSuffix(name, ending); ok && b.rows[rest] {
			return true
		}
	}
	return false
}

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
