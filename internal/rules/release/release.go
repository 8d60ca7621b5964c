// Package release holds the rules about a release as a whole: the history of
// migrations, and what can only fail.
package release

import (
	"strings"

	"github.com/onward-sql/onward/internal/history"
	"github.com/onward-sql/onward/internal/lazyregexp"
	"github.com/onward-sql/onward/internal/rule"
)

// stopsRunner reports whether the runner does not get over a change of the history:
// its own clause says that it refuses, stops, or leaves the migration out.
func stopsRunner(h *history.Change) bool {
	for _, word := range []string{"refuse", "stops", "skips", "fails", "runs nothing"} {
		if strings.Contains(h.Runner, word) || strings.Contains(h.Detail, word) {
			return true
		}
	}
	return false
}

// changesOfKind lists the changes of one kind.
func changesOfKind(r *rule.Release, kind history.Kind) []*history.Change {
	var out []*history.Change
	for i := range r.Changes {
		if r.Changes[i].Kind == kind {
			out = append(out, &r.Changes[i])
		}
	}
	return out
}

var leading = lazyregexp.New(`^(?:\d{4}-\d\d-\d\d(?:-\d+)?|\d+)`)

// leadingNumber returns the leading number of a migration's name without zeros, or the leading
// time, as Diesel writes it; "" if the name begins with something else.
func leadingNumber(id string) string { return strings.TrimLeft(leading.FindString(id), "0") }
