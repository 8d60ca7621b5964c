package audit

import (
	"github.com/onward-sql/onward/internal/catalog"
	"github.com/onward-sql/onward/internal/effect"
	"github.com/onward-sql/onward/onward"
)

// Result is the model's analysis of a statement.
type Result = effect.Result

// Measure adds the report's measures to effects: how big their relations are in the deployed
// schema, and how long the work on them takes if sizes are known. It returns how long the
// statement's locks are held, as [onward.Statement.Duration].
func (r *Release) Measure(to []onward.Effect, result *Result) string {
	main := r.mainDatabase()
	schema := r.a.databases[main].base.schema
	r.a.known.addMeasures(to, result, func(e *effect.Effect) catalog.Name {
		if schema != nil && e.OID != 0 {
			if rel := schema.Relation(e.OID); rel != nil {
				return rel.Name
			}
		}
		return e.Name
	})
	return describeLockDuration(to, *result)
}

// describeLockDuration says how long the locks are held: for an instant, depending on a table's size, or
// depending on other sessions.
func describeLockDuration(effects []onward.Effect, r effect.Result) string {
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
