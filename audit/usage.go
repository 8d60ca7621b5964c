package audit

import (
	"fmt"
	"path"
	"slices"
	"strings"
	"unicode"

	"github.com/onward-sql/onward/internal/adapter"
	"github.com/onward-sql/onward/internal/catalog"
	"github.com/onward-sql/onward/internal/gitrange"
	"github.com/onward-sql/onward/internal/rule"
	"github.com/onward-sql/onward/onward"
)

// usage answers whether the deployed code uses a table or column: from the
// framework's own model where there is one, else from the text of the code at
// the base revision.
type usage struct {
	base   gitrange.Tree
	name   string // of the base, for people
	models []adapter.Model
	// modelled says that models were read: a table that none maps to is not
	// used by the framework.
	modelled bool
	// migrations are the directories of migrations, which are no code.
	migrations map[string]bool
	cache      map[question]rule.Usage
	// asked are the questions that wait for a search.
	asked []question
}

// question is a table, or a column of it.
type question struct {
	table  catalog.Name
	column string
}

// maxAsked bounds what is searched for: a release that drops a hundred tables
// is told so without a search for each.
const maxAsked = 100

// maxEvidence is how many places a finding shows.
const maxEvidence = 3

func newUsage(rng *gitrange.Range, pairs []pair) *usage {
	u := &usage{base: rng.Base, name: rng.BaseName, cache: map[question]rule.Usage{}, migrations: map[string]bool{}}
	for _, p := range pairs {
		set := p.base
		if set == nil {
			continue
		}
		if set.Models != nil {
			u.modelled = true
			u.models = append(u.models, set.Models...)
		}
		for _, m := range set.Migrations {
			u.migrations[path.Dir(m.Path)] = true
		}
	}
	return u
}

// of answers a question, or keeps it for the search.
func (u *usage) of(table catalog.Name, column string) rule.Usage {
	q := question{table, column}
	if known, ok := u.cache[q]; ok {
		return known
	}
	if out, ok := u.model(table, column); ok {
		u.cache[q] = out
		return out
	}
	if len(u.asked) < maxAsked {
		u.asked = append(u.asked, q)
	}
	u.cache[q] = rule.Usage{}
	return rule.Usage{}
}

// model asks the framework's models.
func (u *usage) model(table catalog.Name, column string) (rule.Usage, bool) {
	if !u.modelled {
		return rule.Usage{}, false
	}
	out := rule.Usage{Known: true, Sure: true}
	for _, m := range u.models {
		if !strings.EqualFold(strings.Trim(m.Table, `"`), table.Name) && m.Table != table.Qualified() {
			continue
		}
		if column == "" {
			out.Used = true
			out.Evidence = append(out.Evidence, onward.Evidence{Kind: "model", Path: m.Path, Line: m.Line, Text: m.Name + " maps to " + table.String(), Revision: u.name})
			continue
		}
		for _, c := range m.Columns {
			if c.Column == column {
				line := c.Line
				if line == 0 {
					line = m.Line
				}
				out.Used = true
				out.Evidence = append(out.Evidence, onward.Evidence{
					Kind: "model", Path: m.Path, Line: line, Revision: u.name,
					Text: fmt.Sprintf("%s.%s: each query of the model names the column", m.Name, c.Field),
				})
			}
		}
	}
	return out, true
}

// search looks for all names that were asked for in the code at the base, in
// the spellings that mappers make of them.
func (u *usage) search() {
	var words []string
	seen := map[string]bool{}
	for _, q := range u.asked {
		names, tables := q.words()
		for _, w := range append(names, tables...) {
			if !seen[w] {
				seen[w] = true
				words = append(words, w)
			}
		}
	}
	hits, err := gitrange.Words(u.base, words, u.noCode)
	byWord := map[string][]gitrange.Hit{}
	for _, h := range hits {
		byWord[h.Word] = append(byWord[h.Word], h)
	}
	for _, q := range u.asked {
		names, tables := q.words()
		answer := u.weigh(pick(byWord, names), pick(byWord, tables), q.column != "")
		// What could not be read may use it.
		answer.Known = answer.Used || err == nil
		u.cache[q] = answer
	}
}

// noCode reports whether a file is none that runs in production: a migration, a
// test, a document, somebody else's package.
func (u *usage) noCode(file string) bool {
	dir, name := path.Split(file)
	if u.migrations[strings.TrimSuffix(dir, "/")] {
		return true
	}
	for part := range strings.SplitSeq(strings.TrimSuffix(dir, "/"), "/") {
		switch part {
		case "node_modules", "vendor", "third_party", "testdata", "tests", "test", "__tests__", "spec", "e2e", "fixtures",
			"docs", "doc", "locale", "locales", "i18n", "migrations", "migration", ".git", ".github":
			return true
		}
	}
	switch path.Ext(name) {
	case ".md", ".rst", ".txt", ".lock", ".sum", ".svg", ".map", ".po", ".mo", ".csv", ".css", ".scss", ".html", ".ipynb", ".snap", ".pdf", ".png":
		return true
	}
	return strings.HasSuffix(name, "_test.go") || strings.HasPrefix(name, "test_") || strings.HasSuffix(name, "_test.py") ||
		strings.Contains(name, ".spec.") || strings.Contains(name, ".test.") || strings.Contains(name, ".min.") ||
		strings.HasPrefix(name, "CHANGELOG") || name == "package-lock.json"
}

// words are the spellings of what is asked for, and for a column those of its
// table.
func (q question) words() (names, tables []string) {
	t := append(spellings(q.table.Name), spellings(singular(q.table.Name))...)
	if q.column == "" {
		// A mapper may name the class in the singular.
		return t, nil
	}
	return spellings(q.column), t
}

// pick gathers the hits of some words, in the order of places.
func pick(byWord map[string][]gitrange.Hit, words []string) []gitrange.Hit {
	var out []gitrange.Hit
	for _, w := range words {
		out = append(out, byWord[w]...)
	}
	slices.SortStableFunc(out, func(a, b gitrange.Hit) int {
		if c := strings.Compare(a.Path, b.Path); c != 0 {
			return c
		}
		return a.Line - b.Line
	})
	return out
}

// weigh turns hits of a name into an answer. What stands in a file that names
// the table too comes first.
func (u *usage) weigh(hits, tableHits []gitrange.Hit, column bool) rule.Usage {
	out := rule.Usage{Known: true}
	tables := map[string]bool{} // files that name the table
	for _, h := range tableHits {
		tables[h.Path] = true
	}
	var near, far []gitrange.Hit
	for _, h := range hits {
		if !column || tables[h.Path] {
			near = append(near, h)
		} else {
			far = append(far, h)
		}
	}
	out.Used = len(near) > 0 || len(far) > 0
	show := near
	if len(show) == 0 {
		show = far
	}
	seen := map[string]bool{}
	for _, h := range show {
		at := fmt.Sprintf("%s:%d", h.Path, h.Line)
		if seen[at] || len(out.Evidence) == maxEvidence {
			continue
		}
		seen[at] = true
		out.Evidence = append(out.Evidence, onward.Evidence{Kind: "code", Path: h.Path, Line: h.Line, Text: h.Text, Revision: u.name})
	}
	return out
}

// spellings are the ways in which code writes a name: full_name, fullName,
// FullName, FULL_NAME.
func spellings(name string) []string {
	parts := strings.FieldsFunc(name, func(r rune) bool { return r == '_' || r == '-' || r == ' ' })
	if len(parts) == 0 {
		return nil
	}
	var camel, pascal strings.Builder
	for i, p := range parts {
		title := strings.ToUpper(p[:1]) + p[1:]
		pascal.WriteString(title)
		if i == 0 {
			title = strings.ToLower(p[:1]) + p[1:]
		}
		camel.WriteString(title)
	}
	candidates := []string{name, camel.String(), pascal.String(), initialisms(parts), strings.ToUpper(name)}
	var out []string
	for _, c := range candidates {
		dup := c == ""
		for _, o := range out {
			dup = dup || o == c
		}
		if !dup {
			out = append(out, c)
		}
	}
	return out
}

// initialisms is the name as Go code writes it: UserID, APIURL.
func initialisms(parts []string) string {
	var b strings.Builder
	for _, p := range parts {
		switch l := strings.ToLower(p); l {
		case "id", "url", "uri", "api", "ip", "http", "https", "json", "sql", "uuid", "html", "xml", "ttl", "ssl", "tls", "ui", "uid":
			b.WriteString(strings.ToUpper(l))
		default:
			r := []rune(p)
			r[0] = unicode.ToUpper(r[0])
			b.WriteString(string(r))
		}
	}
	return b.String()
}

// singular takes a plural's ending off, as mappers do.
func singular(name string) string {
	switch {
	case strings.HasSuffix(name, "ies"):
		return name[:len(name)-3] + "y"
	case strings.HasSuffix(name, "sses"), strings.HasSuffix(name, "xes"), strings.HasSuffix(name, "ches"):
		return name[:len(name)-2]
	case strings.HasSuffix(name, "s") && !strings.HasSuffix(name, "ss"):
		return name[:len(name)-1]
	}
	return name
}
