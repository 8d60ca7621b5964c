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
	"github.com/onward-sql/onward/internal/code/facts"
	"github.com/onward-sql/onward/internal/code/index"
	"github.com/onward-sql/onward/internal/gitrange"
	"github.com/onward-sql/onward/internal/workload"
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

// Recording has the observed queries of the deployed code.
type Recording struct {
	Path    string
	Queries *workload.Workload
}

// recordedFiles returns the recordings as files of code.
func (u *Code) recordedFiles() []index.File {
	var out []index.File
	for _, r := range u.Recordings {
		out = append(out, index.Recorded(r.Path, r.Queries))
	}
	return out
}

// findRecording returns the recording with a path; nil for a file of the code.
func (u *Code) findRecording(path string) *Recording {
	for _, r := range u.Recordings {
		if r.Path == path {
			return r
		}
	}
	return nil
}

// shortCommit returns the recorded commit, shortened as git does.
func (r *Recording) shortCommit() string {
	const short = 12
	return r.Queries.Revision[:min(len(r.Queries.Revision), short)]
}

// queryLines returns the queries of a recording, on the lines that the facts use.
func (r *Recording) queryLines() []string {
	out := make([]string, index.RecordedLine-1, len(r.Queries.Queries)+index.RecordedLine)
	for i := range r.Queries.Queries {
		q := &r.Queries.Queries[i]
		senders := workload.DescribeSenders(q.Senders)
		if senders != "" {
			senders = ", by " + senders
		}
		out = append(out, fmt.Sprintf("recorded %s%s: %s", formatTimes(q.Calls), senders, strings.Join(strings.Fields(q.SQL), " ")))
	}
	return out
}

func formatTimes(n int64) string {
	if n == 1 {
		return "once"
	}
	return fmt.Sprintf("%d times", n)
}

// addRecordings adds the recorded queries to an answer about a table or column. If parsed code uses it, the programs that sent such queries are shown
// first, and one place of the code stays visible. If no code uses a column, Recorded and Calls say how many recorded queries on its table
// do not either. Uncovered is set if no recorded query is on the table at all.
func (u *Code) addRecordings(q question, out *analysis.Usage) {
	if len(u.Recordings) == 0 || q.Kind != analysis.AskColumn && q.Kind != analysis.AskTable {
		return
	}
	b := u.indexFor(q)
	uses := b.Relation(q.Name)
	seen := filterObserved(uses)
	if q.Kind == analysis.AskColumn {
		tableUses := seen
		seen = filterObserved(b.Column(q.Name, q.Column))
		if !out.Used && len(seen) == 0 && out.Known {
			out.Recorded, out.Calls = len(tableUses), u.countCalls(tableUses)
		}
		out.Uncovered = len(tableUses) == 0
	}
	if out.Used && len(seen) > 0 {
		var rest []onward.Evidence
		for _, e := range out.Evidence {
			if e.Kind != "query" { // those are the recorded queries, which are added anew with their counts
				rest = append(rest, e)
			}
		}
		shown := append(u.makeEvidence(seen, maxEvidence-min(len(rest), 1)), rest...)
		out.Evidence = shown[:min(len(shown), maxEvidence)]
	}
}

// countCalls returns how often the recorded queries of some uses were sent.
func (u *Code) countCalls(uses []index.Use) (n int64) {
	seen := map[[2]any]bool{}
	for _, e := range uses {
		i := e.Line - index.RecordedLine
		if r := u.findRecording(e.Path); r != nil && i >= 0 && i < len(r.Queries.Queries) && !seen[[2]any{e.Path, i}] {
			seen[[2]any{e.Path, i}] = true
			n += r.Queries.Queries[i].Calls
		}
	}
	return n
}

func filterObserved(uses []index.Use) (out []index.Use) {
	for _, e := range uses {
		if e.Grade == facts.Observed {
			out = append(out, e)
		}
	}
	return out
}
