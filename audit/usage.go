package audit

import (
	"fmt"
	"path"
	"slices"
	"strings"

	"github.com/onward-sql/onward/internal/adapter"
	"github.com/onward-sql/onward/internal/analysis"
	"github.com/onward-sql/onward/internal/cache"
	"github.com/onward-sql/onward/internal/catalog"
	"github.com/onward-sql/onward/internal/gitrange"
	"github.com/onward-sql/onward/internal/usage"
	"github.com/onward-sql/onward/onward"
)

// deployedCode answers whether the deployed code uses a table or column: from the
// framework's own model where there is one, else from the text of the code at
// the base revision.
type deployedCode struct {
	base gitrange.Tree
	name string // of the base, for people
	// migrations are the directories of migrations, which are no code.
	migrations map[string]bool
	cache      map[question]analysis.Usage
	// mapped are the models of each database; see models.
	mapped map[int]mapping
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
	// repo names the repository; "" for one whose code is not kept.
	repo string
	// text is the code at the base, once it is read.
	text *code
	// lists are the models of Prisma's whose lists have tables of their own.
	lists *[]adapter.Model
	// recordings are what the deployed code was seen to send.
	recordings []*recording
	// empty says of a database whether nothing in the code works on it.
	empty map[int]bool
}

// code is the code at the base, which is read the first time that it is asked.
func (u *deployedCode) code() *code {
	if u.text == nil {
		dir := ""
		if u.repo != "" {
			dir = cache.Dir(codeRoom)
		}
		u.text = readBase(u.base, dir, u.repo, func(p string) bool { return u.noCode(p) || data(p) }, u.recordedFiles())
		for _, r := range u.recordings {
			u.text.lines[r.path] = r.lines()
		}
	}
	return u.text
}

// maxEvidence is how many places a finding shows.
const maxEvidence = 3

func newUsage(rng *gitrange.Range, pairs []pair) *deployedCode {
	u := &deployedCode{base: rng.Base, name: rng.BaseName, cache: map[question]analysis.Usage{}, empty: map[int]bool{}, mapped: map[int]mapping{}, deployed: map[int]*catalog.Catalog{}, migrations: map[string]bool{}, pairs: pairs}
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
func (u *deployedCode) models(database int) (models []adapter.Model, known bool) {
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
func (u *deployedCode) model(q question) (analysis.Usage, bool) {
	table, column := q.Name, q.Column
	models, known := u.models(q.database)
	out := analysis.Usage{Known: true, Sure: true}
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
func (u *deployedCode) unmapped(q question) bool {
	c := u.deployed[q.database]
	if c == nil || q.Column != "" {
		return false
	}
	r := c.Lookup(q.Name.Schema, q.Name.Name)
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

// tableWords are the spellings of a table's name, and of its singular.
func tableWords(name string) []string { return usage.TableWords(name) }

func spellings(name string) []string { return usage.Spellings(name) }

func singular(name string) string { return usage.Singular(name) }
