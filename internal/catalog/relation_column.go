package catalog

import "github.com/onward-sql/onward/internal/pgparse"

// Column is a row of pg_attribute.
type Column struct {
	Name   string
	Attnum int16 // stays the same when the column is renamed
	// NotNullInvalid marks a NOT NULL constraint that is NOT VALID (18).
	NotNull, NotNullInvalid bool
	// Sequence is the sequence that the column owns (serial, identity).
	Sequence OID
	// Takes is the sequence that the default takes numbers from, whether the
	// column owns it or not; 0 if none is known.
	Takes OID
	// Inferred marks a column that a statement named although none created
	// it: it exists, but its type and nullability are unknown.
	Inferred bool
	// Inherited marks a column that comes from a parent or a partitioned
	// table; Local one that was also declared here, so that it outlives the
	// parent's.
	Inherited, Local bool

	Type        Type
	Default     *pgparse.Node // nil: none
	DefaultText string
	Comment     string

	// RareColumn is never nil: columns without any of it share an empty one.
	*RareColumn
}

// RareColumn has the properties that few columns have.
type RareColumn struct {
	Identity      string // "", "always", "by default"
	Generated     string // "", "stored", "virtual"
	GeneratedExpr *pgparse.Node
	// GeneratedFrom lists the columns that the generation expression reads.
	GeneratedFrom []int16
	Collation     string
	Storage       string
	Compression   string
	// StatisticsTarget is what SET STATISTICS says; "" is the server's default.
	StatisticsTarget string
}

// plainColumn is the RareColumn of columns that have none of it. Nobody
// changes it.
var plainColumn RareColumn

// copyRare gives a copy of the rare part that may be changed in place. Each call
// makes a new one.
func (c *Column) copyRare() *RareColumn {
	next := *c.RareColumn
	c.RareColumn = &next
	return c.RareColumn
}

// NewColumn is a column that no relation has.
func NewColumn(name string, t Type) *Column {
	return &Column{Name: name, Type: t, RareColumn: &plainColumn}
}

// IsRequired reports whether an INSERT that leaves the column out fails.
func (c *Column) IsRequired() bool {
	return c.NotNull && c.Default == nil && c.Identity == "" && c.Generated == ""
}

// Type is the type of a column.
type Type struct {
	Name Name // canonical: pg_catalog.int4, public.mood; {} when unknown
	Mods []int32
	// ModText is the modifiers as written when they are no integers:
	// "Point, 4326"; "" otherwise.
	ModText string
	// Array is the number of dimensions written.
	Array int
	// OID is the user-defined type, 0 for built-in and unknown ones.
	OID OID
}

// IsKnown reports whether anything is known of the type.
func (t Type) IsKnown() bool { return t.Name.Name != "" }
