package verify_test

import (
	"slices"
	"strings"
	"testing"

	"github.com/onward-sql/onward/config"
	"github.com/onward-sql/onward/internal/workload"
)

// A finding about the recorded queries themselves is left out of the report if onward.yaml accepts it, and a note counts it.
func TestAcceptedQueries(t *testing.T) {
	t.Parallel()
	dir := repository(t, shop, "CREATE TABLE notes (id int);")
	load := recording(
		workload.Query{SQL: "SELECT id, user_id FROM orders LIMIT $1", MostRows: 20, Params: []string{"bigint"}},
		workload.Query{SQL: "SELECT name FROM users WHERE id = $1", Params: []string{"bigint"}},
	)
	load[0].Sequences = []workload.Sequence{{Transaction: "commit", Count: 3, Steps: []workload.Step{
		{Query: load[0].Queries[0].ID}, {Query: load[0].Queries[1].ID, Times: 20, Depends: true},
	}}}
	for name, accepted := range map[string]bool{"not accepted": false, "accepted": true} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			cfg := on(dir, 17)
			cfg.Old, cfg.Settings = load, config.Default()
			if accepted {
				cfg.Settings.AcceptQueries = map[string][]string{"query-for-each-row": {"SELECT name FROM users"}}
			}
			v := run(t, cfg).Verification
			var rules []string
			for _, f := range v.Asks {
				rules = append(rules, f.Rule)
			}
			noted := slices.ContainsFunc(v.Notes, func(n string) bool { return strings.HasPrefix(n, "onward.yaml accepts 1 of the findings") })
			if slices.Contains(rules, "query-for-each-row") == accepted || noted != accepted {
				t.Errorf("rules %q, notes %q", rules, v.Notes)
			}
		})
	}
}
