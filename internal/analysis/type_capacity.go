package analysis

import "github.com/onward-sql/onward/internal/catalog"

// CanHold reports whether a column of type was can hold all values of type now; true if one
// of them is not known.
func CanHold(was, now catalog.Type) bool {
	if !was.IsKnown() || !now.IsKnown() || was.String() == now.String() {
		return true
	}
	switch now.Name.Name {
	case "varchar", "bpchar":
		return was.String() == "text" || was.String() == "varchar"
	case "int4":
		return was.String() == "bigint"
	case "int2":
		return was.String() == "bigint" || was.String() == "integer"
	}
	return false
}
