package column

import (
	"github.com/onward-sql/onward/internal/catalog"
	"github.com/onward-sql/onward/internal/rule"
)

// typedColumn is a column that a commit gives a type: with its table, by ADD COLUMN
// or by ALTER COLUMN … TYPE.
type typedColumn struct {
	by     *rule.Stmt
	table  catalog.Name
	column *catalog.Column
}

// listTypedColumns lists the columns of tables, not of partitions or temporary
// tables, that a commit gives a type of their own.
func listTypedColumns(t *rule.Tx) []typedColumn {
	var out []typedColumn
	for i := range t.Deltas {
		d := &t.Deltas[i]
		if d.After == nil || d.By == nil || !d.After.Kind.IsTable() || d.After.Parent != 0 || d.After.Persistence == catalog.Temporary {
			continue
		}
		switch d.Kind {
		case catalog.RelationCreated:
			for _, c := range d.After.Columns {
				if !c.Inherited {
					out = append(out, typedColumn{d.By, d.After.Name, c})
				}
			}
		case catalog.ColumnAdded, catalog.ColumnTypeChanged:
			if !d.New.Inherited && !d.IsColumnReplaced() {
				out = append(out, typedColumn{d.By, d.After.Name, d.New})
			}
		}
	}
	return out
}

// isOfType reports whether the column is of a built-in type, or an array of it.
func (t *typedColumn) isOfType(name string) bool {
	return t.column.Type.Name == catalog.Name{Schema: "pg_catalog", Name: name}
}

// describeType says what the column is.
func (t *typedColumn) describeType() string {
	return "column " + t.column.Name + " of " + t.table.String() + " is of type " + t.column.Type.String()
}
