package analysis

import (
	"testing"

	"github.com/onward-sql/onward/internal/code/facts"
)

// Code that was read shows no INSERT if nothing in it may be one.
func TestShowsNoInsert(t *testing.T) {
	t.Parallel()
	for name, tc := range map[string]struct {
		usage Usage
		want  bool
	}{
		"nothing was read":        {Usage{}, false},
		"nothing uses it":         {Usage{Known: true}, true},
		"only queries that read":  {Usage{Known: true, Used: true, Does: facts.NewHowSet(facts.Reads)}, true},
		"an INSERT":               {Usage{Known: true, Used: true, Does: facts.NewHowSet(facts.Reads, facts.Inserts)}, false},
		"a model":                 {Usage{Known: true, Used: true, Does: facts.NewHowSet(facts.Maps)}, false},
		"code with its name":      {Usage{Known: true, Named: true}, false},
		"a text with its name":    {Usage{Known: true, Spelled: true}, false},
		"its name near the class": {Usage{Known: true, Mentioned: true}, false},
	} {
		if got := tc.usage.ShowsNoInsert(); got != tc.want {
			t.Errorf("%s: ShowsNoInsert() = %t, want %t", name, got, tc.want)
		}
	}
}
