package effect

import (
	"cmp"
	"slices"

	"github.com/onward-sql/onward/internal/catalog"
	"github.com/onward-sql/onward/internal/pgparse"
)

// Of tells what a statement does, given the schema before it, the version of
// the server and the session. It asks v only when the answer depends on it.
func Of(node *pgparse.Node, c *catalog.Catalog, v *Version, s Session) Result {
	r := run{c: c, v: v, s: s}
	r.statement(pgparse.Unwrap(node))
	if r.Refused != "" && c.Complete && len(r.Effects) > 0 {
		// What was locked before the server noticed is gone with the statement.
		r.Effects = nil
	}
	return r.Result
}

// sortEffects brings the effects of a statement that names no relation into
// the order of the catalog.
func (r *run) sortEffects() {
	slices.SortStableFunc(r.Effects, func(a, b Effect) int { return cmp.Compare(a.OID, b.OID) })
	r.index = nil
}

func sortByOID(list []*catalog.Relation) {
	slices.SortFunc(list, func(a, b *catalog.Relation) int { return cmp.Compare(a.OID, b.OID) })
}
