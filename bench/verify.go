//go:build unix

package main

import (
	"fmt"
	"strings"

	"github.com/onward-sql/onward/audit"
	"github.com/onward-sql/onward/bench/measure"
	"github.com/onward-sql/onward/bench/table"
	"github.com/onward-sql/onward/internal/workload"
	"github.com/onward-sql/onward/rehearse"
	"github.com/onward-sql/onward/verify"
)

const (
	recordedTables = 200 // tables that the recorded queries use
	commitPoints   = 30  // migrations of the release, each of which commits
)

// measureVerification measures what it costs to verify 5,000 distinct queries at 30 commit points: if each migration touches one table of
// two hundred, and if each touches the one that a tenth of all queries use. It also measures what it costs to replay a suite.
func measureVerification(b *measure.Bench) {
	spread := makeVerifiedRepository(b, func(i int) int { return i })
	hot := makeVerifiedRepository(b, func(int) int { return 0 })
	for _, c := range []struct {
		what, dir string
		queries   int
	}{
		{"1,000 queries, each migration another table", spread, 1000},
		{"5,000 queries, each migration another table", spread, 5000},
		{"5,000 queries, each migration the table of 500", hot, 5000},
	} {
		load := []*workload.Workload{makeRecording(c.queries)}
		var times []float64
		asked := 0
		for range b.Rounds {
			config := verify.Config{Config: rehearse.Config{Config: audit.Config{Dir: c.dir, Base: "base", Head: "main"}}, Old: load}
			v := measure.Must(verify.Run(b, config)).Verification
			if len(v.Points) != commitPoints+1 || v.Old.Queries != c.queries || v.Old.Unfit > 0 || v.Stopped != nil {
				measure.Check(fmt.Errorf("%d points, %+v, %v", len(v.Points), v.Old, v.Notes))
			}
			asked = 0
			for _, p := range v.Points {
				asked += p.Asked
			}
			times = append(times, v.DurationMS/1000)
		}
		b.Check("verify/queries", c.what, table.Median(times), fmt.Sprintf("%d asked", asked))
	}
	measureReplay(b)
}

// makeRecording has queries on all tables; a tenth of them on the first.
func makeRecording(n int) *workload.Workload {
	load := &workload.Workload{Schema: workload.Schema, Sources: []string{"bench"}}
	for i := range n {
		t, other := i%recordedTables, (i*7+1)%recordedTables
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

// makeVerifiedRepository has a base of tables, and a release of a migration for each point.
func makeVerifiedRepository(b *measure.Bench, table func(i int) int) string {
	var base strings.Builder
	for i := range recordedTables {
		fmt.Fprintf(&base, "CREATE TABLE t%d (id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY, a text NOT NULL, b int, c text, d timestamptz DEFAULT now(), "+
			"ref bigint%s);\nCREATE INDEX ON t%d (ref);\n", i, map[bool]string{true: fmt.Sprintf(" REFERENCES t%d", i-1)}[i > 0], i)
	}
	files := map[string]string{}
	for i := range commitPoints {
		files[fmt.Sprintf("migrations/%05d_step.sql", i+2)] = fmt.Sprintf("-- +goose Up\nALTER TABLE t%d ADD COLUMN more%d text;\n", table(i), i)
	}
	return b.Repository(map[string]string{"migrations/00001_base.sql": "-- +goose Up\n" + base.String()}, files)
}
