package audit

import (
	"cmp"
	"path"
	"regexp"
	"slices"
	"strings"

	"github.com/onward-sql/onward/internal/gitrange"
	"github.com/onward-sql/onward/internal/rule"
	"github.com/onward-sql/onward/onward"
)

// rawSQL answers the questions on what no model uses: SQL that the code spells
// out, and mappers of other programs, need none. Only text that is SQL and names
// the table counts, because the name of a column is a word of the language too.
func (u *usage) rawSQL() {
	var names []string
	for _, q := range u.raw {
		names = append(names, q.table.Name)
	}
	hits, err := gitrange.Words(u.base, names, u.noCode)
	if err != nil {
		return // the models have the say, as before
	}
	files := map[string][]string{}
	var all []string
	for _, h := range hits {
		if !comment(h.Text) && !data(h.Path) && !slices.Contains(files[h.Word], h.Path) {
			files[h.Word] = append(files[h.Word], h.Path)
			all = append(all, h.Path)
		}
	}
	slices.Sort(all)
	texts, err := u.base.ReadAll(slices.Compact(all))
	if err != nil {
		return
	}
	for _, q := range u.raw {
		var found []onward.Evidence
		words := newQueryWords(q)
		for _, p := range files[q.table.Name] {
			for _, at := range words.in(p, string(texts[p])) {
				line, number := lineAt(string(texts[p]), at)
				if len(found) < maxEvidence && !comment(line) {
					found = append(found, onward.Evidence{Kind: "code", Path: p, Line: number, Text: line, Revision: u.name})
				}
			}
		}
		if len(found) > 0 {
			u.cache[q] = rule.Usage{Known: true, Used: true, Evidence: found}
		}
	}
}

// queryWords finds what a question is about in SQL.
type queryWords struct {
	named, set, qualified, column, mapping, field *regexp.Regexp
	table                                         string
}

// What begins a query, and what goes on with one.
var (
	beginsQuery = regexp.MustCompile(`(?i)^\W*(?:with|select|insert|update|delete|merge|copy|lock|truncate|explain)\b`)
	goesOn      = regexp.MustCompile(`\b(?:FROM|JOIN|INTO|UPDATE|SELECT|WHERE|USING)\b`)
)

func newQueryWords(q question) queryWords {
	quote := "[\\\\]?[\"`]?"
	name := quote + "(?i:" + regexp.QuoteMeta(q.table.Name) + ")\\b" + quote
	w := queryWords{
		table:   q.table.Name,
		named:   regexp.MustCompile(`(?i)(?:\b(?:from|join|into|only|using|truncate|lock|table|merge)\s|,)\s*(?:` + quote + `\w+` + quote + `\s*\.\s*)?` + name + `(?:\s+(?:as\s+)?(\w+))?`),
		set:     regexp.MustCompile(`(?i)\bupdate\s+(?:only\s+)?(?:` + quote + `\w+` + quote + `\s*\.\s*)?` + name + `(?:\s+(?:as\s+)?(\w+))?\s+set\b`),
		mapping: regexp.MustCompile("(?i)(?:table|entity|relation)[\\w(){} :=,.]{0,40}[\"'`](?:\\w+\\.)?" + regexp.QuoteMeta(q.table.Name) + "[\"'`]"),
	}
	if q.column == "" {
		return w
	}
	column := regexp.QuoteMeta(q.column)
	w.qualified = regexp.MustCompile(`(?i)` + name + `\s*\.\s*` + quote + column + `\b`)
	w.column = regexp.MustCompile(`(?i)(?:(\w+)` + quote + `\s*\.\s*)?` + quote + `\b` + column + `\b` + quote)
	var fields []string
	for _, s := range spellings(q.column) {
		fields = append(fields, regexp.QuoteMeta(s))
	}
	w.field = regexp.MustCompile(`\b(?:` + strings.Join(fields, "|") + `)\b`)
	return w
}

// in gives the offsets of a text at which the thing is used.
func (w queryWords) in(file, text string) []int {
	var out []int
	for _, span := range literals(path.Ext(file), text) {
		for _, at := range w.query(span.text) {
			out = append(out, span.start+at)
		}
	}
	for _, m := range w.mapping.FindAllStringIndex(text, -1) {
		// A model of the framework has answered for itself.
		if line, _ := lineAt(text, m[0]); strings.Contains(line, "db_table") || comment(line) {
			continue
		}
		if w.field == nil {
			out = append(out, m[0])
		} else if f := w.field.FindStringIndex(text[m[1]:min(len(text), m[1]+4000)]); f != nil {
			out = append(out, m[1]+f[0])
		}
	}
	slices.Sort(out)
	return slices.Compact(out)
}

// query gives the offsets in a string of the code, if it is SQL.
func (w queryWords) query(text string) []int {
	if w.qualified != nil {
		if m := w.qualified.FindStringIndex(text); m != nil {
			return m[:1] // shop_book.notes, which a mapper may put into its WHERE
		}
	}
	mentions := w.set.FindAllStringSubmatchIndex(text, -1)
	if beginsQuery.MatchString(text) || goesOn.MatchString(text) {
		mentions = append(mentions, w.named.FindAllStringSubmatchIndex(text, -1)...)
	}
	if len(mentions) == 0 {
		return nil
	}
	if w.column == nil {
		return mentions[0][:1]
	}
	known := map[string]bool{"": true, strings.ToLower(w.table): true}
	for _, m := range mentions {
		if m[2] >= 0 {
			known[strings.ToLower(text[m[2]:m[3]])] = true
		}
	}
	for _, m := range w.column.FindAllStringSubmatchIndex(text, -1) {
		qualifier := ""
		if m[2] >= 0 {
			qualifier = strings.ToLower(text[m[2]:m[3]])
		}
		if known[qualifier] && !strange(text[:m[0]], text[m[1]:], qualifier) {
			return m[:1]
		}
	}
	return nil
}

var aliased = regexp.MustCompile(`(?i)\bas\s*$`)

// strange reports whether a word between two pieces of a query is no column: the
// name of a parameter or an output column, a value, a function.
func strange(before, after, qualifier string) bool {
	return aliased.MatchString(before) || qualifier == "" && (strings.HasSuffix(before, ".") || strings.HasPrefix(after, "(")) ||
		before != "" && strings.ContainsRune(":%({@$'", rune(before[len(before)-1])) && !strings.HasSuffix(before, "(") ||
		strings.HasSuffix(before, "%(") || strings.HasPrefix(after, "'")
}

// span is a string of the code.
type span struct {
	start int
	text  string
}

// literals gives the strings of a program, those that stand beside each other as
// one; of a file of SQL its statements.
func literals(ext, text string) []span {
	if ext == ".sql" {
		var out []span
		at := 0
		for part := range strings.SplitAfterSeq(text, ";") {
			out = append(out, span{at, part})
			at += len(part)
		}
		return out
	}
	script := ext == ".py" || ext == ".rb" || ext == ".sh"
	single := script || slices.Contains([]string{".js", ".ts", ".mjs", ".cjs", ".mts", ".tsx", ".jsx", ".php", ".vue", ".ex", ".exs"}, ext)
	var out []span
	for i := 0; i < len(text); {
		switch rest := text[i:]; {
		case script && rest[0] == '#', !script && strings.HasPrefix(rest, "//"):
			i += cmp.Or(strings.IndexByte(rest+"\n", '\n'), 1)
		case !script && strings.HasPrefix(rest, "/*"):
			i += 2 + end(rest[2:], "*/")
		case ext == ".rs" && (i == 0 || !letter(text[i-1])) && rawString.MatchString(rest):
			open := rawString.FindString(rest) // r#" … "#
			n := end(rest[len(open):], `"`+strings.Repeat("#", strings.Count(open, "#")))
			out = append(out, span{i + len(open), strings.TrimRight(rest[len(open):len(open)+n], `"#`)})
			i += len(open) + n
		case ext == ".rs" && rest[0] == '"':
			n := quoted(rest, true)
			out = append(out, span{i + 1, strings.TrimSuffix(rest[1:n], rest[:1])})
			i += n
		case strings.HasPrefix(rest, `"""`), single && strings.HasPrefix(rest, "'''"):
			n := end(rest[3:], rest[:3])
			out = append(out, span{i + 3, strings.TrimSuffix(rest[3:3+n], rest[:3])})
			i += 3 + n
		case rest[0] == '"', rest[0] == '`', single && rest[0] == '\'':
			n := quoted(rest, rest[0] == '`')
			out = append(out, span{i + 1, strings.TrimSuffix(rest[1:n], rest[:1])})
			i += n
		case !single && rest[0] == '\'' && len(rest) > 3 && (rest[1] == '\\' || rest[2] == '\''):
			i += 3 // a character
		default:
			i++
		}
	}
	return joinSpans(text, out)
}

// rawString begins a string of Rust's in which nothing is escaped.
var rawString = regexp.MustCompile(`^b?r#*"`)

// end is the offset behind a mark.
func end(text, mark string) int {
	if n := strings.Index(text, mark); n >= 0 {
		return n + len(mark)
	}
	return len(text)
}

// quoted is the length of a string with its quotes; one that may not go over lines
// ends with its line.
func quoted(text string, over bool) int {
	for i := 1; i < len(text); i++ {
		switch {
		case text[i] == '\\' && text[0] != '`':
			i++
		case text[i] == text[0]:
			return i + 1
		case text[i] == '\n' && !over:
			return i
		}
	}
	return len(text)
}

// Between two strings that make one.
var glue = regexp.MustCompile(`^["'` + "`" + `]{1,3}[\s+\\.]*[fFrRbBuU]{0,2}["'` + "`" + `]{1,3}$`)

func joinSpans(text string, spans []span) []span {
	var out []span
	for _, s := range spans {
		if len(out) > 0 {
			last := &out[len(out)-1]
			to := last.start + len(last.text)
			if gap := text[to:s.start]; len(gap) < 200 && glue.MatchString(gap) {
				last.text += strings.Repeat(" ", len(gap)) + s.text
				continue
			}
		}
		out = append(out, s)
	}
	return out
}
