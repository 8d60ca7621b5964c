package apply_test

import (
	"errors"
	"fmt"
	"math/rand/v2"
	"os"
	"os/exec"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/onward-sql/onward/apply"
	"github.com/onward-sql/onward/internal/pgserver/pgservertest"
	"github.com/onward-sql/onward/onward"
)

// countedPlan returns a plan whose backfill adds 1 to the amount of each row: a row that is processed twice, or not at all, shows.
func countedPlan(t *testing.T) *onward.Plan {
	t.Helper()
	p := planned(t, base, "ALTER TABLE orders RENAME COLUMN note TO remark;")
	s := backfillStep(p)
	work := "UPDATE orders AS t SET amount = amount + 1 FROM batch WHERE t.id = batch.onward_key1"
	s.SQL = strings.Replace(s.SQL, s.Backfill.Work, work, 1)
	s.Backfill.Work, s.Backfill.Compare = work, []onward.PlanComparison{}
	return markProven(t, p)
}

// Several processes, each with another number of workers, are killed at random moments. They process each row once. The first one has a ledger
// of an older release, and so one cursor.
func TestSharedBackfillKilled(t *testing.T) {
	t.Parallel()
	const count = 20_000
	p := countedPlan(t)
	file, step := saved(t, p), backfillStep(p).ID
	shared := 0
	for killed := 0; killed < kills(); {
		db := pgservertest.Database(t, onward.NewestMajor)
		run(t, db, base, "INSERT INTO orders SELECT g, 1, g, 'note', 'paid' FROM generate_series(1, "+strconv.Itoa(count)+") AS g")
		runPlan(t, apply.Config{DB: db, Plan: p, Through: onward.Expand})
		if _, err := apply.Control(t.Context(), db, "", apply.Tune, apply.Tuning{Rows: 100, Rest: -1}, "a test"); err != nil {
			t.Fatal(err)
		}
		for killAt, finished := 0, false; !finished; {
			workers := 1 + rand.IntN(3)
			if killAt == 0 {
				workers = 1
			}
			killAt += 1 + rand.IntN(count/3)
			if finished = !killAfter(t, db, file, step, workers, killAt); finished {
				break
			}
			if killed++; workers == 1 && len(content(t, db, "SELECT 'x' FROM onward_ledger.range")) == 0 { // as the last release leaves it
				run(t, db, "DROP TABLE onward_ledger.range", "COMMENT ON SCHEMA onward_ledger IS 'onward ledger 2'")
			} else if len(content(t, db, "SELECT 'x' FROM onward_ledger.range WHERE rows > 0")) > 1 {
				shared++
			}
		}
		want := []string{fmt.Sprintf("%d rows, %d right", count, count)}
		if diff := cmp.Diff(want, content(t, db, "SELECT count(*) || ' rows, ' || count(*) FILTER (WHERE amount = id + 1) || ' right' FROM orders")); diff != "" {
			t.Fatalf("(-want +got):\n%s", diff)
		}
		want = []string{strconv.Itoa(count) + " done"}
		if diff := cmp.Diff(want, content(t, db, "SELECT rows || ' ' || state FROM onward_ledger.step WHERE id = '"+step+"'")); diff != "" {
			t.Errorf("the ledger (-want +got):\n%s", diff)
		}
		if left := content(t, db, "SELECT number::text FROM onward_ledger.range"); len(left) > 0 {
			t.Errorf("ranges are left: %v", left)
		}
		if left := content(t, db, "SELECT id::text FROM onward.orders_id_cursor WHERE id IS DISTINCT FROM onward_end1"); len(left) > 0 {
			t.Errorf("the plan's own statement would go on from %v", left)
		}
	}
	if shared == 0 {
		t.Error("no process was killed in several ranges")
	}
}

// killAfter runs a plan through its backfill, and kills the process when the ledger has a number of rows. It reports whether that happened before
// the end.
func killAfter(t *testing.T, db, file, step string, workers, rows int) bool {
	t.Helper()
	cmd := exec.Command(os.Args[0])
	cmd.Env = append(os.Environ(), "ONWARD_APPLY_CHILD="+db, "ONWARD_APPLY_PLAN="+file, "ONWARD_APPLY_TO="+step, "ONWARD_APPLY_PARALLEL="+strconv.Itoa(workers))
	var stderr strings.Builder
	cmd.Stderr = &stderr
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	ended := make(chan error, 1)
	go func() { ended <- cmd.Wait() }()
	conn := pgservertest.Connect(t, db)
	defer conn.Close(t.Context())
	for {
		select {
		case err := <-ended:
			if exit := new(exec.ExitError); err != nil && (!errors.As(err, &exit) || exit.ExitCode() != -1) {
				t.Fatalf("the apply process ended with %v, want success or a kill: %s", err, stderr.String())
			}
			return err != nil
		case <-time.After(2 * time.Millisecond):
		}
		var n int // an older ledger has no ranges
		_ = conn.QueryRow(t.Context(), `SELECT (SELECT coalesce(sum(rows), 0) FROM onward_ledger.step)
			+ (SELECT coalesce(sum(rows), 0) FROM onward_ledger.range)`).Scan(&n)
		if n >= rows {
			time.Sleep(rand.N(10 * time.Millisecond))
			_ = cmd.Process.Kill()
		}
	}
}

// Workers share rows whatever their key is. A row that cannot be changed goes into quarantine, and the others are processed.
func TestSharedBackfillKeys(t *testing.T) {
	t.Parallel()
	const schema = `CREATE TABLE visits (place text COLLATE "C", at timestamptz, visitor uuid, what text, PRIMARY KEY (place, at, visitor))
	PARTITION BY HASH (place);
CREATE TABLE visits_1 PARTITION OF visits FOR VALUES WITH (MODULUS 2, REMAINDER 0);
CREATE TABLE visits_2 PARTITION OF visits FOR VALUES WITH (MODULUS 2, REMAINDER 1);`
	p := planned(t, schema, "ALTER TABLE visits RENAME COLUMN what TO event;")
	for _, major := range pgservertest.Ends() {
		db := pgservertest.Database(t, major)
		run(t, db, schema, `INSERT INTO visits
			SELECT E'pl"ace\\ \'' || g % 97, '2026-01-01 UTC'::timestamptz + g * interval '1 second', md5(g::text)::uuid, 'what ' || g
			FROM generate_series(1, 6000) AS g`)
		runPlan(t, apply.Config{DB: db, Plan: p, Through: onward.Expand})
		run(t, db, "DO $$ BEGIN EXECUTE format('ALTER DATABASE %I SET datestyle = ''SQL, DMY''', current_database()); END $$",
			`CREATE FUNCTION refuse() RETURNS trigger LANGUAGE plpgsql AS
				$$ BEGIN IF NEW.what IN ('what 700', 'what 5000') THEN RAISE 'not this one'; END IF; RETURN NEW; END $$`,
			"CREATE TRIGGER refuse BEFORE UPDATE ON visits_1 FOR EACH ROW EXECUTE FUNCTION refuse()",
			"CREATE TRIGGER refuse BEFORE UPDATE ON visits_2 FOR EACH ROW EXECUTE FUNCTION refuse()")
		var events teller
		refused := new(apply.RefusedError)
		most := 0
		c := apply.Config{DB: db, Plan: p, Parallel: 3, Tell: func(e apply.Event) {
			events.tell(e)
			if e.Kind == apply.Passed {
				most = max(most, len(content(t, db, "SELECT 'x' FROM onward_ledger.range WHERE rows > 0")))
			}
		}}
		if _, err := apply.Run(t.Context(), c); !errors.As(err, &refused) || !strings.Contains(err.Error(), "rows are in quarantine, for their change fails: 2") {
			t.Fatalf("Postgres %d: %v", major, err)
		}
		if most < 6 || !events.has(apply.Skipped, "in quarantine are 2") {
			t.Errorf("Postgres %d: %d ranges", major, most)
		}
		run(t, db, "DROP FUNCTION refuse CASCADE")
		runPlan(t, c)
		want := []string{"6000 of 6000"}
		if diff := cmp.Diff(want, content(t, db, "SELECT count(*) FILTER (WHERE event = what) || ' of ' || count(*) FROM visits")); diff != "" {
			t.Errorf("Postgres %d (-want +got):\n%s", major, diff)
		}
	}
}
