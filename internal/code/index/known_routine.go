package index

import (
	"github.com/onward-sql/onward/internal/code/facts"
)

// isKnownRoutine reports whether a query is in the body of a function that the schema has. The
// schema shows what it needs, including changes by later migrations.
func (b *Bound) isKnownRoutine(q *facts.Query) bool {
	return q.Routine.Name != "" && b.Schema != nil && len(b.Schema.Functions(q.Routine.Schema, q.Routine.Name)) > 0
}
