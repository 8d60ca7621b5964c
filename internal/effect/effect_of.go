package effect

import (
	"cmp"
	"slices"
	"sync"

	"github.com/onward-sql/onward/internal/catalog"
	"github.com/onward-sql/onward/internal/pgparse"
	"github.com/onward-sql/onward/internal/refusal"
)

// EffectOf returns the effect of a statement, given the schema before it and the version of
// the server. It only consults v if the answer depends on it.
func EffectOf(node *pgparse.Node, c *catalog.Catalog, v *Version, in Inputs) Result {
	r := runs.Get().(*run)
	defer runs.Put(r)
	*r = run{Checker: refusal.Checker{C: c, V: v, UncheckedBodies: in.UncheckedBodies, Commands: in.Commands}, in: in, Result: Result{Effects: r.Effects[:0]}}
	msg := pgparse.Unwrap(node)
	r.CheckStatement(msg)
	r.KeepProblem(in.Problems)
	refused := r.Refusal // a failed lookup during the walk is no refusal
	r.runStatement(msg)
	r.recordUnreadBody(in.Problems)
	result := r.Result
	result.Refused = refused
	r.Checker, r.index = refusal.Checker{}, nil
	if len(r.Effects) == 0 || result.Refused != nil && (c.Complete || result.Refused.IsSyntaxError()) {
		// Locks taken before the server noticed the error end with the statement.
		result.Effects = nil
	} else {
		result.Effects = slices.Clone(r.Effects)
	}
	clear(r.Effects)
	return result
}

// recordUnreadBody marks a function whose body uses syntax that the parser does not know, but that this version may know.
func (r *run) recordUnreadBody(problems []catalog.Problem) {
	for i := range problems {
		if p := &problems[i]; p.Body && p.Until > 0 && !p.AppliesTo(r.V.AtLeast) {
			r.Unmodelled = "the body has a form that this release does not know: " + p.Message()
		}
	}
}

// IsRefused reports whether the server certainly refuses the statement, so that it changes
// nothing. That requires that nothing unseen can have changed the schema before it.
func (r *Result) IsRefused(before *catalog.Catalog) bool {
	return r.Refused != nil && (r.Refused.IsSyntaxError() || before.LastUnseen() == "")
}

// runs are reused for the next statement, with the memory for their effects.
var runs = sync.Pool{New: func() any { return &run{Result: Result{Effects: make([]Effect, 0, 16)}} }}

// sortEffects sorts the effects of a statement that names no relation into the order of
// the catalog.
func (r *run) sortEffects() {
	slices.SortStableFunc(r.Effects, func(a, b Effect) int { return cmp.Compare(a.OID, b.OID) })
	r.index = nil
}

func sortByOID(list []*catalog.Relation) {
	slices.SortFunc(list, func(a, b *catalog.Relation) int { return cmp.Compare(a.OID, b.OID) })
}
