package django

import "github.com/onward-sql/onward/internal/adapter"

// clears reports whether Django deletes or changes the row itself where the one that
// it points at is deleted: the constraint in the database does neither.
func (f *Field) clears() bool {
	switch f.OnDelete {
	case "CASCADE", "SET_NULL", "SET_DEFAULT", "set_on_delete":
		return true
	}
	return false
}

// models are the classes with a table of their own, and their columns.
func (p *Project) models() []adapter.Model {
	var out []adapter.Model
	for _, m := range p.Models {
		if m.Proxy {
			continue
		}
		model := adapter.Model{Name: m.App + "." + m.Model, Path: m.Path, Line: m.Line, Table: m.DBTable, Unmanaged: !m.Managed}
		for _, f := range m.Fields {
			if !f.Concrete {
				continue
			}
			line := f.Line
			if f.Path != m.Path {
				line = m.Line // written in an abstract model elsewhere
			}
			model.Columns = append(model.Columns, adapter.ModelColumn{Field: f.Name, Column: f.Column, Line: line, Defaulted: f.DBDefault && !f.HasDefault, GivesValue: f.GivesValue, Clears: f.clears()})
		}
		out = append(out, model)
	}
	return out
}
