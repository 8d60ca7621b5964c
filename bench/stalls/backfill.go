package main

import (
	"context"
	"errors"
	"fmt"
	"path/filepath"
	"slices"
	"strconv"
	"time"

	"github.com/jackc/pgx/v5"

	"github.com/onward-sql/onward/bench/cost"
)

// The limits of backfills.
const (
	// limitRate is for the rows in a second as a part of pgroll's, limitPlain for those with the defaults as a part of the plain loop's.
	limitRate, limitPlain = 1.0, 0.7
	// limitTwo is for the rows in a second of two workers as a part of one worker's.
	limitTwo = 1.0
	// limitBeside is for the p99 of a load beside a backfill with the defaults, divided by its p99 beside the plain loop.
	limitBeside = 1.1
	limitMemory = 60 << 20
	// batch is the number of rows of a batch of the plain loop, of pgroll and of onward beside pgroll: pgroll's default.
	batch = 1000
)

// filled is a change whose backfill writes each row once.
const filled = "integer to bigint"

// unthrottled asks nobody.
var unthrottled = []string{
	"--max-lag", "0", "--max-slot-wal", "0", "--max-archive", "0", "--max-dead", "0", "--max-snapshot", "0",
	"--max-active", "0", "--yield-to-vacuum=false",
}

// backfillRun has the figures of one run: rows in a second, and times of the load.
type backfillRun struct {
	plain, defaults, two, tuned, pgroll float64
	quiet, besidePlain, beside          figures
	peak                                int64
}

// compareBackfills measures the speed of a backfill beside a plain loop's and pgroll's, and how it affects a load.
func (b *bench) compareBackfills(ctx context.Context) (missed bool, err error) {
	c := &changes[slices.IndexFunc(changes, func(c change) bool { return c.name == filled })]
	if err := b.makePlan(ctx, c, ""); err != nil {
		return false, err
	}
	var runs []backfillRun
	for range b.runs {
		r, err := b.runBackfills(ctx, c)
		if err != nil {
			return false, err
		}
		fmt.Printf("rows in a second: plain loop %.0f, onward with the defaults %.0f, with two workers %.0f, tuned %.0f, pgroll %.0f\n",
			r.plain, r.defaults, r.two, r.tuned, r.pgroll)
		fmt.Printf("%d clients alone: %s\nbeside the plain loop: %s\nbeside onward: %s\n", backfillClients, r.quiet, r.besidePlain, r.beside)
		runs = append(runs, r)
	}
	median := func(figure func(r *backfillRun) float64) float64 {
		var list []float64
		for i := range runs {
			list = append(list, figure(&runs[i]))
		}
		slices.Sort(list)
		return list[len(list)/2]
	}
	check := func(what string, limit float64, atLeast bool, figure func(r *backfillRun) float64) {
		ratio := median(figure)
		missed = printLine(what, fmt.Sprintf("%.2f", ratio), fmt.Sprintf("%.2f", limit), ratio == limit || (ratio > limit) == atLeast) || missed
	}
	check("rows in a second with the defaults, as a part of the plain loop's", limitPlain, true, func(r *backfillRun) float64 { return r.defaults / r.plain })
	check("rows in a second of two workers, as a part of one worker's", limitTwo, true, func(r *backfillRun) float64 { return r.two / r.defaults })
	check("p99 of the load beside onward, divided by that beside the plain loop", limitBeside, false,
		func(r *backfillRun) float64 { return float64(r.beside.p99) / float64(r.besidePlain.p99) })
	if b.pgroll != "" {
		check("rows in a second at batches of 1000, as a part of pgroll's", limitRate, true, func(r *backfillRun) float64 { return r.tuned / r.pgroll })
	}
	peak := int64(median(func(r *backfillRun) float64 { return float64(r.peak) }))
	missed = printLine("memory of the process", fmt.Sprintf("%d MB", peak>>20), fmt.Sprintf("%d MB", limitMemory>>20), peak <= limitMemory) || missed
	return missed, nil
}

// runBackfills runs each backfill once, each on its own copy.
func (b *bench) runBackfills(ctx context.Context, c *change) (r backfillRun, err error) {
	rate := func(d time.Duration) float64 { return float64(b.rows) / d.Seconds() }
	alone := func(figure *float64, run func(url string) (time.Duration, error)) {
		if err == nil {
			err = b.onExpanded(ctx, c, func(url string) error {
				took, err := run(url)
				*figure = rate(took)
				return err
			})
		}
	}
	alone(&r.plain, func(url string) (time.Duration, error) { return b.runPlainLoop(ctx, c, url) })
	alone(&r.defaults, func(url string) (time.Duration, error) {
		u, err := b.runStep(ctx, c, url, "--events", filepath.Join(b.dir, "alone.events"))
		r.peak = u.Peak
		return b.backfillTime(ctx, url, err)
	})
	alone(&r.two, func(url string) (time.Duration, error) {
		_, err := b.runStep(ctx, c, url, "--parallel", "2", "--events", filepath.Join(b.dir, "two.events"))
		return b.backfillTime(ctx, url, err)
	})
	alone(&r.tuned, func(url string) (time.Duration, error) {
		tune := []string{"backfill", "tune", "--db", url, "--rows", strconv.Itoa(batch), "--batch", "1s", "--rest", "0%"}
		if _, err := runProgram(ctx, b.dir, nil, b.onward, tune...); err != nil {
			return 0, err
		}
		u, err := b.runBackfill(ctx, url, unthrottled...)
		return u.Wall, err
	})
	if err == nil && b.pgroll != "" {
		var u cost.Usage
		u, err = b.measurePgroll(ctx, c)
		r.pgroll = rate(u.Wall)
	}
	if err == nil {
		r.quiet, r.besidePlain, err = b.measureUnderLoad(ctx, c, func(url string) error {
			_, err := b.runPlainLoop(ctx, c, url)
			return err
		})
	}
	if err == nil {
		_, r.beside, err = b.measureUnderLoad(ctx, c, func(url string) error {
			u, err := b.runStep(ctx, c, url, "--events", filepath.Join(b.dir, "backfill.events"))
			r.peak = max(r.peak, u.Peak)
			return err
		})
	}
	return r, err
}

// onExpanded does something on a copy of the filled database on which the expand of a change was made.
func (b *bench) onExpanded(ctx context.Context, c *change, do func(url string) error) error {
	return b.onCopy(ctx, func(url string) error {
		if _, err := runProgram(ctx, b.dir, nil, b.onward, "apply", "--db", url, "--plan", b.planFile(c), "--through", "expand"); err != nil {
			return err
		}
		return do(url)
	})
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

// runBackfill runs onward's backfills of a database, from the start of the process to its end.
func (b *bench) runBackfill(ctx context.Context, url string, flags ...string) (cost.Usage, error) {
	return cost.Run(ctx, cost.Command{Name: "onward backfill", Path: b.onward, Dir: b.dir, Args: append([]string{"backfill", "--db", url}, flags...)})
}

// runStep runs the backfill of a change with its comparison, and no step after it.
func (b *bench) runStep(ctx context.Context, c *change, url string, flags ...string) (cost.Usage, error) {
	step, err := b.readBackfill(c)
	if err != nil {
		return cost.Usage{}, err
	}
	args := append([]string{"apply", "--db", url, "--plan", b.planFile(c), "--to", step.ID}, flags...)
	return cost.Run(ctx, cost.Command{Name: "onward apply", Path: b.onward, Dir: b.dir, Args: args})
}

// backfillTime returns how long the backfill of a database took, with its comparison, as the ledger has it.
func (b *bench) backfillTime(ctx context.Context, url string, err error) (time.Duration, error) {
	if err != nil {
		return 0, err
	}
	conn, err := pgx.Connect(ctx, url)
	if err != nil {
		return 0, err
	}
	defer conn.Close(context.WithoutCancel(ctx))
	var seconds float64
	err = conn.QueryRow(ctx, "SELECT extract(epoch FROM ended - began)::float8 FROM onward_ledger.step WHERE rows > 0").Scan(&seconds)
	return time.Duration(seconds * float64(time.Second)), err
}

// measurePgroll runs pgroll's backfill, which is a part of its start.
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

// measureUnderLoad measures the same load without a backfill and beside it.
func (b *bench) measureUnderLoad(ctx context.Context, c *change, run func(url string) error) (without, with figures, err error) {
	err = b.onExpanded(ctx, c, func(url string) error {
		l, err := startLoad(ctx, url, b.rows, b.near, backfillClients, b.rate)
		if err != nil {
			return err
		}
		if err = sleepContext(ctx, warm); err == nil {
			l.resetCount()
			err = sleepContext(ctx, quiet)
		}
		if err == nil {
			without, err = l.figuresSinceCount()
		}
		if err == nil {
			l.resetCount()
			err = run(url)
		}
		var ended error
		with, ended = l.stopClients()
		return errors.Join(err, ended)
	})
	return without, with, err
}
