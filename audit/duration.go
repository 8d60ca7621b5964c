package audit

import (
	"github.com/onward-sql/onward/internal/catalog"
	"github.com/onward-sql/onward/internal/effect"
	"github.com/onward-sql/onward/onward"
)

// Result is what the model says that a statement does.
type Result = effect.Result

// Measure is what the release's report says of effects: how big their relations are in the
// deployed schema, for how long the work on them takes where sizes are known, and for how long
// the statement's locks are held, as [onward.Statement.Duration].
func (r *Release) Measure(to []onward.Effect, result *Result) string {
	main := r.a.deployed[r.mainDatabase()]
	r.a.known.measure(to, result, func(e *effect.Effect) catalog.Name {
		if main != nil && e.OID != 0 {
			if rel := main.Relation(e.OID); rel != nil {
				return rel.Name
			}
		}
		return e.Name
	})
	return duration(to, *result)
}

// duration says for how long the locks are held: for an instant, for as long
// as a table is big, or for as long as others take.
func duration(effects []onward.Effect, r effect.Result) string {
	out := "instant"
	for i := range effects {
		switch {
		case effects[i].New:
		case r.Effects[i].Waits:
			return "waits"
		case effects[i].Work != onward.NoWork || r.Effects[i].Rows:
			out = "grows"
		}
	}
	if len(effects) == 0 {
		return ""
	}
	return out
}
