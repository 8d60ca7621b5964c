//go:build unix

package main

import (
	"context"
	"fmt"
	"io"
	"os"
	"time"

	"github.com/jackc/pgx/v5"

	"github.com/onward-sql/onward/audit"
	"github.com/onward-sql/onward/bench/measure"
	"github.com/onward-sql/onward/onward"
	"github.com/onward-sql/onward/record"
	"github.com/onward-sql/onward/rehearse"
	"github.com/onward-sql/onward/verify"
)

const (
	suiteTests   = 1000 // tests of the recorded suite, each a transaction
	replayPoints = 10   // migrations, after each of which the suite is replayed
)

// runSuite is the recorded suite: it sends eight statements in each of a thousand transactions, which are rolled back, as test suites do.
func runSuite([]string) {
	ctx := context.Background()
	conn := measure.Must(pgx.Connect(ctx, os.Getenv("DATABASE_URL")))
	defer conn.Close(ctx)
	for i := range suiteTests {
		tx := measure.Must(conn.Begin(ctx))
		for j := range 2 {
			var id int64
			var n int
			measure.Check(tx.QueryRow(ctx, "INSERT INTO rooms (name, beds) VALUES ($1, $2) RETURNING id", fmt.Sprintf("room %d", i), j).Scan(&id))
			measure.Must(tx.Exec(ctx, "UPDATE rooms SET beds = beds + $1 WHERE id = $2", i%5, id))
			measure.Must(tx.Exec(ctx, "INSERT INTO guests (room_id, email) VALUES ($1, $2)", id, fmt.Sprintf("guest%d@example.com", j)))
			measure.Check(tx.QueryRow(ctx, "SELECT count(*) FROM guests g JOIN rooms r ON r.id = g.room_id WHERE r.id = $1", id).Scan(&n))
		}
		measure.Check(tx.Rollback(ctx))
	}
}

// measureReplay replays the suite on the deployed schema and at ten commit points.
func measureReplay(b *measure.Bench) {
	files := map[string]string{}
	for i := range replayPoints {
		files[fmt.Sprintf("migrations/%05d_step.sql", i+2)] = fmt.Sprintf("-- +goose Up\nALTER TABLE rooms ADD COLUMN more%d text;\n", i)
	}
	dir := b.Repository(map[string]string{"migrations/00001_base.sql": `-- +goose Up
CREATE TABLE rooms (id bigserial PRIMARY KEY, name text NOT NULL, beds int NOT NULL);
CREATE TABLE guests (id bigserial PRIMARY KEY, room_id bigint NOT NULL REFERENCES rooms, email text NOT NULL);
CREATE INDEX ON guests (room_id);
`}, files)
	base := rehearse.Config{Config: audit.Config{Dir: dir, Base: "base", Head: "base"}}
	recorded := measure.Must(record.Run(b, record.Config{
		Command: []string{measure.Must(os.Executable()), "child-suite"}, Out: io.Discard, Err: os.Stderr, Transcript: true, Base: &base,
	}))
	measure.Check(recorded.Failed)
	start := time.Now()
	r := measure.Must(verify.Run(b, verify.Config{
		Config: rehearse.Config{Config: audit.Config{Dir: dir, Base: "base", Head: "main"}}, Old: []*verify.Workload{recorded.Workload},
		Transcripts: map[onward.Code][]*verify.Transcript{onward.OldCode: {recorded.Transcript}},
	}))
	took := time.Since(start)
	n := r.Verification.Replay
	if n == nil || n.Points != replayPoints || n.Statements < 10*suiteTests || n.Unlike > 0 || verify.FirstBreaking(r) != nil {
		measure.Check(fmt.Errorf("replayed %+v: %v", n, r.Verification.Notes))
	}
	b.Check("verify/replay", fmt.Sprintf("%d statements replayed at %d points", n.Statements, n.Points), took.Seconds())
}
