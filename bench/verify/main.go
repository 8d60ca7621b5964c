// Command verify measures what it costs to verify 5,000 distinct queries at 30 commit
// points: where each migration touches one table of two hundred, and where each touches
// the one that a tenth of all queries use. It also measures what it costs to replay a suite
// of 10,000 statements at 10 points.
package main

import (
	"context"
	"flag"
	"fmt"
	"os"
	"path/filepath"
	"strings"

	"github.com/onward-sql/onward/audit"
	"github.com/onward-sql/onward/bench/release"
	"github.com/onward-sql/onward/bench/run"
	"github.com/onward-sql/onward/bench/table"
	"github.com/onward-sql/onward/internal/workload"
	"github.com/onward-sql/onward/rehearse"
	"github.com/onward-sql/onward/verify"
)

const (
	tables  = 200
	points  = 30
	limitMS = 20_000
)

func main() {
	if os.Getenv(suiteVariable) != "" {
		run.ExitIf(false, runSuite(context.Background()))
		return
	}
	rounds := flag.Int("rounds", 3, "rounds, of which the medians are printed")
	flag.Parse()
	run.ExitIf(runAll(context.Background(), *rounds))
}

func runAll(ctx context.Context, rounds int) (missed bool, err error) {
	dir, err := os.MkdirTemp("", "onward-bench-")
	if err != nil {
		return false, err
	}
	defer os.RemoveAll(dir)
	spread, hot := filepath.Join(dir, "spread"), filepath.Join(dir, "hot")
	if err := makeRepository(spread, func(i int) int { return i }); err != nil {
		return false, err
	}
	if err := makeRepository(hot, func(int) int { return 0 }); err != nil {
		return false, err
	}
	var t table.Table
	for _, c := range []struct {
		what    string
		dir     string
		queries int
		limit   float64
	}{
		{"1,000 queries, each migration another table", spread, 1000, limitMS},
		{"5,000 queries, each migration another table", spread, 5000, limitMS},
		{"5,000 queries, each migration the table of 500", hot, 5000, limitMS},
	} {
		load := []*workload.Workload{makeRecording(c.queries)}
		var times []float64
		asked := 0
		for range rounds {
			r, err := verify.Run(ctx, verify.Config{Config: rehearse.Config{Config: audit.Config{Dir: c.dir, Base: "base", Head: "main"}}, Old: load})
			if err != nil {
				return false, err
			}
			v := r.Verification
			if len(v.Points) != points+1 || v.Old.Queries != c.queries || v.Old.Unfit > 0 || v.Stopped != nil {
				return false, fmt.Errorf("%d points, %+v, %v", len(v.Points), v.Old, v.Notes)
			}
			asked = 0
			for _, p := range v.Points {
				asked += p.Asked
			}
			times = append(times, v.DurationMS)
		}
		median := table.Median(times)
		t.PrintLine(c.what, fmt.Sprintf("%d asked, %.2f s", asked, median/1000), median <= c.limit, fmt.Sprintf("%.0f s", c.limit/1000))
	}
	if err := measureReplay(ctx, filepath.Join(dir, "replay"), &t); err != nil {
		return false, err
	}
	return t.Missed, nil
}

// makeRecording has queries on all tables; a tenth of them on the first.
func makeRecording(n int) *workload.Workload {
	load := &workload.Workload{Schema: workload.Schema, Sources: []string{"bench"}}
	for i := range n {
		t, other := i%tables, (i*7+1)%tables
		if i%10 == 0 {
			t = 0
		}
		q := workload.Query{ID: fmt.Sprintf("%016x", i), Kind: workload.Select, Calls: int64(i), Named: true}
		switch i % 5 {
		case 0:
			q.SQL = fmt.Sprintf("SELECT a, b, c AS c%d FROM t%d WHERE id = $1", i, t)
		case 1:
			q.SQL = fmt.Sprintf("SELECT x.a, y.b AS b%d FROM t%d x JOIN t%d y ON y.id = x.ref WHERE x.b = $1 ORDER BY x.id LIMIT $2", i, t, other)
		case 2:
			q.SQL, q.Kind = fmt.Sprintf("INSERT INTO t%d (a, b) VALUES ($1, $2) RETURNING id AS id%d", t, i), workload.Insert
		case 3:
			q.SQL, q.Kind = fmt.Sprintf("UPDATE t%d SET c = $1 WHERE id = $2 RETURNING a AS a%d", t, i), workload.Update
		case 4:
			q.SQL = fmt.Sprintf("SELECT count(*) AS n%d FROM t%d WHERE ref IN (SELECT id FROM t%d WHERE a = $1)", i, t, other)
		}
		load.Queries = append(load.Queries, q)
	}
	return load
}

// makeRepository has a base of tables, and a release of a migration for each point.
func makeRepository(dir string, table func(i int) int) error {
	var base strings.Builder
	for i := range tables {
		fmt.Fprintf(&base, "CREATE TABLE t%d (id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY, a text NOT NULL, b int, c text, d timestamptz DEFAULT now(), "+
			"ref bigint%s);\nCREATE INDEX ON t%d (ref);\n", i, map[bool]string{true: fmt.Sprintf(" REFERENCES t%d", i-1)}[i > 0], i)
	}
	files := map[string]string{}
	for i := range points {
		files[fmt.Sprintf("migrations/%05d_step.sql", i+2)] = fmt.Sprintf("-- +goose Up\nALTER TABLE t%d ADD COLUMN more%d text;\n", table(i), i)
	}
	return release.Repository(dir, map[string]string{"migrations/00001_base.sql": "-- +goose Up\n" + base.String()}, files)
}
