package refusal

import (
	"github.com/onward-sql/onward/internal/catalog"
	"github.com/onward-sql/onward/internal/pgparse"
)

// ReadableFrom returns the oldest of some major versions, in ascending order, that can parse a
// statement and knows the options that it names, whatever the schema; 0 if none does.
// For MERGE it is 15.
func ReadableFrom(node *pgparse.Node, versions []int) int {
	msg := pgparse.Unwrap(node)
	for _, major := range versions {
		q := Checker{C: unknownSchema, V: NewVersion(major)}
		q.CheckStatement(msg)
		if q.Refusal == nil || !q.Refusal.IsFormError() {
			return major
		}
		if !q.V.WasConsulted() {
			return 0
		}
	}
	return 0
}

// unknownSchema is a schema of which nothing is known.
var unknownSchema = catalog.New().MarkUnseen("what a statement says is all that is asked")
