package deployed

import (
	"cmp"
	"path"
	"slices"
	"strings"

	"github.com/onward-sql/onward/internal/adapter"
	"github.com/onward-sql/onward/internal/adapter/gittree"
	"github.com/onward-sql/onward/internal/analysis"
	"github.com/onward-sql/onward/internal/catalog"
	"github.com/onward-sql/onward/internal/code/facts"
	"github.com/onward-sql/onward/internal/code/index"
	"github.com/onward-sql/onward/internal/gitrange"
	"github.com/onward-sql/onward/onward"
)

// service is the part of a repository that a source of migrations belongs to, and the
// tables that the source creates. Its root is the source's directory, or the nearest one
// above it that is a module of its own.
type service struct {
	root   string
	tables map[string]bool
}

// modules are the files that make a directory a module.
var modules = []string{
	"go.mod", "Cargo.toml", "package.json", "pyproject.toml", "setup.py", "requirements.txt", "manage.py", "pom.xml", "build.gradle", "build.gradle.kts",
	"composer.json", "Gemfile", "mix.exs",
}

// servicesWithout returns the services that do not have a table, as directories. In a directory
// of other, the name means another table. In a directory of unlike, which includes those
// of other, it means this table only if the code names it.
func (u *Code) servicesWithout(q question) (other, unlike []string) {
	if len(u.sources) < 2 || q.Kind == analysis.AskUpsert || q.database >= len(u.Databases) {
		return nil, nil
	}
	name := strings.ToLower(q.Name.Name)
	if q.Name.Schema != "public" {
		name = strings.ToLower(q.Name.Schema) + "." + name
	}
	services := u.listServices()
	var ownRoots []string
	for _, k := range u.Databases[q.database] {
		if services[k].tables[name] {
			ownRoots = append(ownRoots, services[k].root)
		}
	}
	if len(ownRoots) == 0 {
		return nil, nil
	}
	members := make([]bool, len(services))
	for _, k := range u.Databases[q.database] {
		members[k] = true
	}
	for k, s := range services {
		member := members[k]
		if s.root == "" || member && s.tables[name] || slices.ContainsFunc(ownRoots, func(o string) bool { return o == s.root || strings.HasPrefix(o, s.root+"/") }) {
			continue
		}
		if !member && s.tables[name] {
			other = append(other, s.root)
		}
		unlike = append(unlike, s.root)
	}
	return other, unlike
}

// listServices returns the services of all sources, which are computed once.
func (u *Code) listServices() []service {
	if u.rooted != nil {
		return u.rooted
	}
	moduleOf := FindModules(gittree.Of(u.base))
	count := map[string]int{}
	for _, s := range u.sources {
		count[moduleOf(s.Dir)]++
	}
	for i, s := range u.sources {
		root := moduleOf(s.Dir)
		if parent := serviceDir(s.Dir); count[root] > 1 && strings.HasPrefix(parent, root) && !u.isSharedDir(parent, i) {
			root = parent // several services in one module
		}
		u.rooted = append(u.rooted, service{root: root, tables: s.ListTables()})
	}
	return u.rooted
}

// isSharedDir reports whether a directory has another source in it, or is no service because
// it has none of its own.
func (u *Code) isSharedDir(dir string, sourceIndex int) bool {
	if dir == "" {
		return true
	}
	for i, s := range u.sources {
		if i != sourceIndex && strings.HasPrefix(s.Dir+"/", dir+"/") {
			return true
		}
	}
	return false
}

// serviceDir returns the directory that contains a directory of migrations, above
// directories that are named after their content; "" for none.
func serviceDir(dir string) string {
	for dir = path.Dir(dir); dir != "."; dir = path.Dir(dir) {
		switch path.Base(dir) {
		case "db", "database", "sql", "postgres", "schema", "migrations", "migration", "migrate", "internal", "src", "resources", "main", "storage", "store":
			continue
		}
		return dir
	}
	return ""
}

// FindModules returns a function that finds the nearest module of a directory: itself, or
// one above it; "" if that is only the root.
func FindModules(t adapter.Tree) func(dir string) string {
	module := map[string]bool{}
	for _, p := range t.Paths() {
		if slices.Contains(modules, path.Base(p)) {
			module[path.Dir(p)] = true
		}
	}
	return func(dir string) string {
		for dir != "" && dir != "." && !module[dir] {
			dir = path.Dir(dir)
		}
		if dir == "." {
			return ""
		}
		return dir
	}
}

// isInDirs reports whether a file is in one of some directories.
func isInDirs(dirs []string, file string) bool {
	return slices.ContainsFunc(dirs, func(d string) bool { return strings.HasPrefix(file, d+"/") })
}

// isPage reports whether a file is shown in a browser: the name of an input in it is no
// column unless the file names the table.
func isPage(file string) bool {
	switch path.Ext(file) {
	case ".tsx", ".jsx", ".vue", ".svelte", ".astro":
		return true
	}
	return false
}

// findAllColumnsUses finds code that reads all columns of a table or writes them by position. Such
// code fails if a column is added or removed.
func (u *Code) findAllColumnsUses(q question) analysis.Usage {
	b, isMapped := u.indexFor(q), u.isSQLByMapper(q)
	out := analysis.Usage{Known: true}
	for _, s := range b.FindAllColumnsQueries(catalog.Name{Name: q.Name.Name}, q.Column) {
		kind := analysis.SelectStar
		if s.Keeps {
			kind = analysis.CachedPlan
		}
		out.AllColumnsUses = append(out.AllColumnsUses, analysis.AllColumnsUse{
			Kind:     kind,
			Evidence: onward.Evidence{Kind: "code", Path: s.Path, Line: s.Line, Text: describeAllColumnsQuery(s.AllColumnsQuery), Revision: u.name},
		})
	}
	out.AllColumnsUses = append(out.AllColumnsUses, u.findPositionalWrites(b, q,
		func(p string) bool { return hasTypedRowTargets(p) || !isMapped && !isPage(p) })...)
	slices.SortStableFunc(out.AllColumnsUses, func(a, b analysis.AllColumnsUse) int { return cmp.Compare(a.Kind, b.Kind) })
	out.Used = len(out.AllColumnsUses) > 0
	return out
}

// hasTypedRowTargets reports whether, in a file's language, package index knows the struct that a row goes into.
func hasTypedRowTargets(file string) bool { return path.Ext(file) == ".go" || path.Ext(file) == ".rs" }

// describeAllColumnsQuery describes a query on all columns for people.
func describeAllColumnsQuery(s facts.AllColumnsQuery) string {
	switch {
	case s.How == facts.Inserts:
		return "INSERT INTO " + s.Name + " … RETURNING *"
	case s.How == facts.Updates:
		return "UPDATE " + s.Name + " … RETURNING *"
	case s.How == facts.Deletes:
		return "DELETE FROM " + s.Name + " … RETURNING *"
	case s.As == "":
		return "SELECT * FROM " + s.Name
	case s.As == s.Name:
		return "SELECT " + s.As + ".* FROM " + s.Name
	}
	return "SELECT " + s.As + ".* FROM " + s.Name + " " + s.As
}

// isSQLByMapper reports whether an ORM generates the SQL. Generated SQL lists its columns.
func (u *Code) isSQLByMapper(q question) bool {
	models, _ := u.deployedModels(q.database)
	return models != nil
}

// hasTypedRows reports whether any deployed file can be searched by findAllColumnsUses.
func (u *Code) hasTypedRows(q question) bool {
	return !u.isSQLByMapper(q) || slices.ContainsFunc(u.base.Files(), func(f gitrange.File) bool { return hasTypedRowTargets(f.Path) })
}

// findPositionalWrites finds code that writes to a table by the order of its columns, in SQL of any
// program: COPY and INSERT without a column list, and INSERT … SELECT * from it into
// another table. counts reports which files count.
func (u *Code) findPositionalWrites(b *index.Bound, q question, counts func(path string) bool) []analysis.AllColumnsUse {
	name := q.Name.Name
	var out []analysis.AllColumnsUse
	add := func(kind analysis.AllColumnsKind, w index.Written, target, text string) {
		if counts(w.Path) {
			place := onward.Evidence{Kind: "code", Path: w.Path, Line: w.Line, Text: text, Revision: u.name}
			out = append(out, analysis.AllColumnsUse{Kind: kind, Into: target, Evidence: place})
		}
	}
	table := catalog.Name{Name: name}
	for _, w := range b.Writes(table) {
		switch {
		case w.Listed:
		case w.How == facts.Copies:
			add(analysis.CopyWithoutColumns, w, "", "COPY "+name+" FROM")
		case w.How == facts.Inserts && q.Column == "" && w.Values > 0 && w.Values == b.Width(table):
			add(analysis.InsertWithoutColumns, w, "", "INSERT INTO "+name+" VALUES (…)")
		}
	}
	for _, f := range b.FindCopied(table) {
		add(analysis.InsertSelectStar, f.Written, f.Into, "INSERT INTO "+f.Into+" SELECT * FROM "+name)
	}
	return out
}

// addLoadedUse adds to an answer that the deployed code loaded a column with all others of its table. If nothing but that
// shows a use, the places that have the column's name are added to the evidence.
func (u *Code) addLoadedUse(b *index.Bound, q question, uses []index.Use, out *analysis.Usage) {
	classes, ignores := b.LoadedBy(q.Name, q.Column)
	out.Ignores = ignores
	out.Loaded = len(classes) > 0 && !slices.ContainsFunc(uses, func(e index.Use) bool {
		return !slices.ContainsFunc(classes, func(c index.Use) bool { return c.Path == e.Path && c.Line == e.Line })
	})
	if !out.Loaded {
		return
	}
	var nameUsage analysis.Usage
	u.findColumnName(b, q, &nameUsage)
	for _, e := range nameUsage.Evidence {
		if len(out.Evidence) < maxEvidence && !slices.ContainsFunc(out.Evidence, func(x onward.Evidence) bool { return x.Path == e.Path && x.Line == e.Line }) {
			out.Evidence = append(out.Evidence, e)
		}
	}
}
