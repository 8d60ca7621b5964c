package apply_test

import (
	"errors"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/onward-sql/onward/apply"
	"github.com/onward-sql/onward/internal/pgserver/pgservertest"
	"github.com/onward-sql/onward/onward"
)

// abort takes the recorded migrations out of the tool's table again, so that the tool has them as pending. It refuses if a later one is
// recorded, and then changes nothing.
func TestAbortUnrecords(t *testing.T) {
	t.Parallel()
	const (
		versionTable = "CREATE TABLE schema_migrations (version bigint PRIMARY KEY, dirty boolean NOT NULL)"
		versionOf    = "SELECT version || ' ' || dirty FROM schema_migrations"
	)
	for name, tc := range map[string]struct {
		base, release              map[string]string
		prepare                    []string
		query, later, laterRemoved string
		before, recorded           []string
	}{
		"goose": {
			base: gooseBase, release: gooseRelease, prepare: []string{gooseTable, gooseFirst}, query: versions,
			later:        "INSERT INTO goose_db_version (version_id, is_applied) VALUES (7, true)",
			laterRemoved: "DELETE FROM goose_db_version WHERE version_id = 7",
			before:       []string{"0 true", "1 true"}, recorded: []string{"0 true", "1 true", "2 true"},
		},
		"golang-migrate": {
			base: map[string]string{"m/000001_a.up.sql": orders}, release: map[string]string{"m/000002_b.up.sql": "ALTER TABLE orders RENAME COLUMN note TO remark;\n"},
			prepare: []string{versionTable, "INSERT INTO schema_migrations VALUES (1, false)"}, query: versionOf,
			later: "UPDATE schema_migrations SET version = 7", laterRemoved: "UPDATE schema_migrations SET version = 2",
			before: []string{"1 false"}, recorded: []string{"2 false"},
		},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			db := pgservertest.Database(t, onward.NewestMajor)
			run(t, db, append([]string{orders}, tc.prepare...)...)
			c := inRepository(t, tc.base, tc.release, db)
			c.Through = onward.Backfill
			if r, err := apply.RunPlanAndRecord(t.Context(), c); err != nil || !r.Readiness[0].Migrate {
				t.Fatalf("apply through the backfill = %+v, %v, want it ready to migrate", r, err)
			}
			if diff := cmp.Diff(tc.recorded, content(t, db, tc.query)); diff != "" {
				t.Fatal(diff)
			}
			run(t, db, tc.later)
			refused := new(apply.RefusedError)
			if _, err := apply.Abort(t.Context(), apply.Config{DB: db}, ""); !errors.As(err, &refused) || !strings.Contains(refused.Text, "has 7, recorded after 0000") {
				t.Fatalf("a later migration: %v", err)
			}
			if list := content(t, db, "SELECT state FROM onward_ledger.plan"); list[0] != "running" {
				t.Errorf("the plan is %s", list[0])
			}
			run(t, db, tc.laterRemoved)
			if r, err := apply.Abort(t.Context(), apply.Config{DB: db}, ""); err != nil || r.State != onward.ApplyAbandoned {
				t.Fatalf("apply.Abort = %+v, %v, want it abandoned", r, err)
			}
			if diff := cmp.Diff(tc.before, content(t, db, tc.query)); diff != "" {
				t.Error(diff)
			}
		})
	}
}

// The schema serves the new code before a plan that only contracts: its migrations are recorded when it begins.
func TestRecordAtBegin(t *testing.T) {
	t.Parallel()
	db := pgservertest.Database(t, onward.NewestMajor)
	run(t, db, orders, gooseTable, gooseFirst)
	c := inRepository(t, gooseBase, map[string]string{"db/00002_b.sql": "-- +goose Up\nALTER TABLE orders DROP COLUMN note;\n"}, db)
	c.Through = onward.Backfill
	for range 2 {
		if r, err := apply.RunPlanAndRecord(t.Context(), c); err != nil || r.State == onward.ApplyDone || !r.Readiness[0].Migrate {
			t.Fatalf("apply through the backfill = %+v, %v, want it not done, and ready to migrate", r, err)
		}
		if diff := cmp.Diff([]string{"0 true", "1 true", "2 true"}, content(t, db, versions)); diff != "" {
			t.Fatal(diff)
		}
	}
	if r, err := apply.Abort(t.Context(), apply.Config{DB: db}, ""); err != nil || r.State != onward.ApplyAbandoned {
		t.Fatalf("apply.Abort = %+v, %v, want it abandoned", r, err)
	}
	if diff := cmp.Diff([]string{"0 true", "1 true"}, content(t, db, versions)); diff != "" {
		t.Error(diff)
	}
}
