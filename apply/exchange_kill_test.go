package apply_test

import (
	"errors"
	"os"
	"os/exec"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/onward-sql/onward/apply"
	"github.com/onward-sql/onward/internal/pgserver"
	"github.com/onward-sql/onward/internal/pgserver/pgservertest"
	"github.com/onward-sql/onward/onward"
)

// A run may be killed at each commit around the exchange of a table, or of a table's old name for a view. An abort does not lose an object that
// somebody adds later: it is on the table that stays, or the abort refuses it by name.
func TestAbortAfterKilledExchange(t *testing.T) {
	t.Parallel()
	const base = "CREATE TABLE crates (id int PRIMARY KEY, label text);"
	const rows = "INSERT INTO crates SELECT n, 'x' FROM generate_series(1, 50) AS n"
	for _, c := range []struct{ name, release, replaces, add, drop string }{
		{
			"table", "ALTER TABLE crates ADD COLUMN loud text GENERATED ALWAYS AS (upper(label)) STORED;", "crates RENAME TO",
			"CREATE INDEX extra ON crates (label)", "DROP INDEX extra",
		},
		{
			"renamed table", "ALTER TABLE crates RENAME TO boxes;", "RENAME TO boxes",
			"COMMENT ON COLUMN crates.label IS 'extra'", "COMMENT ON COLUMN crates.label IS NULL",
		},
	} {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			p := planned(t, base, c.release)
			before, step := "", ""
			for i := range p.Steps {
				if strings.Contains(p.Steps[i].SQL, c.replaces) {
					step = p.Steps[i].ID
					break
				}
				before = p.Steps[i].ID
			}
			file := saved(t, p)
			server := pgservertest.Server(t, onward.NewestMajor)
			// killRun runs the step, which is killed at a commit; 0 for none. It returns how many commits it made.
			killRun := func(db string, commit int, kill *fault) int {
				f := &faulty{server: server, db: db}
				l := &line{t: t, f: f, at: commit, fault: kill}
				cmd := exec.Command(os.Args[0])
				cmd.Env = append(os.Environ(), "ONWARD_APPLY_CHILD="+l.through(t, db), "ONWARD_APPLY_PLAN="+file, "ONWARD_APPLY_TO="+step)
				var output strings.Builder
				cmd.Stderr = &output
				l.mu.Lock()
				if err := cmd.Start(); err != nil {
					t.Fatal(err)
				}
				f.process = cmd.Process
				l.mu.Unlock()
				if err := cmd.Wait(); (err == nil) == l.struck {
					t.Fatalf("commit %d of %d: %v: %s", commit, l.seen, err, output.String())
				}
				return l.seen
			}
			begin := func() string {
				db := fresh(t, server, base, rows)
				if before != "" {
					runPlan(t, apply.Config{DB: db, Plan: p, To: before})
				}
				return db
			}
			want := schema(t, fresh(t, server, base, rows))
			commits := killRun(begin(), 0, nil)
			refusals := 0
			for commit := 1; commit <= commits; commit++ {
				for _, kill := range faults[:2] {
					db := begin()
					killRun(db, commit, &kill)
					if abortBeside(t, server, db, c.add, c.drop, want) {
						refusals++
					}
				}
			}
			if refusals == 0 || refusals == 2*commits {
				t.Errorf("%d of %d aborts were refused: the exchange was not between them", refusals, 2*commits)
			}
		})
	}
}

// abortBeside aborts a plan after a statement of somebody else. If the abort is refused by the name of the addition, it reports so, and aborts after the
// addition was dropped. The schema is the one before the plan then, with the addition unless it was dropped.
func abortBeside(t *testing.T, server *pgserver.Server, db, add, drop string, want []string) (refused bool) {
	t.Helper()
	run(t, db, add)
	_, err := apply.Abort(t.Context(), apply.Config{DB: db}, "")
	if loss := new(apply.RefusedError); errors.As(err, &loss) && strings.Contains(loss.Text, "would lose something") {
		refused = true
		run(t, db, drop)
		_, err = apply.Abort(t.Context(), apply.Config{DB: db}, "")
	}
	if list, failed := apply.Status(t.Context(), db); err != nil && (failed != nil || len(list) > 0) {
		t.Fatal(err)
	}
	if !refused {
		count := content(t, db, "SELECT (SELECT count(*) FROM pg_class WHERE relname = 'extra') + "+
			"(SELECT count(*) FROM pg_description WHERE description = 'extra')")
		if diff := cmp.Diff([]string{"1"}, count); diff != "" {
			t.Errorf("the addition is lost:\n%s", diff)
		}
		run(t, db, drop)
	}
	if diff := cmp.Diff(want, schema(t, db)); diff != "" {
		t.Errorf("schema (-before +after):\n%s", diff)
	}
	return refused
}

// Without a record of what the exchanged table had, nobody knows what an abort would lose.
func TestAbortWithoutRecordOfExchange(t *testing.T) {
	t.Parallel()
	const base = "CREATE TABLE crates (id int PRIMARY KEY, label text);"
	p := planned(t, base, "ALTER TABLE crates ADD COLUMN loud text GENERATED ALWAYS AS (upper(label)) STORED;")
	db := pgservertest.Database(t, onward.NewestMajor)
	run(t, db, base)
	runPlan(t, apply.Config{DB: db, Plan: p})
	run(t, db, "CREATE TABLE saved AS SELECT * FROM onward_ledger.inventory WHERE relation LIKE 'exchanged %'")
	run(t, db, "DELETE FROM onward_ledger.inventory WHERE relation LIKE 'exchanged %'")
	_, err := apply.Abort(t.Context(), apply.Config{DB: db}, "")
	if refused := new(apply.RefusedError); !errors.As(err, &refused) || !strings.Contains(refused.Text, "does not say what crates had") {
		t.Fatal(err)
	}
	run(t, db, "INSERT INTO onward_ledger.inventory SELECT * FROM saved")
	if _, err := apply.Abort(t.Context(), apply.Config{DB: db}, ""); err != nil {
		t.Fatal(err)
	}
}
