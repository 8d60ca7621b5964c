package main

import (
	"context"
	"errors"
	"fmt"
	"path/filepath"
	"slices"
	"strconv"

	"github.com/onward-sql/onward/bench/cost"
)

// The limits of backfills: how many rows a second as a part of pgroll's, how many times p99 at the
// default throttle, and what the process may take.
const (
	limitRate   = 1.0
	limitMemory = 60 << 20
	// batch is how many rows a batch has for both: pgroll's default.
	batch = 1000
)

// filled is a change whose backfill writes each row once.
const filled = "integer to bigint"

// unthrottled asks nobody.
var unthrottled = []string{
	"--max-lag", "0", "--max-slot-wal", "0", "--max-archive", "0", "--max-dead", "0", "--max-snapshot", "0",
	"--max-active", "0", "--yield-to-vacuum=false",
}

// compareBackfills measures how quick one is beside pgroll's, and what a load feels of one.
func (b *bench) compareBackfills(ctx context.Context) (missed bool, err error) {
	c := &changes[slices.IndexFunc(changes, func(c change) bool { return c.name == filled })]
	if err := b.makePlan(ctx, c, ""); err != nil {
		return false, err
	}
	var ours, theirs, times []float64
	var peak int64
	for range b.runs {
		u, err := b.measureAlone(ctx, c)
		if err != nil {
			return false, err
		}
		ours, peak = append(ours, float64(b.rows)/u.Wall.Seconds()), max(peak, u.Peak)
		if b.pgroll != "" {
			u, err := b.measurePgroll(ctx, c)
			if err != nil {
				return false, err
			}
			theirs = append(theirs, float64(b.rows)/u.Wall.Seconds())
		}
		without, with, u, err := b.measureUnderLoad(ctx, c)
		if err != nil {
			return false, err
		}
		fmt.Printf("without a backfill: %s\nbeside one: %s; %.0f rows in a second\n", without, with, float64(b.rows)/u.Wall.Seconds())
		times, peak = append(times, float64(with.p99)/float64(without.p99)), max(peak, u.Peak)
	}
	middle := func(list []float64) float64 { slices.Sort(list); return list[len(list)/2] }
	what := fmt.Sprintf("rows in a second, %d rows, batches of %d, unthrottled: onward", b.rows, batch)
	if theirs == nil {
		fmt.Printf("%-72s %10.0f\n", what, middle(ours))
	} else {
		ratio := middle(ours) / middle(theirs)
		fmt.Printf("%s %.0f, pgroll %.0f\n", what, middle(ours), middle(theirs))
		missed = printLine("onward's beside pgroll's", fmt.Sprintf("%.2f", ratio), fmt.Sprintf("%.2f", limitRate), ratio >= limitRate)
	}
	missed = printLine("p99 beside a backfill with the defaults, beside that without one", fmt.Sprintf("%.2f", middle(times)), fmt.Sprint(limitBeside),
		middle(times) <= limitBeside) || missed
	missed = printLine("memory of the process", fmt.Sprintf("%d MB", peak>>20), fmt.Sprintf("%d MB", limitMemory>>20), peak <= limitMemory) || missed
	return missed, nil
}

// onCopy does something on a copy of the filled database.
func (b *bench) onCopy(ctx context.Context, do func(url string) error) (err error) {
	database, err := b.server.NewDatabase(ctx, b.template)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, b.server.DropDatabase(context.WithoutCancel(ctx), database)) }()
	return do(b.server.URL(database))
}

// measureAlone is the backfill as quick as it goes, beside nothing: from the start of the process to its end.
func (b *bench) measureAlone(ctx context.Context, c *change) (u cost.Usage, err error) {
	err = b.onCopy(ctx, func(url string) error {
		for _, args := range [][]string{
			{"apply", "--db", url, "--plan", b.planFile(c), "--through", "expand"},
			{"backfill", "tune", "--db", url, "--rows", strconv.Itoa(batch), "--batch", "1s", "--rest", "0%"},
		} {
			if _, err := runProgram(ctx, b.dir, nil, b.onward, args...); err != nil {
				return err
			}
		}
		u, err = cost.Run(ctx, cost.Command{Name: "onward backfill", Path: b.onward, Dir: b.dir, Args: append([]string{"backfill", "--db", url}, unthrottled...)})
		return err
	})
	return u, err
}

// measurePgroll is the same by pgroll, whose start does it.
func (b *bench) measurePgroll(ctx context.Context, c *change) (u cost.Usage, err error) {
	err = b.onCopy(ctx, func(url string) error {
		if err := b.preparePgroll(ctx, c, url); err != nil {
			return err
		}
		file, err := b.writeOperations(c)
		if err != nil {
			return err
		}
		u, err = cost.Run(ctx, cost.Command{
			Name: "pgroll start",
			Path: b.tools.pgroll,
			Dir:  b.dir,
			Env:  b.pgrollEnv(url),
			Args: []string{"start", "--backfill-batch-size", strconv.Itoa(batch), file},
		})
		return err
	})
	return u, err
}

// measureUnderLoad is what a load feels without and beside a backfill with the defaults.
func (b *bench) measureUnderLoad(ctx context.Context, c *change) (without, with figures, u cost.Usage, err error) {
	err = b.onCopy(ctx, func(url string) error {
		if _, err := runProgram(ctx, b.dir, nil, b.onward, "apply", "--db", url, "--plan", b.planFile(c), "--through", "expand"); err != nil {
			return err
		}
		l, err := startLoad(ctx, url, b.rows, b.near, b.rate)
		if err != nil {
			return err
		}
		if err = sleepContext(ctx, warm); err == nil {
			l.resetCount()
			err = sleepContext(ctx, 3*quiet)
		}
		if err == nil {
			without, err = l.figuresSinceCount()
		}
		if err == nil {
			l.resetCount()
			u, err = cost.Run(ctx, cost.Command{
				Name: "onward backfill",
				Path: b.onward,
				Dir:  b.dir,
				Args: []string{"backfill", "--db", url, "--events", filepath.Join(b.dir, "backfill.events")},
			})
		}
		var ended error
		with, ended = l.stopClients()
		return errors.Join(err, ended)
	})
	return without, with, u, err
}
