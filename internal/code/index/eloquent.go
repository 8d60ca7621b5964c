package index

import (
	"cmp"
	"path"
	"slices"
	"strings"

	"github.com/onward-sql/onward/internal/code/facts"
	"github.com/onward-sql/onward/internal/inflect"
)

// eloquentTables finds the tables of Eloquent's classes, and the columns that their statements name.
type eloquentTables struct {
	classes map[string]*facts.PHPClass
	// given has the texts and assigned names of the code, by their marks: a column of $fillable that is not among them gets
	// no value.
	given map[uint32]bool
}

// addEloquentModels adds the models of Eloquent to the facts of their files.
func (x *Index) addEloquentModels() {
	t := &eloquentTables{classes: map[string]*facts.PHPClass{}, given: map[uint32]bool{}}
	for i := range x.files {
		if f := x.files[i].Facts; f != nil {
			for k := range f.PHPClasses {
				t.classes[f.PHPClasses[k].Name] = &f.PHPClasses[k]
			}
		}
	}
	if len(t.classes) == 0 {
		return
	}
	t.findAssignedNames(x.files)
	x.phpTables = map[string]string{}
	for i := range x.files {
		f := x.files[i].Facts
		if f == nil || len(f.PHPClasses) == 0 {
			continue
		}
		out := *f
		out.Models = slices.Clone(f.Models)
		for k := range f.PHPClasses {
			c := &f.PHPClasses[k]
			if c.Open || !t.extendsModel(c) {
				continue
			}
			m := t.modelOf(c)
			x.phpTables[c.Name] = strings.TrimPrefix(m.Schema+"."+m.Table, ".")
			out.Models = append(out.Models, m)
		}
		x.files[i].Facts = &out
	}
}

// findAssignedNames finds the names to which code gives values.
func (t *eloquentTables) findAssignedNames(files []File) {
	for i := range files {
		f := files[i].Facts
		if f == nil || path.Ext(files[i].Path) != ".php" || isFactoryOrSeeder(files[i].Path) {
			continue
		}
		declared := map[int]bool{} // the lines of $fillable
		for k := range f.PHPClasses {
			for _, p := range f.PHPClasses[k].Given {
				declared[p.Line] = true
			}
		}
		for _, s := range f.Strings {
			if !declared[s.Line] {
				t.given[s.Mark] = true
			}
		}
		for _, c := range f.Calls {
			for _, w := range c.Words {
				if c.Class != "" && c.How != facts.Reads {
					t.given[w.Mark] = true
				}
			}
		}
	}
}

// isFactoryOrSeeder reports whether a file produces rows for tests and new installations.
func isFactoryOrSeeder(file string) bool {
	return strings.Contains(file, "factories/") || strings.Contains(file, "seeders/") || strings.Contains(file, "seeds/")
}

// maxAncestors bounds how many classes and traits a class has.
const maxAncestors = 32

// ancestorsOf returns a class, the classes that it extends, and their traits, the nearest first.
func (t *eloquentTables) ancestorsOf(c *facts.PHPClass) []*facts.PHPClass {
	list := []*facts.PHPClass{c}
	for i := 0; i < len(list) && len(list) < maxAncestors; i++ {
		for _, name := range list[i].Extends[:min(len(list[i].Extends), maxAncestors)] {
			if class := t.classes[name]; class != nil && !slices.Contains(list, class) {
				list = append(list, class)
			}
		}
	}
	return list
}

// extendsModel reports whether a class extends one of Eloquent's, or says what only a model says.
func (t *eloquentTables) extendsModel(c *facts.PHPClass) bool {
	return slices.ContainsFunc(t.ancestorsOf(c), func(a *facts.PHPClass) bool {
		return facts.IsEloquentRoot(a.Extends[0]) || a.Extends[0] != "" && (a.Table != "" || len(a.Given) > 0)
	})
}

// isPivot reports whether a class is a model of a table between two others.
func (t *eloquentTables) isPivot(c *facts.PHPClass) bool {
	return slices.ContainsFunc(t.ancestorsOf(c), func(a *facts.PHPClass) bool {
		return facts.IsEloquentRoot(a.Extends[0]) && strings.HasSuffix(a.Extends[0], "Pivot")
	})
}

// resolveTable returns the table of a class.
func (t *eloquentTables) resolveTable(c *facts.PHPClass) string {
	for _, a := range t.ancestorsOf(c) {
		if a.Table != "" {
			return a.Table
		}
	}
	if t.isPivot(c) {
		return inflect.LaravelSnake(facts.ShortClass(c.Name))
	}
	return inflect.LaravelTable(facts.ShortClass(c.Name))
}

// modelOf returns the model of a class.
func (t *eloquentTables) modelOf(c *facts.PHPClass) facts.Model {
	m := facts.Model{Table: t.resolveTable(c), Class: facts.ShortClass(c.Name), Line: c.Line}
	m.Schema, m.Table, _ = cutSchema(m.Table)
	add := func(name string, line int) {
		if name != "" && name != "-" && !slices.ContainsFunc(m.Fields, func(f facts.Field) bool { return f.Column == name }) {
			m.Fields = append(m.Fields, facts.Field{Field: name, Column: name, Line: line})
		}
	}
	key, noTimes, soft, times := "", t.isPivot(c), false, [3]string{}
	for _, a := range t.ancestorsOf(c) {
		line := c.Line
		if a == c {
			for _, p := range a.Named {
				add(p.Name, p.Line)
			}
		}
		for _, p := range a.Given {
			if a == c {
				line = p.Line
			}
			if t.given[facts.HashText(p.Name)] {
				add(p.Name, line)
			}
		}
		key, noTimes = cmp.Or(key, a.Key), noTimes || a.NoTimes
		for i := range times {
			times[i] = cmp.Or(times[i], a.Times[i])
		}
		soft = soft || slices.ContainsFunc(a.Extends[1:], func(trait string) bool { return strings.HasSuffix(trait, `\SoftDeletes`) })
	}
	if !t.isPivot(c) {
		add(cmp.Or(key, "id"), c.Line)
	}
	if !noTimes {
		add(cmp.Or(times[0], "created_at"), c.Line)
		add(cmp.Or(times[1], "updated_at"), c.Line)
	}
	if soft {
		add(cmp.Or(times[2], "deleted_at"), c.Line)
	}
	return m
}

// cutSchema cuts the name of a table into its schema and itself.
func cutSchema(name string) (schema, table string, found bool) {
	if schema, table, found = strings.Cut(name, "."); !found {
		return "", name, false
	}
	return schema, table, true
}
