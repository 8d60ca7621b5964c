package liquibase

import (
	"cmp"
	"path"
	"slices"
	"strings"

	"github.com/onward-sql/onward/internal/adapter"
	"github.com/onward-sql/onward/internal/lazyregexp"
	"github.com/onward-sql/onward/internal/pgparse"
)

// changelogEndings are the endings of changelogs that are no SQL.
var changelogEndings = []string{".xml", ".yaml", ".yml", ".json"}

// changelogWord is in every changelog.
const changelogWord = "databaseChangeLog"

// likelyName matches the paths of files that may be changelogs: other files are not opened.
var likelyName = lazyregexp.New(`(?i)change-?log|change-?set|liquibase|migrat|(?:^|/)(?:db|database|schema|sql|ddl)(?:/|[._-])`)

// changelog is a changelog that is no SQL, as it was parsed.
type changelog struct {
	path string
	file *adapter.File
	root *element
	err  error

	lines *pgparse.Lines
	next  map[*element]int // the offset of the line after a changeset, if it is another line
}

// findChangelogs reads the changelogs of a tree, by path.
func findChangelogs(t adapter.Tree) map[string]*changelog {
	return adapter.Memoize(t, "changelogs of Liquibase", func() map[string]*changelog {
		out := map[string]*changelog{}
		for _, d := range adapter.ListDirs(t, changelogEndings...) {
			if !likelyName.MatchString(d.Path) && !slices.ContainsFunc(d.Names, likelyName.MatchString) {
				continue
			}
			var names []string
			for _, n := range d.Names {
				if likelyName.MatchString(d.Join(n)) {
					names = append(names, n)
				}
			}
			files := adapter.ReadFiles(t, d, names)
			found := make([]*changelog, len(files))
			adapter.EachParallel(len(files), func(i int) {
				if f := files[i]; strings.Contains(f.Text, changelogWord) {
					c := &changelog{path: f.Path, file: f}
					c.root, c.err = parseChangelog(f.Path, f.Text)
					if c.err != nil || c.root != nil && (c.root.name == changelogWord) {
						found[i] = c
					}
				}
			})
			for _, c := range found {
				if c != nil {
					out[c.path] = c
				}
			}
		}
		return out
	})
}

// root is a changelog that no other includes, with all that it includes.
type root struct {
	changelog *changelog
	files     []string // that it reaches
	typed     bool     // one of them has a changeset that is no SQL
}

// findRootChangelogs returns the roots of a tree, by directory. Of several in one directory, those count that include others.
func findRootChangelogs(t adapter.Tree) map[string][]*root {
	return adapter.Memoize(t, "roots of Liquibase", func() map[string][]*root {
		logs := findChangelogs(t)
		paths := make([]string, 0, len(logs))
		for p := range logs {
			paths = append(paths, p)
		}
		slices.Sort(paths)
		if isDeployed := func(p string) bool { return adapter.IsDeployed(parentDir(p)) }; slices.ContainsFunc(paths, isDeployed) {
			paths = slices.DeleteFunc(paths, func(p string) bool { return !isDeployed(p) }) // a changelog of tests includes production's
		}
		included := map[string]bool{}
		for _, p := range paths {
			for _, f := range logs[p].listIncludes(t) {
				included[f] = included[f] || f != p
			}
		}
		byDir := map[string][]*root{}
		for _, p := range paths {
			if included[p] {
				continue
			}
			r := &root{changelog: logs[p]}
			r.addIncludedFiles(t, logs, p, map[string]bool{})
			byDir[parentDir(p)] = append(byDir[parentDir(p)], r)
		}
		for dir, list := range byDir {
			if slices.ContainsFunc(list, func(r *root) bool { return len(r.files) > 1 }) {
				byDir[dir] = slices.DeleteFunc(list, func(r *root) bool { return len(r.files) == 1 })
			}
		}
		for dir := range byDir {
			if dir != "" && isBelowMaster(byDir, dir) {
				delete(byDir, dir)
			}
		}
		return byDir
	})
}

// isBelowMaster reports whether a directory above has a changelog that includes others. Changelogs below it that it does not include are
// left out: they are drafts, or a program of the project runs them.
func isBelowMaster(byDir map[string][]*root, dir string) bool {
	for dir != "" {
		dir = parentDir(dir)
		if slices.ContainsFunc(byDir[dir], func(r *root) bool { return len(r.files) > 1 }) {
			return true
		}
	}
	return false
}

// listOrphans lists the changelogs below a directory that no other includes.
func listOrphans(t adapter.Tree, dir string, reached map[string]bool) (out []string) {
	for p := range findChangelogs(t) {
		if !reached[p] && (dir == "" || strings.HasPrefix(p, dir+"/")) && adapter.IsDeployed(parentDir(p)) {
			out = append(out, p)
		}
	}
	slices.Sort(out)
	return out
}

// addIncludedFiles adds a file and all that it includes.
func (r *root) addIncludedFiles(t adapter.Tree, logs map[string]*changelog, p string, seen map[string]bool) {
	if seen[p] {
		return
	}
	seen[p] = true
	r.files = append(r.files, p)
	c := logs[p]
	if c == nil || c.root == nil {
		return
	}
	r.typed = r.typed || c.root.firstChild("changeSet") != nil
	for _, f := range c.listIncludes(t) {
		r.addIncludedFiles(t, logs, f, seen)
	}
}

func parentDir(p string) string {
	if dir := path.Dir(p); dir != "." {
		return dir
	}
	return ""
}

// listIncludes returns the files that a changelog includes, in order, without the values of properties.
func (c *changelog) listIncludes(t adapter.Tree) (out []string) {
	if c.root == nil {
		return nil
	}
	for _, e := range c.root.children {
		switch e.name {
		case "include":
			if p := resolveFile(t, c.path, e.getText("file"), e.isTrue("relativeToChangelogFile")); p != "" {
				out = append(out, p)
			}
		case "includeAll":
			out = append(out, listIncluded(t, c.path, e)...)
		}
	}
	return out
}

// resolveFile returns the path of a file that a changelog names: relative to it, or to a root of resources, which is a directory above
// it; "" if there is none.
func resolveFile(t adapter.Tree, from, name string, relative bool) string {
	name = strings.TrimPrefix(strings.TrimPrefix(strings.TrimSpace(strings.ReplaceAll(name, `\`, "/")), "classpath:"), "/")
	if name == "" {
		return ""
	}
	for dir := parentDir(from); ; dir = parentDir(dir) {
		if p := path.Join(dir, name); adapter.HasFile(t, p) {
			return p
		}
		if relative {
			return ""
		}
		if dir == "" {
			return resolveInOtherModules(t, name)
		}
	}
}

// resolveInOtherModules returns the only file of that name in the resources of another module; "" for none, or for several.
func resolveInOtherModules(t adapter.Tree, name string) string {
	byName := adapter.Memoize(t, "resources by name", func() map[string][]string {
		out := map[string][]string{}
		for _, p := range t.Paths() {
			ending := path.Ext(p)
			if (ending == ".sql" || slices.Contains(changelogEndings, ending)) && adapter.IsDeployed(parentDir(p)) {
				out[path.Base(p)] = append(out[path.Base(p)], p)
			}
		}
		return out
	})
	const most = 1000
	found := ""
	for i, p := range byName[path.Base(name)] {
		if strings.HasSuffix(p, "/"+name) {
			if found != "" || i == most {
				return ""
			}
			found = p
		}
	}
	return found
}

// listIncluded lists the files of an includeAll in the order of their paths, as Liquibase runs them.
func listIncluded(t adapter.Tree, from string, e *element) []string {
	name := strings.Trim(strings.TrimPrefix(strings.TrimSpace(e.getText("path")), "classpath:"), "/")
	for dir := parentDir(from); ; dir = parentDir(dir) {
		base := path.Join(dir, name)
		var out []string
		for _, f := range adapter.FilesBelow(t, base) {
			ending := strings.ToLower(path.Ext(f))
			if (ending == ".sql" || slices.Contains(changelogEndings, ending)) && strings.HasSuffix(f, e.getText("endsWithFilter")) {
				out = append(out, path.Join(base, f))
			}
		}
		if len(out) > 0 || e.isTrue("relativeToChangelogFile") || dir == "" {
			slices.SortFunc(out, cmp.Compare[string])
			return slices.DeleteFunc(out, func(p string) bool { return p == from })
		}
	}
}
