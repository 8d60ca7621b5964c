package audit

import (
	"path"
	"slices"
	"strings"

	"github.com/onward-sql/onward/internal/adapter"
	"github.com/onward-sql/onward/internal/adapter/gittree"
	"github.com/onward-sql/onward/internal/analysis"
)

// service is the part of a repository that a source of migrations belongs to: the
// directory that it stands in, or the nearest above it that is a module of its own, and
// the tables that the source makes.
type service struct {
	root   string
	tables map[string]bool
}

// modules are the files that make a directory a module.
var modules = []string{
	"go.mod", "Cargo.toml", "package.json", "pyproject.toml", "setup.py", "requirements.txt", "manage.py", "pom.xml", "build.gradle", "build.gradle.kts",
	"composer.json", "Gemfile", "mix.exs",
}

// elsewhere gives the services that a table is none of, as directories. What
// stands in those of other means another table of the same name; what stands in
// those of unlike, a superset, means this one only where it is named.
func (u *deployedCode) elsewhere(q question) (other, unlike []string) {
	if len(u.pairs) < 2 || q.Kind == analysis.AskUpsert || q.database >= len(u.databases) {
		return nil, nil
	}
	name := strings.ToLower(q.Name.Name)
	if q.Name.Schema != "public" {
		name = strings.ToLower(q.Name.Schema) + "." + name
	}
	services := u.services()
	var own []string
	for _, k := range u.databases[q.database] {
		if services[k].tables[name] {
			own = append(own, services[k].root)
		}
	}
	if len(own) == 0 {
		return nil, nil
	}
	members := make([]bool, len(services))
	for _, k := range u.databases[q.database] {
		members[k] = true
	}
	for k, s := range services {
		member := members[k]
		if s.root == "" || member && s.tables[name] || slices.ContainsFunc(own, func(o string) bool { return o == s.root || strings.HasPrefix(o, s.root+"/") }) {
			continue
		}
		if !member && s.tables[name] {
			other = append(other, s.root)
		}
		unlike = append(unlike, s.root)
	}
	return other, unlike
}

// services are those of all sources, read once.
func (u *deployedCode) services() []service {
	if u.rooted != nil {
		return u.rooted
	}
	moduleOf := modulesOf(gittree.Of(u.base))
	count := map[string]int{}
	for _, p := range u.pairs {
		count[moduleOf(p.source.Dir)]++
	}
	for i, p := range u.pairs {
		root := moduleOf(p.source.Dir)
		if own := parentOf(p.source.Dir); count[root] > 1 && strings.HasPrefix(own, root) && !u.shares(own, i) {
			root = own // several services of one module
		}
		u.rooted = append(u.rooted, service{root: root, tables: creates(p)})
	}
	return u.rooted
}

// shares reports whether a directory has another source in it, too, or none of its
// own: it is no service.
func (u *deployedCode) shares(dir string, of int) bool {
	if dir == "" {
		return true
	}
	for i, p := range u.pairs {
		if i != of && strings.HasPrefix(p.source.Dir+"/", dir+"/") {
			return true
		}
	}
	return false
}

// parentOf is the directory that a directory of migrations is in, above those that are
// called after what they hold; "" for none.
func parentOf(dir string) string {
	for dir = path.Dir(dir); dir != "."; dir = path.Dir(dir) {
		switch path.Base(dir) {
		case "db", "database", "sql", "postgres", "schema", "migrations", "migration", "migrate", "internal", "src", "resources", "main", "storage", "store":
			continue
		}
		return dir
	}
	return ""
}

// modulesOf tells of a directory the nearest one, it or above it, that is a module
// of its own; "" for none but the root.
func modulesOf(t adapter.Tree) func(dir string) string {
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

// under reports whether a file lies in one of some directories.
func under(dirs []string, file string) bool {
	return slices.ContainsFunc(dirs, func(d string) bool { return strings.HasPrefix(file, d+"/") })
}

// page reports whether a file is what a browser shows: the name of an input there
// is no column, where nothing names the table.
func page(file string) bool {
	switch path.Ext(file) {
	case ".tsx", ".jsx", ".vue", ".svelte", ".astro":
		return true
	}
	return false
}
