package throttle

import (
	"context"
	"os"
	"strings"
	"testing"
	"time"

	"github.com/jackc/pgx/v5"

	"github.com/onward-sql/onward/internal/live"
	"github.com/onward-sql/onward/internal/pgserver"
	"github.com/onward-sql/onward/internal/pgserver/pgservertest"
	"github.com/onward-sql/onward/onward"
)

func TestMain(m *testing.M) { os.Exit(pgservertest.Main(m)) }

// none asks nothing.
var none = Limits{Lag: -1, SlotWAL: -1, Archive: -1, Dead: -1, Vacuum: -1, Snapshot: -1, Active: -1}

func look(t *testing.T, s *signal, conn *pgx.Conn, change func(*Limits)) Verdict {
	t.Helper()
	l := none
	change(&l)
	v, err := s.look(t.Context(), New(l, []string{"public.orders"}), conn)
	if err != nil {
		t.Fatal(err)
	}
	return v
}

func want(t *testing.T, v Verdict, level Level, words string) {
	t.Helper()
	if v.Level != level || !strings.Contains(v.Why, words) || (v.Why == "") != (level == Free) {
		t.Errorf("%+v; want level %d with %q", v, level, words)
	}
}

func TestServerSignals(t *testing.T) {
	t.Parallel()
	server, err := pgserver.Start(context.Background(), pgserver.Config{Major: onward.NewestMajor, Small: true, Unconfined: true, Settings: map[string]string{
		"wal_level": "replica", "archive_mode": "on", "archive_command": "/bin/false", "max_replication_slots": "4", "max_wal_senders": "4",
	}})
	if err != nil {
		pgservertest.SkipOrFail(t, err)
	}
	defer func() {
		if err := server.Stop(); err != nil {
			t.Error(err)
		}
	}()
	name, err := server.NewDatabase(t.Context(), "")
	if err != nil {
		t.Fatal(err)
	}
	conn := pgservertest.Connect(t, server.URL(name))
	pgservertest.Exec(t, conn, "SELECT pg_create_physical_replication_slot('report', true)", "CREATE TABLE w AS SELECT g AS n FROM generate_series(1, 20000) AS g")
	want(t, look(t, &slotWAL, conn, func(l *Limits) { l.SlotWAL = 1 << 30 }), Free, "")
	want(t, look(t, &slotWAL, conn, func(l *Limits) { l.SlotWAL = 1 << 10 }), Stop, "slot report keeps")
	pgservertest.Exec(t, conn, "SELECT pg_drop_replication_slot('report')")
	want(t, look(t, &slotWAL, conn, func(l *Limits) { l.SlotWAL = 1 << 10 }), Free, "")

	// A segment that was switched away from waits for an archiver that fails.
	want(t, look(t, &archiveBacklog, conn, func(l *Limits) { l.Archive = 42 }), Free, "")
	pgservertest.Exec(t, conn, "SELECT pg_switch_wal()", "CREATE TABLE v (n int)", "SELECT pg_switch_wal()")
	want(t, look(t, &archiveBacklog, conn, func(l *Limits) { l.Archive = 1 }), Slow, "segments of WAL wait for the archiver")
	want(t, look(t, &archiveBacklog, conn, func(*Limits) {}), Free, "")

	g := New(Limits{WALRate: 1000}, nil)
	for i, level := range []Level{Free, Stop} { // the first look has nothing to compare with
		v, err := walRate.look(t.Context(), g, conn)
		if err != nil || v.Level != level {
			t.Errorf("look %d: %+v %v", i, v, err)
		}
		pgservertest.Exec(t, conn, "INSERT INTO w SELECT g FROM generate_series(1, 20000) AS g")
	}
}

func TestTableSignals(t *testing.T) {
	t.Parallel()
	db := pgservertest.Database(t, onward.OldestMajor)
	conn, other := pgservertest.Connect(t, db), pgservertest.Connect(t, db)
	pgservertest.Exec(t, other, "CREATE TABLE orders (id int, n int) WITH (autovacuum_enabled = off)",
		"INSERT INTO orders SELECT g, g FROM generate_series(1, 150000) AS g", "UPDATE orders SET n = 0 WHERE id <= 120000")
	_ = other.Close(t.Context()) // it tells its statistics with its end
	verdict := Verdict{}
	for end := time.Now().Add(10 * time.Second); verdict.Level == Free && time.Now().Before(end); time.Sleep(50 * time.Millisecond) {
		verdict = look(t, &deadRows, conn, func(l *Limits) { l.Dead = 0.2 })
	}
	want(t, verdict, Slow, "of public.orders are dead rows (120 k): VACUUM public.orders")
	want(t, look(t, &deadRows, conn, func(l *Limits) { l.Dead = 0.9 }), Free, "")

	want(t, look(t, &vacuum, conn, func(l *Limits) { l.Vacuum = 0 }), Free, "")
	vacuums := pgservertest.Connect(t, db)
	pgservertest.Exec(t, vacuums, "SET vacuum_cost_delay = 100", "SET vacuum_cost_limit = 1")
	ctx, cancel := context.WithCancel(t.Context())
	done := make(chan struct{})
	go func() {
		defer close(done)
		_, _ = vacuums.Exec(ctx, "VACUUM orders")
	}()
	verdict = Verdict{}
	for end := time.Now().Add(10 * time.Second); verdict.Level == Free && time.Now().Before(end); time.Sleep(20 * time.Millisecond) {
		verdict = look(t, &vacuum, conn, func(l *Limits) { l.Vacuum = 0 })
	}
	want(t, verdict, Slow, "vacuum works on public.orders")
	want(t, look(t, &vacuum, conn, func(*Limits) {}), Free, "")
	alone := New(Limits{}, []string{"public.orders"})
	alone.load.kind = NoLoad
	verdict, err := vacuum.look(t.Context(), alone, conn)
	if err != nil {
		t.Fatal(err)
	}
	want(t, verdict, Free, "")
	cancel()
	<-done
}

func TestSessionSignals(t *testing.T) {
	t.Parallel()
	db := pgservertest.Database(t, onward.NewestMajor)
	conn, reader := pgservertest.Connect(t, db), pgservertest.Connect(t, db)
	want(t, look(t, &oldestSnapshot, conn, func(l *Limits) { l.Snapshot = time.Minute }), Free, "")
	pgservertest.Exec(t, reader, "BEGIN ISOLATION LEVEL REPEATABLE READ", "SELECT 1")
	time.Sleep(20 * time.Millisecond)
	want(t, look(t, &oldestSnapshot, conn, func(l *Limits) { l.Snapshot = time.Millisecond }), Slow, "has had a snapshot for")

	want(t, look(t, &activeSessions, conn, func(l *Limits) { l.Active = 0 }), Free, "")
	for range 2 {
		sleeper := pgservertest.Connect(t, db)
		go func() { _, _ = sleeper.Exec(t.Context(), "SELECT pg_sleep(20)") }()
	}
	verdict := Verdict{}
	for end := time.Now().Add(5 * time.Second); verdict.Level == Free && time.Now().Before(end); time.Sleep(20 * time.Millisecond) {
		verdict = look(t, &activeSessions, conn, func(l *Limits) { l.Active = 1 })
	}
	want(t, verdict, Slow, "sessions are at work")
}

func TestUserSQL(t *testing.T) {
	t.Parallel()
	conn := pgservertest.Connect(t, pgservertest.Database(t, onward.NewestMajor))
	for _, test := range []struct {
		sql   string
		level Level
		words string
	}{
		{"SELECT false", Free, ""},
		{"SELECT 0 -- none", Free, ""},
		{"SELECT -1.5;", Free, ""},
		{"SELECT true", Stop, "says true"},
		{"SELECT 2.5", Stop, "says 2.5"},
		{"SELECT NULL::int", Stop, "no row, or NULL"},
		{"SELECT 1 WHERE false", Stop, "no row, or NULL"},
		{"SELECT 'secret'", Stop, "neither a boolean nor a number"},
		{"SELECT nosuch", Stop, "SQLSTATE 42703"},
		{"SELECT count(*) FROM generate_series(1, 1000000000000)", Stop, "SQLSTATE 57014"},
		{"SELECT pg_terminate_backend(pg_backend_pid())", Stop, "is not run: it calls pg_terminate_backend"},
		{"SELECT dblink_exec('host=x', 'DROP TABLE t') = ''", Stop, "is not run: it calls dblink_exec"},
		{"1); SELECT (2", Stop, "is not run: it is not one SELECT"},
		{"SELECT nextval('s')", Stop, "no answer"},
	} {
		verdict := look(t, &userQuery, conn, func(l *Limits) { l.SQL = test.sql })
		want(t, verdict, test.level, test.words)
		if strings.Contains(verdict.Why, "secret") {
			t.Errorf("what the query gives is shown: %s", verdict.Why)
		}
	}
}

// After a signal that cannot be read the next ones are still read by onward's own search_path: nobody's view of the same name answers.
func TestOwnPathAfterError(t *testing.T) {
	t.Parallel()
	pgservertest.EachEnd(t, func(t *testing.T, major int) {
		conn := pgservertest.Connect(t, pgservertest.Database(t, major))
		pgservertest.Exec(t, conn, "CREATE VIEW public.pg_stat_activity AS SELECT 'active' AS state, "+
			"'client backend' AS backend_type, '' AS application_name, n AS pid FROM generate_series(-900, -1) AS n",
			"GRANT SELECT ON public.pg_stat_activity TO PUBLIC", "REVOKE SELECT ON pg_catalog.pg_replication_slots FROM PUBLIC",
			"SET search_path = public, pg_catalog", "SET ROLE pg_monitor")
		g := New(Limits{Snapshot: -1, SQL: "SELECT false"}, nil)
		err := live.AsOwn(t.Context(), conn, func() error {
			v, err := g.ReadSignals(t.Context(), conn)
			if !strings.Contains(v.Why, "pg_replication_slots") || conn.PgConn().TxStatus() != 'T' {
				t.Errorf("Postgres %d: %+v, in a transaction: %c", major, v, conn.PgConn().TxStatus())
			}
			return err
		})
		if err != nil {
			t.Errorf("Postgres %d: %v", major, err)
		}
	})
}

// Without the lag and the slots work does not go on for long; without the other signals it does, which is reported
// once.
func TestUnreadable(t *testing.T) {
	t.Parallel()
	db := pgservertest.Database(t, onward.NewestMajor)
	conn := pgservertest.Connect(t, db)
	g := New(Limits{Active: -1, Snapshot: -1}, nil)
	if v, err := g.ReadSignals(t.Context(), conn); err != nil || v.Level != Free {
		t.Fatalf("ReadSignals = %+v, %v, want level Free", v, err)
	}
	// A view of that name comes first in this session: the query fails as it does without the privilege.
	pgservertest.Exec(t, conn, "CREATE VIEW public.pg_replication_slots AS SELECT 1 AS one", "CREATE VIEW public.pg_stat_progress_vacuum AS SELECT 1 AS one",
		"SET search_path = public, pg_catalog")
	g.asked = time.Time{}
	v, err := g.ReadSignals(t.Context(), conn)
	if err != nil || v.Level != Slow || !strings.Contains(v.Why, "the WAL of the slots cannot be read") || len(v.Unseen) != 1 ||
		!strings.Contains(v.Unseen[0], "autovacuum is not looked at") {
		t.Errorf("ReadSignals without slots and vacuums = %+v, %v, want level Slow and one Unseen", v, err)
	}
	g.asked = time.Time{}
	g.read[slotWAL.name] = time.Now().Add(-Blind)
	if v, err = g.ReadSignals(t.Context(), conn); err != nil || v.Level != Stop || len(v.Unseen) != 0 {
		t.Errorf("ReadSignals after %v without the slots = %+v, %v, want level Stop", Blind, v, err)
	}
	pgservertest.Exec(t, conn, "RESET search_path")
	if v, _ := g.ReadSignals(t.Context(), conn); v.Level != Stop {
		t.Error("it asks more often than every 2 seconds")
	}
	g.asked = time.Time{}
	if v, err = g.ReadSignals(t.Context(), conn); err != nil || v.Level != Free {
		t.Errorf("ReadSignals with the slots again = %+v, %v, want level Free", v, err)
	}
}

func TestHealth(t *testing.T) {
	t.Parallel()
	for text, words := range map[string]string{
		"true": "", "exit 7": "exit code 7", "http://127.0.0.1:1/secret": "cannot be reached", "/nonexistent/x": "exit code 127",
	} {
		v := New(Limits{Health: text}, nil).CheckHealth(t.Context())
		if (v.Level == Stop) == (words == "") || !strings.Contains(v.Why, words) || strings.Contains(v.Why, "secret") {
			t.Errorf("CheckHealth with %q = %+v, want level Stop if there is a reason, and the reason %q", text, v, words)
		}
	}
}

func TestOver(t *testing.T) {
	t.Parallel()
	for _, test := range []struct {
		is, limit float64
		level     Level
	}{{1, 2, Free}, {2, 2, Free}, {2.1, 2, Slow}, {10, 2, Slow}, {10.1, 2, Stop}, {100, -1, Free}} {
		if v := judgeLimit(test.is, test.limit, "x"); v.Level != test.level {
			t.Errorf("%v against %v: %v", test.is, test.limit, v.Level)
		}
	}
}

// The dead rows that a backfill has left itself do not count, unless the load's queries take longer. The dead rows of others always
// count, also after a vacuum.
func TestOwnDeadRows(t *testing.T) {
	t.Parallel()
	db := pgservertest.Database(t, onward.NewestMajor)
	conn := pgservertest.Connect(t, db)
	change := func(sql string) {
		other := pgservertest.Connect(t, db)
		pgservertest.Exec(t, other, sql)
		_ = other.Close(t.Context()) // it reports its statistics with its end
	}
	change("CREATE TABLE orders (id int, n int) WITH (autovacuum_enabled = off)")
	change("INSERT INTO orders SELECT g, g FROM generate_series(1, 300000) AS g")
	l := none
	l.Dead = 0.2
	g := New(l, []string{"public.orders"})
	await := func(dead int64, level Level, words string) {
		t.Helper()
		var count int64
		for end := time.Now().Add(10 * time.Second); count != dead && time.Now().Before(end); time.Sleep(20 * time.Millisecond) {
			if err := conn.QueryRow(t.Context(), "SELECT n_dead_tup FROM pg_stat_user_tables WHERE relname = 'orders'").Scan(&count); err != nil {
				t.Fatal(err)
			}
		}
		if count != dead {
			t.Fatalf("%d dead rows, not %d", count, dead)
		}
		v, err := deadRows.look(t.Context(), g, conn)
		if err != nil {
			t.Fatal(err)
		}
		want(t, v, level, words)
	}
	change("UPDATE orders SET n = 0 WHERE id <= 150000")
	g.AddWrites("public.orders", 150_000)
	await(150_000, Free, "")
	g.SetHarm(true)
	await(150_000, Slow, "33 % of public.orders are dead rows (150 k)")
	g.SetHarm(false)
	change("UPDATE orders SET n = 1 WHERE id <= 140000")
	await(290_000, Slow, "24 % of public.orders are dead rows (140 k)")
	next := New(l, []string{"public.orders"})
	next.Inherit(g)
	g = next
	await(290_000, Slow, "(140 k)")
	change("VACUUM orders")
	await(0, Free, "")
	change("UPDATE orders SET n = 2 WHERE id <= 140000")
	await(140_000, Slow, "32 % of public.orders are dead rows (140 k)")
}

// Sessions that have just worked are a load, and idle ones are none. Only beside a load a vacuum of the table counts.
func TestLoad(t *testing.T) {
	t.Parallel()
	db := pgservertest.Database(t, onward.NewestMajor)
	conn, idle := pgservertest.Connect(t, db), pgservertest.Connect(t, db)
	pgservertest.Exec(t, idle, "SELECT 1")
	g := New(none, nil)
	read := func(end Load) {
		t.Helper()
		for last := time.Now().Add(20 * time.Second); g.OtherLoad() != end && time.Now().Before(last); time.Sleep(20 * time.Millisecond) {
			if _, err := loadOfOthers.look(t.Context(), g, conn); err != nil {
				t.Fatal(err)
			}
		}
		if g.OtherLoad() != end {
			t.Errorf("load %d, not %d", g.OtherLoad(), end)
		}
	}
	if g.OtherLoad() != UnknownLoad {
		t.Error("the load was not read yet")
	}
	ctx, stop := context.WithCancel(t.Context())
	done := make(chan struct{})
	worker := pgservertest.Connect(t, db)
	go func() {
		defer close(done)
		for ctx.Err() == nil {
			_, _ = worker.Exec(t.Context(), "SELECT pg_sleep(0.01)")
		}
	}()
	read(SomeLoad)
	stop()
	<-done
}
