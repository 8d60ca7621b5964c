package audit

import (
	"path"
	"slices"
	"strings"

	"github.com/onward-sql/onward/internal/adapter"
	"github.com/onward-sql/onward/onward"
)

// loadPlainFiles loads the SQL files without a framework, in natural order of their paths. Files for other
// databases, and Jinja templates, are left out unless they are named.
func (c *CheckConfig) loadPlainFiles(t adapter.Tree, claimed map[string]bool, local []string, j *judge) *adapter.Set {
	set := c.newPlainSet()
	for _, d := range adapter.ListDirs(t, ".sql") {
		for _, n := range d.Others {
			claimed[d.Join(n)] = !slices.Contains(local, d.Join(n))
		}
	}
	var names []string
	for _, p := range t.Paths() {
		if !claimed[p] && (strings.HasSuffix(p, ".sql") || slices.Contains(local, p)) && !isDownFile(p) {
			names = append(names, p)
		}
	}
	slices.SortFunc(names, adapter.CompareNatural)
	for _, f := range adapter.ReadFiles(t, adapter.Dir{}, names) {
		if !slices.Contains(local, f.Path) && f.IsJinja() {
			j.addOpaque(onward.Opaque{
				Path: f.Path,
				What: "a template of SQL",
				Why:  "something renders it before a server sees it; name the file to have it judged as it is",
			})
			continue
		}
		m := f.Start(set.Source, strings.TrimSuffix(path.Base(f.Path), ".sql"), "")
		c.setTransactionMode(m)
		m.Problems = f.Refused()
		set.Migrations = append(set.Migrations, m)
	}
	return set
}

// isDownFile reports whether a file's name says that it undoes a migration.
func isDownFile(path string) bool {
	return strings.HasSuffix(path, ".down.sql") || strings.HasSuffix(path, "/down.sql") || strings.HasSuffix(path, "_down.sql")
}
