package main

import (
	"context"
	"fmt"
	"io"
	"os"
	"time"

	"github.com/jackc/pgx/v5"

	"github.com/onward-sql/onward/audit"
	"github.com/onward-sql/onward/bench/release"
	"github.com/onward-sql/onward/bench/table"
	"github.com/onward-sql/onward/onward"
	"github.com/onward-sql/onward/record"
	"github.com/onward-sql/onward/rehearse"
	"github.com/onward-sql/onward/verify"
)

const (
	suiteVariable = "ONWARD_BENCH_SUITE" // this program is the recorded suite
	suiteTests    = 1000
	replayPoints  = 10
	replayLimitMS = 60_000
)

// runSuite sends ten statements in each of a thousand transactions, which are rolled back, as test suites do.
func runSuite(ctx context.Context) error {
	conn, err := pgx.Connect(ctx, os.Getenv("DATABASE_URL"))
	if err != nil {
		return err
	}
	defer conn.Close(ctx)
	for i := range suiteTests {
		tx, err := conn.Begin(ctx)
		if err != nil {
			return err
		}
		for j := range 2 {
			var id int64
			if err := tx.QueryRow(ctx, "INSERT INTO rooms (name, beds) VALUES ($1, $2) RETURNING id", fmt.Sprintf("room %d", i), j).Scan(&id); err != nil {
				return err
			}
			if _, err := tx.Exec(ctx, "UPDATE rooms SET beds = beds + $1 WHERE id = $2", i%5, id); err != nil {
				return err
			}
			if _, err := tx.Exec(ctx, "INSERT INTO guests (room_id, email) VALUES ($1, $2)", id, fmt.Sprintf("guest%d@example.com", j)); err != nil {
				return err
			}
			var n int
			if err := tx.QueryRow(ctx, "SELECT count(*) FROM guests g JOIN rooms r ON r.id = g.room_id WHERE r.id = $1", id).Scan(&n); err != nil {
				return err
			}
		}
		if err := tx.Rollback(ctx); err != nil {
			return err
		}
	}
	return nil
}

// measureReplay replays the suite on the deployed schema and at ten commit points.
func measureReplay(ctx context.Context, dir string, t *table.Table) error {
	files := map[string]string{}
	for i := range replayPoints {
		files[fmt.Sprintf("migrations/%05d_step.sql", i+2)] = fmt.Sprintf("-- +goose Up\nALTER TABLE rooms ADD COLUMN more%d text;\n", i)
	}
	if err := release.Repository(dir, map[string]string{"migrations/00001_base.sql": `-- +goose Up
CREATE TABLE rooms (id bigserial PRIMARY KEY, name text NOT NULL, beds int NOT NULL);
CREATE TABLE guests (id bigserial PRIMARY KEY, room_id bigint NOT NULL REFERENCES rooms, email text NOT NULL);
CREATE INDEX ON guests (room_id);
`}, files); err != nil {
		return err
	}
	program, err := os.Executable()
	if err != nil {
		return err
	}
	base := rehearse.Config{Config: audit.Config{Dir: dir, Base: "base", Head: "base"}}
	recorded, err := record.Run(ctx, record.Config{
		Command: []string{program}, Env: []string{suiteVariable + "=1"}, Out: io.Discard, Err: os.Stderr, Transcript: true, Base: &base,
	})
	if err != nil {
		return err
	}
	if recorded.Failed != nil {
		return recorded.Failed
	}
	c := verify.Config{
		Config: rehearse.Config{Config: audit.Config{Dir: dir, Base: "base", Head: "main"}}, Old: []*verify.Workload{recorded.Workload},
		Transcripts: map[onward.Code][]*verify.Transcript{onward.OldCode: {recorded.Transcript}},
	}
	begun := time.Now()
	r, err := verify.Run(ctx, c)
	if err != nil {
		return err
	}
	n := r.Verification.Replay
	if n == nil || n.Points != replayPoints || n.Statements < 10*suiteTests || n.Unlike > 0 || verify.FirstBreaking(r) != nil {
		return fmt.Errorf("replayed %+v: %v", n, r.Verification.Notes)
	}
	took := float64(time.Since(begun).Milliseconds())
	t.PrintLine(fmt.Sprintf("%d statements replayed at %d points", n.Statements, n.Points), fmt.Sprintf("%.1f s", took/1000), took <= replayLimitMS,
		fmt.Sprintf("%d s", replayLimitMS/1000))
	return nil
}
