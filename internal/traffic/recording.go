package traffic

import (
	"cmp"
	"context"
	"fmt"
	"math/rand/v2"
	"slices"
	"time"

	"github.com/jackc/pgx/v5"

	"github.com/onward-sql/onward/internal/workload"
)

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
	d := newLoadMix(fit, sequences, touched)
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
