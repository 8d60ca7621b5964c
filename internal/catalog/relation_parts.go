package catalog

import "github.com/onward-sql/onward/internal/pgparse"

// IndexKey is a key column of an index or partition key: a column or an
// expression.
type IndexKey struct {
	Column    int16 // 0: an expression
	Expr      *pgparse.Node
	ExprText  string
	Opclass   string
	Collation string
	Desc      bool
	// NullsFirst is set if written, or implied by Desc.
	NullsFirst bool
	// Columns lists every column that the expression reads.
	Columns []int16
}

// IndexInfo is a row of pg_index.
type IndexInfo struct {
	Table   OID
	Method  string // "btree"
	Keys    []IndexKey
	Include []int16
	// Names are the names that the index gives its columns: the columns' names when it
	// was built. The names of its clones on partitions are derived from them.
	Names            []string
	Predicate        *pgparse.Node
	PredicateText    string
	PredicateColumns []int16
	Unique           bool
	NullsNotDistinct bool
	// Valid is false for an index ON ONLY a partitioned table until all partitions are
	// attached, and for an index that may be left over from a failed concurrent build.
	Valid      bool
	Concurrent bool   // built with CONCURRENTLY
	Constraint string // the constraint that uses it; "" for none
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
	// Functions are the functions of the catalog that the query calls, and Types the
	// user-defined types that it casts to.
	Functions []Name
	Types     []OID
}

// SequenceInfo is a row of pg_sequence.
type SequenceInfo struct {
	Type        string // int2, int4, int8
	OwnerTable  OID
	OwnerColumn int16
	Identity    bool // it belongs to an identity column
	// Moved: it does not begin at 1, does not count by 1, or was set to another number
	// later.
	Moved bool
	// Options are the given options, as in CREATE SEQUENCE: "START WITH 5"; nil if all
	// are defaults.
	Options []string
	// Increment is the increment; 0 means 1.
	Increment int64
}

// Step returns the increment.
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
	// Deferrable and InitiallyDeferred apply to a constraint trigger.
	Deferrable, InitiallyDeferred bool
	// When is its condition, nil for none. Uses lists the columns that the condition
	// reads.
	When    *pgparse.Node
	Uses    []int16
	Comment string
	// Inferred marks a trigger that no statement created: only its name is known.
	Inferred bool
	// Source is the statement that created it, with the names of that time.
	Source string
}

// Policy is a row of pg_policy.
type Policy struct {
	Name, Command string
	ID            OID // stays the same when the policy is renamed
	// Permissive policies let rows through; the other policies restrict these rows.
	Permissive bool
	// Roles are the roles that it applies to; "public" is everybody.
	Roles []string
	// Using and Check are its conditions, nil for none.
	Using, Check *pgparse.Node
	// Uses lists the columns of its table that its conditions read. Reads lists the
	// columns of other relations, read in sub-queries.
	Uses  []int16
	Reads []ReadColumns
}

// ReadColumns is the columns that an expression reads of a relation.
type ReadColumns struct {
	Relation OID
	Columns  []int16
}

// Grant is a privilege on an object.
type Grant struct {
	Role string
	// Privilege is in lower case: "select", "all", "execute". Column names follow, unquoted: "select (a, b)". Membership in a role is
	// "role " and its name.
	Privilege string
}
