package deployed

import (
	"path"
	"slices"
	"strings"

	"github.com/onward-sql/onward/internal/adapter"
	"github.com/onward-sql/onward/internal/adapter/gittree"
	"github.com/onward-sql/onward/internal/analysis"
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
