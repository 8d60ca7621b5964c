package deployed

import (
	"fmt"
	"slices"
	"strings"

	"github.com/onward-sql/onward/internal/adapter"
	"github.com/onward-sql/onward/internal/analysis"
	"github.com/onward-sql/onward/internal/catalog"
	"github.com/onward-sql/onward/internal/code/facts"
	"github.com/onward-sql/onward/internal/code/index"
	"github.com/onward-sql/onward/internal/code/read"
	"github.com/onward-sql/onward/internal/code/source"
	"github.com/onward-sql/onward/internal/gitrange"
	"github.com/onward-sql/onward/internal/pgparse"
	"github.com/onward-sql/onward/internal/workload"
	"github.com/onward-sql/onward/onward"
)

// FromCode is the name in Workload.Sources for queries that were read from code.
const FromCode = "code"

// CollectQueries reads the queries in the code that use a database with a schema. earlierSchema is the deployed schema, if the code
// is the new one.
func (u *Code) CollectQueries(database int, schema, earlierSchema *catalog.Catalog) (*workload.Workload, *onward.Parsed, error) {
	if c := u.ReadFiles(); c.err != nil {
		return nil, nil, fmt.Errorf("read the code at %s: %w", u.name, c.err)
	}
	x := &queryCollector{
		u: u, database: database, schema: schema, earlier: earlierSchema,
		im: workload.NewImport(FromCode), counts: &onward.Parsed{Revision: u.name},
	}
	if err := x.addStatements(); err != nil {
		return nil, nil, err
	}
	x.counts.Texts = x.countQueries()
	x.addModelQueries()
	x.counts.Implied = x.countQueries() - x.counts.Texts
	return x.im.Workload(), x.counts, nil
}

// LocateQueries returns recorded queries with the places of the code that writes them. The queries that models imply have no place: another line
// sends them. Files that git lacks give no places.
func (u *Code) LocateQueries(database int, schema *catalog.Catalog, recorded []*workload.Workload) ([]*workload.Workload, error) {
	if len(recorded) == 0 {
		return recorded, nil
	}
	x := &queryCollector{u: u, database: database, schema: schema, im: workload.NewImport(FromCode), counts: &onward.Parsed{Revision: u.name}}
	if err := x.addStatements(); err != nil {
		return nil, err
	}
	code, out := x.im.Workload(), slices.Clone(recorded)
	for i := range out {
		out[i] = out[i].AddPlaces(code)
	}
	return out, nil
}

// queryCollector collects the queries of one code.
type queryCollector struct {
	u        *Code
	database int
	schema   *catalog.Catalog
	earlier  *catalog.Catalog // the deployed schema, if the code is the new one
	im       *workload.Import
	counts   *onward.Parsed
}

// countQueries returns how many queries there are.
func (x *queryCollector) countQueries() (n int) {
	for _, q := range x.im.Workload().Queries {
		if q.IsCode() {
			n++
		}
	}
	return n
}

// addStatements adds the statements that are written in the code.
func (x *queryCollector) addStatements() error {
	otherDirs := x.u.foreignDirs(x.database)
	var paths []string
	for _, f := range x.u.ReadFiles().files {
		if f.Facts == nil || f.Observed || isInDirs(otherDirs, f.Path) {
			continue
		}
		x.counts.Files++
		if len(f.Facts.Queries) > 0 {
			paths = append(paths, f.Path)
		}
	}
	built := x.u.countBuiltQueries(otherDirs, []*catalog.Catalog{x.schema})
	x.counts.Built, x.counts.BuiltIn = built.Places, built.Files
	var found []statement
	queryNamesInPrograms := map[string]bool{} // the names of queries in programs
	for some := range slices.Chunk(paths, filesAtOnce) {
		texts, err := x.u.base.ReadAll(some)
		if err != nil {
			return fmt.Errorf("read the code at %s: %w", x.u.name, err)
		}
		for _, path := range some {
			if !gitrange.IsCode(path, texts[path]) {
				continue
			}
			for _, s := range read.Statements(path, texts[path]) {
				found = append(found, statement{s, path})
				if source.IsQueryFile(path) {
					continue
				}
				queryNamesInPrograms[s.Name] = true
			}
		}
	}
	delete(queryNamesInPrograms, "")
	for _, s := range found {
		fromFile := s.Name != "" && source.IsQueryFile(s.path)
		switch {
		case fromFile && queryNamesInPrograms[s.Name]: // the code that was generated from it runs instead
		case s.Open, fromFile && s.Star:
			x.counts.Open++
		default:
			x.im.AddAt(s.path, s.Line, s.SQL)
		}
	}
	return nil
}

// statement is a statement of the code, and its file.
type statement struct {
	facts.Statement
	path string
}

// foreignDirs returns the directories of services with other databases.
func (u *Code) foreignDirs(database int) []string {
	if len(u.Databases) < 2 {
		return nil
	}
	services := u.listServices()
	var out []string
	for k, s := range services {
		isWithinRoot := func(i int) bool {
			return services[i].root == s.root || strings.HasPrefix(services[i].root, s.root+"/")
		}
		if s.root != "" && !slices.Contains(u.Databases[database], k) && !slices.ContainsFunc(u.Databases[database], isWithinRoot) {
			out = append(out, s.root)
		}
	}
	return out
}

// addModelQueries adds the queries that follow from models: the framework's own if they are known,
// else the code's declarations to its mapper.
func (x *queryCollector) addModelQueries() {
	known, _ := x.u.deployedModels(x.database)
	if x.schema == nil {
		return
	}
	x.schema.EachRelation(func(r *catalog.Relation) bool {
		if !r.Kind.IsTable() && r.Kind != catalog.View && r.Kind != catalog.MaterializedView {
			return true
		}
		r = x.withDroppedColumns(r)
		hasKnownModel := false
		for i := range known {
			if m := &known[i]; isModelOf(m.Table, r.Name) {
				hasKnownModel = true
				x.addQueriesOfModel(r, index.Mapped{Path: m.Path, Line: m.Line, Columns: columnsOf(m, r)})
			}
		}
		if hasKnownModel {
			return true
		}
		b := x.u.indexFor(question{analysis.Question{Name: r.Name}, x.database})
		for _, m := range b.Mapped(r) {
			x.addQueriesOfModel(r, m)
		}
		return true
	})
}

// withDroppedColumns returns a table with the columns that it had at the base, too. A model at the head that still names a
// dropped column sends it.
func (x *queryCollector) withDroppedColumns(r *catalog.Relation) *catalog.Relation {
	if x.earlier == nil {
		return r
	}
	before := x.earlier.Lookup(r.Name.Schema, r.Name.Name)
	if before == nil || before == r {
		return r
	}
	both := *r
	both.Columns = slices.Clone(r.Columns)
	for _, c := range before.Columns {
		if r.Column(c.Name) == nil {
			dropped := *c
			dropped.Attnum = 0 // it is in no key any more
			both.Columns = append(both.Columns, &dropped)
		}
	}
	return &both
}

// columnsOf returns the columns of a table that a model names.
func columnsOf(m *adapter.Model, r *catalog.Relation) []string {
	var out []string
	for _, c := range m.Columns {
		if r.Column(c.Column) != nil {
			out = append(out, c.Column)
		}
	}
	return out
}

// addQueriesOfModel adds the queries of a model: select its rows, select one by its key, insert one,
// update one.
func (x *queryCollector) addQueriesOfModel(r *catalog.Relation, m index.Mapped) {
	if len(m.Columns) == 0 {
		x.counts.Bare++
		return
	}
	x.counts.Models++
	table := pgparse.QuoteIdent(r.Name.Name)
	if s := r.Name.Schema; s != "" && s != "public" {
		table = pgparse.QuoteIdent(s) + "." + table
	}
	key := primaryKeyColumns(r, m.Columns)
	var conditions []string
	for i, name := range key {
		conditions = append(conditions, fmt.Sprintf("%s = $%d", pgparse.QuoteIdent(name), i+1))
	}
	add := func(sql string) { x.im.AddAt(m.Path, m.Line, sql) }
	whereClause := ""
	if len(key) > 0 {
		whereClause = " WHERE " + strings.Join(conditions, " AND ")
	}
	add("SELECT " + strings.Join(pgparse.QuoteIdents(m.Columns), ", ") + " FROM " + table + whereClause)
	if !r.Kind.IsTable() {
		return
	}
	var columns, values, set []string
	for _, name := range m.Columns {
		c := r.Column(name)
		if c.Generated != "" || c.Identity == "always" {
			continue
		}
		columns = append(columns, pgparse.QuoteIdent(name))
		values = append(values, fmt.Sprintf("$%d", len(columns)))
		if !slices.Contains(key, name) {
			set = append(set, fmt.Sprintf("%s = $%d", pgparse.QuoteIdent(name), len(key)+len(set)+1))
		}
	}
	if len(columns) > 0 {
		add("INSERT INTO " + table + " (" + strings.Join(columns, ", ") + ") VALUES (" + strings.Join(values, ", ") + ")")
	}
	if len(set) > 0 {
		add("UPDATE " + table + " SET " + strings.Join(set, ", ") + whereClause)
	}
}

// primaryKeyColumns returns the columns of a table's primary key, if a model names them all.
func primaryKeyColumns(r *catalog.Relation, columns []string) []string {
	for _, k := range r.Constraints {
		if k.Kind != catalog.PrimaryKey {
			continue
		}
		var out []string
		for _, c := range r.Columns {
			if slices.Contains(k.Columns, c.Attnum) && slices.Contains(columns, c.Name) {
				out = append(out, c.Name)
			}
		}
		if len(out) == len(k.Columns) {
			return out
		}
	}
	return nil
}

// FindBuiltQueries returns the places of the deployed code that build queries by calls; nil if the code was not read,
// or if recordings have its queries.
func (u *Code) FindBuiltQueries(schemas []*catalog.Catalog) *onward.BuiltQueries {
	if u == nil || u.text == nil || len(u.Recordings) > 0 {
		return nil
	}
	if built := u.countBuiltQueries(nil, schemas); built.Places > 0 {
		return built
	}
	return nil
}

// countBuiltQueries counts the places of the code that build queries by calls, by file, outside the excluded directories.
func (u *Code) countBuiltQueries(excluded []string, schemas []*catalog.Catalog) *onward.BuiltQueries {
	out := &onward.BuiltQueries{Revision: u.name}
	for _, f := range u.ReadFiles().files {
		if f.Facts == nil || f.Observed || isInDirs(excluded, f.Path) {
			continue
		}
		if n := countBuiltPlaces(f.Facts, schemas); n > 0 {
			out.Places += n
			out.Files = append(out.Files, onward.BuiltFile{Path: f.Path, Places: n})
		}
	}
	slices.SortStableFunc(out.Files, func(a, b onward.BuiltFile) int { return b.Places - a.Places })
	return out
}

// countBuiltPlaces counts the places of a file: calls of mappers and query builders, and other calls that name a table.
func countBuiltPlaces(f *facts.Facts, schemas []*catalog.Catalog) int {
	n := len(f.Builds)
	for _, call := range f.Calls {
		table := call.Table[strings.LastIndexByte(call.Table, '.')+1:]
		counted := slices.Contains(f.Builds, call.Line) || slices.Contains(f.Builds, call.Line+1)
		if !counted && slices.ContainsFunc(schemas, func(c *catalog.Catalog) bool { return c != nil && c.Lookup("", table) != nil }) {
			n++
		}
	}
	return n
}
