package queuedb

import (
	"context"
	"encoding/json"
	"fmt"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/jackc/pgx/v5"

	"github.com/onward-sql/onward/apply"
	"github.com/onward-sql/onward/audit"
	"github.com/onward-sql/onward/internal/fleet"
	"github.com/onward-sql/onward/internal/gitrange/gittest"
	"github.com/onward-sql/onward/internal/pgserver/pgservertest"
	"github.com/onward-sql/onward/onward"
	"github.com/onward-sql/onward/plan"
	"github.com/onward-sql/onward/rehearse"
)

const accountTable = "CREATE TABLE account (id bigint PRIMARY KEY, nick text, amount int);\n"

// newAccountScene returns a release that fills a column, builds an index and validates a constraint in some schemas.
func newAccountScene(t *testing.T, schemas, rows int) *scene {
	t.Helper()
	dir := gittest.Commits(t, map[string]string{"migrations/00001_a.sql": "-- +goose Up\n" + accountTable},
		map[string]string{"migrations/00002_b.sql": "-- +goose Up\nALTER TABLE account RENAME COLUMN nick TO nickname;\n" +
			"CREATE INDEX account_amount ON account (amount);\nALTER TABLE account ADD CONSTRAINT positive CHECK (amount >= 0);\n"})
	p, _, err := plan.Make(t.Context(), plan.Config{
		Config: rehearse.Config{Config: audit.Config{Dir: dir, Base: "main", Head: "feature"}, Majors: []int{onward.NewestMajor}}, Sketch: true,
	})
	if err != nil {
		t.Fatal(err)
	}
	s := newScene(t, schemas)
	for i := range schemas {
		pgservertest.Exec(t, s.conn, fmt.Sprintf("SET search_path = tenant_%02d; %s INSERT INTO account SELECT n, 'nick ' || n, n FROM generate_series(1, %d) AS n; "+
			"RESET search_path", i+1, accountTable, rows))
	}
	if s.settings.Work, err = json.Marshal(p); err != nil {
		t.Fatal(err)
	}
	s.work = func(ctx context.Context, target *fleet.Target, slice *apply.Slice) error {
		var planCopy onward.Plan // each call has its own
		if err := json.Unmarshal(s.settings.Work, &planCopy); err != nil {
			return err
		}
		_, err := apply.Run(ctx, apply.Config{
			DB: target.Address, Schema: target.Schema, SearchPath: target.SearchPath(""), Plan: &planCopy, Unproven: "a sketch", Within: time.Minute, Slice: slice,
		})
		return err
	}
	return s
}

// A backfill takes many slices, between which it snoozes. Snoozes use no attempts. Index and constraint are made in the other queue. A
// lease that another process holds is waited for.
func TestBackfillInSlices(t *testing.T) {
	t.Parallel()
	const rows = 8000
	s := newAccountScene(t, 3, rows)
	s.sliceLength = time.Millisecond // one call of the engine, which takes a second at most
	q := s.open(t)
	var planCopy onward.Plan
	if err := json.Unmarshal(s.settings.Work, &planCopy); err != nil {
		t.Fatal(err)
	}
	holder, err := apply.Open(t.Context(), apply.Config{DB: s.db, Schema: "tenant_01", SearchPath: `"tenant_01"`, Plan: &planCopy, Unproven: "a sketch"})
	if err != nil {
		t.Fatal(err)
	}
	s.start(t, q, false)
	s.startWorker(t, q)
	s.startWorker(t, s.open(t))
	for end := time.Now().Add(20 * time.Second); ; time.Sleep(20 * time.Millisecond) {
		note := ask[string](t, q, "SELECT note FROM onward_queue.target WHERE name = 'tenant_01'")
		if strings.Contains(note, "is at work on this database") {
			break
		}
		if time.Now().After(end) {
			t.Fatalf("tenant_01 does not wait for the lease's holder: note %q\n%s", note, &s.log)
		}
	}
	holder.Close(t.Context())
	s.await(t, q, onward.RolloutDone)
	for i := range 3 {
		schema := pgx.Identifier{fmt.Sprintf("tenant_%02d", i+1)}.Sanitize()
		var got string
		if err := s.conn.QueryRow(t.Context(), strings.ReplaceAll(`SELECT format('%s right, %s valid indexes, %s valid constraints, %s attempts',
			(SELECT count(*) FROM @.account WHERE nickname = 'nick ' || id), (SELECT count(*) FROM pg_index WHERE indisvalid AND indrelid = '@.account'::regclass),
			(SELECT count(*) FROM pg_constraint WHERE convalidated AND conrelid = '@.account'::regclass AND contype = 'c'),
			(SELECT attempts FROM onward_fleet.target WHERE schema = '@'::regnamespace))`, "@", schema)).Scan(&got); err != nil {
			t.Fatal(err)
		}
		if want := fmt.Sprintf("%d right, 2 valid indexes, 1 valid constraints, 1 attempts", rows); got != want {
			t.Errorf("%s: %s, want %s", schema, got, want)
		}
	}
	if got := ask[string](t, q, `SELECT format('%s snoozed, attempts up to %s, long %s', count(*) FILTER (WHERE (metadata->>'snoozes')::int > 0) > 3, max(attempt),
		bool_or((args->>'long')::bool)) FROM onward_queue.river_job`); got != "t snoozed, attempts up to 1, long t" {
		t.Errorf("the jobs: %s, want snoozes, one attempt, and a long job", got)
	}
}

// Two releases of one queue that meet on the same targets never work on one of them at the same time.
func TestReleasesMeet(t *testing.T) {
	t.Parallel()
	s := newScene(t, 6)
	var mu sync.Mutex
	working, meetings := map[string]bool{}, 0
	s.work = func(ctx context.Context, target *fleet.Target, _ *apply.Slice) error {
		mu.Lock()
		if working[target.Name] {
			meetings++
		}
		working[target.Name] = true
		mu.Unlock()
		defer func() {
			mu.Lock()
			defer mu.Unlock()
			working[target.Name] = false
		}()
		return execIn(ctx, target, "SELECT pg_sleep(0.1)")
	}
	q := s.open(t)
	for _, release := range []string{"v3", "v2"} {
		s.config.Release = release
		s.settings.PerServer = 8
		s.start(t, q, false)
	}
	s.startWorker(t, q)
	s.startWorker(t, s.open(t))
	s.await(t, q, onward.RolloutDone)
	s.config.Release = "v3"
	s.await(t, q, onward.RolloutDone)
	if meetings > 0 {
		t.Errorf("%d meetings", meetings)
	}
	if !strings.Contains(s.log.String(), ", for the release v") && ask[int](t, q, "SELECT count(*) FROM onward_queue.river_job WHERE metadata ? 'snoozes'") == 0 {
		t.Error("the releases did not meet")
	}
}
