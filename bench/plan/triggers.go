package main

import (
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"os"
	"slices"
	"sync"
	"sync/atomic"
	"time"

	"github.com/onward-sql/onward/internal/pgserver"
	"github.com/onward-sql/onward/onward"
	"github.com/onward-sql/onward/plan"
)

// The load: sessions that update a row by its key, each UPDATE a transaction.
const (
	sessions = 4
	lasts    = time.Second
	rows     = 100_000
)

// measureTriggers is by how many percent fewer UPDATEs of a column pass with the expand steps of a
// release than without, as the median of pairs that run in turn, and the second least and most.
func measureTriggers(ctx context.Context, sql string, rounds int) (percent float64, spread [2]float64, err error) {
	dir, err := os.MkdirTemp("", "onward-bench-")
	if err != nil {
		return 0, spread, err
	}
	defer os.RemoveAll(dir)
	if err := makeRepository(dir, base, sql); err != nil {
		return 0, spread, err
	}
	p, _, err := plan.Make(ctx, planConfig(dir, true))
	if err != nil {
		return 0, spread, err
	}
	server, err := pgserver.Start(ctx, pgserver.Config{Major: 17})
	if err != nil {
		return 0, spread, err
	}
	defer func() { err = errors.Join(err, server.Stop()) }()
	var databases [2]string
	for i := range databases {
		if databases[i], err = server.NewDatabase(ctx, ""); err != nil {
			return 0, spread, err
		}
		setup := "SET search_path = public; " + base + fmt.Sprintf("INSERT INTO customers (id, email, country, note) SELECT i, 'm' || i, 'SE', "+
			"'n' FROM generate_series(1, %d) AS i; ANALYZE;", rows)
		if i == 1 {
			for _, s := range p.Steps {
				if s.Phase == onward.Expand && !s.Repeat {
					setup += s.SQL
				}
			}
		}
		if err := prepareDatabase(ctx, server, databases[i], setup); err != nil {
			return 0, spread, err
		}
	}
	var pairs []float64
	for round := range rounds + 1 {
		var done [2]float64
		for n := range databases {
			i := (n + round) % 2
			if done[i], err = countUpdates(ctx, server, databases[i]); err != nil {
				return 0, spread, err
			}
		}
		if round > 0 {
			pairs = append(pairs, 100*(1-done[1]/done[0]))
		}
	}
	slices.Sort(pairs)
	return pairs[len(pairs)/2], [2]float64{pairs[min(1, len(pairs)-1)], pairs[max(len(pairs)-2, 0)]}, nil
}

func prepareDatabase(ctx context.Context, server *pgserver.Server, database, sql string) error {
	conn, err := server.Connect(ctx, "", database)
	if err != nil {
		return err
	}
	defer conn.Close(ctx)
	_, err = conn.PgConn().Exec(ctx, sql).ReadAll()
	return err
}

// countUpdates is how many UPDATEs pass in a second.
func countUpdates(ctx context.Context, server *pgserver.Server, database string) (float64, error) {
	var all sync.WaitGroup
	var passed atomic.Int64
	failed := make(chan error, sessions)
	begun := time.Now()
	for n := range sessions {
		all.Go(func() {
			failed <- func() error {
				conn, err := server.Connect(ctx, "", database)
				if err != nil {
					return err
				}
				defer conn.Close(ctx)
				rng := rand.New(rand.NewPCG(1, uint64(n)))
				for i := 0; time.Since(begun) < lasts; i++ {
					if _, err := conn.Exec(ctx, "UPDATE public.customers SET country = $1 WHERE id = $2", fmt.Sprint(i), 1+rng.IntN(rows)); err != nil {
						return err
					}
					passed.Add(1)
				}
				return nil
			}()
		})
	}
	all.Wait()
	close(failed)
	for err := range failed {
		if err != nil {
			return 0, err
		}
	}
	return float64(passed.Load()) / time.Since(begun).Seconds(), nil
}
