package apply_test

import (
	"context"
	"errors"
	"regexp"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/jackc/pgx/v5"

	"github.com/onward-sql/onward/apply"
	"github.com/onward-sql/onward/audit"
	"github.com/onward-sql/onward/internal/gitrange/gittest"
	"github.com/onward-sql/onward/internal/live"
	"github.com/onward-sql/onward/internal/pgserver"
	"github.com/onward-sql/onward/internal/pgserver/pgservertest"
	"github.com/onward-sql/onward/onward"
	"github.com/onward-sql/onward/plan"
	"github.com/onward-sql/onward/rehearse"
)

const base = `
CREATE TABLE customers (id bigint PRIMARY KEY);
CREATE TABLE orders (id bigint PRIMARY KEY, customer_id bigint, amount int NOT NULL, note text, status text);
`

// release has a step of each class, and all three phases.
const release = `
ALTER TABLE orders ADD COLUMN token uuid NOT NULL DEFAULT gen_random_uuid();
ALTER TABLE orders ADD CONSTRAINT orders_customer FOREIGN KEY (customer_id) REFERENCES customers (id);
CREATE INDEX orders_customer_id_idx ON orders (customer_id);
ALTER TABLE orders RENAME COLUMN note TO remark;
ALTER TABLE orders ALTER COLUMN amount TYPE bigint;
UPDATE orders SET status = 'open' WHERE status IS NULL;
ALTER TABLE orders ALTER COLUMN status SET NOT NULL;
`

const rows = `
INSERT INTO customers SELECT n FROM generate_series(1, 100) AS n;
INSERT INTO orders SELECT n, 1 + n % 100, n, 'note ' || n, CASE WHEN n % 3 > 0 THEN 'paid' END FROM generate_series(1, 6000) AS n;
`

// planned is a plan that counts as proven: the tests of plan prove such plans.
func planned(t testing.TB, base, release string) *onward.Plan {
	t.Helper()
	dir := gittest.Commits(t, map[string]string{"migrations/00001_a.sql": "-- +goose Up\n" + base},
		map[string]string{"migrations/00002_b.sql": "-- +goose Up\n" + release})
	p, _, err := plan.Make(t.Context(), plan.Config{
		Config: rehearse.Config{Config: audit.Config{Dir: dir, Base: "main", Head: "feature"}, Majors: []int{17}},
		Sketch: true,
	})
	if err != nil {
		t.Fatal(err)
	}
	if len(p.Proof.Missing) > 1 { // that it was not tried
		t.Fatalf("the proof lacks %q, want at most the missing trial run", p.Proof.Missing)
	}
	return markProven(t, p)
}

// runPlan carries out a plan as far as its settings say.
func runPlan(t testing.TB, c apply.Config) *onward.Applied {
	t.Helper()
	r, err := apply.Run(t.Context(), c)
	if err != nil {
		t.Fatalf("apply the plan: %v; its result: %+v", err, r)
	}
	return r
}

// finishPlan carries out a plan, of which nothing is left then.
func finishPlan(t testing.TB, c apply.Config) {
	t.Helper()
	if r := runPlan(t, c); r.State != onward.ApplyDone {
		t.Fatalf("the plan is not done: %+v", r)
	}
}

func run(t testing.TB, url string, sql ...string) {
	t.Helper()
	conn := pgservertest.Connect(t, url)
	defer conn.Close(context.Background()) // now: a test that kills for an hour calls this often
	pgservertest.Exec(t, conn, sql...)
}

// dropAtEnd drops a role, and all that it owns, when the test ends.
func dropAtEnd(t testing.TB, db, role string) {
	t.Cleanup(func() {
		conn, err := pgx.Connect(context.Background(), db)
		if err == nil {
			_, err = conn.Exec(context.Background(), "DROP OWNED BY "+role+"; DROP ROLE "+role)
			_ = conn.Close(context.Background())
		}
		if err != nil {
			t.Error(err)
		}
	})
}

// content is a query's rows as text.
func content(t testing.TB, url, sql string) []string {
	t.Helper()
	conn := pgservertest.Connect(t, url)
	defer conn.Close(context.Background())
	return pgservertest.ReadTexts(t, conn, sql)
}

// schema is what a database has, but what is onward's own.
func schema(t testing.TB, url string) []string {
	t.Helper()
	list, err := live.ReadDefinitions(t.Context(), url)
	if err != nil {
		t.Fatal(err)
	}
	list = slices.DeleteFunc(list, func(sql string) bool { // roles are the server's, and other tests create some
		return strings.Contains(sql, "onward_ledger") || strings.HasPrefix(sql, "CREATE ROLE ")
	})
	for i, sql := range list { // the order of columns differs from the release's
		if head, body, ok := strings.Cut(sql, " ("); ok && strings.HasPrefix(sql, "CREATE TABLE ") {
			body = ownNotNull.ReplaceAllString(body, " NOT NULL") // the server named it after its column when it was made (18)
			parts := strings.Split(strings.TrimSuffix(body, ")"), ", ")
			slices.Sort(parts)
			list[i] = head + " (" + strings.Join(parts, ", ")
		}
	}
	slices.Sort(list)
	return list
}

var ownNotNull = regexp.MustCompile(` CONSTRAINT \w+_not_null NOT NULL`)

const ordered = "SELECT id || '|' || customer_id || '|' || amount || '|' || remark || '|' || status || '|' || (token IS NOT NULL) FROM orders ORDER BY id"

// teller gathers events.
type teller struct {
	mu   sync.Mutex
	list []apply.Event
}

func (l *teller) tell(e apply.Event) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.list = append(l.list, e)
}

func (l *teller) has(kind apply.EventKind, words string) bool {
	l.mu.Lock()
	defer l.mu.Unlock()
	return slices.ContainsFunc(l.list, func(e apply.Event) bool { return e.Kind == kind && strings.Contains(e.Words, words) })
}

// A plan has the same result as its release; run again, it does nothing.
func TestRun(t *testing.T) {
	t.Parallel()
	p := planned(t, base, release)
	pgservertest.EachEnd(t, func(t *testing.T, major int) {
		want, got := pgservertest.Database(t, major), pgservertest.Database(t, major)
		run(t, want, base, rows, release)
		run(t, got, base, rows)
		r, err := apply.Run(t.Context(), apply.Config{DB: got, Plan: p})
		if err != nil || r.State != onward.ApplyRunning || !strings.Contains(r.Next, "onward contract --db ADDRESS --plan ") {
			t.Fatalf("apply without the contract = %+v, %v, want it running, with the contract as its next command", r, err)
		}
		for _, s := range r.Steps {
			if (s.State == onward.ApplyDone) == (s.Phase == onward.Contract) {
				t.Errorf("%s is %s", s.ID, s.State)
			}
			if s.Class == onward.StepBackfill && s.Phase == onward.Backfill && s.Rows != 6000 {
				t.Errorf("%s passed %d rows", s.ID, s.Rows)
			}
		}
		r, err = apply.Run(t.Context(), apply.Config{DB: got, Plan: p, Through: onward.Contract})
		if err != nil || r.State != onward.ApplyDone || !strings.Contains(r.Next, "tell the migrations' own tool that 00002_b took place") {
			t.Fatalf("apply the contract = %+v, %v, want it done, with 00002_b to record in the tool", r, err)
		}
		if diff := cmp.Diff(schema(t, want), schema(t, got)); diff != "" {
			t.Errorf("schema (-release +plan):\n%s", diff)
		}
		if diff := cmp.Diff(content(t, want, ordered), content(t, got, ordered)); diff != "" {
			t.Errorf("rows (-release +plan):\n%s", diff)
		}
		log, err := apply.Log(t.Context(), got, r.Plan, 100)
		if err != nil || len(log) < len(p.Steps)+2 || log[len(log)-1].Event != "plan done" {
			t.Errorf("apply.Log = %v, %v, want at least %d entries and the event \"plan done\" as the last", log, err, len(p.Steps)+2)
		}
		var events teller
		if r, err := apply.Run(t.Context(), apply.Config{
			DB:      got,
			Plan:    p,
			Through: onward.Contract,
			Tell:    events.tell,
		}); err != nil || r.State != onward.ApplyDone || events.has(apply.Begun, "") {
			t.Errorf("again: %+v %v", r, err)
		}
	})
}

// A plan has the same result through a transaction pooler, which shares a few sessions among all clients.
func TestPooler(t *testing.T) {
	t.Parallel()
	p := planned(t, base, release)
	want, db := pgservertest.Database(t, onward.NewestMajor), pgservertest.Database(t, onward.NewestMajor)
	run(t, want, base, rows, release)
	run(t, db, base, rows)
	r, err := apply.Run(t.Context(), apply.Config{DB: pgservertest.StartPgbouncer(t, db, "transaction"), Plan: p, Through: onward.Contract})
	if err != nil || r.State != onward.ApplyDone {
		t.Fatalf("apply through a transaction pooler = %+v, %v, want it done", r, err)
	}
	if diff := cmp.Diff(schema(t, want), schema(t, db)); diff != "" {
		t.Errorf("schema (-release +plan):\n%s", diff)
	}
	if left := content(t, db, "SELECT setting FROM pg_settings WHERE name = 'lock_timeout' AND setting <> '0'"); len(left) > 0 {
		t.Errorf("the pool keeps a lock_timeout of %v", left)
	}
}

// A role owns what it is asked to make, including the index that is built outside of a transaction.
func TestRole(t *testing.T) {
	t.Parallel()
	p := planned(t, base, "CREATE TABLE more (id bigint PRIMARY KEY); CREATE INDEX orders_note_idx ON orders (note); ALTER TABLE orders ADD COLUMN remark text;")
	db := pgservertest.Database(t, onward.NewestMajor)
	role := "owner_" + strings.ToLower(p.Catalog[:8])
	run(t, db, base, "CREATE ROLE "+role, "GRANT CREATE, USAGE ON SCHEMA public TO "+role, "ALTER TABLE orders OWNER TO "+role)
	dropAtEnd(t, db, role)
	finishPlan(t, apply.Config{DB: db, Plan: p, Role: role})
	got := content(t, db, "SELECT relname || ' ' || pg_get_userbyid(relowner) FROM pg_class WHERE relname IN ('more', 'orders_note_idx') ORDER BY 1")
	if diff := cmp.Diff([]string{"more " + role, "orders_note_idx " + role}, got); diff != "" {
		t.Error(diff)
	}
}

// A step waits for lock holders before it sends anything, and names them; meanwhile nobody queues up.
func TestWaitsFirst(t *testing.T) {
	t.Parallel()
	p := planned(t, base, "ALTER TABLE orders ADD COLUMN more text;")
	db := pgservertest.Database(t, onward.NewestMajor)
	run(t, db, base, rows)
	reader := pgservertest.Connect(t, db)
	for _, sql := range []string{"SET application_name = 'nightly report'", "BEGIN", "SELECT count(*) FROM orders"} {
		pgservertest.Exec(t, reader, sql)
	}
	var events teller
	go func() {
		for !events.has(apply.Waits, "nightly report") && t.Context().Err() == nil {
			time.Sleep(10 * time.Millisecond)
		}
		time.Sleep(300 * time.Millisecond)
		_, _ = reader.Exec(context.Background(), "COMMIT")
	}()
	r, err := apply.Run(t.Context(), apply.Config{DB: db, Plan: p, Tell: events.tell})
	if err != nil || r.State != onward.ApplyDone || events.has(apply.Lost, "") || r.Steps[0].Attempts != 1 {
		t.Errorf("apply beside a report = %+v, %v, want it done at the first attempt; events: %+v", r, err, events.list)
	}

	// It does not wait for ever, and says what is in the way.
	if _, err := reader.Exec(t.Context(), "BEGIN; SELECT count(*) FROM orders", pgx.QueryExecModeSimpleProtocol); err != nil {
		t.Fatal(err)
	}
	nextPlan := planned(t, strings.Replace(base, "note text", "more text, note text", 1), "ALTER TABLE orders ADD COLUMN most text;")
	r, err = apply.Run(t.Context(), apply.Config{DB: db, Plan: nextPlan, Within: 1500 * time.Millisecond})
	unfinished := new(apply.UnfinishedError)
	if !errors.As(err, &unfinished) || !strings.Contains(unfinished.Why, "nightly report") || r.State != onward.ApplyPending {
		t.Errorf("apply beside an open report = %+v, %v, want an UnfinishedError that names it", r, err)
	}
}

// A refused plan has changed nothing.
func TestRefused(t *testing.T) {
	t.Parallel()
	p := planned(t, base, "ALTER TABLE orders ADD COLUMN more text;")
	other := pgservertest.Database(t, onward.NewestMajor)
	run(t, other, strings.Replace(base, "note text", "note varchar", 1))
	refused := new(apply.RefusedError)
	if _, err := apply.Run(t.Context(), apply.Config{DB: other, Plan: p}); !errors.As(err, &refused) || !strings.Contains(refused.Text, "another schema") {
		t.Errorf("another database: %v", err)
	}

	db := pgservertest.Database(t, onward.NewestMajor)
	run(t, db, base, rows)
	notNull := planned(t, base, "ALTER TABLE orders ALTER COLUMN status SET NOT NULL;")
	r, err := apply.Run(t.Context(), apply.Config{DB: db, Plan: notNull, Through: onward.Contract})
	if !errors.As(err, &refused) || !strings.Contains(refused.Text, "orders.status IS NULL") {
		t.Errorf("rows that are not right: %+v %v", r, err)
	}
	edited := *notNull
	edited.Steps = slices.Clone(edited.Steps)
	edited.Steps[0].SQL += "SELECT 1;\n"
	if _, err := apply.Run(t.Context(), apply.Config{
		DB:   db,
		Plan: &edited,
	}); !errors.As(err, &refused) || !strings.Contains(refused.Text, "it was changed after it was made") {
		t.Errorf("an edited plan: %v", err)
	}
	run(t, db, "UPDATE orders SET status = 'open' WHERE status IS NULL")
	if r, err := apply.Run(t.Context(), apply.Config{DB: db, Plan: notNull, Through: onward.Contract}); err != nil || r.State != onward.ApplyDone {
		t.Errorf("mended: %+v %v", r, err)
	}
}

// Of two at once, the second waits for the first; whoever holds the lease and dies is found out.
func TestTwoAtOnce(t *testing.T) {
	t.Parallel()
	p := planned(t, base, release)
	db := pgservertest.Database(t, onward.NewestMajor)
	run(t, db, base, rows)
	first, err := apply.Open(t.Context(), apply.Config{DB: db, Plan: p})
	if err != nil {
		t.Fatal(err)
	}
	var events teller
	done := make(chan error)
	go func() {
		_, err := apply.Run(t.Context(), apply.Config{DB: db, Plan: p, Tell: events.tell})
		done <- err
	}()
	for !events.has(apply.Held, "is at work on this database") {
		select {
		case err := <-done:
			t.Fatal("it did not wait", err)
		case <-time.After(20 * time.Millisecond):
		}
	}
	if s, err := first.Step(t.Context(), time.Second); err != nil || s.Step.ID != p.Steps[0].ID {
		t.Errorf("the first session's step = %+v, %v, want %s", s, err, p.Steps[0].ID)
	}
	first.Close(t.Context())
	if err := <-done; err != nil {
		t.Error(err)
	}
}

// Autovacuum gives way only to who waits for as long as deadlock_timeout. Where the role may set that, it is made to;
// where not, it is waited for, by name.
func TestAutovacuum(t *testing.T) {
	t.Parallel()
	server, err := pgserver.Start(t.Context(), pgserver.Config{Major: 17, Small: true, Settings: map[string]string{
		"autovacuum": "on", "autovacuum_naptime": "1s", "autovacuum_vacuum_cost_delay": "100ms", "autovacuum_vacuum_cost_limit": "1",
		"autovacuum_vacuum_threshold": "1", "autovacuum_vacuum_scale_factor": "0", "track_counts": "on",
	}})
	if err != nil {
		pgservertest.SkipOrFail(t, err)
	}
	t.Cleanup(func() { _ = server.Stop() })
	db := fresh(t, server, base, strings.Replace(rows, "6000", "60000", 1), "CREATE ROLE plain LOGIN", "ALTER TABLE orders OWNER TO plain",
		"UPDATE orders SET status = 'done'")
	name := strings.TrimPrefix(strings.SplitN(db, "?", 2)[0], "postgres://postgres@/")
	run(t, db, "GRANT CREATE ON DATABASE "+pgx.Identifier{name}.Sanitize()+" TO plain")
	ask := pgservertest.Connect(t, db)
	for end, works := time.Now().Add(30*time.Second), false; !works; time.Sleep(50 * time.Millisecond) {
		if err := ask.QueryRow(t.Context(), "SELECT EXISTS (SELECT FROM pg_stat_activity WHERE backend_type = 'autovacuum worker' AND query LIKE '%orders%')").Scan(&works); err != nil {
			t.Fatal(err)
		}
		if time.Now().After(end) {
			t.Fatal("autovacuum does not come")
		}
	}
	p := planned(t, base, "ALTER TABLE orders ADD COLUMN more text;")
	unfinished := new(apply.UnfinishedError)
	if r, err := apply.Run(t.Context(), apply.Config{
		DB:     server.URLAs("plain", name),
		Plan:   p,
		Within: 1200 * time.Millisecond,
	}); !errors.As(err, &unfinished) || !strings.Contains(unfinished.Why, "whose session this role may not see") {
		t.Errorf("apply without pg_monitor = %+v, %v, want a blocker that the role may not see", r, err)
	}
	run(t, db, "GRANT pg_monitor TO plain")
	if r, err := apply.Run(t.Context(), apply.Config{
		DB:     server.URLAs("plain", name),
		Plan:   p,
		Within: 1200 * time.Millisecond,
	}); !errors.As(err, &unfinished) || !strings.Contains(unfinished.Why, ", autovacuum, for ") {
		t.Errorf("apply with pg_monitor = %+v, %v, want autovacuum as the blocker", r, err)
	}
	var events teller
	if r, err := apply.Run(t.Context(), apply.Config{
		DB:     db,
		Plan:   p,
		Within: 5 * time.Second,
		Tell:   events.tell,
		// The ledger belongs to the role above.
		AsSuperuser: true,
	}); err != nil || r.State != onward.ApplyDone || events.has(apply.Waits, "autovacuum") {
		t.Errorf("apply as superuser = %+v, %v, want it done without a wait for autovacuum; events: %+v", r, err, events.list)
	}
}
