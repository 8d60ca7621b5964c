package apply_test

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"math/rand/v2"
	"net"
	"os"
	"os/exec"
	"strconv"
	"strings"
	"sync/atomic"
	"syscall"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/jackc/pgx/v5"

	"github.com/onward-sql/onward/apply"
	"github.com/onward-sql/onward/internal/pgserver/pgservertest"
	"github.com/onward-sql/onward/onward"
)

// TestMain is also the process that is killed: it carries a plan out on a database.
func TestMain(m *testing.M) {
	if db := os.Getenv("ONWARD_APPLY_CHILD"); db != "" {
		os.Exit(child(db))
	}
	os.Exit(pgservertest.Main(m))
}

func child(db string) int {
	if os.Getenv("ONWARD_APPLY_ABORT") != "" {
		return takeBack(db)
	}
	if dir := os.Getenv("ONWARD_APPLY_REPOSITORY"); dir != "" {
		return killedBetween(dir, db)
	}
	var p onward.Plan
	text, err := os.ReadFile(os.Getenv("ONWARD_APPLY_PLAN"))
	if err == nil {
		err = json.Unmarshal(text, &p)
	}
	if err == nil {
		c := apply.Config{DB: db, Plan: &p, Through: onward.PlanPhase(os.Getenv("ONWARD_APPLY_THROUGH")), To: os.Getenv("ONWARD_APPLY_TO")}
		c.Parallel, _ = strconv.Atoi(os.Getenv("ONWARD_APPLY_PARALLEL")) // 0 for none
		if name := os.Getenv("ONWARD_APPLY_ACCEPT"); name != "" {
			c.AcceptPublications = []string{name}
		}
		if step := os.Getenv("ONWARD_APPLY_KILL_AFTER"); step != "" {
			c.Tell = func(e apply.Event) {
				if e.Kind == apply.Finished && e.Step.ID == step {
					_ = syscall.Kill(os.Getpid(), syscall.SIGKILL)
					select {}
				}
			}
		}
		_, err = apply.Run(context.Background(), c)
	}
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		return 1
	}
	return 0
}

// killedBetween runs the pending migrations, and is killed after the first step of a migration that has
// several.
func killedBetween(dir, db string) int {
	c := pendingOf(dir, db, "")
	c.AcceptFindings = true
	c.Tell = func(e apply.Event) {
		if e.Kind == apply.Finished && strings.HasSuffix(e.Step.ID, "/1") {
			_ = syscall.Kill(os.Getpid(), syscall.SIGKILL)
			select {}
		}
	}
	if _, err := apply.Pending(context.Background(), c); err != nil {
		fmt.Fprintln(os.Stderr, err)
	}
	return 1
}

// takeBack is what a user does until there is nothing left to take back.
func takeBack(db string) int {
	list, err := apply.Status(context.Background(), db)
	if err == nil && list[0].State != onward.ApplyAbandoned {
		_, err = apply.Abort(context.Background(), apply.Config{DB: db}, "")
	}
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		return 1
	}
	return 0
}

// kills is how many times a process is killed: ONWARD_KILLS, else 6.
func kills() int {
	if n, err := strconv.Atoi(os.Getenv("ONWARD_KILLS")); err == nil {
		return n
	}
	return 6
}

// saved is a file with a plan.
func saved(t testing.TB, p *onward.Plan) string {
	t.Helper()
	file := t.TempDir() + "/plan.json"
	text, err := json.Marshal(p)
	if err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(file, text, 0o600); err != nil {
		t.Fatal(err)
	}
	return file
}

// Killed at any moment and begun again, while the deployed code writes, it ends where the
// release ends: a table that is written alike has the same rows.
func TestKilled(t *testing.T) {
	t.Parallel()
	p := planned(t, base, release)
	file := saved(t, p)
	mirror := strings.NewReplacer("orders", "mirror", "REFERENCES customers", "REFERENCES customers").Replace
	random := rand.New(rand.NewPCG(1, uint64(time.Now().UnixNano())))
	for killed := 0; killed < kills(); {
		db := pgservertest.Database(t, onward.NewestMajor)
		run(t, db, base, rows, "CREATE TABLE mirror (LIKE orders INCLUDING ALL)", "INSERT INTO mirror SELECT * FROM orders")
		for _, lastPhase := range []onward.PlanPhase{onward.Backfill, onward.Contract} {
			ctx, cancel := context.WithCancel(t.Context())
			writerDone := make(chan error, 1)
			if lastPhase == onward.Backfill {
				go func() { writerDone <- write(ctx, db, mirror) }()
			} else {
				writerDone <- nil
			}
			for before := killed; ; {
				cmd := exec.Command(os.Args[0])
				cmd.Env = append(os.Environ(), "ONWARD_APPLY_CHILD="+db, "ONWARD_APPLY_PLAN="+file, "ONWARD_APPLY_THROUGH="+string(lastPhase),
					"ONWARD_APPLY_PARALLEL="+strconv.Itoa(random.IntN(4)))
				var stderr strings.Builder
				cmd.Stderr = &stderr
				if err := cmd.Start(); err != nil {
					t.Fatal(err)
				}
				// On a busy machine a process may need more than a second to begin: it gets more time after each kill.
				longest := 900 + 100*(killed-before)
				end := time.AfterFunc(time.Duration(50+random.IntN(longest))*time.Millisecond, func() { _ = cmd.Process.Kill() })
				err := cmd.Wait()
				end.Stop()
				if err == nil {
					break
				}
				if exit := new(exec.ExitError); !errors.As(err, &exit) || exit.ExitCode() != -1 {
					t.Fatalf("the apply process ended with %v, want success or a kill: %s", err, stderr.String())
				}
				killed++
			}
			cancel()
			if err := <-writerDone; err != nil {
				t.Fatal(err)
			}
		}
		run(t, db, "UPDATE mirror SET status = 'open' WHERE status IS NULL")
		want := content(t, db, "SELECT id || '|' || customer_id || '|' || amount || '|' || note || '|' || status || '|t' FROM mirror ORDER BY id")
		got := content(t, db, ordered)
		for i := range got {
			got[i] = strings.TrimSuffix(got[i], "rue")
		}
		if diff := cmp.Diff(want, got); diff != "" {
			t.Fatalf("(-mirror +orders):\n%s", diff)
		}
		if wrong := content(t, db, "SELECT step FROM onward_ledger.verification WHERE clean IS NULL OR wrong > 0"); len(wrong) > 0 {
			t.Errorf("no clean pass over %v", wrong)
		}
		if left := content(t, db, "SELECT nspname FROM pg_namespace WHERE nspname = 'onward'"); len(left) > 0 {
			t.Error("the plan's schema stayed")
		}
	}
}

// write is the deployed code: it writes to a table and to its mirror, in one transaction, until it is
// stopped.
func write(ctx context.Context, db string, mirror func(string) string) error {
	conn, err := pgx.Connect(context.Background(), db)
	if err != nil {
		return err
	}
	defer conn.Close(context.Background())
	for n := 0; ctx.Err() == nil; n++ {
		id := 1 + rand.IntN(6000)
		sql := []string{
			fmt.Sprintf("UPDATE orders SET note = 'changed %d', amount = %d WHERE id = %d", n, n, id),
			fmt.Sprintf("INSERT INTO orders (id, customer_id, amount, note, status) VALUES (%d, 1, %d, 'new', "+
				"'paid') ON CONFLICT (id) DO UPDATE SET note = excluded.note", 10_000+n, n),
			fmt.Sprintf("DELETE FROM orders WHERE id = %d", id),
			fmt.Sprintf("UPDATE orders SET id = -id WHERE id = %d AND id %% 3 > 0", id), // from before the backfill to after it
		}[n%4]
		if _, err := conn.Exec(context.Background(), "BEGIN; "+sql+"; "+mirror(sql)+"; COMMIT", pgx.QueryExecModeSimpleProtocol); err != nil {
			return fmt.Errorf("%s: %w", sql, err)
		}
	}
	return nil
}

// After a lost connection, at any moment, the same process continues. Nothing is done twice, and nothing
// is guessed.
func TestCut(t *testing.T) {
	t.Parallel()
	p := planned(t, base, release)
	want, db := pgservertest.Database(t, onward.NewestMajor), pgservertest.Database(t, onward.NewestMajor)
	run(t, want, base, rows, release)
	run(t, db, base, rows)
	killer := pgservertest.Connect(t, db)
	ctx, cancel := context.WithCancel(t.Context())
	cutCount := make(chan int)
	go func() {
		cuts := 0
		for most := 120.0; ctx.Err() == nil; most *= 1.03 { // a busy machine, too, gets a transaction through some day
			time.Sleep(time.Duration(rand.Float64() * most * float64(time.Millisecond)))
			tag, _ := killer.Exec(context.Background(), "SELECT FROM (SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE application_name LIKE 'onward "+
				"apply%' AND datname = current_database() AND random() < 0.7) AS ended")
			cuts += int(tag.RowsAffected())
		}
		cutCount <- cuts
	}()
	var events teller
	target, err := apply.Open(t.Context(), apply.Config{DB: db, Plan: p, Through: onward.Contract, Parallel: 2, Tell: events.tell})
	for err != nil { // cut before it had begun
		target, err = apply.Open(t.Context(), apply.Config{DB: db, Plan: p, Through: onward.Contract, Tell: events.tell})
	}
	for {
		s, err := target.Step(t.Context(), 300*time.Millisecond)
		if err != nil {
			t.Fatal(err)
		}
		if s.Done {
			break
		}
		time.Sleep(min(s.Again, 100*time.Millisecond))
	}
	cancel()
	target.Close(t.Context())
	if cuts := <-cutCount; cuts == 0 || !events.has(apply.Recovered, "") {
		t.Errorf("%d lines cut, and nothing recovered", cuts)
	}
	if diff := cmp.Diff(schema(t, want), schema(t, db)); diff != "" {
		t.Errorf("schema (-release +plan):\n%s", diff)
	}
	if diff := cmp.Diff(content(t, want, ordered), content(t, db, ordered)); diff != "" {
		t.Errorf("rows (-release +plan):\n%s", diff)
	}
}

// All sessions of onward end after each step, and again as soon as there are new ones: the same process continues, also when no step is left.
func TestSessionsEndAfterEachStep(t *testing.T) {
	t.Parallel()
	p := planned(t, base, "ALTER TABLE orders RENAME COLUMN note TO remark;")
	db := pgservertest.Database(t, onward.NewestMajor)
	run(t, db, base, rows)
	killer := pgservertest.Connect(t, db)
	stepEnds, cutTwice := 0, true
	c := apply.Config{DB: db, Plan: p, Tell: func(e apply.Event) {
		switch {
		case e.Kind == apply.Finished:
			stepEnds, cutTwice = stepEnds+1, false
		case e.Kind == apply.Recovered && !cutTwice:
			cutTwice = true
		default:
			return
		}
		if _, err := killer.Exec(context.Background(), "SELECT pg_terminate_backend(pid, 10000) FROM pg_stat_activity WHERE application_name LIKE 'onward "+
			"apply%' AND datname = current_database()"); err != nil {
			t.Error(err)
		}
	}}
	before := schema(t, db)
	runPlan(t, c)
	if r, err := apply.Abort(t.Context(), c, ""); err != nil || r.State != onward.ApplyAbandoned {
		t.Fatalf("abort = %+v, %v, want the plan abandoned", r, err)
	}
	if diff := cmp.Diff(before, schema(t, db)); diff != "" {
		t.Errorf("schema (-before +abort):\n%s", diff)
	}
	c.Through = onward.Contract
	finishPlan(t, c)
	if want := len(p.Steps) + 2*p.Contract(); stepEnds != want {
		t.Errorf("%d steps were done or undone, want %d", stepEnds, want)
	}
	ends := content(t, db, "SELECT event || ' ' || count(*) FROM onward_ledger.log WHERE event IN ('plan done', 'plan taken back') GROUP BY event ORDER BY event")
	if want := []string{"plan done 1", "plan taken back 1"}; !cmp.Equal(want, ends) {
		t.Errorf("the log has %q, want %q", ends, want)
	}
}

// A line that is cut when the plan has ended makes no failure of a run that is done.
func TestCutAtTheEnd(t *testing.T) {
	t.Parallel()
	p := planned(t, base, "ALTER TABLE orders RENAME COLUMN note TO remark;")
	db := pgservertest.Database(t, onward.NewestMajor)
	run(t, db, base, rows)
	var endSent, endRecorded, wasCut atomic.Bool
	url := pgservertest.Interpose(t, db, func(client net.Conn, socket string) {
		defer client.Close()
		server, err := net.Dial("unix", socket)
		if err != nil {
			return
		}
		defer server.Close()
		go func() { _, _ = io.Copy(client, server) }()
		buffer := make([]byte, 64<<10)
		for {
			n, err := client.Read(buffer)
			if err != nil || endRecorded.Load() && wasCut.CompareAndSwap(false, true) {
				return
			}
			if _, err := server.Write(buffer[:n]); err != nil {
				return
			}
			switch text := string(buffer[:n]); {
			case strings.Contains(text, "plan done"):
				endSent.Store(true)
			case endSent.Load() && strings.Contains(text, "END\x00"):
				endRecorded.Store(true)
			}
		}
	})
	finishPlan(t, apply.Config{DB: url, Plan: p, Through: onward.Contract})
	if !wasCut.Load() {
		t.Error("the line was not cut after the plan's end")
	}
}

// An index that could not be built is dropped by the next attempt, and one of somebody else is not.
func TestLeftover(t *testing.T) {
	t.Parallel()
	p := planned(t, base, "CREATE UNIQUE INDEX orders_note_idx ON orders (note);")
	db := pgservertest.Database(t, onward.NewestMajor)
	run(t, db, base, rows)
	r, err := apply.Run(t.Context(), apply.Config{DB: db, Plan: p, Through: onward.Contract, Tell: func(e apply.Event) {
		if e.Kind == apply.Begun { // after the check
			run(t, db, "UPDATE orders SET note = 'twice' WHERE id < 3")
		}
	}})
	refused := new(apply.RefusedError)
	if !errors.As(err, &refused) || !strings.Contains(refused.Text, "(SQLSTATE 23505)") || r.State != onward.ApplyWaiting {
		t.Fatalf("a unique index on duplicates = %+v, %v, want a refusal with SQLSTATE 23505", r, err)
	}
	conn := pgservertest.Connect(t, db) // as an attempt that was killed would
	if _, err := conn.Exec(t.Context(), "CREATE UNIQUE INDEX CONCURRENTLY orders_note_idx ON orders (note)"); err == nil {
		t.Fatal("there are no duplicates")
	}
	if left := content(t, db, "SELECT indisvalid::text FROM pg_index WHERE indexrelid = 'orders_note_idx'::regclass"); !cmp.Equal(left, []string{"false"}) {
		t.Fatalf("indisvalid of orders_note_idx is %q, want false", left)
	}
	run(t, db, "UPDATE orders SET note = 'once' WHERE id = 2")
	if r, err = apply.Run(t.Context(), apply.Config{DB: db, Plan: p, Through: onward.Contract}); err != nil || r.State != onward.ApplyDone {
		t.Errorf("apply after the repair = %+v, %v, want it done", r, err)
	}
	if left := content(t, db, "SELECT indisvalid::text FROM pg_index WHERE indexrelid = 'orders_note_idx'::regclass"); !cmp.Equal(left, []string{"true"}) {
		t.Errorf("indisvalid of orders_note_idx is %q, want true", left)
	}

	foreign := pgservertest.Database(t, onward.NewestMajor)
	run(t, foreign, base, rows, "CREATE INDEX orders_note_idx ON orders (status)")
	if _, err := apply.Run(t.Context(), apply.Config{
		DB:      foreign,
		Plan:    p,
		Through: onward.Contract,
	}); !errors.As(err, &refused) || !strings.Contains(refused.Text, "another schema") {
		t.Error(err)
	}
}
