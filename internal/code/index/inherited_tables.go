package index

import (
	"path"
	"slices"

	"github.com/onward-sql/onward/internal/code/facts"
	"github.com/onward-sql/onward/internal/code/source"
)

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
