package audit

import (
	"fmt"
	"slices"
	"strings"

	"github.com/onward-sql/onward/internal/adapter"
	"github.com/onward-sql/onward/internal/analysis"
	"github.com/onward-sql/onward/internal/catalog"
	"github.com/onward-sql/onward/internal/gitrange"
	"github.com/onward-sql/onward/internal/pgparse"
	"github.com/onward-sql/onward/internal/usage"
	"github.com/onward-sql/onward/internal/workload"
	"github.com/onward-sql/onward/onward"
)

// FromCode is what Workload.Sources names for queries that were read from code.
const FromCode = "code"

// statementFiles is how many files are read at once for their statements.
const statementFiles = 256

// Parsed reads the queries of the code at the base, or at the head, that work on the
// database of Deployed and Steps: the statements that stand in it whole, and those that
// follow from what it tells its mappers. It follows [Release.Audit], which knows the
// schemas. The error is that of reading the code.
func (r *Release) Parsed(of onward.Code) (*Workload, *onward.Parsed, error) {
	at := r.mainDatabase()
	u, schema := r.usage, r.a.deployed[at]
	if of == onward.NewCode {
		u, schema = r.headUsage(), r.a.heads[at]
		u.deployed[at] = schema
	}
	c := u.code()
	if c.err != nil {
		return nil, nil, fmt.Errorf("read the code at %s: %w", u.name, c.err)
	}
	x := &parsed{u: u, database: at, schema: schema, im: workload.NewImport(FromCode), told: &onward.Parsed{Revision: u.name}}
	if err := x.texts(); err != nil {
		return nil, nil, err
	}
	x.told.Texts = x.count()
	x.models()
	x.told.Implied = x.count() - x.told.Texts
	load := x.im.Workload()
	return load, x.told, nil
}

// headUsage is for the code at the head what Release.usage is for that at the base.
func (r *Release) headUsage() *deployedCode {
	rng := *r.a.rng
	rng.Base, rng.BaseName = rng.Head, rng.HeadName
	pairs := slices.Clone(r.pairs)
	for i := range pairs {
		pairs[i].base = pairs[i].head
	}
	u := newUsage(&rng, pairs)
	u.repo, u.databases = r.repo.Root(), r.a.databases
	return u
}

// parsed gathers those of one code.
type parsed struct {
	u        *deployedCode
	database int
	schema   *catalog.Catalog
	im       *workload.Import
	told     *onward.Parsed
}

// count is how many queries there are.
func (x *parsed) count() (n int) {
	for _, q := range x.im.Workload().Queries {
		if q.IsCode() {
			n++
		}
	}
	return n
}

// texts takes the statements that stand in the code.
func (x *parsed) texts() error {
	others := x.u.foreign(x.database)
	var paths []string
	for _, f := range x.u.code().files {
		if f.Facts == nil || f.Observed || under(others, f.Path) {
			continue
		}
		x.told.Files++
		for _, call := range f.Facts.Calls {
			if x.schema != nil && x.schema.Lookup("", call.Table[strings.LastIndexByte(call.Table, '.')+1:]) != nil {
				x.told.Built++
			}
		}
		if len(f.Facts.Queries) > 0 {
			paths = append(paths, f.Path)
		}
	}
	var found []statement
	made := map[string]bool{} // the names of queries in programs
	for some := range slices.Chunk(paths, statementFiles) {
		read, err := x.u.base.ReadAll(some)
		if err != nil {
			return fmt.Errorf("read the code at %s: %w", x.u.name, err)
		}
		for _, path := range some {
			if !gitrange.Code(path, read[path]) {
				continue
			}
			for _, s := range usage.Statements(path, read[path]) {
				found = append(found, statement{s, path})
				if usage.QueryFile(path) {
					continue
				}
				made[s.Name] = true
			}
		}
	}
	delete(made, "")
	for _, s := range found {
		source := s.Name != "" && usage.QueryFile(s.path)
		switch {
		case source && made[s.Name]: // the code that was made of it is what runs
		case s.Open, source && s.Star:
			x.told.Open++
		default:
			x.im.AddAt(s.path, s.Line, s.SQL)
		}
	}
	return nil
}

// statement is one of the code, and its file.
type statement struct {
	usage.Statement
	path string
}

// foreign are the directories of services that keep their rows in other databases.
func (u *deployedCode) foreign(database int) []string {
	if len(u.databases) < 2 {
		return nil
	}
	services := u.services()
	var out []string
	for k, s := range services {
		own := func(i int) bool {
			return services[i].root == s.root || strings.HasPrefix(services[i].root, s.root+"/")
		}
		if s.root != "" && !slices.Contains(u.databases[database], k) && !slices.ContainsFunc(u.databases[database], own) {
			out = append(out, s.root)
		}
	}
	return out
}

// models takes the queries that follow from models: of the framework's own where they are
// known, else of what code tells its mapper.
func (x *parsed) models() {
	known, _ := x.u.models(x.database)
	if x.schema == nil {
		return
	}
	x.schema.Relations(func(r *catalog.Relation) bool {
		if !r.Kind.IsTable() && r.Kind != catalog.View && r.Kind != catalog.MaterializedView {
			return true
		}
		told := false
		for i := range known {
			if m := &known[i]; maps(m.Table, r.Name) {
				told = true
				x.model(r, usage.Mapped{Path: m.Path, Line: m.Line, Columns: columnsOf(m, r)})
			}
		}
		if told {
			return true
		}
		b := x.u.bound(question{analysis.Question{Name: r.Name}, x.database})
		for _, m := range b.Mapped(r) {
			x.model(r, m)
		}
		return true
	})
}

// columnsOf are the columns of a table that a model names.
func columnsOf(m *adapter.Model, r *catalog.Relation) []string {
	var out []string
	for _, c := range m.Columns {
		if r.Column(c.Column) != nil {
			out = append(out, c.Column)
		}
	}
	return out
}

// model takes the queries of a model: its rows, one of them by its key, a new one, one that
// is changed.
func (x *parsed) model(r *catalog.Relation, m usage.Mapped) {
	if len(m.Columns) == 0 {
		x.told.Bare++
		return
	}
	x.told.Models++
	table := pgparse.QuoteIdent(r.Name.Name)
	if s := r.Name.Schema; s != "" && s != "public" {
		table = pgparse.QuoteIdent(s) + "." + table
	}
	key := keyOf(r, m.Columns)
	var where []string
	for i, name := range key {
		where = append(where, fmt.Sprintf("%s = $%d", pgparse.QuoteIdent(name), i+1))
	}
	add := func(sql string) { x.im.AddAt(m.Path, m.Line, sql) }
	one := ""
	if len(key) > 0 {
		one = " WHERE " + strings.Join(where, " AND ")
	}
	add("SELECT " + strings.Join(quoted(m.Columns), ", ") + " FROM " + table + one)
	if !r.Kind.IsTable() {
		return
	}
	var given, values, set []string
	for _, name := range m.Columns {
		c := r.Column(name)
		if c.Generated != "" || c.Identity == "always" {
			continue
		}
		given = append(given, pgparse.QuoteIdent(name))
		values = append(values, fmt.Sprintf("$%d", len(given)))
		if !slices.Contains(key, name) {
			set = append(set, fmt.Sprintf("%s = $%d", pgparse.QuoteIdent(name), len(key)+len(set)+1))
		}
	}
	if len(given) > 0 {
		add("INSERT INTO " + table + " (" + strings.Join(given, ", ") + ") VALUES (" + strings.Join(values, ", ") + ")")
	}
	if len(set) > 0 {
		add("UPDATE " + table + " SET " + strings.Join(set, ", ") + one)
	}
}

func quoted(names []string) []string {
	out := make([]string, len(names))
	for i, name := range names {
		out[i] = pgparse.QuoteIdent(name)
	}
	return out
}

// keyOf are the columns of a table's primary key, where a model names them all.
func keyOf(r *catalog.Relation, columns []string) []string {
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
