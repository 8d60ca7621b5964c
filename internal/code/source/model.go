package source

import (
	"strings"

	"github.com/onward-sql/onward/internal/code/facts"
)

// AddModel adds a model that has a table or fields.
func (r *File) AddModel(m *facts.Model) {
	if m == nil || m.Table == "" && m.Class == "" {
		return
	}
	moveForeignConstants(m)
	if schema, table, ok := strings.Cut(m.Table, "."); ok && m.Schema == "" {
		m.Schema, m.Table = schema, table
	}
	r.Facts.Models = append(r.Facts.Models, *m)
}

// A declaration may name its table or column by a constant that another file declares.

// moveForeignConstants moves the names of constants of other files to fields of their own.
func moveForeignConstants(m *facts.Model) {
	if constant, ok := strings.CutPrefix(m.Table, foreign); ok {
		m.Table, m.Constant = "", constant
	}
	if strings.HasPrefix(m.Schema, foreign) {
		m.Schema = ""
	}
	for i := range m.Fields {
		if constant, ok := strings.CutPrefix(m.Fields[i].Column, foreign); ok {
			m.Fields[i].Column, m.Fields[i].Constant = "", constant
		}
	}
}
