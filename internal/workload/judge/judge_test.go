package judge_test

import (
	"fmt"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/onward-sql/onward/internal/workload"
	"github.com/onward-sql/onward/internal/workload/judge"
)

func TestJudge(t *testing.T) {
	t.Parallel()
	uses := []workload.Use{{Relation: "public.a"}, {Relation: "public.b"}, {Relation: "public.c"}}
	query := func(id string, kind workload.Kind) workload.Query {
		return workload.Query{ID: id, SQL: "q" + id, Kind: kind, Params: []string{"integer"}, Calls: 4, Senders: []workload.Sender{{Place: "page" + id, Calls: 4}}}
	}
	join, few, two := query("j", workload.Select), query("f", workload.Select), query("w", workload.Select)
	join.Rows, join.Parents, join.MostRows, join.Uses = 900, 10, 400, uses
	few.Rows, few.Parents, few.MostRows, few.Uses = 90, 1, 90, uses
	two.Rows, two.Parents, two.MostRows, two.Uses = 900, 10, 400, uses[:2]
	fixture := query("x", workload.Select)
	fixture.Mark = workload.Fixture
	ping := query("p", workload.Select)
	ping.Params = nil
	call, with := query("call", workload.Select), query("with", workload.Select)
	call.Resolved, with.Resolved, with.Uses = "server", "server", []workload.Use{{Relation: "public.a", Writes: []string{"b"}}}
	step := func(id string, times int64) workload.Step { return workload.Step{Query: id, Times: times} }
	w := &workload.Workload{
		Queries: []workload.Query{join, few, two, fixture, ping, query("n", workload.Select), query("i", workload.Insert), call, with},
		Sequences: []workload.Sequence{
			{Transaction: "commit", Count: 3, Steps: []workload.Step{step("f", 0), step("n", 9), step("f", 0), step("n", 41), step("x", 90), step("p", 90), step("i", 90)}},
			{Count: 2, Steps: []workload.Step{{Query: "n", Times: 12, Depends: true}, step("f", 9)}},
			// Somebody asks for news, calls a function, changes rows in a WITH.
			{Count: 7, Steps: []workload.Step{step("n", 99), step("w", 50)}},
			{Transaction: "commit", Count: 1, Steps: []workload.Step{step("call", 50), step("with", 50)}},
			// Requests that begin alike.
			{Transaction: "rollback", Count: 9, Steps: slices.Repeat([]workload.Step{step("w", 0), step("f", 0), step("j", 0), step("i", 0)}, 30)},
			{Transaction: "commit", Count: 1, MostIdleMS: 2500, Steps: []workload.Step{step("f", 0), step("i", 0)}},
			{Transaction: "rollback", Count: 1, MostIdleMS: 1500, Steps: []workload.Step{step("f", 0)}},
			{Transaction: "commit", Count: 1, MostIdleMS: 9000, Steps: []workload.Step{step("x", 0)}},
			{Transaction: "commit", Count: 1, MostIdleMS: 900, Steps: []workload.Step{step("f", 0)}},
		},
	}
	var got []string
	for _, f := range judge.Judge(w) {
		got = append(got, fmt.Sprintf("%s %v %d %d %s only reads %v", f.Rule, f.Queries, f.Count, f.Most, f.Sender, strings.HasPrefix(f.Instead, "it only reads")))
	}
	if diff := cmp.Diff([]string{
		"join-multiplies [j] 4 400 pagej only reads false",
		"query-for-each-row [n] 5 50 pagen only reads false",
		"transaction-idle [f i] 1 2500  only reads false",
		"transaction-idle [f] 1 1500  only reads true",
	}, got); diff != "" {
		t.Error(diff)
	}
}
