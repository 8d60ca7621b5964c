package catalog

import "github.com/onward-sql/onward/internal/pgparse"

// TypeKind is the kind of a user-defined type.
type TypeKind uint8

// The kinds of types. A composite type also has a Relation of kind
// CompositeType with its attributes.
const (
	Enum TypeKind = iota + 1
	Domain
	Composite
	Range
	Base
)

// UserType is a type that a statement created.
type UserType struct {
	OID      OID
	Name     Name
	Kind     TypeKind
	Labels   []string // of an enum, in order
	Base     Type     // of a domain
	NotNull  bool     // of a domain
	Default  *pgparse.Node
	Checks   []*Constraint // of a domain
	Relation OID           // of a composite type
	Owner    string
	// Inferred marks a type that no statement created; Called is the name by which
	// the first statement knew it.
	Inferred bool
	Called   Name
}

// Constrained reports whether a domain restricts its base type.
func (t *UserType) Constrained() bool {
	return t.Kind == Domain && (t.NotNull || len(t.Checks) > 0)
}

// Function is a row of pg_proc.
type Function struct {
	OID  OID
	Name Name
	Args []Type // input arguments
	// Params are all parameters with their names, those of RETURNS TABLE too.
	// An aggregate's are not kept.
	Params     []Param
	Defaults   int // how many of the last arguments have a default
	Variadic   bool
	Returns    Type
	ReturnsSet bool
	Kind       string // "function", "procedure", "aggregate"
	Window     bool
	Volatility string // "immutable", "stable", "volatile"
	Language   string
	Body       string
	// Uses is what a body in SQL's own words depends on.
	Uses []Reading
	// Source is the statement that made it; "" when that is not known.
	Source          string
	SecurityDefiner bool
	SetSearchPath   bool
	// Path is the search_path that it sets, as written; nil for FROM CURRENT, and for
	// none of its own.
	Path []string
	// EmptyPath: the search_path of its own has no schema but the system's, so
	// that it finds nothing that is named without one.
	EmptyPath bool
	// Closed: EXECUTE was revoked from PUBLIC, who has it on what is created.
	// Grants are those to roles.
	Closed bool
	Grants []Grant
	// Taken is what was revoked; what was granted again stands in Grants too.
	Taken []Grant
	Owner string // "" when no statement said
	// BodyOffset is where Body begins, counted from the statement's start; -1
	// when the body is no literal.
	BodyOffset int
}

// Param is a parameter of a function. In and Out are both set for INOUT; a
// column of RETURNS TABLE is Out.
type Param struct {
	Name    string
	Type    Type
	In, Out bool
}

// PublishedList is a table in a publication with a list of columns or a
// condition: Columns are those of the list, nil where it has none, and Uses
// those that either of them names.
type PublishedList struct {
	Table         OID
	Columns, Uses []int16
}

// Object is anything that is kept by kind and name only: schemas, extensions,
// publications, subscriptions, statistics objects, collations, casts, text
// search objects, event triggers, roles, servers, …
type Object struct {
	Kind string // in Postgres' words: "schema", "extension", "publication"
	Name Name
	// Table is what the object is about, when that is one table.
	Table OID
	// Tables are those of a publication, Schemas those of which it has all
	// tables. Actions is its option publish: "insert, update"; "" is all.
	Tables    []OID
	AllTables bool
	Schemas   []string
	Actions   string
	// Lists are those of Tables of which it sends some columns or rows only.
	Lists []PublishedList
	// ViaRoot: it sends the rows of partitions as those of their root.
	ViaRoot bool
	// Columns are those of Table that a statistics object reads.
	Columns []int16
	Detail  string
	Owner   string
	Comment string
	Grants  []Grant
	Taken   []Grant // what was revoked
	// Closed: default privileges that take EXECUTE on functions from PUBLIC.
	Closed bool
}
