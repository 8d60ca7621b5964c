package verify_test

import (
	"strings"
	"testing"

	"github.com/onward-sql/onward/internal/gitrange/gittest"
	"github.com/onward-sql/onward/internal/workload"
	"github.com/onward-sql/onward/onward"
)

// A recorded query has the line of the deployed code that writes it, and so has a finding about how the code asks. A text that is written
// in many places has none, nor has a program of another repository.
func TestRecordedQueryPlaces(t *testing.T) {
	t.Parallel()
	base := map[string]string{
		"migrations/00001_base.sql": "-- +goose Up\n" + shop + "\n",
		"store/users.go":            "package store\n\nconst read = `\nSELECT  name\n FROM users WHERE id = $1`\n",
		"store/other.go":            "package store\n\nconst (\n" + strings.Repeat("\tq = `SELECT email FROM users`\n", 4) + ")\n",
		"store/twice.go":            "package store\n\nconst a = `SELECT total FROM orders`\n",
		"store/twice2.go":           "package store\n\nconst b = `SELECT total FROM orders`\n",
	}
	dir := gittest.Commits(t, base, map[string]string{
		"migrations/00002_step.sql": "-- +goose Up\nALTER TABLE users DROP COLUMN name, DROP COLUMN email;\nALTER TABLE orders DROP COLUMN total;\n",
		"store/users.go":            "package store\n",
	})
	load := recording(
		workload.Query{SQL: "SELECT id, user_id FROM orders LIMIT $1", MostRows: 20, Params: []string{"bigint"}},
		workload.Query{SQL: "SELECT name FROM users WHERE id = $1", Params: []string{"bigint"}},
		workload.Query{SQL: "SELECT email FROM users"},
		workload.Query{SQL: "SELECT total FROM orders"},
	)
	load[0].Sequences = []workload.Sequence{{Transaction: "commit", Count: 3, Senders: []workload.Sender{{Test: "test_page", Calls: 3}}, Steps: []workload.Step{
		{Query: load[0].Queries[0].ID}, {Query: load[0].Queries[1].ID, Times: 20, Depends: true},
	}}}
	senders := func(change func(*workload.Sender)) (map[string]string, []onward.QueryFinding) {
		t.Helper()
		for i := range load[0].Queries {
			s := workload.Sender{Application: "shop", Calls: 10}
			change(&s)
			load[0].Queries[i].Senders = []workload.Sender{s}
		}
		cfg := on(dir, 17)
		cfg.Old = load
		r := run(t, cfg)
		out := map[string]string{}
		for _, v := range r.Verdicts {
			if v.Code == onward.OldCode {
				out[v.Query] = v.Sender
			}
		}
		if place := load[0].Queries[1].Senders[0].Place; strings.Contains(place, "store/users.go") {
			t.Errorf("the caller's recording was changed: %q", place)
		}
		return out, r.Verification.Asks
	}
	broken, asks := senders(func(*workload.Sender) {})
	if got := broken["SELECT name FROM users WHERE id = $1"]; got != "shop · store/users.go:4" {
		t.Errorf("the query of users.name has the sender %q, want shop · store/users.go:4", got)
	}
	if got := broken["SELECT total FROM orders"]; got != "shop · store/twice.go:3 or store/twice2.go:3" {
		t.Errorf("the query of orders.total has the sender %q, want both files that have it", got)
	}
	if got := broken["SELECT email FROM users"]; got != "shop" {
		t.Errorf("the query of users.email has the sender %q, want shop without a place", got)
	}
	if len(asks) == 0 || asks[0].Rule != "query-for-each-row" || asks[0].Sender != "store/users.go:4" || asks[0].Test != "test_page" {
		t.Errorf("the advice is %+v, want query-for-each-row at store/users.go:4 from test_page first", asks)
	}
	for want, change := range map[string]func(*workload.Sender){
		"shop · users#show store/users.go:4": func(s *workload.Sender) { s.Place = "users#show" },
		"shop · app/x.go:9":                  func(s *workload.Sender) { s.Place = "app/x.go:9" },
		"shop":                               func(s *workload.Sender) { s.Consumer = "billing" },
	} {
		if broken, _ = senders(change); broken["SELECT name FROM users WHERE id = $1"] != want {
			t.Errorf("%q, want %q", broken, want)
		}
	}
}
