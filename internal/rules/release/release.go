// Package release holds the rules about a release as a whole: the history of
// migrations, and what can only fail.
package release

import (
	"regexp"
	"strings"

	"github.com/onward-sql/onward/internal/history"
	"github.com/onward-sql/onward/internal/rule"
)

// stops reports whether the runner does not get over a change of the history:
// its own clause says that it refuses, stops, or leaves the migration out.
func stops(h *history.Change) bool {
	for _, word := range []string{"refuse", "stops", "skips", "fails", "runs nothing"} {
		if strings.Contains(h.Runner, word) || strings.Contains(h.Detail, word) {
			return true
		}
	}
	return false
}

// changes lists the changes of one kind.
func changes(r *rule.Release, kind history.Kind) []*history.Change {
	var out []*history.Change
	for i := range r.Changes {
		if r.Changes[i].Kind == kind {
			out = append(out, &r.Changes[i])
		}
	}
	return out
}

// or is the first text that is not empty.
func or(texts ...string) string {
	for _, t := range texts {
		if t != "" {
			return t
		}
	}
	return ""
}

var leading = regexp.MustCompile(`^(?:\d{4}-\d\d-\d\d(?:-\d+)?|\d+)`)

// number is the leading number of a migration's name without zeros, or the time
// in front of it, as Diesel writes it; "" when the name begins with something else.
func number(id string) string { return strings.TrimLeft(leading.FindString(id), "0") }
