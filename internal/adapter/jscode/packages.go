package jscode

import (
	"encoding/json"
	"fmt"
	"maps"
	"path"
	"slices"
	"strings"

	"github.com/onward-sql/onward/internal/adapter"
	"github.com/onward-sql/onward/internal/adapter/jsrun"
)

// FoundDirectory is a directory of migrations that a project's settings name.
type FoundDirectory struct {
	Dir string
	// File is the file of settings that names Dir.
	File string
	// Beside are further directories whose files belong to the migrations, below Dir or not.
	Beside []string
	// Foreign is their database if it is not Postgres: "MySQL"; "" for Postgres.
	Foreign string
}

// ListFound returns the directories with programs, in their order. fileByDir has the file that names each.
func ListFound(t adapter.Tree, fileByDir map[string]string) []FoundDirectory {
	var out []FoundDirectory
	for _, dir := range slices.Sorted(maps.Keys(fileByDir)) {
		if HasPrograms(t, dir) {
			out = append(out, FoundDirectory{Dir: dir, File: fileByDir[dir]})
		}
	}
	return out
}

// detectFoundDirectories returns the sources of a tool with Find.
func (a Adapter) detectFoundDirectories(t adapter.Tree) []adapter.Source {
	var out []adapter.Source
	for _, f := range a.Find(t) {
		d := adapter.ListDir(t, f.Dir, adapter.ScriptEndings...)
		n, all := adapter.CountSample(t, d, listPrograms(d), HasUp)
		if n == 0 {
			continue
		}
		out = append(out, adapter.Source{
			Framework: a.Framework, Dir: f.Dir, Score: 3, Foreign: f.Foreign, Covers: append([]string{f.Dir}, f.Beside...),
			IsPostgres: f.Foreign == "", Why: fmt.Sprintf("%s names it, and %d of %d files have a function up", f.File, n, all),
		})
	}
	return out
}

// Package is a package.json.
type Package struct {
	File    string
	Scripts map[string]string `json:"scripts"`
	// Fields are its other properties.
	Fields       map[string]json.RawMessage `json:"-"`
	Dependencies map[string]string          `json:"dependencies"`
	Development  map[string]string          `json:"devDependencies"`
}

// Dir is the directory of the package.
func (p *Package) Dir() string { return strings.TrimPrefix(path.Dir("/"+p.File), "/") }

// DependsOn reports whether a package needs one of some others.
func (p *Package) DependsOn(names ...string) bool {
	return slices.ContainsFunc(names, func(n string) bool { return p.Dependencies[n] != "" || p.Development[n] != "" })
}

// runsCommand reports whether a script of a package calls a command with one of some names, which another package may bring.
func (p *Package) runsCommand(names ...string) bool {
	for _, script := range p.Scripts {
		if slices.ContainsFunc(strings.Fields(script), func(word string) bool { return slices.Contains(names, word) }) {
			return true
		}
	}
	return false
}

// otherDrivers are packages for other databases.
var otherDrivers = []struct{ name, database string }{
	{"mysql2", "MySQL"}, {"mysql", "MySQL"}, {"mariadb", "MariaDB"}, {"better-sqlite3", "SQLite"}, {"sqlite3", "SQLite"}, {"sqlite", "SQLite"},
	{"mssql", "SQL Server"}, {"tedious", "SQL Server"}, {"oracledb", "Oracle"}, {"mongodb", "MongoDB"}, {"mongoose", "MongoDB"},
}

// FindForeign returns the database other than Postgres for which a package has a driver; "" if it has one for Postgres, or none.
func (p *Package) FindForeign() string {
	if p.DependsOn("pg", "postgres", "pg-promise", "slonik", "pg-native") {
		return ""
	}
	for _, d := range otherDrivers {
		if p.DependsOn(d.name) {
			return d.database
		}
	}
	return ""
}

// ListPackages returns the packages of a tree that need one of some others, or call a command of that name, from at most 200 files.
func ListPackages(t adapter.Tree, names ...string) []*Package {
	all := adapter.Memoize(t, "packages of npm", func() []*Package {
		var out []*Package
		for _, p := range t.Paths() {
			if path.Base(p) != "package.json" || strings.Contains(p, "node_modules/") || len(out) == 200 {
				continue
			}
			text := []byte(adapter.ReadFile(t, p).Text)
			q := &Package{File: p}
			if json.Unmarshal(text, q) == nil && json.Unmarshal(text, &q.Fields) == nil {
				out = append(out, q)
			}
		}
		return out
	})
	return slices.DeleteFunc(slices.Clone(all), func(p *Package) bool { return !p.DependsOn(names...) && !p.runsCommand(names...) })
}

// HasPrograms reports whether a directory has a program that may be a migration.
func HasPrograms(t adapter.Tree, dir string) bool {
	return len(listPrograms(adapter.ListDir(t, dir, adapter.ScriptEndings...))) > 0
}

// FilesOf returns the files of a tree as programs read them.
func FilesOf(t adapter.Tree) jsrun.Files {
	return func(candidates ...string) (string, string) { return findFirstFile(t, candidates, false) }
}
