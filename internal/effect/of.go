package effect

import (
	"cmp"
	"slices"
	"sync"

	"github.com/onward-sql/onward/internal/answer"
	"github.com/onward-sql/onward/internal/catalog"
	"github.com/onward-sql/onward/internal/pgparse"
)

// Of tells what a statement does, given the schema before it, the version of
// the server and the session. It asks v only when the answer depends on it.
func Of(node *pgparse.Node, c *catalog.Catalog, v *Version, s Session) Result {
	r := runs.Get().(*run)
	defer runs.Put(r)
	*r = run{Question: answer.Question{C: c, V: v}, s: s, Result: Result{Effects: r.Effects[:0]}}
	msg := pgparse.Unwrap(node)
	r.Ask(msg)
	refused := r.No // what the walk looks up in vain is no refusal
	r.statement(msg)
	result := r.Result
	result.Refused = refused
	r.Question, r.index = answer.Question{}, nil
	if len(r.Effects) == 0 || result.Refused != nil && (c.Complete || result.Refused.Unread()) {
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
		if !p.Certain || r.Refused != nil || !p.On(v.AtLeast) {
			continue
		}
		r.Refused, r.Effects = &p.Refusal, nil
	}
}

// Fails reports whether the server surely refuses the statement, so that it changes
// nothing: nothing unseen can have made another schema of the one before.
func (r *Result) Fails(before *catalog.Catalog) bool {
	return r.Refused != nil && (r.Refused.Unread() || before.Unseen() == "")
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
