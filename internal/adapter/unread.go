package adapter

import (
	"cmp"
	"fmt"
	"path"
	"slices"
	"strings"
)

// unread lists directories with the migrations of tools that no adapter reads:
// programs, which say only when they run what they do.
func unread(t Tree) []string {
	count := map[string]int{}
	tool := map[string]string{}
	for _, p := range t.Paths() {
		dir, name := path.Split(p)
		dir = strings.TrimSuffix(dir, "/")
		if name == "" || vendored(dir) {
			continue
		}
		what := ""
		switch path.Ext(name) {
		case ".rb":
			if strings.HasSuffix("/"+dir, "/db/migrate") {
				what = "Rails"
			}
		case ".py":
			if path.Base(dir) == "versions" && Has(t, path.Join(path.Dir(dir), "env.py")) {
				what = "Alembic"
			}
		case ".exs":
			if path.Base(dir) == "migrations" && name != ".formatter.exs" {
				what = "Ecto"
			}
		}
		if what != "" {
			count[dir]++
			tool[dir] = what
		}
	}
	out := make([]string, 0, len(count))
	for dir, n := range count {
		how := "give the SQL that they run to onward check"
		if tool[dir] == "Alembic" {
			how = "give onward check what alembic upgrade FROM:TO --sql prints"
		}
		out = append(out, fmt.Sprintf("%s holds %s for %s, which onward does not read: %s", orRoot(dir), countFiles(n), tool[dir], how))
	}
	slices.SortFunc(out, cmp.Compare)
	return out
}
