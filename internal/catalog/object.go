package catalog

import (
	"slices"

	"github.com/onward-sql/onward/internal/pgparse"
)

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
	// Inferred marks a type that no statement created; Called is the name in the first
	// statement that mentioned it.
	Inferred bool
	Called   Name
}

// HasValidCheck reports whether a domain has a constraint of that name that its columns are known to meet.
func (t *UserType) HasValidCheck(name string) bool {
	return slices.ContainsFunc(t.Checks, func(c *Constraint) bool { return c.Name == name && c.Valid })
}

// HasConstraint reports whether a domain restricts its base type.
func (t *UserType) HasConstraint() bool {
	return t.Kind == Domain && (t.NotNull || len(t.Checks) > 0)
}

// Function is a row of pg_proc.
type Function struct {
	OID  OID
	Name Name
	Args []Type // input arguments
	// Params are all parameters with their names, including the columns of RETURNS TABLE.
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
	// Uses are the dependencies of an SQL-standard body.
	Uses []ReadColumns
	// Source is the statement that created it; "" if not known.
	Source          string
	SecurityDefiner bool
	SetSearchPath   bool
	// Path is the search_path that the function sets, as written; nil for FROM CURRENT,
	// and if it sets none.
	Path []string
	// EmptyPath: the function sets a search_path with only system schemas, so unqualified
	// names are not found.
	EmptyPath bool
	// Closed: EXECUTE was revoked from PUBLIC, which has it by default. Grants are the
	// grants to roles.
	Closed bool
	Grants []Grant
	// Taken are the revoked privileges. Privileges that were granted again are in Grants
	// too.
	Taken []Grant
	Owner string // "" when no statement said
	// BodyOffset is the offset of Body in the statement; -1 if the body is not a literal.
	BodyOffset int
}

// Param is a parameter of a function. In and Out are both set for INOUT; a
// column of RETURNS TABLE is Out.
type Param struct {
	Name    string
	Type    Type
	In, Out bool
}

// PublishedList is a table in a publication with a list of columns or a condition.
// Columns is the list, nil if there is none. Filter are the columns that the condition reads.
type PublishedList struct {
	Table           OID
	Columns, Filter []int16
}

// Object is an object of which only kind and name are kept: schemas, extensions,
// publications, subscriptions, statistics objects, collations, casts, text search
// objects, event triggers, roles, servers, …
type Object struct {
	Kind string // in Postgres' words: "schema", "extension", "publication"
	Name Name
	// Table is the table that the object belongs to, if it is a single one.
	Table OID
	// Tables are the tables of a publication, Schemas the schemas of which it has all
	// tables. Actions is its option publish: "insert, update"; "" is all.
	Tables    []OID
	AllTables bool
	// Except are the tables that a publication of all tables does not send.
	Except       []OID
	AllSequences bool
	Schemas      []string
	Actions      string
	// Lists are the Tables of which it publishes only some columns or rows.
	Lists []PublishedList
	// ViaRoot: it publishes rows of partitions as rows of their root.
	ViaRoot bool
	// Publications are those that a subscription reads, on another server.
	Publications []string
	// SendsStored: it publishes stored generated columns (18).
	SendsStored bool
	// Columns are the columns of Table that a statistics object reads.
	Columns []int16
	// Calls is the function of an operator; 0 if no statement created it.
	Calls   OID
	Detail  string
	Owner   string
	Comment string
	// Options belong to a role or a database, or are the settings with which new sessions begin.
	Options map[string]string
	// Inferred marks a role, a database or settings that no statement created.
	Inferred bool
	Grants   []Grant
	Taken    []Grant // what was revoked
	// Closed: these default privileges revoke EXECUTE on functions from PUBLIC.
	Closed bool
}
