package django

import "github.com/onward-sql/onward/internal/adapter"

// clearsReferences reports whether Django itself deletes or changes the row when the referenced row
// is deleted: the constraint in the database does neither.
func (f *Field) clearsReferences() bool {
	switch f.OnDelete {
	case "CASCADE", "SET_NULL", "SET_DEFAULT", "set_on_delete":
		return true
	}
	return false
}

// tableModels returns the classes with a table of their own, and their columns.
func (p *Project) tableModels() []adapter.Model {
	var out []adapter.Model
	for _, m := range p.Models {
		if m.Proxy {
			continue
		}
		model := adapter.Model{Name: m.App + "." + m.Model, Path: m.Path, Line: m.Line, Table: m.DBTable, Unmanaged: !m.Managed, ByTriggers: m.ByTriggers}
		for _, f := range m.Fields {
			if !f.Concrete {
				continue
			}
			line := f.Line
			if f.Path != m.Path {
				line = m.Line // the field is in an abstract model elsewhere
			}
			model.Columns = append(model.Columns, adapter.ModelColumn{
				Field:      f.Name,
				Column:     f.Column,
				Line:       line,
				Defaulted:  f.DBDefault && !f.HasDefault,
				GivesValue: f.GivesValue,
				Clears:     f.clearsReferences(),
			})
		}
		out = append(out, model)
	}
	return out
}
