package django

import (
	"bytes"
	"fmt"
	"path"
	"slices"
	"strings"

	"github.com/onward-sql/onward/internal/adapter"
	"github.com/onward-sql/onward/internal/lazyregexp"
)

// Detect finds manage.py files that call Django and have migrations below them. A project
// inside another one (its tests, an example) belongs to the outer one.
func (*Adapter) Detect(t adapter.Tree) []adapter.Source {
	paths := t.Paths()
	var sources []adapter.Source
	for _, p := range paths {
		if path.Base(p) != "manage.py" || isCopyOrTemplate(p) {
			continue
		}
		dir := path.Dir(p)
		if dir == "." {
			dir = ""
		}
		var found []string
		for _, m := range paths {
			if isMigration(m) && (dir == "" || strings.HasPrefix(m, dir+"/")) && !isCopyOrTemplate(m) {
				found = append(found, m)
			}
		}
		if len(found) == 0 || !mentionsDjango(t, p) && !slices.ContainsFunc(found[:min(len(found), looked)], func(m string) bool { return mentionsDjango(t, m) }) {
			continue
		}
		sources = append(sources, adapter.Source{
			Framework: framework, Dir: dir, Score: 3,
			Why: fmt.Sprintf("%s, and %d files in directories of migrations", p, len(found)),
		})
	}
	return slices.DeleteFunc(sources, func(s adapter.Source) bool {
		return slices.ContainsFunc(sources, func(outer adapter.Source) bool {
			return outer.Dir != s.Dir && (outer.Dir == "" || strings.HasPrefix(s.Dir, outer.Dir+"/"))
		})
	})
}

// looked is how many migrations are checked for Django if manage.py calls a program of
// the project's own and does not mention Django.
const looked = 20

// mentionsDjango reports whether a file mentions Django or its settings.
func mentionsDjango(t adapter.Tree, p string) bool {
	text, err := t.Read(p)
	return err == nil && (bytes.Contains(text, []byte("django")) || bytes.Contains(text, []byte("DJANGO")))
}

// isMigration reports whether a file may be a migration: in migrations, or numbered and
// below a directory that MIGRATION_MODULES may name (db_migrations, or migrations/shop of
// the project).
func isMigration(p string) bool {
	dir, name := path.Dir(p), path.Base(p)
	if path.Ext(name) != ".py" || name == "__init__.py" {
		return false
	}
	return path.Base(dir) == "migrations" || numbered.MatchString(name) && strings.Contains(dir, "migrations")
}

var numbered = lazyregexp.New(`^\d{4}_`)

// isCopyOrTemplate reports whether a path is in a copy or template of a project, or in an installed
// package.
func isCopyOrTemplate(p string) bool {
	if strings.Contains(p, "{{") {
		return true
	}
	return slices.ContainsFunc(strings.Split(p, "/"), isSkippedDir)
}
