//go:build unix

package main

import (
	"errors"
	"fmt"
	"strings"
	"time"

	"github.com/onward-sql/onward/audit"
	"github.com/onward-sql/onward/bench/measure"
	"github.com/onward-sql/onward/bench/table"
	"github.com/onward-sql/onward/onward"
	"github.com/onward-sql/onward/plan"
	"github.com/onward-sql/onward/rehearse"
)

const plannedBase = `CREATE TABLE customers (id bigint PRIMARY KEY, email text NOT NULL, country text, quota integer NOT NULL DEFAULT 5, note text);
CREATE TABLE orders (id bigint PRIMARY KEY, customer_id bigint NOT NULL, total integer NOT NULL, status text NOT NULL DEFAULT 'open');
CREATE INDEX orders_customer_id_idx ON orders (customer_id);
`

// tenStatements is a release of ten statements.
const tenStatements = `CREATE INDEX ON orders (status);
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

// renamedColumn is a release of one statement.
const renamedColumn = "ALTER TABLE customers RENAME COLUMN country TO nation;"

// measurePlans measures the cost of a plan: a sketch compared with the changelog of the same release, the files at a changelog's findings,
// the proof of ten statements and of one, and the overhead of triggers that keep two columns equal on UPDATEs. It measures, too, how long
// a step holds a table with many partitions until its inventory is compared.
func measurePlans(b *measure.Bench) {
	dir := b.GooseRelease(plannedBase, tenStatements)
	runOnward := func(args ...string) func() float64 {
		return func() float64 {
			// A sketch is not proven, which the exit code says.
			_, took := b.Run(measure.Command{Dir: dir, Fine: []int{1}}, b.Program(), append(args, "--base", "base", "--head", "main")...)
			return measure.Milliseconds(took)
		}
	}
	printOverhead(b, "plan/sketch", "a sketch, beside the changelog of the same release",
		measure.InTurn(b.Rounds, runOnward("changelog", "--fail-on", "never"), runOnward("plan", "--sketch")))
	printOverhead(b, "plan/files", "a changelog of twenty findings with their files, beside the same without", timeFiles(b))
	b.Check("plan/proof", "the proof of ten statements", timeProof(b, dir))
	dir = b.GooseRelease(plannedBase, renamedColumn)
	proveOnce := func() float64 { return timeProof(b, dir) }
	b.Check("plan/one", "the proof of one statement, warm", table.Median(measure.InTurn(3, proveOnce)[0]))
	measureTriggers(b, "plan/renamed", "UPDATEs of one column that is renamed, its trigger's cost", renamedColumn)
	measureTriggers(b, "plan/other", "UPDATEs of another column of that table", "ALTER TABLE customers RENAME COLUMN note TO remark;")
	for _, major := range []int{onward.OldestMajor, onward.NewestMajor} {
		measurePartitions(b, major)
	}
}

// printOverhead prints how much longer the second of two commands takes.
func printOverhead(b *measure.Bench, limit, label string, times [][]float64) {
	baseTime, changedTime := table.Median(times[0]), table.Median(times[1])
	b.Check(limit, label, changedTime-baseTime, fmt.Sprintf("%.0f and %.0f ms", changedTime, baseTime))
}

// timeProof returns how many seconds a plan with its proof takes.
func timeProof(b *measure.Bench, dir string) float64 {
	start := time.Now()
	p, _, err := plan.Make(b, planConfig(dir, false))
	measure.Check(err)
	if !p.Proof.Proven {
		measure.Check(fmt.Errorf("the plan is not proven: %+v", p.Proof))
	}
	return time.Since(start).Seconds()
}

func planConfig(dir string, sketch bool) plan.Config {
	return plan.Config{Sketch: sketch, Config: rehearse.Config{Config: audit.Config{Dir: dir, Base: "base", Head: "main"}}}
}

// timeFiles is how many milliseconds a changelog of twenty findings takes without and with the files at them, in one process.
func timeFiles(b *measure.Bench) [][]float64 {
	c := audit.Config{Dir: makeTwentyFindings(b), Base: "base", Head: "main"}
	return measure.InTurn(b.Rounds, func() float64 {
		start := time.Now()
		measure.Must(audit.Changelog(b, c))
		return measure.Milliseconds(time.Since(start))
	}, func() float64 {
		start := time.Now()
		r := measure.Must(plan.Changelog(b, c, true))
		files := 0
		for _, f := range r.Findings {
			files += len(f.Files)
		}
		if files == 0 {
			measure.Check(errors.New("no finding brings files"))
		}
		return measure.Milliseconds(time.Since(start))
	})
}

// makeTwentyFindings makes a release of twenty statements with one finding each, on separate tables, after a history of more tables.
func makeTwentyFindings(b *measure.Bench) string {
	base, found := map[string]string{}, []string{
		"CREATE INDEX ON t%d (a);", "ALTER TABLE t%d ADD CHECK (b > 0);", "ALTER TABLE t%d ADD CONSTRAINT t%[1]d_key UNIQUE (a);",
		"ALTER TABLE t%d ALTER COLUMN a SET NOT NULL;", "ALTER TABLE t%d RENAME COLUMN a TO c;",
	}
	var sql strings.Builder
	for i := range 300 {
		base[fmt.Sprintf("migrations/%05d_step.sql", i+1)] = fmt.Sprintf("-- +goose Up\nCREATE TABLE t%d (id bigint PRIMARY KEY, a text, "+
			"b integer NOT NULL DEFAULT 5, at timestamptz NOT NULL DEFAULT now());\nCREATE INDEX ON t%[1]d (b);\n", i)
	}
	for i := range 20 {
		fmt.Fprintf(&sql, found[i%len(found)]+"\n", i)
	}
	return b.Repository(base, map[string]string{"migrations/00301_step.sql": "-- +goose Up\n" + sql.String()})
}
