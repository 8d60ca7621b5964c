package catalog

import "github.com/onward-sql/onward/internal/pgparse"

// OID names an object within one catalog and all that were derived from it.
// 0 is no object.
type OID int32

// Name is a schema and an object in it. Schema is never empty for a relation,
// type or function of a catalog.
type Name struct{ Schema, Name string }

// String is the name as people write it: without the schema when that is
// "public".
func (n Name) String() string {
	if n.Schema == "public" || n.Schema == "" {
		return n.Name
	}
	return n.Schema + "." + n.Name
}

// Qualified is the name with its schema: "public.users".
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

var kindNames = [...]string{"relation", "table", "partitioned table", "index", "partitioned index", "view", "materialized view", "sequence", "foreign table", "composite type"}

// String is the kind in Postgres' words: "table", "materialized view".
func (k Kind) String() string { return kindNames[k] }

// IsTable reports whether the kind holds rows of its own or of partitions.
func (k Kind) IsTable() bool { return k == Table || k == PartitionedTable }

// Persistence of a relation.
type Persistence uint8

// The kinds of persistence.
const (
	Permanent Persistence = iota
	Unlogged
	Temporary
)

// Relation is a row of pg_class with what hangs on it. It is immutable once it
// is in a catalog: fold functions work on a copy.
type Relation struct {
	OID  OID
	Kind Kind
	Persistence
	// Inferred marks a relation that no statement created: it exists, its
	// columns and constraints are known only in so far as statements named
	// them, and it may be large.
	Inferred bool
	// Partial marks a relation that was seen created, but not all of it: LIKE
	// or INHERITS of an inferred one, a query whose columns cannot be told. It
	// may have columns and constraints that are not listed.
	Partial bool
	// Adopted marks a relation that a statement created although an earlier
	// statement had already named it: the history is not in order.
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

	// Rare is never nil: relations without any of it share an empty one.
	*Rare
}

// Rare is what few relations have. A large schema has a hundred thousand
// relations, most of them indexes.
type Rare struct {
	Policies   []*Policy
	Rules      []*Rule
	Statistics []Name // extended statistics objects on it
	// numbers are those that columns had on the inferred relation that this
	// one takes the place of: what refers to them stays right.
	numbers map[string]int16
	// DroppedColumns names the columns that were seen dropped, so that their
	// absence is certain.
	DroppedColumns []string

	RLS, ForceRLS   bool
	OfType          OID
	ReplicaIdentity string // "default", "full", "nothing", "index <name>"; "" is default
	AccessMethod    string // "" is the server's default
	Tablespace      string
	Options         map[string]string // storage parameters
	Owner           string
	Grants          []Grant

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

// plain is the Rare of relations that have none of it. Nobody changes it.
var plain Rare

// own gives a copy of the rare part that may be changed in place. Each call
// makes a new one.
func (r *Relation) own() *Rare {
	next := *r.Rare
	r.Rare = &next
	return r.Rare
}

// stored is the rare part of a new relation with storage.
func stored(method, tablespace string, options map[string]string) *Rare {
	if method == "" && tablespace == "" && options == nil {
		return &plain
	}
	return &Rare{AccessMethod: method, Tablespace: tablespace, Options: options}
}

// StandIn is a relation that no catalog holds.
func StandIn(name Name, kind Kind, inferred bool) *Relation {
	return &Relation{Name: name, Kind: kind, Inferred: inferred, Rare: &plain}
}

// Column is a row of pg_attribute.
type Column struct {
	Name   string
	Attnum int16 // stays the same when the column is renamed
	// NotNullInvalid marks a NOT NULL constraint that is NOT VALID (18).
	NotNull, NotNullInvalid bool
	// Sequence is the sequence that the column owns (serial, identity).
	Sequence OID
	// Takes is the sequence that the default takes numbers from, be it the
	// column's own or not; 0 when there is none that is known.
	Takes OID
	// Inferred marks a column that a statement named before anything created
	// it: it exists, its type and nullability are unknown.
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

// RareColumn is what few columns have.
type RareColumn struct {
	Identity      string // "", "always", "by default"
	Generated     string // "", "stored", "virtual"
	GeneratedExpr *pgparse.Node
	// GeneratedFrom lists the columns that the generation expression reads.
	GeneratedFrom []int16
	Collation     string
	Storage       string
	Compression   string
}

// plainColumn is the RareColumn of columns that have none of it. Nobody
// changes it.
var plainColumn RareColumn

// own gives a copy of the rare part that may be changed in place. Each call
// makes a new one.
func (c *Column) own() *RareColumn {
	next := *c.RareColumn
	c.RareColumn = &next
	return c.RareColumn
}

// NewColumn is a column that no relation has.
func NewColumn(name string, t Type) *Column {
	return &Column{Name: name, Type: t, RareColumn: &plainColumn}
}

// Required reports whether an INSERT that leaves the column out fails.
func (c *Column) Required() bool {
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

// Known reports whether anything is known of the type.
func (t Type) Known() bool { return t.Name.Name != "" }

// ConstraintKind is pg_constraint.contype.
type ConstraintKind uint8

// The kinds of constraints. NOT NULL constraints that were named (18) are of
// kind NotNull; plain nullability is in Column.NotNull alone.
const (
	Check ConstraintKind = iota + 1
	ForeignKey
	Unique
	PrimaryKey
	Exclude
	NotNullConstraint
)

var constraintNames = [...]string{"constraint", "check constraint", "foreign key", "unique constraint", "primary key", "exclusion constraint", "not-null constraint"}

// String is the kind in Postgres' words: "foreign key".
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
	Index                         OID  // behind a unique, primary or exclusion constraint
	Ref                           OID  // of a foreign key: the referenced table
	RefColumns                    []int16
	OnDelete, OnUpdate            string // "cascade", "set null", "set default", "restrict"; "" is no action
	// Parent marks a constraint that a partition or child inherits.
	Parent bool
	// Named reports whether the author chose the name.
	Named bool
}

// IndexKey is a key column of an index or partition key: a column or an
// expression.
type IndexKey struct {
	Column    int16 // 0: an expression
	Expr      *pgparse.Node
	ExprText  string
	Opclass   string
	Collation string
	Desc      bool
	// Columns lists every column that the expression reads.
	Columns []int16
}

// IndexInfo is a row of pg_index.
type IndexInfo struct {
	Table   OID
	Method  string // "btree"
	Keys    []IndexKey
	Include []int16
	// Names are what the index calls its columns: the columns' names when it
	// was built. The names of its clones on partitions come from them.
	Names            []string
	Predicate        *pgparse.Node
	PredicateText    string
	PredicateColumns []int16
	Unique           bool
	NullsNotDistinct bool
	// Valid is false for an index ON ONLY a partitioned table whose
	// partitions are not all attached, and for one that a failed concurrent
	// build may have left.
	Valid      bool
	Concurrent bool   // built with CONCURRENTLY
	Constraint string // the constraint it stands behind; "" for none
	Primary    bool
	Clustered  bool
	Parent     OID // the partitioned index it is attached to
}

// ViewInfo is what a view or materialised view reads.
type ViewInfo struct {
	Query   *pgparse.Node
	Reads   []OID
	Columns map[OID][]int16 // the columns read, per relation, as far as names tell
	Star    bool            // the query has a * in it
	Filled  bool            // of a materialised view: WITH DATA
	// Functions names the functions that the query calls and that the catalog
	// holds, and Types the user-defined types that it casts to.
	Functions []Name
	Types     []OID
}

// SequenceInfo is a row of pg_sequence.
type SequenceInfo struct {
	Type        string // int2, int4, int8
	OwnerTable  OID
	OwnerColumn int16
	Identity    bool // it belongs to an identity column
	// Moved: it does not begin at 1, does not count by 1, or was set to another
	// number since.
	Moved bool
	// Increment is what it counts by; 0 is 1.
	Increment int64
}

// Step is what a sequence counts by.
func (s *SequenceInfo) Step() int64 {
	if s.Increment == 0 {
		return 1
	}
	return s.Increment
}

// Trigger is a row of pg_trigger.
type Trigger struct {
	ID     OID // stays the same when the trigger is renamed
	Name   string
	Timing string // "before", "after", "instead of"
	Events string // "insert or update"
	// Transitions are the names of REFERENCING … TABLE AS.
	Transitions []string
	Row         bool
	Function    Name
	Enabled     bool    // for the writes of ordinary sessions: not DISABLE, not ENABLE REPLICA
	Columns     []int16 // UPDATE OF
	// Parent marks the clone of a partitioned table's trigger.
	Parent bool
	// Deferrable and InitiallyDeferred are those of a constraint trigger.
	Deferrable, InitiallyDeferred bool
	// When is its condition, nil where it has none; Uses lists the columns
	// that it reads.
	When    *pgparse.Node
	Uses    []int16
	Comment string
}

// Policy is a row of pg_policy.
type Policy struct {
	Name, Command string
	ID            OID // stays the same when the policy is renamed
	// Permissive policies let rows through, the others take away from those.
	Permissive bool
	// Roles are those that it is for; "public" is everybody.
	Roles []string
	// Using and Check are its conditions, nil where it has none.
	Using, Check *pgparse.Node
	// Uses lists the columns of its table that its conditions read, Reads those
	// of other relations, in sub-queries.
	Uses  []int16
	Reads []Reading
}

// Reading is what an expression reads of a relation.
type Reading struct {
	Relation OID
	Columns  []int16
}

// Grant is a privilege on an object.
type Grant struct{ Role, Privilege string }

// Column finds a column by name; nil when there is none.
func (r *Relation) Column(name string) *Column {
	for _, c := range r.Columns {
		if c.Name == name {
			return c
		}
	}
	return nil
}

// Attr finds a column by number; nil when there is none.
func (r *Relation) Attr(attnum int16) *Column {
	for _, c := range r.Columns {
		if c.Attnum == attnum {
			return c
		}
	}
	return nil
}

// Constraint finds a constraint by name; nil when there is none.
func (r *Relation) Constraint(name string) *Constraint {
	for _, c := range r.Constraints {
		if c.Name == name {
			return c
		}
	}
	return nil
}

// Trigger finds a trigger by name; nil when there is none.
func (r *Relation) Trigger(name string) *Trigger {
	for _, t := range r.Triggers {
		if t.Name == name {
			return t
		}
	}
	return nil
}
