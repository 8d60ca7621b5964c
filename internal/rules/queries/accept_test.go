package queries_test

import (
	"encoding/json"
	"fmt"
	"strings"
	"testing"

	"github.com/onward-sql/onward/internal/rules/queries"
	"github.com/onward-sql/onward/internal/workload"
)

// TestAccept: a finding is accepted by a part of the query's text or by its ID, for its rule only, and comes last.
func TestAccept(t *testing.T) {
	t.Parallel()
	text, ok := queries.Fixture("query-for-each-row")
	if !ok {
		t.Fatal("there is no fixture")
	}
	data := read(t, text).recordings["bad-by-turns"]
	for name, c := range map[string]struct {
		rule, query string
		want        string
	}{
		"nothing":          {"query-for-each-row", "FROM nothing", "name other"},
		"by its text":      {"query-for-each-row", "SELECT name FROM users", "other (name)"},
		"by its ID":        {"query-for-each-row", "name", "other (name)"},
		"for another rule": {"query-chain", "SELECT name FROM users", "name other"},
		"both":             {"query-for-each-row", "= $1", "(name) (other)"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			in := queries.Input{Workload: new(workload.Workload), Accept: map[string][]string{c.rule: {c.query}}}
			if err := json.Unmarshal(data, in.Workload); err != nil {
				t.Fatal(err)
			}
			var got []string
			for _, f := range queries.JudgeRecording(&in) {
				if f.Rule != "query-for-each-row" {
					continue
				}
				format := "%s"
				if f.Accepted {
					format = "(%s)"
				}
				got = append(got, fmt.Sprintf(format, f.Queries[0]))
			}
			if joined := strings.Join(got, " "); joined != c.want {
				t.Errorf("%s, want %s", joined, c.want)
			}
		})
	}
}
