package analysis

import "github.com/onward-sql/onward/internal/catalog"

// CanHold reports whether a type is known to hold all values of another one. It is true if one
// of the types is unknown.
func CanHold(column, values catalog.Type) bool {
	if !column.IsKnown() || !values.IsKnown() || column.String() == values.String() {
		return true
	}
	switch values.Name.Name {
	case "varchar", "bpchar":
		return column.String() == "text" || column.String() == "varchar"
	case "int4":
		return column.String() == "bigint"
	case "int2":
		return column.String() == "bigint" || column.String() == "integer"
	}
	return false
}
