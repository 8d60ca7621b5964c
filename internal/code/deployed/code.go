package deployed

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
	"github.com/onward-sql/onward/onward"
)

// Code answers whether the deployed code uses a table or column: from the
// framework's own model if there is one, else from the text of the code at the base
// revision.
type Code struct {
	base gitrange.Tree
	name string // of the base, for people
	// migrations are the directories of migrations, which are no code.
	migrations map[string]bool
	cache      map[question]analysis.Usage
	// mapped has the models of each database; see deployedModels.
	mapped map[int]mappedModels
	// codes are the files whose blocks have been read; see readBlocks.
	codes map[string]*codeText
	// sources are the sources of migrations, and databases groups those that share one; see listServices.
	sources   []Source
	Databases [][]int
	rooted    []service
	// classes are the models of each database by their tables; see mappedClass.
	classes map[int]map[string]string
	// Schemas are the schemas of the databases at the base.
	Schemas map[int]*catalog.Catalog
	// Repo names the repository; "" if its code is not cached.
	Repo string
	// text is the code at the base, after it is read.
	text *Files
	// lists are the Prisma models with lists that have join tables.
	lists *[]adapter.Model
	// Recordings are the observed queries of the deployed code.
	Recordings []*Recording
	// Head is the code at the head; nil if nobody may ask for it.
	Head func() *Code
	// Changes are the files that differ between base and head.
	Changes []gitrange.Change
	// changeSigns are the signs that they have, after one is asked for.
	changeSigns *signs
	// empty says for a database whether no code uses it.
	empty map[int]bool
}

// ReadFiles returns the code at the base, which is read at the first call.
func (u *Code) ReadFiles() *Files {
	if u.text == nil {
		u.text = readBase(u.base, u.openStorage(), func(p string) bool { return u.IsNotCode(p) || IsDataFile(p) }, u.recordedFiles())
		for _, r := range u.Recordings {
			u.text.lines[r.Path] = r.queryLines()
		}
	}
	return u.text
}

// openStorage returns the cache of what the repository's code says.
func (u *Code) openStorage() storage {
	if u.Repo == "" {
		return openStorage("", "")
	}
	return openStorage(cache.Dir(codeRoom), u.Repo)
}

// maxEvidence is how many places a finding shows.
const maxEvidence = 3

// Source is a source of migrations at one revision, whose models the code has.
type Source struct {
	Dir, Framework string
	// Set is nil if the revision does not have the source.
	Set *adapter.Set
	// ListTables returns the tables that the source creates.
	ListTables func() map[string]bool
}

// NewCode returns the code of the base of a range.
func NewCode(rng *gitrange.Range, sources []Source) *Code {
	u := &Code{
		base:       rng.Base,
		name:       rng.BaseName,
		cache:      map[question]analysis.Usage{},
		empty:      map[int]bool{},
		mapped:     map[int]mappedModels{},
		Schemas:    map[int]*catalog.Catalog{},
		migrations: map[string]bool{},
		sources:    sources,
	}
	for _, s := range sources {
		if s.Set == nil {
			continue
		}
		for _, m := range s.Set.Migrations {
			u.migrations[path.Dir(m.Path)] = true
		}
	}
	return u
}

// deployedModels returns the models of the sources that share a database. known is set if the
// framework uses nothing that the models do not name: there are models, and none are
// missing.
func (u *Code) deployedModels(database int) (models []adapter.Model, known bool) {
	partial := false
	if m, done := u.mapped[database]; done {
		return m.models, m.whole
	}
	for i, s := range u.sources {
		if s.Set == nil || s.Set.Models == nil || database < len(u.Databases) && !slices.Contains(u.Databases[database], i) {
			continue
		}
		known = true
		partial = partial || s.Set.Partial
		models = append(models, s.Set.Models...)
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
func (u *Code) answerFromModels(q question) (analysis.Usage, bool) {
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
func (u *Code) isUnmappedKind(q question) bool {
	c := u.Schemas[q.database]
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
