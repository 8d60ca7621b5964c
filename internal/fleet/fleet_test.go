package fleet_test

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/jackc/pgx/v5"

	"github.com/onward-sql/onward/guard"
	"github.com/onward-sql/onward/internal/fleet"
	"github.com/onward-sql/onward/internal/pgserver/pgservertest"
	"github.com/onward-sql/onward/onward"
)

// The variables that make this test's program a migration tool, or a process that runs a release.
const (
	toolVariable    = "FLEET_TEST_TOOL"
	processVariable = "FLEET_TEST_PROCESS"
	planVariable    = "FLEET_TEST_PLAN" // the file of a plan that the process applies
)

func TestMain(m *testing.M) {
	if steps := os.Getenv(toolVariable); steps != "" {
		os.Exit(runTool(steps))
	}
	if db := os.Getenv(processVariable); db != "" {
		os.Exit(runProcess(db))
	}
	os.Exit(pgservertest.Main(m))
}

// runTool sends statements to the database in DATABASE_URL. It knows no schema.
func runTool(steps string) int {
	ctx := context.Background()
	conn, err := pgx.Connect(ctx, os.Getenv("DATABASE_URL"))
	if err == nil {
		_, err = conn.Exec(ctx, strings.ReplaceAll(steps, "$TARGET", os.Getenv("ONWARD_TARGET")))
	}
	if err != nil {
		fmt.Fprintln(os.Stderr, "tool:", err)
		return 7
	}
	fmt.Println("migrated", os.Getenv("ONWARD_SCHEMA"))
	return 0
}

// migration is not repeatable: a second run adds 1 again.
const migration = `BEGIN; ALTER TABLE item ADD IF NOT EXISTS note text; UPDATE counter SET n = n + 1; SELECT pg_sleep(0.01);
	INSERT INTO version VALUES ('2'); COMMIT`

const isMigrated = "SELECT EXISTS (SELECT FROM version WHERE number = '2')"

// tenants returns a database with some schemas, tenant_01 and so on.
func tenants(t *testing.T, count int) (db string, conn *pgx.Conn) {
	t.Helper()
	db = pgservertest.Database(t, onward.NewestMajor)
	conn = pgservertest.Connect(t, db)
	for i := range count {
		createTenant(t, conn, fmt.Sprintf("tenant_%02d", i+1))
	}
	return db, conn
}

func createTenant(t *testing.T, conn *pgx.Conn, name string) {
	t.Helper()
	s := pgx.Identifier{name}.Sanitize()
	pgservertest.Exec(t, conn, strings.ReplaceAll(`CREATE SCHEMA @; CREATE TABLE @.item (id int); CREATE TABLE @.counter (n int); INSERT INTO @.counter VALUES (0);
		CREATE TABLE @.version (number text)`, "@", s))
}

// newConfig returns the release of the migration on the schemas of a database.
func newConfig(t testing.TB, db, steps string) (fleet.Config, *report) {
	t.Helper()
	seen := &report{}
	waves, err := fleet.ParseWaves(fleet.DefaultWaves)
	if err != nil {
		t.Fatal(err)
	}
	stop, err := fleet.ParseAmount(fleet.DefaultStopAfter)
	if err != nil {
		t.Fatal(err)
	}
	program, err := os.Executable()
	if err != nil {
		t.Fatal(err)
	}
	base := guard.Config{Command: []string{program}, Env: append(os.Environ(), toolVariable+"="+steps), Out: seen, Err: seen, Within: time.Minute}
	return fleet.Config{
		List: func(ctx context.Context) ([]*fleet.Target, error) {
			return fleet.ListTargets(ctx, fleet.Source{Text: "schemas:tenant_*", DB: db})
		},
		Release: "v2", Digest: "x", Waves: waves, StopAfter: stop, AtOnce: 4, PerServer: 4, Work: fleet.GuardCommand(base, ""), Who: "test",
		Within: 20 * time.Second, Tell: func(words string) { fmt.Fprintln(seen, "tell:", words) },
	}, seen
}

// sendDirectly is work that sends statements itself: no proxy, no process.
func sendDirectly(steps string) fleet.Work {
	return func(ctx context.Context, t *fleet.Target, record func(int) error) (int, error) {
		conn, err := pgx.Connect(ctx, t.Address)
		if err != nil {
			return 0, err
		}
		defer conn.Close(context.WithoutCancel(ctx))
		if err := record(int(conn.PgConn().PID())); err != nil {
			return 0, err
		}
		if _, err := conn.Exec(ctx, "SET search_path = "+t.SearchPath("")+"; "+steps); err != nil {
			return 7, nil
		}
		return 0, nil
	}
}

// report keeps what was printed.
type report struct {
	mu sync.Mutex
	b  bytes.Buffer
}

func (r *report) Write(p []byte) (int, error) {
	r.mu.Lock()
	defer r.mu.Unlock()
	return r.b.Write(p)
}

func (r *report) String() string {
	r.mu.Lock()
	defer r.mu.Unlock()
	return r.b.String()
}

// checkTenants checks that each of the schemas has the migration exactly once.
func checkTenants(t *testing.T, conn *pgx.Conn, names []string) {
	t.Helper()
	for _, name := range names {
		s := pgx.Identifier{name}.Sanitize()
		var n, versions, columns int
		if err := conn.QueryRow(context.Background(), "SELECT (SELECT n FROM "+s+".counter), (SELECT count(*) FROM "+s+
			".version), (SELECT count(*) FROM pg_attribute WHERE attrelid = '"+s+".item'::regclass AND attname = 'note')").Scan(&n, &versions, &columns); err != nil {
			t.Fatal(err)
		}
		if n != 1 || versions != 1 || columns != 1 {
			t.Errorf("%s has the migration %d times, %d versions, %d columns", name, n, versions, columns)
		}
	}
}

func schemaNames(t *testing.T, conn *pgx.Conn) []string {
	t.Helper()
	rows, err := conn.Query(context.Background(), `SELECT nspname::text FROM pg_namespace WHERE nspname LIKE 'tenant\_%' ORDER BY 1`)
	if err != nil {
		t.Fatal(err)
	}
	list, err := pgx.CollectRows(rows, pgx.RowTo[string])
	if err != nil {
		t.Fatal(err)
	}
	return list
}

// A command without any knowledge of tenants runs once in each of 50 schemas, in waves. The same call again does nothing.
func TestSchemas(t *testing.T) {
	t.Parallel()
	db, conn := tenants(t, 49)
	createTenant(t, conn, "tenant_x \"y\", z\x1b")
	c, seen := newConfig(t, db, migration)
	r, err := fleet.Run(t.Context(), c)
	if err != nil || r.State != onward.RolloutDone {
		t.Fatalf("run the release in 50 schemas: %v\n%s", err, seen)
	}
	var waves []string
	for _, w := range r.Waves {
		waves = append(waves, fmt.Sprint(w.Name, " ", w.Targets))
	}
	if got := strings.Join(waves, ", "); got != "canary 1, 5 % 2, 25 % 10, 100 % 37" {
		t.Errorf("the waves are %q", got)
	}
	if text := seen.String(); !strings.Contains(text, "tenant_07 | migrated tenant_07\n") ||
		strings.Contains(text, "\x1b |") || strings.Contains(text, "postgres") {
		t.Errorf("the output lacks a line of tenant_07, or has an escape or \"postgres\":\n%s", text)
	}
	checkTenants(t, conn, schemaNames(t, conn))
	if r, err := fleet.Run(t.Context(), c); err != nil || r.Targets[0].Attempts != 1 {
		t.Errorf("run the same release again: rollout %+v, error %v, want 1 attempt", r, err)
	}
	c.Digest = "y"
	createTenant(t, conn, "tenant_51")
	changed := new(fleet.ChangedError)
	if _, err := fleet.Run(t.Context(), c); !errors.As(err, &changed) {
		t.Error(err)
	}
	c.Digest = "x"
	if r, err := fleet.Run(t.Context(), c); err != nil || r.State != onward.RolloutDone || len(r.Targets) != 51 {
		t.Errorf("run again with a new tenant: rollout %+v, error %v, want 51 targets done", r, err)
	}
	checkTenants(t, conn, schemaNames(t, conn))
}

// Too many failures stop the release after the targets that run. The same call tries those that failed again.
func TestStopRule(t *testing.T) {
	t.Parallel()
	db, conn := tenants(t, 30)
	pgservertest.Exec(t, conn, "ALTER TABLE tenant_05.version ADD CHECK (number <> '2')", "ALTER TABLE tenant_20.version ADD CHECK (number <> '2')")
	c, seen := newConfig(t, db, "")
	c.Work = sendDirectly(migration)
	r, err := fleet.Run(t.Context(), c)
	unfinished := new(fleet.UnfinishedError)
	if !errors.As(err, &unfinished) || !unfinished.Failed || r.State != onward.RolloutStopped || r.Waves[2].State != onward.RolloutFailed ||
		r.Waves[3].State != onward.RolloutPending || !strings.HasPrefix(r.Targets[4].Note, "exit code 7") || r.Targets[4].ExitCode != 7 {
		t.Fatalf("with two bad tenants: rollout %+v, error %v, want it stopped in wave 3\n%s", r, err, seen)
	}
	c.StopAfter = fleet.Amount{Number: 1}
	r, err = fleet.Run(t.Context(), c)
	if !errors.As(err, &unfinished) || r.State != onward.RolloutFailed || r.Waves[3].Counts[onward.RolloutFailed] != 1 || r.Targets[4].Attempts != 2 {
		t.Fatalf("with one failure allowed: rollout %+v, error %v, want wave 4 with one failure", r, err)
	}
	pgservertest.Exec(t, conn, "ALTER TABLE tenant_05.version DROP CONSTRAINT version_number_check",
		"ALTER TABLE tenant_20.version DROP CONSTRAINT version_number_check")
	if r, err = fleet.Run(t.Context(), c); err != nil || r.State != onward.RolloutDone {
		t.Fatalf("after the repair: rollout %+v, error %v, want done", r, err)
	}
	checkTenants(t, conn, schemaNames(t, conn))
}

// A tenant that is dropped during the release is no failure, and one that is created gets the release at the end.
func TestTenantsChange(t *testing.T) {
	t.Parallel()
	db, conn := tenants(t, 22)
	c, seen := newConfig(t, db, "")
	var once sync.Once
	work := sendDirectly(migration)
	c.Work = func(ctx context.Context, target *fleet.Target, record func(int) error) (int, error) {
		once.Do(func() {
			pgservertest.Exec(t, conn, "DROP SCHEMA tenant_20 CASCADE", "DROP SCHEMA tenant_21 CASCADE", "ALTER SCHEMA tenant_22 RENAME TO tenant_22b")
			createTenant(t, conn, "tenant_21")
			createTenant(t, conn, "tenant_90")
		})
		return work(ctx, target, record)
	}
	r, err := fleet.Run(t.Context(), c)
	if err != nil || r.State != onward.RolloutDone || r.Waves[len(r.Waves)-1].Name != "created meanwhile" || r.Waves[len(r.Waves)-1].Targets != 3 {
		t.Errorf("tenants change during the release: rollout %+v, error %v, want a last wave of 3", r, err)
	}
	states := map[string]onward.RolloutState{}
	for _, p := range r.Targets {
		states[fmt.Sprint(p.Name, " ", p.Wave)] = p.State
	}
	want := map[string]onward.RolloutState{
		"tenant_20 4": onward.RolloutGone, "tenant_21 4": onward.RolloutGone, "tenant_22 4": onward.RolloutGone,
		"tenant_21 5": onward.RolloutDone, "tenant_22b 5": onward.RolloutDone, "tenant_90 5": onward.RolloutDone,
	}
	for name, s := range want {
		if states[name] != s {
			t.Errorf("%s is %q\n%s", name, states[name], seen)
		}
	}
	checkTenants(t, conn, schemaNames(t, conn))
}

// Two processes with the same release share the targets. Each target is done once.
func TestTwoProcesses(t *testing.T) {
	t.Parallel()
	db, conn := tenants(t, 20)
	var all sync.WaitGroup
	for range 2 {
		all.Go(func() {
			c, seen := newConfig(t, db, "")
			c.Work = sendDirectly(migration)
			if r, err := fleet.Run(t.Context(), c); err != nil || r.State != onward.RolloutDone {
				t.Errorf("one of two processes: rollout %+v, error %v, want done\n%s", r, err, seen)
			}
		})
	}
	all.Wait()
	checkTenants(t, conn, schemaNames(t, conn))
}

// runProcess runs the release as a process of its own, which may be killed.
func runProcess(db string) int {
	c, seen := newConfig(&testing.T{}, db, migration)
	c.Verify, c.AtOnce, c.PerServer = isMigrated, 8, 8
	if file := os.Getenv(planVariable); file != "" {
		c.Verify, c.Work = "", applyPlan(file, onward.Backfill)
	}
	if _, err := fleet.Run(context.Background(), c); err != nil {
		fmt.Println(err, seen)
		return 3
	}
	return 0
}

// kills is how often the process is killed in CI; ONWARD_KILLS says another number.
const kills = 8

// A process that is killed at random instants again and again, and then left alone, has each target done exactly once.
func TestKilled(t *testing.T) {
	t.Parallel()
	count := countKills(t)
	size := max(50, 4*count)
	db, conn := tenants(t, size)
	if killed := killProcesses(t, count, processVariable+"="+db); killed < count/2 {
		t.Errorf("only %d processes were killed", killed)
	}
	checkTenants(t, conn, schemaNames(t, conn))
	checkLedger(t, conn)
}

// countKills returns how often a process is killed.
func countKills(t *testing.T) int {
	t.Helper()
	count := kills
	if text := os.Getenv("ONWARD_KILLS"); text != "" {
		if _, err := fmt.Sscan(text, &count); err != nil {
			t.Fatal(err)
		}
	}
	return count
}

// checkLedger checks that all targets of all releases are done and nobody works on them.
func checkLedger(t *testing.T, conn *pgx.Conn) {
	t.Helper()
	var states string
	const query = "SELECT string_agg(DISTINCT state || ' ' || sessions::text || holder, ',') FROM onward_fleet.target"
	if err := conn.QueryRow(t.Context(), query).Scan(&states); err != nil || states != "done []" {
		t.Errorf("the ledger's states are %q, error %v, want \"done []\"", states, err)
	}
}

// killProcesses runs the release in processes that are killed at random instants, and at last in one that is not. It returns how many were
// killed.
func killProcesses(t *testing.T, count int, env ...string) (killed int) {
	t.Helper()
	program, err := os.Executable()
	if err != nil {
		t.Fatal(err)
	}
	for i := 0; ; i++ {
		cmd := exec.Command(program)
		cmd.Env = append(os.Environ(), env...)
		var out bytes.Buffer
		cmd.Stdout, cmd.Stderr, cmd.WaitDelay = &out, &out, time.Second
		if err := cmd.Start(); err != nil {
			t.Fatal(err)
		}
		if i < count {
			time.AfterFunc(100*time.Millisecond+time.Duration(i*7919%400)*time.Millisecond, func() { _ = cmd.Process.Kill() })
		}
		err := cmd.Wait()
		if err == nil || i >= count {
			if err != nil {
				t.Fatalf("the process that was not killed: %v\n%s", err, out.String())
			}
			break
		}
		killed++
	}
	t.Logf("%d processes were killed", killed)
	return killed
}
