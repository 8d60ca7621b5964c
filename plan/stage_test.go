package plan_test

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgconn"

	"github.com/onward-sql/onward/audit"
	"github.com/onward-sql/onward/internal/pgserver/pgservertest"
	"github.com/onward-sql/onward/onward"
	"github.com/onward-sql/onward/plan"
	"github.com/onward-sql/onward/rehearse"
)

// stage is a database on which a plan is run while writers write.
type stage struct {
	*scene
	t     *testing.T
	steps []onward.PlanStep
	seed  uint64
	rng   *rand.Rand
	url   string
	admin *pgx.Conn
	conns []*pgx.Conn  // all of them
	last  atomic.Int64 // id
	wg    sync.WaitGroup
	// oldCode and newCode are at work.
	oldCode, newCode []*writer
}

// filled is how many rows there are before, so many that a backfill takes some batches.
const filled = 1500

// steps are the plan's of the scene's release.
func (s *scene) steps(t *testing.T) []onward.PlanStep {
	t.Helper()
	steps, missing := s.planned(t)
	if len(missing) > 0 {
		t.Errorf("the plan misses steps:\n%s", strings.Join(missing, "\n"))
	}
	return steps
}

// planned gives the steps, and what keeps the plan from being proven.
func (s *scene) planned(t *testing.T) (steps []onward.PlanStep, missing []string) {
	t.Helper()
	p := makePlan(t, plan.Config{
		Sketch: true,
		Config: rehearse.Config{Config: audit.Config{Dir: repository(t, s.base, s.release), Base: "main", Head: "feature"}},
	})
	missing = p.Proof.Missing
	if !p.Proof.Checks[0].OK {
		missing = append(missing, told(p))
	}
	return p.Steps, missing
}

func newStage(t *testing.T, s *scene, steps []onward.PlanStep, seed uint64) *stage {
	st := &stage{scene: s, t: t, steps: steps, seed: seed, rng: rand.New(rand.NewPCG(seed, 1)), url: pgservertest.Database(t, cmp.Or(s.major, 17))}
	st.admin = st.connect()
	values := s.filled
	if values == nil {
		values = s.values
	}
	var rows []string
	for i := range filled {
		rows = append(rows, fmt.Sprintf("(%d, %[1]d, %s)", i+1, strings.ReplaceAll(values[i%len(values)], "{n}", fmt.Sprint(i+1))))
	}
	if s.limited {
		st.createLimitedRole()
	}
	st.exec(st.admin, s.base+s.control()+fmt.Sprintf("INSERT INTO control VALUES %s; INSERT INTO %s (%s, other, %s) SELECT * FROM control",
		strings.Join(rows, ", "), s.old.table, s.old.id, s.old.column))
	if s.kids != "" {
		st.exec(st.admin, "INSERT INTO kids SELECT id, id FROM control; INSERT INTO control_kids SELECT id, id FROM control")
	}
	st.last.Store(filled)
	return st
}

// createLimitedRole creates the role of limited scenes, which all databases of a server share.
func (st *stage) createLimitedRole() {
	st.t.Helper()
	st.exec(st.admin, "DO $$BEGIN CREATE ROLE "+limitedRole+"; EXCEPTION WHEN duplicate_object OR unique_violation THEN NULL; END$$")
}

// control makes the tables that no step touches, and that are given all that the scene's are.
func (s *scene) control() string {
	out := fmt.Sprintf("CREATE TABLE control (id bigint PRIMARY KEY, other integer, value %s); ", s.typ)
	if s.kids != "" {
		out += strings.NewReplacer("{kids}", "control_kids", "{table}", "control", "{type}", "bigint").Replace(s.kids) + "CREATE INDEX ON control_kids (up); "
	}
	if s.limited {
		out += "GRANT ALL ON control TO " + limitedRole + "; "
	}
	return out
}

func (st *stage) connect() *pgx.Conn {
	st.t.Helper()
	conn, err := pgx.Connect(st.t.Context(), st.url)
	if err != nil {
		st.t.Fatal(err)
	}
	st.t.Cleanup(func() { _ = conn.Close(context.Background()) })
	st.conns = append(st.conns, conn)
	return conn
}

// closeConns closes the stage's connections: a test with many rounds would use up the server's.
func (st *stage) closeConns() {
	for _, conn := range st.conns {
		_ = conn.Close(context.Background())
	}
}

func (st *stage) exec(conn *pgx.Conn, sql string) {
	st.t.Helper()
	if _, err := conn.Exec(st.t.Context(), sql); err != nil {
		st.t.Fatalf("seed %d: %s: %v", st.seed, sql, err)
	}
}

// begin sets two sessions of one release to work.
func (st *stage) begin(location place) []*writer {
	var out []*writer
	for i := range 2 {
		w := &writer{st: st, at: location, rng: rand.New(rand.NewPCG(st.rng.Uint64(), 2)), conn: st.connect(), stop: make(chan struct{})}
		w.both = location == st.new && st.new.table == st.old.table && st.new.column != st.old.column && len(st.oldCode) > 0
		st.exec(w.conn, "SET lock_timeout = '20s'")
		if st.limited {
			st.exec(w.conn, "SET ROLE "+limitedRole)
		}
		if i == 1 { // code that says which schema it means
			st.exec(w.conn, "SET search_path = ''")
			if st.oldSnapshots {
				st.exec(w.conn, "SET default_transaction_isolation = 'repeatable read'")
			}
		}
		out = append(out, w)
		st.wg.Add(1)
		go w.run(&st.wg)
	}
	return out
}

// let gives each writer the time for some more writes.
func (st *stage) let(n int64) {
	st.t.Helper()
	for _, w := range slices.Concat(st.oldCode, st.newCode) {
		end := time.Now().Add(30 * time.Second)
		for goal := w.moves.Load() + n; w.moves.Load() < goal && !st.t.Failed(); time.Sleep(time.Millisecond) {
			if time.Now().After(end) {
				st.t.Fatalf("seed %d: a writer of %s stands still", st.seed, w.at.table)
			}
		}
	}
}

func end(list *[]*writer) {
	for _, w := range *list {
		close(w.stop)
	}
	*list = nil
}

// play runs the plan: through, with each step cut off once, or back before its contract.
func (st *stage) play(mode string) {
	if mode == "back" && st.noWayBack {
		return
	}
	t := st.t
	defer st.closeConns()
	defer st.wg.Wait()
	defer func() { end(&st.oldCode); end(&st.newCode) }()
	contract := (&onward.Plan{Steps: st.steps}).Contract()
	st.oldCode = st.begin(st.old)
	for i := range st.steps[:contract] {
		st.let(3)
		st.step(&st.steps[i], mode == "cut")
	}
	st.newCode = st.begin(st.new)
	st.let(15)
	if st.old.table == st.new.table && st.old.column != st.new.column {
		st.none("both columns agree", fmt.Sprintf("SELECT %s FROM %s WHERE %s::text IS DISTINCT FROM %s::text", st.old.id, st.old.table, st.old.of(""),
			st.new.of("")))
	}
	goal, location := st.base+st.release+st.beyond, st.new
	if mode == "back" {
		st.settle(&st.oldCode) // no new code is left, then the plan goes
		for i := contract - 1; i >= 0; i-- {
			st.let(3)
			st.undo(&st.steps[i])
		}
		goal, location = st.base, st.old
	} else {
		st.settle(&st.newCode)
		for i := range st.steps[contract:] {
			st.let(3)
			st.step(&st.steps[contract+i], mode == "cut")
		}
	}
	st.let(10)
	end(&st.oldCode)
	end(&st.newCode)
	st.wg.Wait()
	want := "c.value"
	if st.want != "" && mode != "back" || st.name == "set not null" {
		want = st.want
	}
	st.none("nothing is lost", fmt.Sprintf("SELECT coalesce(c.id, t.%s) FROM %s t FULL JOIN control c ON c.id = t.%[1]s WHERE c.id IS NULL OR t.%[1]s IS NULL "+
		"OR %[3]s::text IS DISTINCT FROM (%[4]s)::text", location.id, location.table, location.of("t."), want))
	if st.also != "" && mode != "back" {
		st.none(st.also, st.also)
	}
	if st.kids != "" {
		for _, both := range []string{"kids EXCEPT SELECT id, up::numeric FROM control_kids", "control_kids EXCEPT SELECT id, up::numeric FROM kids"} {
			st.none("rows that refer to others follow them", "SELECT id, up::numeric FROM "+both)
		}
	}
	twin := pgservertest.Database(t, 17)
	conn := pgservertest.Connect(t, twin)
	st.conns = append(st.conns, conn)
	st.exec(conn, goal+"; "+st.control())
	differ, err := plan.Differ(t.Context(), twin, st.url)
	if err != nil || len(differ) > 0 {
		t.Errorf("seed %d, %s: %v\n%s", st.seed, mode, err, strings.Join(differ, "\n"))
	}
}

// settle stops all writers, and sets those that stay to work again.
func (st *stage) settle(stay *[]*writer) {
	going := *stay
	end(&st.oldCode)
	end(&st.newCode)
	st.wg.Wait()
	if st.t.Failed() {
		st.t.FailNow()
	}
	for _, w := range going {
		w.both, w.stop = false, make(chan struct{})
		st.wg.Add(1)
		go w.run(&st.wg)
	}
	*stay = going
}

// none fails where a query finds rows.
func (st *stage) none(label, query string) {
	st.t.Helper()
	tag, err := st.admin.Exec(st.t.Context(), query)
	if err != nil || tag.RowsAffected() > 0 {
		st.t.Fatalf("seed %d: %s: %d rows are otherwise (%v): %s", st.seed, label, tag.RowsAffected(), err, query)
	}
}

// again reports whether a step is run again after an error.
func again(err error) bool {
	failed := new(pgconn.PgError)
	return errors.As(err, &failed) && (failed.Code == "55P03" || failed.Code == "40P01")
}

// step runs one in a session of its own, and cuts it off before if it is to.
func (st *stage) step(s *onward.PlanStep, cut bool) {
	st.t.Helper()
	if s.Check != "" {
		st.none("the check of "+s.ID, s.Check)
	}
	if cut {
		st.cut(s)
	}
	conn := st.connect()
	defer func() { _ = conn.Close(context.Background()) }()
	for {
		passed := 0
		var err error
		if s.Repeat {
			err = conn.QueryRow(st.t.Context(), s.SQL).Scan(&passed)
		} else {
			_, err = conn.Exec(st.t.Context(), s.SQL)
		}
		switch {
		case again(err):
			_, _ = conn.Exec(st.t.Context(), "ROLLBACK")
			if s.Class == onward.StepConcurrent {
				st.undo(s)
			}
		case err != nil:
			st.t.Fatalf("seed %d: step %s: %v\n%s", st.seed, s.ID, err, s.SQL)
		case passed == 0:
			return
		default:
			st.let(3)
		}
	}
}

// cut runs a step up to just before its commit, and ends its session there.
func (st *stage) cut(s *onward.PlanStep) {
	st.t.Helper()
	ctx := st.t.Context()
	conn, holder := st.connect(), st.connect()
	pid := conn.PgConn().PID()
	done := make(chan error, 1)
	if s.Transaction == onward.TransactionFile {
		sql := strings.TrimSuffix(s.SQL, "COMMIT;\n")
		if sql == s.SQL {
			st.t.Fatalf("step %s does not end in COMMIT", s.ID)
		}
		_, err := conn.Exec(ctx, sql)
		if err != nil && !again(err) {
			st.t.Fatalf("seed %d: step %s: %v", st.seed, s.ID, err)
		}
		done <- errors.New("was cut off")
	} else {
		// A row that another session holds stops a batch in its middle; what wrote and is not
		// through stops an index that is built.
		st.holdRows(holder)
		go func() {
			_, err := conn.Exec(ctx, s.SQL)
			done <- err
		}()
		for waits := false; !waits && len(done) == 0; time.Sleep(time.Millisecond) {
			if err := st.admin.QueryRow(ctx, "SELECT coalesce((SELECT wait_event_type = 'Lock' FROM pg_stat_activity WHERE pid = $1), false)",
				pid).Scan(&waits); err != nil {
				st.t.Fatal(err)
			}
		}
	}
	st.exec(st.admin, fmt.Sprintf("SELECT pg_terminate_backend(%d)", pid))
	st.waitGone(pid)
	_ = holder.Close(ctx)
	switch err := <-done; {
	case err == nil && s.Class == onward.StepBackfill:
		st.t.Logf("step %s was not cut off: the writers had filled the rows that are held", s.ID)
	case err == nil:
		st.t.Errorf("step %s was through before it could be cut off", s.ID)
	}
	if s.Class == onward.StepConcurrent {
		st.undo(s)
	}
}

// holdRows locks rows of the old table in a transaction that stays open. A writer that locks them in another order may deadlock with
// it: then it begins again.
func (st *stage) holdRows(holder *pgx.Conn) {
	st.t.Helper()
	for {
		_, err := holder.Exec(st.t.Context(), "BEGIN; LOCK TABLE "+st.old.table+" IN ROW EXCLUSIVE MODE; "+
			"SELECT FROM "+st.old.table+" WHERE "+st.old.id+" % 100 IN (47, 50, 53) FOR UPDATE")
		if err == nil {
			return
		}
		if !again(err) {
			st.t.Fatalf("seed %d: hold rows: %v", st.seed, err)
		}
		st.exec(holder, "ROLLBACK")
	}
}

// waitGone waits until a session is gone. Before 14 pg_terminate_backend cannot.
func (st *stage) waitGone(pid uint32) {
	st.t.Helper()
	for running := true; running; time.Sleep(time.Millisecond) {
		if err := st.admin.QueryRow(st.t.Context(), "SELECT EXISTS (SELECT FROM pg_stat_activity WHERE pid = $1)", pid).Scan(&running); err != nil {
			st.t.Fatal(err)
		}
	}
}

// undo takes a step back.
func (st *stage) undo(s *onward.PlanStep) {
	st.t.Helper()
	conn := st.connect()
	defer func() { _ = conn.Close(context.Background()) }()
	for {
		_, err := conn.Exec(st.t.Context(), s.Undo)
		if err == nil {
			return
		}
		if !again(err) {
			st.t.Fatalf("seed %d: undo of step %s: %v", st.seed, s.ID, err)
		}
		_, _ = conn.Exec(st.t.Context(), "ROLLBACK")
	}
}
