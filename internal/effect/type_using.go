package effect

import (
	"github.com/onward-sql/onward/internal/answer"
	"github.com/onward-sql/onward/internal/catalog"
	"github.com/onward-sql/onward/internal/pgparse"
	"github.com/onward-sql/onward/internal/refuse"
)

// mayConvert refuses a change of type that contradicts itself, or the column.
func (a *alter) mayConvert(col *catalog.Column, def *pgparse.ColumnDef) bool {
	using := def.GetRawDefault()
	switch _, again := a.newTypes[col.Name]; {
	case again && a.rel.Column(col.Name) == col:
		a.Refuse(refuse.RetypeTwice, col.Name)
	case using != nil && col.Generated != "":
		a.Refuse(refuse.RetypeGenerated)
	case using != nil && pgparse.Holds[*pgparse.SubLink](using):
		a.Refuse(refuse.RetypeSubquery)
	default:
		return a.Collates(def)
	}
	return false
}

// fitsType refuses to make a table one OF a type with other columns.
func (a *alter) fitsType(composite *catalog.Relation) bool {
	if !a.Whole(a.rel) || !a.Whole(composite) {
		return true
	}
	table := a.rel.Columns
	for i, want := range composite.Columns {
		switch {
		case i >= len(table):
			a.Refuse(refuse.TypedMissingColumn, want.Name)
		case table[i].Name != want.Name:
			a.Refuse(refuse.TypedOtherColumn, table[i].Name, want.Name)
		case !answer.Same(table[i].Type, want.Type) || table[i].Type.ModText != want.Type.ModText:
			a.Refuse(refuse.TypedOtherType, a.rel.Name.Name, want.Name)
		default:
			continue
		}
		return false
	}
	if len(table) > len(composite.Columns) {
		a.Refuse(refuse.TypedExtraColumn, table[len(composite.Columns)].Name)
		return false
	}
	return true
}
