package effect

import (
	"cmp"
	"slices"
	"sync"

	"github.com/onward-sql/onward/internal/catalog"
	"github.com/onward-sql/onward/internal/pgparse"
)

// Of tells what a statement does, given the schema before it, the version of
// the server and the session. It asks v only when the answer depends on it.
func Of(node *pgparse.Node, c *catalog.Catalog, v *Version, s Session) Result {
	r := runs.Get().(*run)
	defer runs.Put(r)
	*r = run{c: c, v: v, s: s, Result: Result{Effects: r.Effects[:0]}}
	r.statement(pgparse.Unwrap(node))
	result := r.Result
	r.c, r.v, r.index = nil, nil, nil
	if len(r.Effects) == 0 || r.Refused != nil && c.Complete {
		// What was locked before the server noticed is gone with the statement.
		result.Effects = nil
	} else {
		result.Effects = slices.Clone(r.Effects)
	}
	clear(r.Effects)
	return result
}

// Fail adds what the fold of the same statement has against it
// (catalog.Apply): a statement that fails for certain is refused.
func (r *Result) Fail(problems []catalog.Problem, v *Version) {
	for i := range problems {
		p := &problems[i]
		if !p.Certain || r.Refused != nil || p.Since > 0 && !v.AtLeast(p.Since) {
			continue
		}
		r.Refused, r.Effects = &p.Refusal, nil
	}
}

// runs are kept for the next statement, with the room for effects that they
// have.
var runs = sync.Pool{New: func() any { return &run{Result: Result{Effects: make([]Effect, 0, 16)}} }}

// sortEffects brings the effects of a statement that names no relation into
// the order of the catalog.
func (r *run) sortEffects() {
	slices.SortStableFunc(r.Effects, func(a, b Effect) int { return cmp.Compare(a.OID, b.OID) })
	r.index = nil
}

func sortByOID(list []*catalog.Relation) {
	slices.SortFunc(list, func(a, b *catalog.Relation) int { return cmp.Compare(a.OID, b.OID) })
}
