package stalls

import (
	"context"
	"fmt"
	"path/filepath"
	"slices"
	"strconv"
	"time"

	"github.com/jackc/pgx/v5"

	"github.com/onward-sql/onward/bench/cost"
	"github.com/onward-sql/onward/bench/measure"
	"github.com/onward-sql/onward/bench/table"
)

// batch is the number of rows of a batch of the plain loop, of pgroll and of onward beside pgroll: pgroll's default.
const batch = 1000

// filled is a change whose backfill writes each row once.
const filled = "integer to bigint"

// unthrottled are flags of onward backfill that turn off every throttle: it never waits for replicas, WAL, dead rows or load.
var unthrottled = []string{
	"--max-lag", "0", "--max-slot-wal", "0", "--max-archive", "0", "--max-dead", "0", "--max-snapshot", "0",
	"--max-active", "0", "--yield-to-vacuum=false",
}

// backfillRun has the figures of one run.
type backfillRun struct {
	plain, defaults, two, tuned, pgroll float64 // rows in a second: of the plain loop, of onward with three settings, and of pgroll
	quiet, besidePlain, beside          figures // of the load: alone, during the plain loop, and during onward
	peak                                int64   // memory of onward, in bytes
}

// MeasureBackfills measures the speed of a backfill beside a plain loop's and pgroll's, and how it affects a load.
func MeasureBackfills(m *measure.Bench) {
	b, stop := newBench(m)
	defer stop()
	c := &changes[slices.IndexFunc(changes, func(c change) bool { return c.name == filled })]
	measure.Check(b.makePlan(b, c, ""))
	var runs []backfillRun
	for range b.Rounds {
		r := b.runBackfills(c)
		fmt.Printf("rows in a second: plain loop %.0f, onward with the defaults %.0f, with two workers %.0f, tuned %.0f, pgroll %.0f\n",
			r.plain, r.defaults, r.two, r.tuned, r.pgroll)
		fmt.Printf("%d clients alone: %s\nbeside the plain loop: %s\nbeside onward: %s\n", backfillClients, r.quiet, r.besidePlain, r.beside)
		runs = append(runs, r)
	}
	check := func(limit, label string, figure func(r *backfillRun) float64) {
		var list []float64
		for i := range runs {
			list = append(list, figure(&runs[i]))
		}
		b.Check(limit, label, table.Median(list))
	}
	check("backfill/rate", "rows in a second with the defaults, beside the plain loop", func(r *backfillRun) float64 { return r.defaults / r.plain })
	check("backfill/two", "rows in a second of two workers, beside one worker", func(r *backfillRun) float64 { return r.two / r.defaults })
	check("backfill/load", "p99 of the load beside onward, divided by that beside the loop",
		func(r *backfillRun) float64 { return float64(r.beside.p99) / float64(r.besidePlain.p99) })
	if b.pgroll != "" {
		check("backfill/pgroll", "rows in a second at batches of 1000, beside pgroll", func(r *backfillRun) float64 { return r.tuned / r.pgroll })
	}
	check("backfill/memory", "memory of the process", func(r *backfillRun) float64 { return float64(r.peak) / (1 << 20) })
}

// runBackfills runs each backfill once, each on its own copy.
func (b *bench) runBackfills(c *change) (r backfillRun) {
	rate := func(d time.Duration) float64 { return float64(b.rows) / d.Seconds() }
	alone := func(figure *float64, run func(url string) time.Duration) {
		b.withExpandedCopy(c, func(url string) { *figure = rate(run(url)) })
	}
	alone(&r.plain, func(url string) time.Duration { return b.runPlainLoop(c, url) })
	alone(&r.defaults, func(url string) time.Duration {
		r.peak = b.runBackfillStep(c, url, "--events", filepath.Join(b.dir, "alone.events")).Peak
		return b.readBackfillTime(url)
	})
	alone(&r.two, func(url string) time.Duration {
		b.runBackfillStep(c, url, "--parallel", "2", "--events", filepath.Join(b.dir, "two.events"))
		return b.readBackfillTime(url)
	})
	alone(&r.tuned, func(url string) time.Duration {
		b.Run(measure.Command{Dir: b.dir}, b.onward, "backfill", "tune", "--db", url, "--rows", strconv.Itoa(batch), "--batch", "1s", "--rest", "0%")
		return b.runOnward(append([]string{"backfill", "--db", url}, unthrottled...)).Wall
	})
	if b.pgroll != "" {
		r.pgroll = rate(b.measurePgroll(c).Wall)
	}
	r.quiet, r.besidePlain = b.measureUnderLoad(c, func(url string) { b.runPlainLoop(c, url) })
	_, r.beside = b.measureUnderLoad(c, func(url string) {
		r.peak = max(r.peak, b.runBackfillStep(c, url, "--events", filepath.Join(b.dir, "backfill.events")).Peak)
	})
	return r
}

// withExpandedCopy does something on a copy of the filled database on which the expand of a change was made.
func (b *bench) withExpandedCopy(c *change, fn func(url string)) {
	b.withCopy(func(url string) {
		b.Run(measure.Command{Dir: b.dir}, b.onward, "apply", "--db", url, "--plan", b.planFile(c), "--through", "expand")
		fn(url)
	})
}

// runOnward runs a command of onward, from the start of the process to its end.
func (b *bench) runOnward(args []string) cost.Usage {
	return measure.Must(cost.Run(b, cost.Command{Name: "onward " + args[0], Path: b.onward, Dir: b.dir, Args: args}))
}

// runBackfillStep runs the backfill of a change with its comparison, and no step after it.
func (b *bench) runBackfillStep(c *change, url string, flags ...string) cost.Usage {
	return b.runOnward(append([]string{"apply", "--db", url, "--plan", b.planFile(c), "--to", b.readBackfillStep(c).ID}, flags...))
}

// readBackfillTime returns how long the backfill of a database took, with its comparison, as the ledger has it.
func (b *bench) readBackfillTime(url string) time.Duration {
	conn := measure.Must(pgx.Connect(b, url))
	defer conn.Close(context.WithoutCancel(b))
	var seconds float64
	measure.Check(conn.QueryRow(b, "SELECT extract(epoch FROM ended - began)::float8 FROM onward_ledger.step WHERE rows > 0").Scan(&seconds))
	return time.Duration(seconds * float64(time.Second))
}

// measurePgroll runs pgroll's backfill, which is a part of its start.
func (b *bench) measurePgroll(c *change) (u cost.Usage) {
	b.withCopy(func(url string) {
		measure.Check(b.preparePgroll(b, c, url))
		args := []string{"start", "--backfill-batch-size", strconv.Itoa(batch), b.writeOperations(c)}
		u = measure.Must(cost.Run(b, cost.Command{Name: "pgroll start", Path: b.tools.pgroll, Dir: b.dir, Env: b.pgrollEnv(url), Args: args}))
	})
	return u
}

// measureUnderLoad measures the same load without a backfill and beside it.
func (b *bench) measureUnderLoad(c *change, run func(url string)) (baseline, duringRun figures) {
	b.withExpandedCopy(c, func(url string) {
		l := b.startLoad(url, backfillClients, b.rate)
		defer l.stop()
		b.sleep(warm)
		l.resetCount()
		b.sleep(quiet)
		baseline = measure.Must(l.figuresSinceCount())
		l.resetCount()
		run(url)
		duringRun = measure.Must(l.stopClients())
	})
	return baseline, duringRun
}
