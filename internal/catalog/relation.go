package catalog

import (
	"slices"

	"github.com/onward-sql/onward/internal/pgparse"
)

// OID identifies an object in a catalog and in all catalogs derived from it. 0 is no object.
type OID int32

// Name is a schema and the name of an object in it. Schema is never empty for a relation, type or function of a
// catalog.
type Name struct{ Schema, Name string }

// String returns the name for people: without the schema if that is "public".
func (n Name) String() string {
	if n.Schema == "public" || n.Schema == "" {
		return n.Name
	}
	return n.Schema + "." + n.Name
}

// Qualified returns the name with its schema: "public.users".
func (n Name) Qualified() string {
	if n.Schema == "" {
		return n.Name
	}
	return n.Schema + "." + n.Name
}

// Kind is the kind of a relation.
type Kind uint8

// The kinds of relations (pg_class.relkind).
const (
	Table Kind = iota + 1
	PartitionedTable
	Index
	PartitionedIndex
	View
	MaterializedView
	Sequence
	ForeignTable
	CompositeType
)

var kindNames = [...]string{
	"relation", "table", "partitioned table", "index", "partitioned index", "view", "materialized view", "sequence",
	"foreign table", "composite type",
}

// String returns the kind in Postgres' words: "table", "materialized view".
func (k Kind) String() string { return kindNames[k] }

// ForMessages returns the kind in the words of Postgres' messages about dependencies: a partitioned table is a "table" there.
func (k Kind) ForMessages() string {
	switch k {
	case PartitionedTable:
		k = Table
	case PartitionedIndex:
		k = Index
	}
	return k.String()
}

// IsTable reports whether relations of the kind hold rows, directly or in partitions.
func (k Kind) IsTable() bool { return k == Table || k == PartitionedTable }

// IsView reports whether it is a view, materialized or not.
func (k Kind) IsView() bool { return k == View || k == MaterializedView }

// Persistence of a relation.
type Persistence uint8

// The kinds of persistence.
const (
	Permanent Persistence = iota
	Unlogged
	Temporary
)

// Relation is a row of pg_class with its dependent objects. It is immutable once it is in a catalog: fold functions
// work on a copy.
type Relation struct {
	OID  OID
	Kind Kind
	Persistence
	// Inferred marks a relation that no statement created. It exists and may be large; only those columns and
	// constraints are known that statements named.
	Inferred bool
	// Partial marks a relation of which only a part was seen created: LIKE or INHERITS of an inferred relation, or a
	// query whose columns are not known. It may have columns and constraints that are not listed.
	Partial bool
	// Adopted marks a relation that a statement created although an earlier statement had already named it: the history
	// is not in order.
	Adopted    bool
	NextAttnum int16
	Parent     OID // of a partition
	Name       Name

	Columns     []*Column // in order, without the dropped ones
	Constraints []*Constraint
	Indexes     []OID // of a table or materialised view
	Triggers    []*Trigger
	Comment     string

	// ReferencedBy lists the tables with a foreign key to this one, once per
	// constraint; Dependents the views and materialised views that read it.
	ReferencedBy []OID
	Dependents   []OID

	Index *IndexInfo // of an index
	View  *ViewInfo  // of a view or materialised view
	Seq   *SequenceInfo

	// Rare is never nil: relations without rare properties share an empty one.
	*Rare
}

// Rare holds properties that few relations have. A large schema has a hundred thousand relations, most of them indexes.
type Rare struct {
	Policies   []*Policy
	Rules      []*Rule
	Statistics []Name // extended statistics objects on it
	// numbers are the numbers that columns had on the inferred relation that this one replaces, so that references to
	// them stay valid.
	numbers map[string]int16
	// DroppedColumns are the columns that were seen dropped, so that they certainly do not exist.
	DroppedColumns []string

	RLS, ForceRLS   bool
	OfType          OID
	ReplicaIdentity string // "default", "full", "nothing", "index <name>"; "" is default
	AccessMethod    string // "" is the server's default
	Tablespace      string
	Options         map[string]string // storage parameters
	Manager         Manager
	Owner           string
	Extension       string // ALTER EXTENSION … ADD put it into this one
	Grants          []Grant
	Taken           []Grant // revoked privileges; those granted again are in Grants too

	// Partitioning and inheritance.
	Detached     bool   // it was a partition once, and has the name that it had then
	Bound        string // of a partition: "FOR VALUES FROM (1) TO (2)", "DEFAULT"
	Strategy     string // of a partitioned table: "range", "list", "hash"
	PartitionKey []IndexKey
	Partitions   []OID // of a partitioned table or index
	Default      OID   // the default partition
	Inherits     []OID
	Children     []OID // tables that inherit, not partitions
}

// plain is the shared empty Rare. It must not be changed.
var plain Rare

// copyRare returns a copy of the rare part that may be changed in place. Each call makes a new copy.
func (r *Relation) copyRare() *Rare {
	next := *r.Rare
	r.Rare = &next
	return r.Rare
}

// newRare returns the rare part of a new relation with storage.
func newRare(method, tablespace string, options map[string]string) *Rare {
	if method == "" && tablespace == "" && options == nil {
		return &plain
	}
	return &Rare{AccessMethod: method, Tablespace: tablespace, Options: options}
}

// StandIn returns a relation that is in no catalog.
func StandIn(name Name, kind Kind, inferred bool) *Relation {
	return &Relation{Name: name, Kind: kind, Inferred: inferred, Rare: &plain}
}

// ConstraintKind is pg_constraint.contype.
type ConstraintKind uint8

// The kinds of constraints. Named NOT NULL constraints (18) are of kind NotNull; otherwise only Column.NotNull is set.
const (
	Check ConstraintKind = iota + 1
	ForeignKey
	Unique
	PrimaryKey
	Exclude
	NotNullConstraint
)

var constraintNames = [...]string{
	"constraint", "check constraint", "foreign key", "unique constraint", "primary key", "exclusion constraint",
	"not-null constraint",
}

// String returns the kind in Postgres' words: "foreign key".
func (k ConstraintKind) String() string { return constraintNames[k] }

// Constraint is a row of pg_constraint.
type Constraint struct {
	// ID stays the same when the constraint is renamed.
	ID      OID
	Name    string
	Kind    ConstraintKind
	Columns []int16 // attnums, in the order of the constraint
	// Expr is the condition of a CHECK; ExprText its text.
	Expr     *pgparse.Node
	ExprText string
	// Valid is false for NOT VALID; Enforced false for NOT ENFORCED (18).
	Valid, Enforced               bool
	NoInherit                     bool
	Deferrable, InitiallyDeferred bool
	NullsNotDistinct              bool
	WithoutOverlaps               bool // 18: temporal key
	Index                         OID  // of a unique, primary or exclusion constraint
	Ref                           OID  // of a foreign key: the referenced table
	RefColumns                    []int16
	OnDelete, OnUpdate            string // "cascade", "set null", "set default", "restrict"; "" is no action
	// SetColumns are the attnums of ON DELETE SET NULL or SET DEFAULT (columns) (15); nil: all columns.
	SetColumns []int16
	MatchFull  bool
	Period     bool // 18: the last column of a foreign key is a PERIOD
	// Parent marks a constraint that a partition or child inherits.
	Parent bool
	// Named reports whether the author chose the name.
	Named bool
	// Inferred marks a constraint that no statement created. Its kind follows from its name by the server's naming
	// convention; its columns are not known.
	Inferred bool
}

// Column finds a column by name; nil if there is none.
func (r *Relation) Column(name string) *Column {
	for _, c := range r.Columns {
		if c.Name == name {
			return c
		}
	}
	return nil
}

// EachColumnPair calls visit with each column of a relation and the column of that name in another one, which nearly always has the same order.
func (r *Relation) EachColumnPair(other *Relation, visit func(c, counterpart *Column)) {
	next := 0
	for _, c := range r.Columns {
		if next >= len(other.Columns) || other.Columns[next].Name != c.Name {
			index := slices.IndexFunc(other.Columns, func(o *Column) bool { return o.Name == c.Name })
			if index < 0 {
				continue
			}
			next = index
		}
		visit(c, other.Columns[next])
		next++
	}
}

// Attr finds a column by number; nil if there is none.
func (r *Relation) Attr(attnum int16) *Column {
	for _, c := range r.Columns {
		if c.Attnum == attnum {
			return c
		}
	}
	return nil
}

// Constraint finds a constraint by name; nil if there is none. Statements mostly name what was added last.
func (r *Relation) Constraint(name string) *Constraint {
	for _, c := range slices.Backward(r.Constraints) {
		if c.Name == name {
			return c
		}
	}
	return nil
}

// IsInPrimaryKey reports whether a column is one of the primary key's.
func (r *Relation) IsInPrimaryKey(attnum int16) bool {
	return slices.ContainsFunc(r.Constraints, func(c *Constraint) bool { return c.Kind == PrimaryKey && slices.Contains(c.Columns, attnum) })
}

// Trigger finds a trigger by name; nil if there is none.
func (r *Relation) Trigger(name string) *Trigger {
	for _, t := range r.Triggers {
		if t.Name == name {
			return t
		}
	}
	return nil
}
