package onward

// Effect is what running a statement does to other sessions at one relation:
// a table, index, sequence, view or materialised view. A statement has one
// Effect for each relation that it locks, with the strongest mode and the
// heaviest work on it.
type Effect struct {
	// Relation is the schema-qualified name, unquoted: "public.users".
	Relation string `json:"relation"`
	// Lock is the strongest mode held on the relation.
	Lock Lock `json:"lock"`
	// Work is the heaviest work done on the relation under a lock.
	Work Work `json:"work"`
	// Blocks says who has to wait: "read", "write".
	Blocks []string `json:"blocks"`
	// RowLocks: the statement writes rows that were there, and each stays locked against
	// whoever writes the same row until the transaction ends
	// (https://www.postgresql.org/docs/current/explicit-locking.html#LOCKING-ROWS).
	RowLocks bool `json:"row_locks,omitempty"`
	// Emptied: the relation gets new storage without rows, which takes no time that grows:
	// TRUNCATE. Work is Rewrite then.
	Emptied bool `json:"emptied,omitempty"`
	// AtEnd: the statement takes the lock at its end only, for a moment, after its work and its waits
	// (https://www.postgresql.org/docs/current/sql-altertable.html, DETACH PARTITION … CONCURRENTLY).
	AtEnd bool `json:"at_end,omitempty"`
	// New marks a relation that this release created: nobody else uses it yet.
	New bool `json:"new,omitempty"`
	// Rows and Bytes are how big the relation is, with its partitions and
	// without its indexes; left out when that is not known, or nothing.
	Rows  int64 `json:"rows,omitempty"`
	Bytes int64 `json:"bytes,omitempty"`
	// EstimateMS is for how long the work takes, in milliseconds, at the
	// throughput of [Report.Sizes]; left out when there is no work or no size.
	EstimateMS int64 `json:"estimate_ms,omitempty"`
}
