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
	// mostOthers bounds the queries that touch nothing of the release: they get in nobody's
	// way, and are there so that the server is not idle.
	mostOthers = 60
	// trialTime bounds what the trial of all queries may take.
	trialTime = 20 * time.Second
	// Of a transaction, mostSteps queries are sent, each mostTimes in a row at most.
	mostSteps, mostTimes = 100, 10
	// longestPause bounds for how long a transaction is open and idle in all.
	longestPause = 200 * time.Millisecond
)

// record makes a load of recordings; nil where there is none.
func (l *Load) record(ctx context.Context, catalogs *pgx.Conn, config *pgx.ConnConfig, c Config) (*deck, error) {
	if len(c.Recordings) == 0 {
		return nil, nil
	}
	load, err := workload.MergeAll(c.Recordings...)
	if err != nil {
		return nil, fmt.Errorf("put the recordings together: %w", err)
	}
	var left leftOut
	queries := sift(load, &left)
	known, err := readKnown(ctx, catalogs, queries)
	if err != nil {
		return nil, err
	}
	touched := map[string]bool{}
	for _, r := range c.Relations {
		touched[r] = true
	}
	for _, q := range queries {
		q.place(known, touched)
	}
	sequences, unwrapped := transactions(load)
	queries = interesting(queries, sequences, &left)
	t := &trial{config: config, types: types{catalogs: catalogs, byOID: map[uint32]column{}, named: map[string]uint32{}}, known: known, seed: c.Seed, workers: c.Workers, rnd: rand.New(rand.NewPCG(c.Seed, 1)), logger: l.logger}
	fit, err := t.all(ctx, queries, &left)
	if err != nil {
		return nil, err
	}
	d := newDeck(fit, sequences, touched)
	d.read = t.read
	out := &Recorded{Unwrapped: unwrapped, Run: len(fit), Left: left.sorted(), Sent: map[string]int64{}}
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

// transactions are the recorded ones that the code made. Where more were rolled back than
// committed, a suite wraps its tests so: they are none of the code's, and unwrapped says so.
func transactions(load *workload.Workload) (out []*workload.Sequence, unwrapped bool) {
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

// interesting are the queries to try: those that touch the release, those that stand in
// one transaction with one, and of the others those that are sent most. The first come
// first, as the time for trials is bounded.
func interesting(queries []*recorded, sequences []*workload.Sequence, left *leftOut) []*recorded {
	byID, beside := map[string]*recorded{}, map[string]bool{}
	for _, q := range queries {
		byID[q.ID] = q
	}
	for _, s := range sequences {
		if slices.ContainsFunc(s.Steps, func(step workload.Step) bool { q := byID[step.Query]; return q != nil && q.touches }) {
			for _, step := range s.Steps {
				beside[step.Query] = true
			}
		}
	}
	rank := func(q *recorded) int {
		switch {
		case q.touches:
			return 0
		case beside[q.ID]:
			return 1
		}
		return 2
	}
	slices.SortStableFunc(queries, func(a, b *recorded) int {
		return cmp.Or(cmp.Compare(rank(a), rank(b)), cmp.Compare(b.Calls, a.Calls))
	})
	var out []*recorded
	others := 0
	for _, q := range queries {
		if rank(q) == 2 {
			if others++; others > mostOthers {
				left.add(q, leftRare, nil)
				continue
			}
		}
		out = append(out, q)
	}
	return out
}
