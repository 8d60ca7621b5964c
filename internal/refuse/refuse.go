// Package refuse names the ways in which the server says no to a statement, as far
// as somebody asks which one it is. Nobody reads that out of the words of a
// message.
package refuse

// Kind is a way of saying no.
type Kind uint8

// The kinds. None is one that nobody asks for.
const (
	None Kind = iota
	// RelationExists: what is created has the name of a relation.
	RelationExists
	// OnCommit: ON COMMIT of a table that is not temporary.
	OnCommit
	// NoCast: there is no cast between two types.
	NoCast
	// NoAutomaticCast: there is one, which must be written.
	NoAutomaticCast
	// NotValidPartitioned: a foreign key NOT VALID on a partitioned table.
	NotValidPartitioned
	// IndexUnsuitable: an index that cannot stand behind a constraint.
	IndexUnsuitable
	// ConcurrentPartitioned: CREATE INDEX CONCURRENTLY on a partitioned table.
	ConcurrentPartitioned
	// DropConcurrently: what DROP INDEX CONCURRENTLY does not do.
	DropConcurrently
	// DetachConcurrently: DETACH CONCURRENTLY beside a default partition.
	DetachConcurrently
	// RefreshConcurrently: REFRESH CONCURRENTLY without a unique index.
	RefreshConcurrently
	// NoIdentity: rows of a published table without a replica identity; the
	// object is the table.
	NoIdentity
)

// Reason is why the server says no.
type Reason struct {
	Kind Kind
	// Object is what it is about, where the kind says so: its name without the
	// schema.
	Object string
}
