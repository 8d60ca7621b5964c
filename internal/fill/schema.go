package fill

import (
	"slices"

	"github.com/jackc/pgx/v5"
)

// schema is the part of the server's catalog that matters for rows.
type schema struct {
	tables []*table // to fill: ordinary and partitioned ones, not partitions
	byOID  map[uint32]*table
	leafOf map[uint32]*table // a partition at any depth to its root
	types  map[uint32]*typ
	views  []string // materialized, populated, in the order of their creation
	super  bool     // the session's role is a superuser
	events bool     // there are event triggers
}

// tableFor returns the table that the rows of a relation go into: itself, or the root
// of a partition; nil: neither.
func (s *schema) tableFor(oid uint32) *table {
	if t := s.byOID[oid]; t != nil {
		return t
	}
	return s.leafOf[oid]
}

// typ is a type of the server.
type typ struct {
	oid          uint32
	schema, name string
	kind         byte   // pg_type.typtype: c composite, d domain, e enum, m multirange, r range, b another one
	category     byte   // pg_type.typcategory
	base, elem   uint32 // OIDs: of a domain's base type, and of an array's elements
	subtype      uint32 // of a range
	typmod       int32  // of a domain's base
	notNull      bool
	labels       []string  // of an enum
	attributes   []*column // of a composite type
	checks       []string  // of a domain, with VALUE
}

// resolveDomain returns the base type below domains, and its modifier.
func (s *schema) resolveDomain(oid uint32, typmod int32) (*typ, int32) {
	t := s.types[oid]
	for t != nil && t.kind == 'd' {
		if t.typmod >= 0 {
			typmod = t.typmod
		}
		t = s.types[t.base]
	}
	return t, typmod
}

// table is a relation to fill, with its plan and its generators.
type table struct {
	oid         uint32
	schema, rel string
	partitioned bool
	rls         bool // FORCE ROW LEVEL SECURITY
	columns     []*column
	checks      []*check
	keys        []*key
	refs        []*ref
	leaves      []*leaf
	triggers    []trigger
	// rows is how many are added, had how many there were, want how many others need.
	// added is how many were loaded.
	rows, had, want, added int64
	// each is the size of a row in bytes.
	each int64
	// capped is how many were planned before a key allowed fewer; 0: no key did.
	capped int64
	// surplus is the factor of excess rows from which the server selects those that
	// satisfy all conditions; 0: every row does.
	surplus         float64
	existing        [][]string // existing rows: the columns that others refer to
	existingColumns []int
	// wishes are the demands on the rows in addition to the schema's, taken those of
	// them that are applied.
	wishes, taken []assignedDemand
}

func (t *table) name() string { return t.schema + "." + t.rel }
func (t *table) quotedName() string {
	return pgx.Identifier{t.schema, t.rel}.Sanitize()
}

// columnPositions maps attribute numbers to positions; -1 marks an unknown one.
func (t *table) columnPositions(nums []int16) []int {
	var out []int
	for _, n := range nums {
		out = append(out, slices.IndexFunc(t.columns, func(c *column) bool { return c.num == n }))
	}
	return out
}

// column is a column with its generator.
type column struct {
	num       int16
	name      string
	typ       uint32
	typmod    int32
	typeText  string // format_type of the type, domains resolved
	notNull   bool
	identity  bool
	generated string
	hasDef    bool
	sequence  string
	index     int

	seed  uint64
	facts *facts
	// unique: no two rows may have the same value.
	unique bool
	// noNull: it is nullable, but no row may be NULL.
	noNull bool
	// full: its own values are never NULL, but a combination may be.
	full bool
	skip bool
	// replaced: its values were refused once.
	replaced bool
	ref      *ref // makes the values
	above    *column
	slot     bool // with above: the distance is below a slot's width
	step     int64
	digit    *keyDigit
	// value appends the text of a row's value; false: NULL. escape: the text may have
	// characters that COPY escapes.
	value  func(b []byte, i int64) ([]byte, bool)
	ord    func(i int64) int64
	escape bool
	base   int64 // the first value of a unique number
	scalar *scalar
	// as is another type whose values the column takes, in the format of its own
	// type.
	as    *typ
	asMod int32
}

// check is a condition on rows: a CHECK constraint, a domain's, or the bounds of the
// partitions.
type check struct {
	name    string
	sql     string // an expression over the columns
	columns []int
}

// key is a set of columns that must be unique.
type key struct {
	name    string
	columns []int
	exclude bool
	partial bool
	primary bool
	pairs   [][2]string // tsrange(a, b) in an exclusion
	texts   []string    // its columns and expressions as SQL; where is the condition of a partial one
	where   string
	radix   []unit // the units that make its rows unique, if it takes several
}

// ref is a foreign key.
type ref struct {
	name       string
	columns    []int
	table      *table // the referenced table
	target     []int
	deferrable bool
	broken     bool                // left NULL, to cut a cycle
	idle       bool                // other foreign keys make its columns
	own        []int               // columns that it makes
	pick       func(i int64) int64 // row of the other table; -1: NULL
	unique     bool
	digit      *keyDigit
	full       bool  // MATCH FULL
	shared     []int // columns that other foreign keys make
	seed       uint64
	guards     []func(j int64) bool
	index      map[string][]int32
	wish       *Demand // the demand that it comes from, if not from the schema
	off        bool    // and not applied
}

type leaf struct {
	oid         uint32
	schema, rel string
	constraint  string // the expression that its rows satisfy
	isDefault   bool
	rows, named int64
	from        int64 // the first row
	facts       map[string]*facts
}

type trigger struct {
	relation, name string
	enabled        byte
}
