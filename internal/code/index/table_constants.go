package index

import (
	"path"
	"slices"
	"strings"

	"github.com/onward-sql/onward/internal/catalog"
	"github.com/onward-sql/onward/internal/code/facts"
	"github.com/onward-sql/onward/internal/code/source"
)

// constantsOf maps names to the constants of all files.
func constantsOf(files []File) map[string][]constantAt {
	out := map[string][]constantAt{}
	for _, f := range files {
		if f.Facts == nil {
			continue
		}
		for _, c := range f.Facts.Constants {
			out[c.Name] = append(out[c.Name], constantAt{f.Path, c.Text, c.Alias})
		}
	}
	return out
}

// constantAt is a constant's text or alias, and its file.
type constantAt struct{ file, text, alias string }

// tableOf returns the table of a call, which has its name, a constant or a class; "" if none is known.
func (x *Index) tableOf(file string, c *facts.Call) string {
	switch {
	case c.Class != "":
		return x.phpTables[c.Class]
	case c.Constant == "":
		return c.Table
	}
	return x.constantText(file, c.Constant)
}

// resolveConstants returns the facts of a file with the texts of constants that other files declare. It leaves the given facts
// unchanged, since others may keep them.
func (x *Index) resolveConstants(file string, f *facts.Facts) *facts.Facts {
	hasConstant := func(g facts.Field) bool { return g.Constant != "" }
	if !slices.ContainsFunc(f.Models, func(m facts.Model) bool { return m.Constant != "" || slices.ContainsFunc(m.Fields, hasConstant) }) {
		return f
	}
	out := *f
	out.Models = slices.Clone(f.Models)
	for i := range out.Models {
		m := &out.Models[i]
		if text := x.constantText(file, m.Constant); text != "" {
			m.Table, m.Constant = text, ""
			if schema, table, ok := strings.Cut(m.Table, "."); ok && m.Schema == "" {
				m.Schema, m.Table = schema, table
			}
		}
		m.Fields = slices.Clone(m.Fields)
		for k := range m.Fields {
			m.Fields[k].Column += x.constantText(file, m.Fields[k].Constant)
		}
	}
	return &out
}

// maxAliases bounds how many constants are followed that get their text from another one.
const maxAliases = 4

// constantText returns the text of a constant that a file names: of the class, the package or the directory that the name
// says, else one that has the same text everywhere. "" if none is known.
func (x *Index) constantText(file, name string) string {
	for range maxAliases {
		if name == "" {
			return ""
		}
		qualifier := ""
		if n := strings.LastIndexByte(name, '.'); n >= 0 {
			qualifier, name = name[:n], name[n+1:]
			qualifier = qualifier[strings.LastIndexByte(qualifier, '.')+1:]
		}
		best, found, sure := 0, constantAt{}, true
		for _, k := range x.texts[name] {
			switch rank := k.rankMatch(file, qualifier); {
			case rank > best:
				best, found, sure = rank, k, true
			case rank == best && (k.text != found.text || k.alias != found.alias):
				sure = false // it is not known which one is meant
			}
		}
		switch {
		case !sure:
			return ""
		case found.text != "":
			return found.text
		}
		file, name = found.file, found.alias
	}
	return ""
}

// rankMatch says how well a constant fits a name in a file that has a qualifier or "".
func (k *constantAt) rankMatch(file, qualifier string) int {
	dir, base := path.Dir(k.file), path.Base(k.file)
	switch {
	case qualifier == "" && k.file == file:
		return 5
	case qualifier == "" && dir == path.Dir(file):
		return 3
	case qualifier != "" && strings.TrimSuffix(base, path.Ext(base)) == qualifier:
		return 4
	case qualifier != "" && path.Base(dir) == qualifier:
		return 2
	}
	return 1
}

// FindFullTableReads returns the queries that read all rows of a relation at once.
func (b *Bound) FindFullTableReads(n catalog.Name) []Use {
	var out []Use
	b.eachNamingQuery(n, func(path string, q *facts.Query, i int) {
		if q.Whole && !q.Open && q.Routine.Name == "" {
			out = append(out, Use{path, q.Relations[i].Line, facts.Reads, facts.Parsed, rankQuery})
		}
	})
	return b.rankUses(out)
}

// IsSingleton reports whether every query that works on one relation picks the same row of it, and at least one does.
// Queries that join it, or read it whole, do not count.
func (b *Bound) IsSingleton(n catalog.Name) bool {
	fixed, some := false, false
	b.eachNamingQuery(n, func(_ string, q *facts.Query, _ int) {
		fixed, some = fixed || q.Picks == facts.PicksFixed, some || q.Picks == facts.PicksSome
	})
	return fixed && !some
}

// resolveInheritedTables gives a class without a table of its own the table of the model that it extends. In Python it gets its own
// name if a class that it extends names tables by their classes. Other classes are mixins.
func (x *Index) resolveInheritedTables() {
	classes := map[string]*classNames{}
	for i := range x.files {
		f := x.files[i].Facts
		if f == nil || !mayInherit(x.files[i].Path) {
			continue
		}
		for k := range f.Models {
			if m := &f.Models[k]; m.Class != "" {
				addFileClass(classes, &fileClass{x.files[i].Path, m})
			}
		}
	}
	for i := range x.files {
		f := x.files[i].Facts
		if f == nil || !mayInherit(x.files[i].Path) {
			continue
		}
		copied := false
		for k := range f.Models {
			m := &f.Models[k]
			if !m.Base || m.Names || len(m.Fields) == 0 || !m.Derived && path.Ext(x.files[i].Path) != ".py" {
				continue
			}
			from, found := findInheritedTable(classes, &fileClass{x.files[i].Path, m}, 0)
			if !found {
				continue
			}
			if !copied {
				out := *f
				out.Models = append([]facts.Model(nil), f.Models...)
				x.files[i].Facts, f, copied = &out, &out, true
			}
			m = &f.Models[k]
			m.Base, m.Schema, m.Table, m.Class = false, from.Schema, from.Table, from.Class
		}
	}
}

// fileClass is a class in a file.
type fileClass struct {
	path  string
	model *facts.Model
}

// classNames are the classes of one name: the first one of each file.
type classNames struct {
	inFile map[string]*fileClass
	first  *fileClass
}

func addFileClass(classes map[string]*classNames, c *fileClass) {
	names := classes[c.model.Class]
	if names == nil {
		names = &classNames{map[string]*fileClass{}, c}
		classes[c.model.Class] = names
	}
	if names.inFile[c.path] == nil {
		names.inFile[c.path] = c
	}
}

// findIn returns the class that a name in a file means; nil if it is not known.
func (n *classNames) findIn(path string) *fileClass {
	switch {
	case n == nil:
		return nil
	case n.inFile[path] != nil:
		return n.inFile[path]
	case len(n.inFile) == 1:
		return n.first
	}
	return nil
}

// mayInherit reports whether classes in a file may have the table of another class.
func mayInherit(file string) bool {
	return path.Ext(file) == ".py" || slices.Contains(source.ScriptEndings, path.Ext(file))
}

// findInheritedTable returns the names of the table that a class gets from the classes that it extends. A class that several files
// declare is not followed, unless the file itself does.
func findInheritedTable(classes map[string]*classNames, c *fileClass, up int) (from facts.Model, found bool) {
	if up == maxBases {
		return facts.Model{}, false
	}
	for _, base := range c.model.Bases {
		parent := classes[base.Name].findIn(c.path)
		switch {
		case parent == nil || parent.model == c.model || path.Ext(parent.path) == ".py" != (path.Ext(c.path) == ".py"):
			continue
		case parent.model.Table != "", parent.model.Names, path.Ext(c.path) != ".py" && !parent.model.Base:
			from = facts.Model{Schema: parent.model.Schema, Table: parent.model.Table, Class: parent.model.Class}
			if parent.model.Table != "" || parent.model.Names {
				from.Class = c.model.Class
			}
			return from, true
		}
		if from, found = findInheritedTable(classes, parent, up+1); found {
			if path.Ext(c.path) == ".py" {
				from.Class = c.model.Class
			}
			return from, true
		}
	}
	return facts.Model{}, false
}
