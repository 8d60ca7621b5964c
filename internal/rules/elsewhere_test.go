package rules

import (
	"maps"
	"slices"
	"testing"
)

// Another tool's name leads to a rule that is there, and is none of ours.
func TestElsewhere(t *testing.T) {
	t.Parallel()
	for _, name := range slices.Sorted(maps.Keys(elsewhere)) {
		if FindRule(elsewhere[name]) == nil {
			t.Errorf("%s: there is no rule %s", name, elsewhere[name])
		}
		if FindRule(name) != nil {
			t.Errorf("%s is a rule here, too", name)
		}
	}
}
