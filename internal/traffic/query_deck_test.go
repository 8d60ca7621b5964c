package traffic

import (
	"fmt"
	"math"
	"math/rand/v2"
	"testing"

	"github.com/onward-sql/onward/internal/workload"
)

// Whatever was recorded, each query and transaction of the release's comes up in its
// proportion, all of them at all, and what touches nothing in no more than its share.
func TestProportions(t *testing.T) {
	t.Parallel()
	for seed := range uint64(60) {
		rnd := rand.New(rand.NewPCG(seed, 1))
		var fit []*recordedQuery
		var sequences []*workload.Sequence
		sum := 0.0
		want := map[string]float64{}
		for i := range 1 + rnd.IntN(12) {
			q := &recordedQuery{Query: &workload.Query{ID: fmt.Sprint(i), Calls: 1 + rnd.Int64N(1000)}, touches: i == 0 || rnd.IntN(3) > 0, origin: &Origin{}}
			fit = append(fit, q)
			if rnd.IntN(3) == 0 {
				// All of its calls but one are in a transaction.
				s := &workload.Sequence{Transaction: "commit", Count: q.Calls - 1, Steps: []workload.Step{{Query: q.ID}}}
				if s.Count > 0 {
					sequences = append(sequences, s)
				}
			}
			if q.touches {
				want[q.ID] = float64(q.Calls)
				sum += float64(q.Calls)
			}
		}
		d := newLoadMix(fit, sequences)
		const draws = 20_000
		got, untouchedCount, madeUpCount := map[string]int{}, 0, 0
		for range draws {
			switch u := d.chooseUnit(rnd, true); {
			case u == nil:
				madeUpCount++
			case !u.touches:
				untouchedCount++
			default:
				got[u.steps[0].ID]++
			}
		}
		if madeUpCount < draws/share*9/10 || madeUpCount > draws/share*11/10 {
			t.Errorf("seed %d: %d of %d for what was not recorded", seed, madeUpCount, draws)
		}
		if untouchedCount > draws/share {
			t.Errorf("seed %d: %d of %d touch nothing", seed, untouchedCount, draws)
		}
		n := float64(draws - madeUpCount - untouchedCount)
		for id, calls := range want {
			p := calls / sum
			// The first turns are for each of them alike.
			slack := 5*math.Sqrt(n*p*(1-p)) + 8*float64(len(fit))
			if diff := math.Abs(float64(got[id]) - n*p); diff > slack || got[id] == 0 {
				t.Errorf("seed %d: query %s came %d times of %.0f, want %.0f ± %.0f", seed, id, got[id], n, n*p, slack)
			}
		}
	}
}

// However rare a query is, it has its turn soon.
func TestEachHasItsTurn(t *testing.T) {
	t.Parallel()
	fit := []*recordedQuery{{Query: &workload.Query{ID: "often", Calls: 1e9}, touches: true, origin: &Origin{}}}
	for i := range 50 {
		fit = append(fit, &recordedQuery{Query: &workload.Query{ID: fmt.Sprint(i), Calls: 1}, touches: true, origin: &Origin{}})
	}
	d := newLoadMix(fit, nil)
	rnd := rand.New(rand.NewPCG(1, 1))
	got := map[string]int{}
	for range 400 {
		got[d.chooseUnit(rnd, false).steps[0].ID]++
	}
	for _, q := range fit {
		if got[q.ID] < atLeast {
			t.Errorf("%s came %d times", q.ID, got[q.ID])
		}
	}
}

// A suite that wraps each test in a transaction says nothing of the code's transactions.
func TestTransactionsOfASuite(t *testing.T) {
	t.Parallel()
	load := &workload.Workload{Sequences: []workload.Sequence{{Transaction: "rollback", Count: 10}, {Transaction: "commit", Count: 3}, {Count: 50}}}
	if list, unwrapped := codeTransactions(load); len(list) != 1 || list[0].Transaction != "commit" || !unwrapped {
		t.Errorf("%d transactions, unwrapped %t", len(list), unwrapped)
	}
	load.Sequences[1].Count = 11
	if list, unwrapped := codeTransactions(load); len(list) != 2 || unwrapped {
		t.Errorf("%d transactions, unwrapped %t", len(list), unwrapped)
	}
}
