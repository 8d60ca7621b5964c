package audit

import (
	"regexp"
	"slices"
	"strings"

	"github.com/onward-sql/onward/internal/usage"
)

// codeText is a file of the code as blocks: a line and those behind it that are indented
// more than it is.
type codeText struct {
	text   string
	source *usage.Source
	starts []int // of the lines
	// above is the line that a line's block is part of, -1 for none; below is the one
	// behind its own block.
	above, below []int
}

// named counts the lines before each line of a file that name the table, and those that
// name others which have such a column.
type named struct{ own, foreign []int }

// line is a line without its end.
func (t *codeText) line(i int) string {
	if i+1 < len(t.starts) {
		return t.text[t.starts[i] : t.starts[i+1]-1]
	}
	return t.text[t.starts[i]:]
}

var (
	// decorates is a line that says more of what begins under it.
	decorates = regexp.MustCompile(`^\s*(?:@\w|#\[)`)
	// closes is a line that ends a block and begins none.
	closes = regexp.MustCompile(`^\s*(?:[)}\]]+[;,.)]*|end)\s*$`)
	// typeBegin is where a type with fields begins.
	typeBegin = regexp.MustCompile(`^\s*(?:(?:export|default|declare|abstract|final|public|data|sealed|pub(?:\([^)]*\))?|static|open|internal)\s+)*(?:type|class|struct|interface|record)\s+(\w+)`)
)

// rowEndings are what the name of a type has behind that of the table.
var rowEndings = []string{"row", "model", "entity", "record", "schema", "dto", "params", "input", "request", "response"}

// readBlocks reads a file once, whatever is asked.
func readBlocks(source *usage.Source, text string) *codeText {
	t := &codeText{text: text, source: source, starts: []int{0}}
	for i := range text {
		if text[i] == '\n' {
			t.starts = append(t.starts, i+1)
		}
	}
	n := len(t.starts)
	t.above, t.below = make([]int, n), make([]int, n)
	var open []int // lines whose blocks go on, each indented more than the one before
	depth := make([]int, n)
	for i := range n {
		line := t.line(i)
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

// naming counts what the lines of a file name, the first time it is asked.
func (b *belonging) naming(t *codeText) *named {
	if out := b.names[t]; out != nil {
		return out
	}
	n := len(t.starts)
	out := &named{make([]int, n+1), make([]int, n+1)}
	for i := range n {
		out.own[i+1], out.foreign[i+1] = out.own[i], out.foreign[i]
		own, foreign := b.lineNames(t, i)
		if own {
			out.own[i+1]++
		}
		if foreign {
			out.foreign[i+1]++
		}
	}
	b.names[t] = out
	return out
}

// lineNames reports whether a line names the table, in any spelling, and whether it names
// another that has such a column: in a string, as the type of its rows, or as what is
// declared.
func (b *belonging) lineNames(t *codeText, i int) (own, foreign bool) {
	line := t.line(i)
	own = b.speaksOf(line)
	if name := typeOf(line); name != "" && b.rowOf(name) {
		return own, true
	}
	for o := range b.others {
		for at := 0; !foreign; {
			n := strings.Index(line[at:], o)
			if n < 0 {
				break
			}
			at += n + len(o)
			if !alone(line, at-len(o), len(o)) {
				continue
			}
			foreign = t.quotes(t.starts[i]+at-1, o) || declared(line[:at-len(o)], line[at:])
		}
	}
	return own, foreign
}

// clause is what a text has in it that names a table in SQL.
var clause = regexp.MustCompile(`(?i)\b(?:select|insert into|update|delete from|where|join|returning|(?:order|group)\s+by)\b`)

// quotes reports whether a place is in a string that is the name of a table, or names it
// as SQL and mappers do.
func (t *codeText) quotes(at int, table string) bool {
	s, ok := t.source.String(at)
	if !ok {
		return false
	}
	text := t.text[s.From:s.To]
	return s.Query || text == table || clause.MatchString(text) || strings.Contains(text, "table:"+table)
}

// speaksOf reports whether a line names the table, in any spelling, or something that is
// called after it: parcelRepo, PARCEL_COLUMNS; a key of another table that refers to it
// is none.
func (b *belonging) speaksOf(line string) bool {
	if slices.ContainsFunc(b.words, func(w string) bool { return names(line, w) }) {
		return true
	}
	if len(b.one) < commonWord {
		return false
	}
	line = strings.ToLower(line)
	for at := 0; ; {
		n := strings.Index(line[at:], b.one)
		if n < 0 {
			return false
		}
		at += n + len(b.one)
		if rest := strings.TrimPrefix(line[at:], "_"); !strings.HasPrefix(rest, "id") {
			return true
		}
	}
}

// typeOf is the type that a line begins; "" for none.
func typeOf(line string) string {
	if !slices.ContainsFunc(typeWords, func(w string) bool { return strings.Contains(line, w) }) {
		return ""
	}
	if m := typeBegin.FindStringSubmatch(line); m != nil {
		return m[1]
	}
	return ""
}

var typeWords = []string{"type ", "class ", "struct ", "interface ", "record "}

// declared reports whether a name between two pieces of a line is what the line declares,
// with fields.
func declared(before, after string) bool {
	before, after = strings.TrimSpace(before), strings.TrimSpace(after)
	return (before == "" || strings.HasSuffix(before, "const")) && len(after) > 0 && (after[0] == ':' || after[0] == '=') && strings.Contains(after, "{")
}

// rowOf reports whether a type is named as the rows of one of the others are.
func (b *belonging) rowOf(name string) bool {
	name = bare(name)
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

// bare is a name in one spelling.
func bare(name string) string { return strings.ToLower(strings.ReplaceAll(name, "_", "")) }
