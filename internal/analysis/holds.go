package analysis

import "github.com/onward-sql/onward/internal/catalog"

// Holds reports whether a column of a type takes all that another type would, or one of
// them is not known.
func Holds(was, now catalog.Type) bool {
	if !was.Known() || !now.Known() || was.String() == now.String() {
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
