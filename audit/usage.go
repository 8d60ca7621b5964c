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
// framework's own model if there is one, else from the text of the code at the base
// revision.
type deployedCode struct {
	base gitrange.Tree
	name string // of the base, for people
	// migrations are the directories of migrations, which are no code.
	migrations map[string]bool
	cache      map[question]analysis.Usage
	// mapped has the models of each database; see models.
	mapped map[int]mappedModels
	// codes are the files whose blocks have been read; see belonging.
	codes map[string]*codeText
	// pairs are the sources, and databases groups those that share one; see services.
	pairs     []pair
	databases [][]int
	rooted    []service
	// classes are the models of each database by their tables; see class.
	classes map[int]map[string]string
	// deployed are the schemas of the databases at the base.
	deployed map[int]*catalog.Catalog
	// repo names the repository; "" if its code is not cached.
	repo string
	// text is the code at the base, after it is read.
	text *code
	// lists are the Prisma models with lists that have join tables.
	lists *[]adapter.Model
	// recordings are the observed queries of the deployed code.
	recordings []*recording
	// head is the code at the head; nil if nobody may ask for it.
	head func() *deployedCode
	// changes are the files that differ between base and head.
	changes []gitrange.Change
	// empty says for a database whether no code uses it.
	empty map[int]bool
}

// readCode returns the code at the base, which is read at the first call.
func (u *deployedCode) readCode() *code {
	if u.text == nil {
		dir := ""
		if u.repo != "" {
			dir = cache.Dir(codeRoom)
		}
		u.text = readBase(u.base, dir, u.repo, func(p string) bool { return u.isNotCode(p) || isDataFile(p) }, u.recordedFiles())
		for _, r := range u.recordings {
			u.text.lines[r.path] = r.queryLines()
		}
	}
	return u.text
}

// maxEvidence is how many places a finding shows.
const maxEvidence = 3

func newUsage(rng *gitrange.Range, pairs []pair) *deployedCode {
	u := &deployedCode{
		base:       rng.Base,
		name:       rng.BaseName,
		cache:      map[question]analysis.Usage{},
		empty:      map[int]bool{},
		mapped:     map[int]mappedModels{},
		deployed:   map[int]*catalog.Catalog{},
		migrations: map[string]bool{},
		pairs:      pairs,
	}
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

// deployedModels returns the models of the sources that share a database. known is set if the
// framework uses nothing that the models do not name: there are models, and none are
// missing.
func (u *deployedCode) deployedModels(database int) (models []adapter.Model, known bool) {
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
	u.mapped[database] = mappedModels{models, known}
	return models, known
}

// mappedModels has the models of a database; whole says that none are missing.
type mappedModels struct {
	models []adapter.Model
	whole  bool
}

// answerFromModels answers from the framework's models.
func (u *deployedCode) answerFromModels(q question) (analysis.Usage, bool) {
	table, column := q.Name, q.Column
	models, known := u.deployedModels(q.database)
	out := analysis.Usage{Known: true, Sure: true}
	for _, m := range models {
		if !isModelOf(m.Table, table) {
			continue
		}
		if column == "" {
			out.ByTriggers = m.ByTriggers && (out.ByTriggers || !out.Used)
			out.Used = true
			out.Evidence = append(out.Evidence, onward.Evidence{
				Kind:     "model",
				Path:     m.Path,
				Line:     m.Line,
				Text:     m.Name + " maps to " + table.String(),
				Revision: u.name,
			})
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
	return out, out.Used || known && !u.isUnmappedKind(q)
}

// isUnmappedKind reports whether a question is about an object that models do not name: a
// function, a type, a sequence, a constraint. Only the text of the code shows its use.
func (u *deployedCode) isUnmappedKind(q question) bool {
	c := u.deployed[q.database]
	if c == nil || q.Column != "" {
		return false
	}
	r := c.Lookup(q.Name.Schema, q.Name.Name)
	return r == nil || r.Index != nil || r.Kind == catalog.Sequence
}

// isModelOf reports whether a model's table is a given table. Django puts quotes around the
// name, so that db_table = 'lib"."tag' names a schema.
func isModelOf(model string, table catalog.Name) bool {
	model = strings.Trim(model, `"`)
	if schema, name, ok := strings.Cut(model, `"."`); ok {
		return strings.EqualFold(name, table.Name) && strings.EqualFold(schema, table.Schema)
	}
	return strings.EqualFold(model, table.Name) || model == table.Qualified()
}

// tableWords returns the spellings of a table's name, and of its singular.
func tableWords(name string) []string { return usage.TableWords(name) }

func spellingsOf(name string) []string { return usage.Spellings(name) }

func singularOf(name string) string { return usage.Singular(name) }
