package query

import "github.com/onward-sql/onward/internal/pgparse"

// Lookup knows relations; a catalog is one. It is asked once for each name of a relation
// that is not a WITH query, in Postgres' order.
type Lookup interface {
	// Table returns the relation that a name means. nil means that it is not known, which
	// does not mean that it does not exist.
	Table(rv *pgparse.RangeVar) Table
}

// Table is a relation, with what a Lookup knows about it.
type Table interface {
	// HasColumn reports whether it is known to have a column.
	HasColumn(name string) bool
	// AllColumns returns the known columns, in order.
	AllColumns() []string
	// HasUnknownColumns reports whether it may have columns that are not known.
	HasUnknownColumns() bool
}

// NoRelations is a Lookup that knows no relation.
type NoRelations struct{}

// Table returns nil.
func (NoRelations) Table(*pgparse.RangeVar) Table { return nil }

// SystemColumn reports whether a column is one that every table has without declaring it.
func SystemColumn(name string) bool {
	switch name {
	case "tableoid", "ctid", "xmin", "xmax", "cmin", "cmax", "oid":
		return true
	}
	return false
}
