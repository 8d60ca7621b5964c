package traffic

import (
	"math/rand/v2"
	"slices"
	"sort"
	"sync"
	"time"

	"github.com/onward-sql/onward/internal/workload"
)

// unit is what a worker sends at once: a recorded transaction, or a query.
type unit struct {
	steps       []step
	transaction bool
	touches     bool // one of its queries uses a relation of the release
	ownRows     bool // it writes, so it uses rows that only this worker writes
	// pause is the idle time after each step.
	pause time.Duration
	// weight is how often it was recorded.
	weight int64
	turns  int // how often it was sent because it was due: see atLeast
}

type step struct {
	*recordedQuery
	times int
}

// unitPool is a set of units of one kind, for weighted random choice.
type unitPool struct {
	units []*unit
	// sums are the cumulative weights.
	sums []int64
}

func (p *unitPool) addUnit(u *unit) {
	u.weight = max(u.weight, 1)
	p.units = append(p.units, u)
	p.sums = append(p.sums, p.totalWeight()+u.weight)
}

func (p *unitPool) totalWeight() int64 {
	if len(p.sums) == 0 {
		return 0
	}
	return p.sums[len(p.sums)-1]
}

// pickUnit chooses a unit by weight.
func (p *unitPool) pickUnit(rnd *rand.Rand) *unit {
	offset := rnd.Int64N(p.totalWeight())
	return p.units[sort.Search(len(p.sums), func(i int) bool { return p.sums[i] > offset })]
}

// Each unit that touches the release gets atLeast turns before the recorded proportions
// alone decide. Until then, every second turn is for a unit with too few.
const atLeast = 2

// Two kinds of queries get one turn in share each: recorded queries that do not touch the
// release, and made-up queries on relations without recorded queries.
const share = 4

// loadMix holds everything that the workers may send.
type loadMix struct {
	touching, others unitPool
	touched          map[string]bool
	// all are the queries of touching. read are others on the same tables, which are never
	// executed.
	all, read []*recordedQuery

	mu sync.Mutex
	// due are the units of touching that have had fewer turns than atLeast.
	due []*unit
}

// newLoadMix groups the usable queries into transactions; queries outside of a transaction are
// sent by themselves.
func newLoadMix(fit []*recordedQuery, sequences []*workload.Sequence, touched map[string]bool) *loadMix {
	d := &loadMix{touched: touched}
	byID, sequenceCalls := map[string]*recordedQuery{}, map[string]int64{}
	for _, q := range fit {
		byID[q.ID] = q
	}
	for _, s := range sequences {
		u := newTransactionUnit(s, byID)
		if u == nil {
			continue
		}
		for _, st := range s.Steps {
			sequenceCalls[st.Query] += max(st.Times, 1) * s.Count
		}
		d.addUnit(u)
	}
	for _, q := range fit {
		if alone := q.Calls - sequenceCalls[q.ID]; alone > 0 || sequenceCalls[q.ID] == 0 {
			d.addUnit(&unit{steps: []step{{q, 1}}, touches: q.touches, ownRows: q.kind == write, weight: alone})
		}
	}
	d.due = slices.Clone(d.touching.units)
	for _, q := range fit {
		if q.touches {
			d.all = append(d.all, q)
		}
	}
	return d
}

func (d *loadMix) isEmpty() bool {
	return d == nil || len(d.touching.units) == 0 && len(d.others.units) == 0
}

func (d *loadMix) addUnit(u *unit) {
	if u.touches {
		d.touching.addUnit(u)
		return
	}
	d.others.addUnit(u)
}

// newTransactionUnit returns a sequence with its usable steps; nil if there is none.
func newTransactionUnit(s *workload.Sequence, byID map[string]*recordedQuery) *unit {
	u := &unit{transaction: true, weight: s.Count}
	for _, st := range s.Steps {
		q := byID[st.Query]
		if q == nil || len(u.steps) == mostSteps {
			continue
		}
		u.steps = append(u.steps, step{q, int(min(max(st.Times, 1), mostTimes))})
		u.touches, u.ownRows = u.touches || q.touches, u.ownRows || q.kind == write
	}
	if len(u.steps) == 0 {
		return nil
	}
	if s.Count > 0 {
		idle := time.Duration(s.IdleMS / float64(s.Count) * float64(time.Millisecond))
		u.pause = min(max(idle, 0), longestPause) / time.Duration(len(u.steps))
	}
	return u
}

// coveredRelations returns the relations that recorded queries use.
func (d *loadMix) coveredRelations() map[string]bool {
	out := map[string]bool{}
	for _, u := range d.touching.units {
		for _, s := range u.steps {
			for _, r := range s.origin.Relations {
				out[r] = true
			}
		}
	}
	return out
}

// chooseUnit returns the next unit; nil means a made-up query. madeUp says whether there are
// any.
func (d *loadMix) chooseUnit(rnd *rand.Rand, madeUp bool) *unit {
	if d == nil {
		return nil
	}
	touching, hasOthers := len(d.touching.units) > 0, len(d.others.units) > 0
	switch {
	case !touching && !hasOthers, madeUp && (rnd.IntN(share) == 0 || !touching && rnd.IntN(share) > 0):
		return nil
	}
	if hasOthers {
		// In proportion, up to the share; everything if nothing touches the release.
		part := float64(d.others.totalWeight()) / float64(d.touching.totalWeight()+d.others.totalWeight())
		if !touching || rnd.Float64() < min(part, 1./share) {
			return d.others.pickUnit(rnd)
		}
	}
	if u := d.takeDueUnit(rnd); u != nil {
		return u
	}
	return d.touching.pickUnit(rnd)
}

// takeDueUnit returns a unit that is still due, every second time.
func (d *loadMix) takeDueUnit(rnd *rand.Rand) *unit {
	d.mu.Lock()
	defer d.mu.Unlock()
	if len(d.due) == 0 || rnd.IntN(2) == 0 {
		return nil
	}
	u := d.due[0]
	d.due = d.due[1:]
	if u.turns++; u.turns < atLeast {
		d.due = append(d.due, u)
	}
	return u
}
