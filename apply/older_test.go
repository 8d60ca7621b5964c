package apply_test

import (
	"encoding/json"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/onward-sql/onward/apply"
	"github.com/onward-sql/onward/internal/pgserver/pgservertest"
	"github.com/onward-sql/onward/onward"
)

// older is a database on which an older onward, before plans had digests, began a plan or a migration: a dump of Postgres 15. The plan was not
// proven.
func older(t *testing.T, name string) string {
	t.Helper()
	text, err := os.ReadFile(filepath.Join("testdata/older", name+".sql"))
	if err != nil {
		t.Fatal(err)
	}
	db := pgservertest.Database(t, onward.NewestMajor)
	run(t, db, "DROP SCHEMA IF EXISTS onward_ledger", string(text))
	return db
}

func olderPlan(t *testing.T) *onward.Plan {
	t.Helper()
	text, err := os.ReadFile("testdata/older/plan.json")
	if err != nil {
		t.Fatal(err)
	}
	p := &onward.Plan{}
	if err := json.Unmarshal(text, p); err != nil {
		t.Fatal(err)
	}
	return p
}

// What an older onward began goes on: the plan was accepted then.
func TestOlderLedger(t *testing.T) {
	t.Parallel()
	contracted := func(t *testing.T, db string) {
		t.Helper()
		list, err := apply.Continue(t.Context(), apply.Config{DB: db, Through: onward.Contract}, "")
		if err != nil || len(list) != 1 || list[0].State != onward.ApplyDone || list[0].Plan != "152a4d825d022326" {
			t.Fatalf("the contract of an older plan = %+v, %v, want 152a4d825d022326 done", list, err)
		}
		if diff := cmp.Diff([]string{"note 1", "note 2", "note 3"}, content(t, db, "SELECT remark FROM orders WHERE id < 4 ORDER BY id")); diff != "" {
			t.Error(diff)
		}
		if diff := cmp.Diff([]string{"0 true", "1 true", "2 true"}, content(t, db, versions)); diff != "" {
			t.Error(diff)
		}
	}
	t.Run("apply", func(t *testing.T) {
		t.Parallel()
		db := older(t, "half")
		if r, err := apply.Run(t.Context(), apply.Config{
			DB:   db,
			Plan: olderPlan(t),
		}); err != nil || r.Steps[4].State != onward.ApplyDone || r.Plan != "152a4d825d022326" {
			t.Fatalf("apply an older plan = %+v, %v, want step 5 of 152a4d825d022326 done", r, err)
		}
		contracted(t, db)
	})
	t.Run("contract", func(t *testing.T) {
		t.Parallel()
		db := older(t, "filled")
		// The dump made the triggers again, so that the rows must be compared again.
		if _, err := apply.Verify(t.Context(), apply.Config{DB: db}, ""); err != nil {
			t.Fatal(err)
		}
		contracted(t, db)
	})
	t.Run("abort", func(t *testing.T) {
		t.Parallel()
		for _, name := range []string{"half", "filled"} {
			db := older(t, name)
			if r, err := apply.Abort(t.Context(), apply.Config{DB: db}, ""); err != nil || r.State != onward.ApplyAbandoned {
				t.Fatalf("abort %s = %+v, %v, want it abandoned", name, r, err)
			}
			if diff := cmp.Diff([]string{
				"id", "customer_id", "note",
			}, content(t, db, "SELECT attname::text FROM pg_attribute WHERE attrelid = 'orders'::regclass AND attnum > 0 AND NOT attisdropped ORDER BY attnum")); diff != "" {
				t.Error(diff)
			}
		}
	})
	t.Run("pending", func(t *testing.T) {
		t.Parallel()
		db := older(t, "pending")
		run(t, db, "CREATE TABLE gate ()")
		text, err := os.ReadFile("testdata/older/00002_b.sql")
		if err != nil {
			t.Fatal(err)
		}
		dir := repository(t, map[string]string{
			"db/00001_a.sql": "-- +goose Up\nCREATE TABLE customers (id bigint PRIMARY KEY);\n" +
				"CREATE TABLE orders (id bigint PRIMARY KEY, customer_id bigint, note text);\n",
			"db/00002_b.sql": string(text),
		})
		c := pendingOf(dir, db, "")
		c.AcceptFindings = true
		if r, err := apply.Pending(t.Context(), c); err != nil || r.State != onward.ApplyDone {
			t.Fatalf("apply.Pending = %+v, %v, want it done", r, err)
		}
		if diff := cmp.Diff([]string{"7"}, content(t, db, "SELECT amount::text FROM orders WHERE id = 1")); diff != "" {
			t.Error(diff)
		}
	})
	t.Run("not begun", func(t *testing.T) {
		t.Parallel()
		db := pgservertest.Database(t, onward.NewestMajor)
		run(t, db, orders)
		if _, err := apply.Run(t.Context(), apply.Config{
			DB:   db,
			Plan: olderPlan(t),
		}); err == nil || !strings.Contains(err.Error(), "it has no digest, because an older onward") {
			t.Error(err)
		}
	})
}
