package usage

import "path"

// resolvePython gives a class without a table of its own the table of the model that it extends, or, if a class that it extends
// names tables by their classes, its own name. Other classes are mixins.
func (x *Index) resolvePython() {
	classes := map[string]*pythonNames{}
	for i := range x.files {
		f := x.files[i].Facts
		if f == nil || path.Ext(x.files[i].Path) != ".py" {
			continue
		}
		for k := range f.Models {
			if m := &f.Models[k]; m.Class != "" {
				addPythonClass(classes, &pythonClass{x.files[i].Path, m})
			}
		}
	}
	for i := range x.files {
		f := x.files[i].Facts
		if f == nil || path.Ext(x.files[i].Path) != ".py" {
			continue
		}
		copied := false
		for k := range f.Models {
			m := &f.Models[k]
			if !m.Base || m.Names || len(m.Fields) == 0 {
				continue
			}
			schema, table, byName := findPythonTable(classes, &pythonClass{x.files[i].Path, m}, 0)
			if table == "" && !byName {
				continue
			}
			if !copied {
				out := *f
				out.Models = append([]Model(nil), f.Models...)
				x.files[i].Facts, f, copied = &out, &out, true
			}
			m = &f.Models[k]
			m.Base, m.Schema, m.Table = false, schema, table
		}
	}
}

// pythonClass is a class of a file.
type pythonClass struct {
	path  string
	model *Model
}

// pythonNames are the classes of one name: the first one of each file.
type pythonNames struct {
	inFile map[string]*pythonClass
	first  *pythonClass
}

func addPythonClass(classes map[string]*pythonNames, c *pythonClass) {
	names := classes[c.model.Class]
	if names == nil {
		names = &pythonNames{map[string]*pythonClass{}, c}
		classes[c.model.Class] = names
	}
	if names.inFile[c.path] == nil {
		names.inFile[c.path] = c
	}
}

// findIn returns the class that a name in a file means; nil if it is not known.
func (n *pythonNames) findIn(path string) *pythonClass {
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

// findPythonTable returns the table that a class gets from the classes that it extends. byName is set if one of them names tables
// by their classes. A name that several files declare is not followed, unless its own file does.
func findPythonTable(classes map[string]*pythonNames, c *pythonClass, up int) (schema, table string, byName bool) {
	if up == maxBases {
		return "", "", false
	}
	for _, base := range c.model.Bases {
		found := classes[base.Name].findIn(c.path)
		switch {
		case found == nil || found.model == c.model:
			continue
		case found.model.Table != "":
			return found.model.Schema, found.model.Table, false
		case found.model.Names:
			return "", "", true
		}
		if schema, table, byName = findPythonTable(classes, found, up+1); table != "" || byName {
			return schema, table, byName
		}
	}
	return "", "", false
}
