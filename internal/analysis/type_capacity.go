package analysis

import "github.com/onward-sql/onward/internal/catalog"

// CanHold reports whether a column's type holds all values of another one: bigint holds int, and numeric(10, 2) does not hold
// numeric(12, 2). It is true if one of the types is unknown.
func CanHold(column, values catalog.Type) bool {
	if !column.IsKnown() || !values.IsKnown() || column.String() == values.String() {
		return true
	}
	if column.Array != values.Array {
		return false
	}
	switch values.Name.Name {
	case "varchar", "bpchar":
		return column.String() == "text" || column.String() == "varchar" || column.Name == values.Name && hasWiderModifiers(column, values)
	case "numeric":
		return column.Name == values.Name && (len(column.Mods) == 0 || hasWiderModifiers(column, values))
	case "int4":
		return column.String() == "bigint"
	case "int2":
		return column.String() == "bigint" || column.String() == "integer"
	}
	return false
}

// hasWiderModifiers reports whether a type has the modifiers of another one, the first of which may be larger. The first modifier of numeric may grow
// together with its scale only if as many digits stay before the point.
func hasWiderModifiers(column, values catalog.Type) bool {
	switch {
	case len(column.Mods) == 0 || len(column.Mods) != len(values.Mods):
		return false
	case len(column.Mods) == 1:
		return column.Mods[0] >= values.Mods[0]
	}
	return column.Mods[1] >= values.Mods[1] && column.Mods[0]-column.Mods[1] >= values.Mods[0]-values.Mods[1]
}
