package fleet_test

import (
	"context"
	"encoding/json"
	"fmt"
	"os"
	"path/filepath"
	"strings"
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

const (
	planBase = "CREATE TABLE account (id bigint PRIMARY KEY, nick text, amount int);\n"
	planNext = `ALTER TABLE account RENAME COLUMN nick TO nickname;
		CREATE INDEX account_amount ON account (amount);
		ALTER TABLE account ADD CONSTRAINT account_amount_check CHECK (amount >= 0);`
)

// writePlan makes a plan and returns its file.
func writePlan(t *testing.T) string {
	t.Helper()
	dir := gittest.Commits(t, map[string]string{"migrations/00001_a.sql": "-- +goose Up\n" + planBase},
		map[string]string{"migrations/00002_b.sql": "-- +goose Up\n" + planNext})
	p, _, err := plan.Make(t.Context(), plan.Config{
		Config: rehearse.Config{Config: audit.Config{Dir: dir, Base: "main", Head: "feature"}, Majors: []int{onward.NewestMajor}}, Sketch: true,
	})
	if err != nil {
		t.Fatal(err)
	}
	text, err := json.Marshal(p)
	file := filepath.Join(t.TempDir(), "plan.json")
	if err == nil {
		err = os.WriteFile(file, text, 0o600)
	}
	if err != nil {
		t.Fatal(err)
	}
	return file
}

// applyPlan returns the work that applies the plan of a file.
func applyPlan(file string, phase onward.PlanPhase) fleet.Work {
	return fleet.ApplySteps(func(ctx context.Context, t *fleet.Target) (*onward.Applied, error) {
		var p onward.Plan
		text, err := os.ReadFile(file)
		if err == nil {
			err = json.Unmarshal(text, &p)
		}
		if err != nil {
			return nil, err
		}
		return apply.Run(ctx, apply.Config{
			DB: t.Address, Schema: t.Schema, SearchPath: t.SearchPath(""), Plan: &p, Through: phase, Within: 20 * time.Second,
			Unproven: "a sketch", Who: "test",
		})
	})
}

// createAccounts creates schemas with the deployed table and some rows.
func createAccounts(t *testing.T, count, rows int) (db string, conn *pgx.Conn) {
	t.Helper()
	db = pgservertest.Database(t, onward.NewestMajor)
	conn = pgservertest.Connect(t, db)
	for i := range count {
		name := fmt.Sprintf("tenant_%02d", i+1)
		pgservertest.Exec(t, conn, "CREATE SCHEMA "+name+"; SET search_path = "+name+"; "+planBase+
			fmt.Sprintf("INSERT INTO account SELECT n, 'nick ' || n, n FROM generate_series(1, %d) AS n; RESET search_path", rows))
	}
	return db, conn
}

// checkAccounts checks that each schema has the rows of the release, and that nothing of the plan is left.
func checkAccounts(t *testing.T, conn *pgx.Conn, rows int, column string) {
	t.Helper()
	for _, name := range schemaNames(t, conn) {
		s := pgx.Identifier{name}.Sanitize()
		var right, columns, valid int
		query := strings.ReplaceAll(`SELECT (SELECT count(*) FROM @.account WHERE nickname = 'nick ' || id),
			(SELECT count(*) FROM pg_attribute WHERE attrelid = '@.account'::regclass AND attname IN ('nick', 'nickname') AND NOT attisdropped),
			(SELECT count(*) FROM pg_index WHERE indisvalid AND indrelid = '@.account'::regclass)`, "@", s)
		if err := conn.QueryRow(t.Context(), query).Scan(&right, &columns, &valid); err != nil {
			t.Fatal(err)
		}
		if want := len(strings.Fields(column)); right != rows || columns != want || valid != 2 {
			t.Errorf("%s has %d right rows, %d columns, %d valid indexes", name, right, columns, valid)
		}
	}
}

// A process that applies a plan to many schemas is killed again and again. In the end each schema has the release and all its rows; the contract
// then drops what is left of the plan.
func TestApplyKilled(t *testing.T) {
	t.Parallel()
	const rows = 1500
	file := writePlan(t)
	count := countKills(t)
	db, conn := createAccounts(t, max(16, count), rows)
	killed := killProcesses(t, count, processVariable+"="+db, planVariable+"="+file)
	if killed < count/3 {
		t.Errorf("only %d processes were killed", killed)
	}
	checkAccounts(t, conn, rows, "nick nickname")
	checkLedger(t, conn)
	c, seen := newConfig(t, db, "")
	c.Release, c.After, c.Work = "v2 contract", "v2", applyPlan(file, onward.Contract)
	if r, err := fleet.Run(t.Context(), c); err != nil || r.State != onward.RolloutDone {
		t.Fatalf("contract after the kills: rollout %+v, error %v, want done\n%s", r, err, seen)
	}
	checkAccounts(t, conn, rows, "nickname")
	var left int
	if err := conn.QueryRow(t.Context(), `SELECT (SELECT count(*) FROM pg_namespace WHERE nspname = 'onward')
		+ (SELECT count(*) FROM pg_proc AS p JOIN pg_namespace AS n ON n.oid = p.pronamespace WHERE nspname LIKE 'tenant\_%')
		+ (SELECT count(*) FROM onward_ledger.plan WHERE state <> 'done')
		+ (SELECT count(*) FROM onward_ledger.schema_lease WHERE holder <> '')`).Scan(&left); err != nil || left != 0 {
		t.Errorf("%d things are left of the plans: %v", left, err)
	}
}

// A tenant's schema that gets another name between the two releases of a plan is known by its OID: it is contracted like the others.
func TestTenantRenamed(t *testing.T) {
	t.Parallel()
	const rows = 50
	file := writePlan(t)
	db, conn := createAccounts(t, 3, rows)
	c, seen := newConfig(t, db, "")
	c.Release, c.Work = "v2", applyPlan(file, onward.Backfill)
	if r, err := fleet.Run(t.Context(), c); err != nil || r.State != onward.RolloutDone {
		t.Fatalf("expand and backfill: rollout %+v, error %v, want done\n%s", r, err, seen)
	}
	pgservertest.Exec(t, conn, "ALTER SCHEMA tenant_02 RENAME TO tenant_02b")
	c, seen = newConfig(t, db, "")
	c.Release, c.After, c.Work = "v2 contract", "v2", applyPlan(file, onward.Contract)
	if r, err := fleet.Run(t.Context(), c); err != nil || r.State != onward.RolloutDone {
		t.Fatalf("contract after the rename: rollout %+v, error %v, want done\n%s", r, err, seen)
	}
	checkAccounts(t, conn, rows, "nickname")
}
