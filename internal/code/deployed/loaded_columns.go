package deployed

import (
	"slices"

	"github.com/onward-sql/onward/internal/analysis"
	"github.com/onward-sql/onward/internal/code/index"
	"github.com/onward-sql/onward/onward"
)

// addLoadedUse adds to an answer that the deployed code loaded a column with all others of its table. If nothing but that
// shows a use, the places that have the column's name are added to the evidence.
func (u *Code) addLoadedUse(b *index.Bound, q question, uses []index.Use, out *analysis.Usage) {
	classes, ignores := b.LoadedBy(q.Name, q.Column)
	out.Ignores = ignores
	out.Loaded = len(classes) > 0 && !slices.ContainsFunc(uses, func(e index.Use) bool {
		return !slices.ContainsFunc(classes, func(c index.Use) bool { return c.Path == e.Path && c.Line == e.Line })
	})
	if !out.Loaded {
		return
	}
	var nameUsage analysis.Usage
	u.findColumnName(b, q, &nameUsage)
	for _, e := range nameUsage.Evidence {
		if len(out.Evidence) < maxEvidence && !slices.ContainsFunc(out.Evidence, func(x onward.Evidence) bool { return x.Path == e.Path && x.Line == e.Line }) {
			out.Evidence = append(out.Evidence, e)
		}
	}
}
