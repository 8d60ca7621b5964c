package apply_test

import (
	"os"
	"os/exec"
	"path/filepath"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/onward-sql/onward/apply"
	"github.com/onward-sql/onward/internal/pgserver/pgservertest"
	"github.com/onward-sql/onward/onward"
)

// A plan that began on one major version goes on after the database was restored on the next one.
func TestUpgradedServer(t *testing.T) {
	t.Parallel()
	p := planned(t, base, release)
	end := pgservertest.Database(t, onward.PreviewMajor)
	var bin string
	if err := pgservertest.Connect(t, end).QueryRow(t.Context(), "SELECT setting FROM pg_config WHERE name = 'BINDIR'").Scan(&bin); err != nil {
		t.Fatal(err)
	}
	restore := func(lastPhase onward.PlanPhase) string {
		t.Helper()
		from, to := pgservertest.Database(t, onward.NewestMajor), pgservertest.Database(t, onward.PreviewMajor)
		run(t, from, base, rows)
		runPlan(t, apply.Config{DB: from, Plan: p, Through: lastPhase})
		file := filepath.Join(t.TempDir(), "dump")
		for _, args := range [][]string{
			{"pg_dump", "--format=custom", "--file=" + file, "--dbname=" + from},
			{"pg_restore", "--exit-on-error", "--dbname=" + to, file},
		} {
			cmd := exec.CommandContext(t.Context(), filepath.Join(bin, args[0]), args[1:]...)
			cmd.Env = append(os.Environ(), "PGHOST=") // nothing but the address says where
			if out, err := cmd.CombinedOutput(); err != nil {
				t.Fatalf("run %s: %v\n%s", args[0], err, out)
			}
		}
		return to
	}
	want := pgservertest.Database(t, onward.PreviewMajor)
	run(t, want, base, rows, release)
	for _, lastPhase := range []onward.PlanPhase{onward.Expand, onward.Backfill} {
		got := restore(lastPhase)
		run(t, got, "INSERT INTO orders SELECT n, 1, n, 'late', 'paid' FROM generate_series(7001, 7010) AS n", "DELETE FROM orders WHERE id > 7000")
		if lastPhase == onward.Backfill { // the dump made the triggers anew, with which the rows were compared
			if _, err := apply.Verify(t.Context(), apply.Config{DB: got}, ""); err != nil {
				t.Fatal(err)
			}
		}
		if r := runPlan(t, apply.Config{DB: got, Plan: p, Through: onward.Contract}); r.State != onward.ApplyDone {
			t.Fatalf("restored after %s: the plan is %s: %s", lastPhase, r.State, r.Next)
		}
		if diff := cmp.Diff(schema(t, want), schema(t, got)); diff != "" {
			t.Errorf("restored after %s: schema (-release +plan):\n%s", lastPhase, diff)
		}
		if diff := cmp.Diff(content(t, want, ordered), content(t, got, ordered)); diff != "" {
			t.Errorf("restored after %s: rows (-release +plan):\n%s", lastPhase, diff)
		}
	}
	for _, lastPhase := range []onward.PlanPhase{onward.Expand, onward.Backfill} {
		got, before := restore(lastPhase), pgservertest.Database(t, onward.PreviewMajor)
		run(t, before, base, rows)
		if r, err := apply.Abort(t.Context(), apply.Config{DB: got}, ""); err != nil || r.State != onward.ApplyAbandoned {
			t.Fatalf("aborted after %s: %v, %+v", lastPhase, err, r)
		}
		if diff := cmp.Diff(schema(t, before), schema(t, got)); diff != "" {
			t.Errorf("aborted after %s: schema (-base +abort):\n%s", lastPhase, diff)
		}
	}
}
