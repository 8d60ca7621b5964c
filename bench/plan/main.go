// Command plan measures the cost of a plan: a draft compared with the changelog of the same
// release, the files at a changelog's findings, the proof of ten statements, and the overhead
// of triggers that keep two columns equal on UPDATEs. It measures, too, how long a step holds a
// table with many partitions until its inventory is compared.
package main

import (
	"context"
	"flag"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"time"

	"github.com/onward-sql/onward/audit"
	"github.com/onward-sql/onward/bench/release"
	"github.com/onward-sql/onward/bench/run"
	"github.com/onward-sql/onward/bench/table"
	"github.com/onward-sql/onward/onward"
	"github.com/onward-sql/onward/plan"
	"github.com/onward-sql/onward/rehearse"
)

// The limits. Those for triggers are percent of the throughput.
const (
	limitSketch  = 50 * time.Millisecond
	limitProof   = 30 * time.Second
	limitOne     = 2 * time.Second
	limitTrigger = 10.0
	// limitRenamed is for UPDATEs of the renamed column itself. The aim was 10 %. But even a trigger that does nothing costs a part of
	// it, because the server locks and reads the row before the call. A WHEN condition instead of the function costs more than the call.
	limitRenamed = 25.0
)

const base = `CREATE TABLE customers (id bigint PRIMARY KEY, email text NOT NULL, country text, quota integer NOT NULL DEFAULT 5, note text);
CREATE TABLE orders (id bigint PRIMARY KEY, customer_id bigint NOT NULL, total integer NOT NULL, status text NOT NULL DEFAULT 'open');
CREATE INDEX orders_customer_id_idx ON orders (customer_id);
`

// ten is a release of ten statements.
const ten = `CREATE INDEX ON orders (status);
ALTER TABLE orders ADD CONSTRAINT orders_customer_fkey FOREIGN KEY (customer_id) REFERENCES customers (id);
ALTER TABLE orders ADD CONSTRAINT orders_total_check CHECK (total > -2147483648);
ALTER TABLE customers ADD COLUMN token uuid NOT NULL DEFAULT gen_random_uuid();
ALTER TABLE customers RENAME COLUMN country TO nation;
ALTER TABLE customers ALTER COLUMN quota TYPE bigint;
ALTER TABLE customers ADD COLUMN plan text NOT NULL DEFAULT 'free';
CREATE INDEX ON customers (email);
ALTER TABLE orders ALTER COLUMN status SET DEFAULT 'new';
ALTER TABLE customers DROP COLUMN note;
`

// rename is a release of one statement.
const rename = "ALTER TABLE customers RENAME COLUMN country TO nation;"

func main() {
	rounds := flag.Int("rounds", 11, "rounds, of which the medians are printed")
	flag.Parse()
	run.ExitIf(runAll(context.Background(), *rounds))
}

func runAll(ctx context.Context, rounds int) (missed bool, err error) {
	dir, err := os.MkdirTemp("", "onward-bench-")
	if err != nil {
		return false, err
	}
	defer os.RemoveAll(dir)
	if err := makeRepository(dir, base, ten); err != nil {
		return false, err
	}
	var t table.Table
	changelog, sketch, err := measureBoth(dir, rounds)
	if err != nil {
		return false, err
	}
	t.PrintLine("a sketch, beside the changelog of the same release", formatPair(sketch, changelog),
		sketch-changelog <= limitSketch, "+"+limitSketch.String())
	without, with, err := measureFiles(ctx, rounds)
	if err != nil {
		return false, err
	}
	t.PrintLine("a changelog of twenty findings with their files, and without", formatPair(with, without),
		with-without <= limitSketch, "+"+limitSketch.String())
	took, err := measureProof(ctx, dir)
	if err != nil {
		return false, err
	}
	t.PrintLine("the proof of ten statements", took.Round(10*time.Millisecond).String(), took <= limitProof, limitProof.String())
	if took, err = measureWarmProof(ctx, rename); err != nil {
		return false, err
	}
	t.PrintLine("the proof of one statement, warm", took.Round(10*time.Millisecond).String(), took <= limitOne, limitOne.String())
	for _, c := range []struct {
		what, release string
		limit         float64
	}{
		{"UPDATEs of one column that is renamed, its trigger's cost", rename, limitRenamed},
		{"UPDATEs of another column of that table", "ALTER TABLE customers RENAME COLUMN note TO remark;", limitTrigger},
	} {
		percent, spread, err := measureTriggers(ctx, c.release, rounds)
		if err != nil {
			return false, err
		}
		t.PrintLine(c.what, fmt.Sprintf("%.1f %% (pairs %.1f to %.1f)", percent, spread[0], spread[1]), percent <= c.limit, fmt.Sprintf("%.0f %%", c.limit))
	}
	for _, major := range []int{onward.OldestMajor, onward.NewestMajor} {
		took, err := measureComparison(ctx, major, rounds, compareColumn)
		if err != nil {
			return false, err
		}
		t.PrintLine(fmt.Sprintf("a column of %d partitions compared under the lock, on %d", partitions, major), took.Round(time.Millisecond).String(),
			took <= limitComparison, limitComparison.String())
		if took, err = measureComparison(ctx, major, rounds, recordExchange); err != nil {
			return false, err
		}
		t.PrintLine(fmt.Sprintf("an exchange for a table of %d partitions compared and recorded under the lock, on %d", partitions, major),
			took.Round(time.Millisecond).String(), took <= limitExchange, limitExchange.String())
	}
	return t.Missed, nil
}

func formatPair(a, b time.Duration) string {
	return a.Round(time.Millisecond).String() + ", " + b.Round(time.Millisecond).String()
}

// measureProof is how long a plan with its proof takes.
func measureProof(ctx context.Context, dir string) (time.Duration, error) {
	begun := time.Now()
	p, _, err := plan.Make(ctx, planConfig(dir, false))
	if err != nil {
		return 0, err
	}
	if !p.Proof.Proven {
		return 0, fmt.Errorf("the plan is not proven: %+v", p.Proof)
	}
	return time.Since(begun), nil
}

// measureWarmProof is how long the proof of a release takes when the cache has its base: the median of three.
func measureWarmProof(ctx context.Context, sql string) (time.Duration, error) {
	dir, err := os.MkdirTemp("", "onward-bench-")
	if err != nil {
		return 0, err
	}
	defer os.RemoveAll(dir)
	if err := makeRepository(dir, base, sql); err != nil {
		return 0, err
	}
	var times []time.Duration
	for round := range 4 {
		took, err := measureProof(ctx, dir)
		if err != nil {
			return 0, err
		}
		if round > 0 {
			times = append(times, took)
		}
	}
	return table.Median(times), nil
}

func planConfig(dir string, sketch bool) plan.Config {
	return plan.Config{Sketch: sketch, Config: rehearse.Config{Config: audit.Config{Dir: dir, Base: "base", Head: "main"}}}
}

// measureBoth is how long both commands take, from the start of the process to its end, in turn.
func measureBoth(dir string, rounds int) (changelog, sketch time.Duration, err error) {
	bin, err := filepath.Abs("bin/onward")
	if err != nil {
		return 0, 0, err
	}
	both := [][]string{{"changelog", "--base", "base", "--head", "main", "--fail-on", "never"}, {"plan", "--sketch", "--base", "base", "--head", "main"}}
	times := make([][]time.Duration, len(both))
	for round := range rounds + 1 {
		for i, args := range both {
			cmd := exec.Command(bin, args...)
			cmd.Dir = dir
			begun := time.Now()
			// A sketch is not proven, which the exit code says.
			if out, err := cmd.CombinedOutput(); err != nil && cmd.ProcessState.ExitCode() != 1 {
				return 0, 0, fmt.Errorf("onward %v: %w: %s", args, err, out)
			}
			if round > 0 {
				times[i] = append(times[i], time.Since(begun))
			}
		}
	}
	return table.Median(times[0]), table.Median(times[1]), nil
}

// makeRepository has a base and a release, a migration each.
func makeRepository(dir, base, sql string) error {
	return release.Repository(dir, map[string]string{"migrations/00001_step.sql": "-- +goose Up\n" + base},
		map[string]string{"migrations/00002_step.sql": "-- +goose Up\n" + sql})
}
