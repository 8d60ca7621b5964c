package ledger_test

import (
	"encoding/json"
	"os"
	"testing"

	"github.com/onward-sql/onward/internal/ledger"
	"github.com/onward-sql/onward/onward"
)

// The digest of a plan's file stays the same in later releases: what they add to a plan must be omitted from its JSON if it is empty.
// Bytes that are not UTF-8 change nothing, and what apply or plan --write adds neither.
func TestDigest(t *testing.T) {
	t.Parallel()
	text, err := os.ReadFile("../../apply/testdata/older/plan.json")
	if err != nil {
		t.Fatal(err)
	}
	var p onward.Plan
	if err := json.Unmarshal(text, &p); err != nil {
		t.Fatal(err)
	}
	digest := func(p *onward.Plan) string {
		t.Helper()
		d, err := ledger.PlanDigest(p)
		if err != nil {
			t.Fatal(err)
		}
		return d
	}
	first := digest(&p)
	if want := "d6387ff3959fb0aa5aaea824b0ac95094b5402bf05a03f8d04c8bab46dc3652e"; first != want {
		t.Errorf("%s, want %s", first, want)
	}
	p.Name, p.Dir, p.Commit, p.Files, p.Digest = "a", "db", "c", []onward.PlanFile{{Path: "x"}}, first
	s := &p.Steps[0]
	s.Begin, s.Record, s.Files, s.ByHand, s.Ran = "a", "b", []onward.PlanFile{{Path: "y"}}, "why", true
	if digest(&p) != first {
		t.Error("what apply and plan --write add changes it")
	}
	s.Why = "odd \xff"
	odd := digest(&p)
	encoded, err := json.Marshal(&p)
	if err != nil {
		t.Fatal(err)
	}
	var read onward.Plan
	if err := json.Unmarshal(encoded, &read); err != nil {
		t.Fatal(err)
	}
	if digest(&read) != odd || odd == first {
		t.Error("it is another one after its JSON was read")
	}
}
