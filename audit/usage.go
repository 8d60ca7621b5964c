package audit

import (
	"errors"
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
	base gitrange.Tree
	name string // of the base, for people
	// migrations are the directories of migrations, which are no code.
	migrations map[string]bool
	cache      map[question]rule.Usage
	// asked are the questions that wait for a search.
	asked []question
	// raw are those that the models answered with no.
	raw []question
	// stars are those of rule.Pass.ReadsAll.
	stars []question
	// values are those of rule.Pass.KnowsOnly.
	values []question
	// settings are those of rule.Pass.Sets.
	settings []question
	// mapped are the models of each database; see models.
	mapped map[int]mapping
	// texts are the files that a search has read whole; see inserting.
	texts map[string]string
	// codes are the files whose blocks a search has read; see belonging.
	codes map[string]*codeText
	// pairs are the sources, and databases tells which of them share one; see
	// services.
	pairs     []pair
	databases [][]int
	rooted    []service
	// classes are the models of each database by their tables; see class.
	classes map[int]map[string]string
	// deployed are the schemas of the databases at the base.
	deployed map[int]*catalog.Catalog
}

// maxEvidence is how many places a finding shows.
const maxEvidence = 3

func newUsage(rng *gitrange.Range, pairs []pair) *usage {
	u := &usage{base: rng.Base, name: rng.BaseName, cache: map[question]rule.Usage{}, mapped: map[int]mapping{}, deployed: map[int]*catalog.Catalog{}, migrations: map[string]bool{}, pairs: pairs}
	for _, p := range pairs {
		set := p.base
		if set == nil {
			continue
		}
		for _, m := range set.Migrations {
			u.migrations[path.Dir(m.Path)] = true
		}
	}
	return u
}

// models are those of the sources that share a database. known says that what they
// do not name the framework does not use: there are models, and none are missing.
func (u *usage) models(database int) (models []adapter.Model, known bool) {
	partial := false
	if m, done := u.mapped[database]; done {
		return m.models, m.whole
	}
	for i, p := range u.pairs {
		if p.base == nil || p.base.Models == nil || database < len(u.databases) && !slices.Contains(u.databases[database], i) {
			continue
		}
		known = true
		partial = partial || p.base.Partial
		models = append(models, p.base.Models...)
	}
	known = known && !partial
	u.mapped[database] = mapping{models, known}
	return models, known
}

// mapping are the models of a database; whole says that none are missing.
type mapping struct {
	models []adapter.Model
	whole  bool
}

// model asks the framework's models.
func (u *usage) model(q question) (rule.Usage, bool) {
	table, column := q.table, q.column
	if table == rule.Upsert || q.upsert() {
		return rule.Usage{}, false
	}
	models, known := u.models(q.database)
	out := rule.Usage{Known: true, Sure: true}
	for _, m := range models {
		if !maps(m.Table, table) {
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
				out.Defaulted, out.GivesValue = out.Defaulted || c.Defaulted, out.GivesValue || c.GivesValue
				out.Evidence = append(out.Evidence, onward.Evidence{
					Kind: "model", Path: m.Path, Line: line, Revision: u.name,
					Text: fmt.Sprintf("%s.%s: each query of the model names the column", m.Name, c.Field),
				})
			}
		}
	}
	return out, out.Used || known && !u.unmapped(q)
}

// unmapped reports whether a question is on something that models have no name for:
// a function, a type, a sequence, a constraint. Only the text of the code tells.
func (u *usage) unmapped(q question) bool {
	c := u.deployed[q.database]
	if c == nil || q.column != "" {
		return false
	}
	r := c.Lookup(q.table.Schema, q.table.Name)
	return r == nil || r.Index != nil || r.Kind == catalog.Sequence
}

// maps reports whether a model's name of its table is that of a table. Django
// puts quotes around the name, so that db_table = 'lib"."tag' names a schema.
func maps(model string, table catalog.Name) bool {
	model = strings.Trim(model, `"`)
	if schema, name, ok := strings.Cut(model, `"."`); ok {
		return strings.EqualFold(name, table.Name) && strings.EqualFold(schema, table.Schema)
	}
	return strings.EqualFold(model, table.Name) || model == table.Qualified()
}

// search looks for all names that were asked for in the code at the base, in
// the spellings that mappers make of them: for the tables everywhere, for a
// column in the files that name its table, and everywhere when there it is
// nowhere.
func (u *usage) search() {
	u.rawSQL()
	u.readingAll()
	u.knowing()
	u.setting()
	var found error
	look := func(words []string, skip func(string) bool) map[string][]gitrange.Hit {
		hits, err := gitrange.Words(u.base, words, skip)
		found = errors.Join(found, err)
		byWord := map[string][]gitrange.Hit{}
		for _, h := range hits {
			byWord[h.Word] = append(byWord[h.Word], h)
		}
		return byWord
	}
	var tables, near, far []string
	for _, q := range u.asked {
		tables = append(tables, q.tables()...)
		tables = append(tables, q.schema()...)
		if class := u.class(q); class != "" {
			tables = append(tables, class)
		}
		if q.column != "" && !q.upsert() {
			near = append(append(near, spellings(q.column)...), q.embedded()...)
		}
	}
	tableHits := look(tables, u.noCode)
	named := func(q question) []gitrange.Hit {
		hits := q.named(pick(tableHits, q.tables()), pick(tableHits, q.schema()))
		if class := u.class(q); class != "" {
			hits = append(hits, declaredClass(class, tableHits[class])...)
		}
		return hits
	}
	files := map[string]bool{}
	for _, q := range u.asked {
		for _, h := range named(q) {
			files[h.Path] = files[h.Path] || q.column != "" && !q.upsert()
		}
	}
	nearHits := look(near, func(p string) bool { return !files[p] })
	hitsOf := func(q question) []gitrange.Hit {
		in := map[string]bool{}
		other, _ := u.elsewhere(q)
		for _, h := range named(q) {
			in[h.Path] = !under(other, h.Path)
		}
		of := pick(nearHits, append(spellings(q.column), q.embedded()...))
		return slices.DeleteFunc(of, func(h gitrange.Hit) bool { return !in[h.Path] || h.Word == gormModel && !q.embeds(h, named(q)) })
	}
	for _, q := range u.asked {
		if q.column != "" && !q.upsert() && len(hitsOf(q)) == 0 {
			far = append(far, spellings(q.column)...)
		}
	}
	farHits := look(far, func(p string) bool { return u.noCode(p) || page(p) })
	u.texts = map[string]string{}
	defer func() { u.texts, u.codes = nil, nil }()
	for _, q := range u.asked {
		if q.upsert() {
			u.cache[q] = u.upserting(q, tableHits)
			continue
		}
		other, unlike := u.elsewhere(q)
		of := slices.DeleteFunc(named(q), func(h gitrange.Hit) bool { return under(other, h.Path) })
		hits := of
		if q.column == "" {
			hits = append(of[:len(of):len(of)], joined(u.base, q.table.Name)...)
		}
		if q.column != "" {
			if hits = hitsOf(q); len(hits) == 0 {
				hits = slices.DeleteFunc(pick(farHits, spellings(q.column)), func(h gitrange.Hit) bool { return under(unlike, h.Path) })
				if u.common(q) {
					hits = closeTo(of, hits)
				}
			}
		}
		answer := u.weigh(q, hits, of)
		if q.column == "" && q.table != rule.Upsert {
			answer.Inserts = u.inserts(q.table.Name, of)
			answer.Writes = u.writes(q, of)
		}
		// What could not be read may use it.
		answer.Known = answer.Used || found == nil
		u.cache[q] = answer
	}
}

// common reports whether a column's name is one word, or another table has such a
// column: a word far from the table's name is hardly the column.
func (u *usage) common(q question) bool {
	if !strings.Contains(q.column, "_") && strings.ToLower(q.column) == q.column {
		return true
	}
	c, found := u.deployed[q.database], false
	if c == nil {
		return false
	}
	c.Relations(func(r *catalog.Relation) bool {
		found = r.Kind.IsTable() && r.Name != q.table && r.Column(q.column) != nil
		return !found
	})
	return found
}

// closeTo leaves of hits what stands in the directories of code that names the
// table, or in a query; all, where none does.
func closeTo(table, hits []gitrange.Hit) []gitrange.Hit {
	dirs := map[string]bool{}
	for _, h := range table {
		if !data(h.Path) && !comment(h.Text) {
			dirs[path.Dir(h.Path)] = true
		}
	}
	if len(dirs) == 0 {
		return hits
	}
	return slices.DeleteFunc(hits, func(h gitrange.Hit) bool { return !dirs[path.Dir(h.Path)] && !clause.MatchString(h.Text) })
}

// tables are the spellings of the table's name. A mapper may name the class in
// the singular.
func (q question) tables() []string {
	if q.table == rule.Upsert || q.upsert() {
		return upserts
	}
	return tableWords(q.table.Name)
}

// tableWords are the spellings of a table's name, and of its singular.
func tableWords(name string) []string {
	return append(spellings(name), spellings(singular(name))...)
}

// schema are the spellings of a schema that code has to name, or to be told of;
// none for the one that a server has by itself.
func (q question) schema() []string {
	if q.table.Schema == "" || q.table.Schema == "public" || q.table == rule.Upsert || q.upsert() {
		return nil
	}
	return spellings(q.table.Schema)
}

// named leaves out what hardly names the table: where the code says nothing of its
// schema, "worker" is a word, and workers in a query is the table.
func (q question) named(hits, schema []gitrange.Hit) []gitrange.Hit {
	if len(q.schema()) == 0 || slices.ContainsFunc(schema, func(h gitrange.Hit) bool { return !comment(h.Text) }) {
		return hits
	}
	return slices.DeleteFunc(hits, func(h gitrange.Hit) bool { return q.likeness(h) > 1 && (data(h.Path) || !inQuotes(h)) })
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
