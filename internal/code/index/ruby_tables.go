package index

import (
	"fmt"
	"path"
	"slices"
	"strings"

	"github.com/onward-sql/onward/internal/catalog"
	"github.com/onward-sql/onward/internal/code/facts"
	"github.com/onward-sql/onward/internal/code/ruby"
	"github.com/onward-sql/onward/internal/inflect"
)

// rubyTables finds the tables of Active Record's classes. A class has the table of the class that it extends, unless that is
// abstract. Otherwise the table has the plural of its name, after the prefix of a module around it, or after the singular of
// the table of the model around it.
type rubyTables struct {
	classes  map[string]*facts.Model
	prefixes map[string]string
	// tables are the answers, by the names of the classes; "" for a class that is no model.
	tables map[string]string
}

// resolveRubyTables gives the models of Ruby their tables, and forgets classes that are no models.
func (x *Index) resolveRubyTables() {
	t := &rubyTables{classes: map[string]*facts.Model{}, prefixes: map[string]string{}, tables: map[string]string{}}
	for i := range x.files {
		f := x.files[i].Facts
		if f == nil || path.Ext(x.files[i].Path) != ".rb" {
			continue
		}
		for k := range f.Models {
			m := &f.Models[k]
			if known := t.classes[fullName(m)]; known == nil || known.Base && !m.Base {
				t.classes[fullName(m)] = m
			}
		}
		for _, p := range f.Prefixes {
			t.prefixes[p.Module] = p.Text
		}
	}
	if len(t.classes) == 0 {
		return
	}
	for i := range x.files {
		f := x.files[i].Facts
		if f == nil || path.Ext(x.files[i].Path) != ".rb" || len(f.Models) == 0 {
			continue
		}
		out := *f
		out.Models = nil
		for _, m := range f.Models {
			if t.resolveModel(&m) {
				out.Models = append(out.Models, m)
			}
		}
		x.files[i].Facts = &out
	}
}

// fullName returns the name of a class with the modules around it.
func fullName(m *facts.Model) string {
	if m.Scope == "" {
		return m.Class
	}
	return m.Scope + "::" + m.Class
}

// resolveModel gives a model its table, and reports whether it is one.
func (t *rubyTables) resolveModel(m *facts.Model) bool {
	if m.Base {
		return false
	}
	table := t.findTable(m, 0)
	if table == "" {
		return false
	}
	m.Without = t.listIgnoredColumns(m, 0)
	m.All = m.All && !t.sharesSuperclassTable(m)
	spells := func(w string) bool { return facts.NormalizeName(w) == facts.NormalizeName(m.Class) }
	if m.Table == "" && (m.Derived || m.Scope != "" || !slices.ContainsFunc(facts.TableWords(table), spells)) {
		m.Table = table
	}
	if slices.ContainsFunc(m.Bases, func(b facts.Base) bool { return strings.TrimPrefix(b.Name, "::") == ruby.SequelModel }) {
		m.Bases = nil
	}
	return m.All || len(m.Fields) > 0
}

// maxInherited bounds how many classes up a class is followed.
const maxInherited = 8

// findTable returns the table of a class; "" if it has none.
func (t *rubyTables) findTable(m *facts.Model, up int) string {
	if m.Table != "" {
		return m.Table
	}
	if m.Base || up == maxInherited {
		return ""
	}
	name := fullName(m)
	if table, known := t.tables[name]; known {
		return table
	}
	table := ""
	switch super := t.superclassOf(m); {
	case super == nil && m.Derived:
	case super == nil || super.Base && len(super.Bases) > 0:
		if super == nil || t.isAbstractRecord(super, up+1) {
			table = t.conventionalTable(m, up)
		}
	default:
		table = t.findTable(super, up+1)
	}
	t.tables[name] = table
	return table
}

// isAbstractRecord reports whether an abstract class extends Active Record.
func (t *rubyTables) isAbstractRecord(m *facts.Model, up int) bool {
	if !m.Derived {
		return true
	}
	super := t.superclassOf(m)
	return super != nil && up < maxInherited && super.Base && t.isAbstractRecord(super, up+1)
}

// sharesSuperclassTable reports whether a model has the table of the model that it extends.
func (t *rubyTables) sharesSuperclassTable(m *facts.Model) bool {
	super := t.superclassOf(m)
	return super != nil && !super.Base
}

// conventionalTable returns the table that a class has by its name.
func (t *rubyTables) conventionalTable(m *facts.Model, up int) string {
	for scope := m.Scope; scope != ""; scope, _ = ruby.CutScope(scope) {
		if prefix, known := t.prefixes[scope]; known {
			return prefix + inflect.TableOf(m.Class)
		}
		if outerClass := t.classes[scope]; outerClass != nil && !outerClass.Base && scope == m.Scope && up < maxInherited {
			if table := t.findTable(outerClass, up+1); table != "" {
				return inflect.Singularize(table) + "_" + inflect.TableOf(m.Class)
			}
		}
	}
	for super := t.superclassOf(m); super != nil && up < maxInherited; super, up = t.superclassOf(super), up+1 {
		if prefix, known := t.prefixes[fullName(super)]; known {
			return prefix + inflect.TableOf(m.Class)
		}
	}
	return inflect.TableOf(m.Class)
}

// listIgnoredColumns returns the columns that a class ignores, and those that the classes and modules in it ignore.
func (t *rubyTables) listIgnoredColumns(m *facts.Model, up int) []facts.Place {
	out := m.Without
	for _, base := range m.Bases {
		if baseModel := t.findClass(m, base.Name); baseModel != nil && up < maxInherited {
			for _, p := range t.listIgnoredColumns(baseModel, up+1) {
				out = append(out[:len(out):len(out)], facts.Place{Name: p.Name, Line: m.Line})
			}
		}
	}
	return out
}

// superclassOf returns the class that a class extends; nil if no file has it.
func (t *rubyTables) superclassOf(m *facts.Model) *facts.Model {
	if len(m.Bases) == 0 {
		return nil
	}
	return t.findClass(m, m.Bases[0].Name)
}

// findClass returns the class that a name at the head of another class means.
func (t *rubyTables) findClass(in *facts.Model, name string) *facts.Model {
	if rest, root := strings.CutPrefix(name, "::"); root {
		return t.classes[rest]
	}
	ownName := fullName(in)
	for scope := in.Scope; scope != ""; scope, _ = ruby.CutScope(scope) {
		if full := scope + "::" + name; full != ownName && t.classes[full] != nil {
			return t.classes[full]
		}
	}
	if name == ownName {
		return nil
	}
	return t.classes[name]
}

// LoadedBy returns the models that load all columns of a table when the program starts, as Active Record does: their classes,
// and for each the line of code that would make it ignore this column.
func (b *Bound) LoadedBy(n catalog.Name, column string) (classes []Use, ignores []string) {
	b.eachModelOrCall(n, func(file string, m *facts.Model) {
		if path.Ext(file) != ".rb" || !m.All || len(m.Bases) == 0 || slices.ContainsFunc(m.Without, func(p facts.Place) bool { return p.Name == column }) {
			return
		}
		classes = append(classes, Use{Path: file, Line: m.Line, How: facts.Maps, Grade: facts.Parsed, rank: rankModel})
		ignores = append(ignores, fmt.Sprintf("self.ignored_columns += [%q] in %s", column, fullName(m)))
	}, func(string, *facts.Call) {})
	return classes, ignores
}
