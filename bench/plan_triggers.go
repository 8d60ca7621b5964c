//go:build unix

package main

import (
	"fmt"
	"math/rand/v2"
	"slices"
	"sync"
	"sync/atomic"
	"time"

	"github.com/onward-sql/onward/bench/measure"
	"github.com/onward-sql/onward/internal/pgserver"
	"github.com/onward-sql/onward/onward"
	"github.com/onward-sql/onward/plan"
)

// The load: sessions that update a row by its key, each UPDATE a transaction.
const (
	updateSessions = 4
	updateTime     = time.Second
	updatedRows    = 100_000
)

// measureTriggers measures by how many percent fewer UPDATEs of a column pass with the expand steps of a release than without, as the
// median of pairs that run in turn, and the second least and most.
func measureTriggers(b *measure.Bench, limit, label, sql string) {
	p, _, err := plan.Make(b, planConfig(b.GooseRelease(plannedBase, sql), true))
	measure.Check(err)
	setup := "SET search_path = public; " + plannedBase + fmt.Sprintf("INSERT INTO customers (id, email, country, note) "+
		"SELECT i, 'm' || i, 'SE', 'n' FROM generate_series(1, %d) AS i; ANALYZE;", updatedRows)
	server, baseDB, stop := b.StartServer(pgserver.Config{Major: 17})
	defer stop()
	b.Exec(server, baseDB, setup)
	for _, s := range p.Steps {
		if s.Phase == onward.Expand && !s.Repeat {
			setup += s.SQL
		}
	}
	triggerDB := measure.Must(server.NewDatabase(b, ""))
	b.Exec(server, triggerDB, setup)
	databases := [2]string{baseDB, triggerDB}
	var pairs []float64
	for round := range b.Rounds + 1 {
		var done [2]float64
		for n := range databases {
			i := (n + round) % 2
			done[i] = measureUpdateRate(b, server, databases[i])
		}
		if round > 0 {
			pairs = append(pairs, 100*(1-done[1]/done[0]))
		}
	}
	slices.Sort(pairs)
	b.Check(limit, label, pairs[len(pairs)/2], fmt.Sprintf("pairs %.1f to %.1f", pairs[min(1, len(pairs)-1)], pairs[max(len(pairs)-2, 0)]))
}

// measureUpdateRate returns how many UPDATEs pass in a second.
func measureUpdateRate(b *measure.Bench, server *pgserver.Server, database string) float64 {
	var all sync.WaitGroup
	var passed atomic.Int64
	failed := make(chan error, updateSessions)
	start := time.Now()
	for n := range updateSessions {
		all.Go(func() {
			failed <- measure.Catch(func() {
				conn := measure.Must(server.Connect(b, "", database))
				defer conn.Close(b)
				rng := rand.New(rand.NewPCG(1, uint64(n)))
				for i := 0; time.Since(start) < updateTime; i++ {
					measure.Must(conn.Exec(b, "UPDATE public.customers SET country = $1 WHERE id = $2", fmt.Sprint(i), 1+rng.IntN(updatedRows)))
					passed.Add(1)
				}
			})
		})
	}
	all.Wait()
	close(failed)
	for err := range failed {
		measure.Check(err)
	}
	return float64(passed.Load()) / time.Since(start).Seconds()
}
