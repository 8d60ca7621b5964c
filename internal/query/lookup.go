package query

import "github.com/onward-sql/onward/internal/pgparse"

// Lookup knows relations: a catalog is one. It is asked once for each name of a
// relation that is not one of a WITH query, in the order of Postgres.
type Lookup interface {
	// Table is the relation that a name means; nil when it is not known, which
	// does not say that there is none.
	Table(rv *pgparse.RangeVar) Table
}

// Table is a relation as far as a Lookup knows it.
type Table interface {
	// HasColumn reports whether it is known to have a column.
	HasColumn(name string) bool
	// AllColumns are the columns that are known, in order.
	AllColumns() []string
	// Open reports whether it may have columns that are not known.
	Open() bool
}

// Nothing is a Lookup that knows no relation.
type Nothing struct{}

// Table is nil.
func (Nothing) Table(*pgparse.RangeVar) Table { return nil }

// SystemColumn reports whether a name is that of a column that each table has
// and none declares.
func SystemColumn(name string) bool {
	switch name {
	case "tableoid", "ctid", "xmin", "xmax", "cmin", "cmax", "oid":
		return true
	}
	return false
}
