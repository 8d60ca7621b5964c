package traffic

import (
	"cmp"
	"context"
	"fmt"
	"math/rand/v2"
	"slices"
	"sort"
	"sync"
	"time"

	"github.com/jackc/pgx/v5"

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
	// all are the queries of touching. read are others on the same tables, which are never
	// executed.
	all, read []*recordedQuery

	mu sync.Mutex
	// due are the units of touching that have had fewer turns than atLeast.
	due []*unit
}

// newLoadMix groups the usable queries into transactions; queries outside of a transaction are
// sent by themselves.
func newLoadMix(fit []*recordedQuery, sequences []*workload.Sequence) *loadMix {
	d := &loadMix{}
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

const (
	// mostOthers limits the queries that do not touch the release. They block nobody, and
	// only keep the server busy.
	mostOthers = 60
	// trialTime limits the duration of the trial of all queries.
	trialTime = 20 * time.Second
	// A transaction is limited to mostSteps queries, each repeated at most mostTimes in a
	// row.
	mostSteps, mostTimes = 100, 10
	// longestPause limits the total time for which a transaction is idle.
	longestPause = 200 * time.Millisecond
)

// loadRecordings makes a load from recordings; nil if there are none.
func (l *Load) loadRecordings(ctx context.Context, catalogs *pgx.Conn, config *pgx.ConnConfig, c Config) (*loadMix, error) {
	if len(c.Recordings) == 0 {
		return nil, nil
	}
	load, err := workload.MergeAll(c.Recordings...)
	if err != nil {
		return nil, fmt.Errorf("put the recordings together: %w", err)
	}
	var left leftOut
	queries := selectRunnable(load, &left, false)
	known, err := readKnownRelations(ctx, catalogs, queries)
	if err != nil {
		return nil, err
	}
	touched := map[string]bool{}
	for _, r := range c.Relations {
		touched[r] = true
	}
	for _, q := range queries {
		q.locateRelations(known, touched)
	}
	sequences, unwrapped := codeTransactions(load)
	queries = queriesToTry(queries, sequences, &left)
	t := &trial{
		config:  config,
		types:   types{catalogs: catalogs, byOID: map[uint32]column{}, byName: map[string]uint32{}},
		known:   known,
		seed:    c.Seed,
		workers: c.Workers,
		rnd:     rand.New(rand.NewPCG(c.Seed, 1)),
		logger:  l.logger,
	}
	fit, err := t.tryAllQueries(ctx, queries, &left)
	if err != nil {
		return nil, err
	}
	d := newLoadMix(fit, sequences)
	d.read = t.read
	out := &Recorded{Unwrapped: unwrapped, Run: len(fit), Left: left.sortGroups(), Sent: map[string]int64{}}
	for i := range load.Queries {
		if load.Queries[i].IsCode() {
			out.Queries++
		}
	}
	for _, q := range fit {
		if q.touches {
			out.Touching++
		}
	}
	for _, u := range slices.Concat(d.touching.units, d.others.units) {
		if u.transaction {
			out.Transactions++
		}
	}
	l.rec.log.Recorded = out
	return d, nil
}

// codeTransactions returns the recorded transactions of the code. If more were rolled back than
// committed, a test suite wraps its tests so: these are not the code's own, and unwrapped is
// true.
func codeTransactions(load *workload.Workload) (out []*workload.Sequence, unwrapped bool) {
	var rolled, committed int64
	for i := range load.Sequences {
		switch s := &load.Sequences[i]; s.Transaction {
		case "rollback":
			rolled += s.Count
		case "commit":
			committed += s.Count
		}
	}
	unwrapped = rolled > committed
	for i := range load.Sequences {
		if s := &load.Sequences[i]; s.Transaction == "commit" || s.Transaction == "rollback" && !unwrapped {
			out = append(out, s)
		}
	}
	return out, unwrapped
}

// queriesToTry returns the queries to try: those that touch the release, those in a
// transaction with one, and the most frequent of the others. They are in this order, because
// the time for trials is limited.
func queriesToTry(queries []*recordedQuery, sequences []*workload.Sequence, left *leftOut) []*recordedQuery {
	byID, inTouchedSequence := map[string]*recordedQuery{}, map[string]bool{}
	for _, q := range queries {
		byID[q.ID] = q
	}
	for _, s := range sequences {
		if slices.ContainsFunc(s.Steps, func(step workload.Step) bool { q := byID[step.Query]; return q != nil && q.touches }) {
			for _, step := range s.Steps {
				inTouchedSequence[step.Query] = true
			}
		}
	}
	rank := func(q *recordedQuery) int {
		switch {
		case q.touches:
			return 0
		case inTouchedSequence[q.ID]:
			return 1
		}
		return 2
	}
	slices.SortStableFunc(queries, func(a, b *recordedQuery) int {
		return cmp.Or(cmp.Compare(rank(a), rank(b)), cmp.Compare(b.Calls, a.Calls))
	})
	var out []*recordedQuery
	untouchedCount := 0
	for _, q := range queries {
		if rank(q) == 2 {
			if untouchedCount++; untouchedCount > mostOthers {
				left.addQuery(q, leftRare, nil)
				continue
			}
		}
		out = append(out, q)
	}
	return out
}
