package traffic

import (
	"math/rand/v2"
	"slices"
	"sort"
	"sync"
	"time"

	"github.com/onward-sql/onward/internal/workload"
)

// unit is what a worker sends at once: a transaction of the recording, or a query.
type unit struct {
	steps       []step
	transaction bool
	touches     bool
	own         bool // it writes, so its rows are the worker's own
	// pause is for how long it is idle after each step.
	pause time.Duration
	// weight is how often it was seen.
	weight int64
	turns  int
}

type step struct {
	*recorded
	times int
}

// pile is units of one kind, to be drawn from.
type pile struct {
	units []*unit
	// sums are those of the weights up to each.
	sums []int64
}

func (p *pile) add(u *unit) {
	u.weight = max(u.weight, 1)
	p.units = append(p.units, u)
	p.sums = append(p.sums, p.weight()+u.weight)
}

func (p *pile) weight() int64 {
	if len(p.sums) == 0 {
		return 0
	}
	return p.sums[len(p.sums)-1]
}

// draw takes a unit by weight.
func (p *pile) draw(rnd *rand.Rand) *unit {
	at := rnd.Int64N(p.weight())
	return p.units[sort.Search(len(p.sums), func(i int) bool { return p.sums[i] > at })]
}

// Of the units that touch the release each gets atLeast turns before the recorded
// proportions have all the say; until then every second turn is for one that had fewest.
const atLeast = 2

// share is the part of the turns that what is not the release's recorded load gets, each:
// recorded queries that touch nothing of it, and made-up ones on what no recorded query
// works on.
const share = 4

// deck is what is to be sent.
type deck struct {
	touching, others pile
	touched          map[string]bool
	// all are the queries of touching; read others on the same tables, which are never run.
	all, read []*recorded

	mu sync.Mutex
	// due are the units of touching that have had fewer turns than atLeast.
	due []*unit
}

// newDeck puts the queries that fit into transactions; what was sent outside of these is
// sent by itself.
func newDeck(fit []*recorded, sequences []*workload.Sequence, touched map[string]bool) *deck {
	d := &deck{touched: touched}
	byID, within := map[string]*recorded{}, map[string]int64{}
	for _, q := range fit {
		byID[q.ID] = q
	}
	for _, s := range sequences {
		u := transaction(s, byID)
		if u == nil {
			continue
		}
		for _, st := range s.Steps {
			within[st.Query] += max(st.Times, 1) * s.Count
		}
		d.add(u)
	}
	for _, q := range fit {
		if alone := q.Calls - within[q.ID]; alone > 0 || within[q.ID] == 0 {
			d.add(&unit{steps: []step{{q, 1}}, touches: q.touches, own: q.kind == write, weight: alone})
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

func (d *deck) empty() bool {
	return d == nil || len(d.touching.units) == 0 && len(d.others.units) == 0
}

func (d *deck) add(u *unit) {
	if u.touches {
		d.touching.add(u)
		return
	}
	d.others.add(u)
}

// transaction is a sequence with the steps that fit; nil when none does.
func transaction(s *workload.Sequence, byID map[string]*recorded) *unit {
	u := &unit{transaction: true, weight: s.Count}
	for _, st := range s.Steps {
		q := byID[st.Query]
		if q == nil || len(u.steps) == mostSteps {
			continue
		}
		u.steps = append(u.steps, step{q, int(min(max(st.Times, 1), mostTimes))})
		u.touches, u.own = u.touches || q.touches, u.own || q.kind == write
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

// covered are the relations that recorded queries work on.
func (d *deck) covered() map[string]bool {
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

// choose takes what is to be sent next; nil is for a made-up query, of which there are
// some where madeUp says so.
func (d *deck) choose(rnd *rand.Rand, madeUp bool) *unit {
	if d == nil {
		return nil
	}
	touching, others := len(d.touching.units) > 0, len(d.others.units) > 0
	switch {
	case !touching && !others, madeUp && (rnd.IntN(share) == 0 || !touching && rnd.IntN(share) > 0):
		return nil
	}
	if others {
		// In proportion, but no more than the share; all, where nothing touches the release.
		part := float64(d.others.weight()) / float64(d.touching.weight()+d.others.weight())
		if !touching || rnd.Float64() < min(part, 1./share) {
			return d.others.draw(rnd)
		}
	}
	if u := d.next(rnd); u != nil {
		return u
	}
	return d.touching.draw(rnd)
}

// next is a unit that is still due, every second time.
func (d *deck) next(rnd *rand.Rand) *unit {
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
