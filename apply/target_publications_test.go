package apply_test

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/onward-sql/onward/apply"
	"github.com/onward-sql/onward/audit"
	"github.com/onward-sql/onward/internal/component"
	"github.com/onward-sql/onward/internal/gitrange/gittest"
	"github.com/onward-sql/onward/internal/ledger"
	"github.com/onward-sql/onward/internal/pgserver"
	"github.com/onward-sql/onward/internal/pgserver/pgservertest"
	"github.com/onward-sql/onward/internal/subscriber"
	"github.com/onward-sql/onward/onward"
	"github.com/onward-sql/onward/plan"
	"github.com/onward-sql/onward/rehearse"
)

// startServer starts a server of the test's own. There is no wall around it, for it connects to another one.
func startServer(t *testing.T, major int, settings map[string]string) *pgserver.Server {
	t.Helper()
	s, err := pgserver.Start(context.Background(), pgserver.Config{Major: major, Small: true, Settings: settings, Unconfined: true})
	if major == onward.PreviewMajor {
		component.Need(t, component.Postgres19, err)
	}
	if err != nil {
		pgservertest.SkipOrFail(t, err)
	}
	t.Cleanup(func() { _ = s.Stop() })
	return s
}

// subscribed is a publisher's database and one on a second server that subscribes to it, both with the same tables.
type subscribed struct {
	t              *testing.T
	publisher, sub string // addresses
	rows           int
}

func subscribe(t *testing.T, from, to *pgserver.Server, publication string, sql ...string) *subscribed {
	t.Helper()
	var address [2]string
	for i, s := range []*pgserver.Server{from, to} {
		db, err := s.NewDatabase(context.Background(), "")
		if err != nil {
			t.Fatal(err)
		}
		address[i] = s.URL(db)
		run(t, address[i], sql...)
	}
	s := &subscribed{t: t, publisher: address[0], sub: address[1]}
	name := "reports_" + content(t, s.publisher, "SELECT current_database()")[0]
	run(t, s.publisher, "CREATE PUBLICATION "+publication)
	pub, _, _ := strings.Cut(publication, " ")
	run(t, s.sub, "CREATE SUBSCRIPTION "+name+" CONNECTION '"+s.publisher+"' PUBLICATION "+pub)
	return s
}

// end ends the subscription: a server has room for a few.
func (s *subscribed) end() {
	s.t.Helper()
	run(s.t, s.sub, "DROP SUBSCRIPTION reports_"+nameOf(s.publisher))
}

// follows reports whether the subscriber gets a row that is written now.
func (s *subscribed) follows(columns, values string, patience time.Duration) bool {
	s.t.Helper()
	s.rows++
	run(s.t, s.publisher, fmt.Sprintf("INSERT INTO orders (id, %s) VALUES (%d, %s)", columns, s.rows, values))
	conn := pgservertest.Connect(s.t, s.sub)
	defer conn.Close(context.Background())
	for end := time.Now().Add(patience); time.Now().Before(end); time.Sleep(50 * time.Millisecond) {
		var rowExists bool
		if err := conn.QueryRow(s.t.Context(), fmt.Sprintf("SELECT EXISTS (SELECT FROM orders WHERE (id, %s) = (%d, %s))", columns, s.rows,
			values)).Scan(&rowExists); err != nil {
			s.t.Fatal(err)
		}
		if rowExists {
			return true
		}
	}
	return false
}

// needs are the subscriber's statements for the steps of some phases.
func (s *subscribed) needs(p *onward.Plan, phases ...onward.PlanPhase) (before, after []string) {
	s.t.Helper()
	list, err := subscriber.Read(s.t.Context(), pgservertest.Connect(s.t, s.publisher))
	if err != nil || len(list) != 1 {
		s.t.Fatalf("subscriber.Read = %+v, %v, want 1 publication", list, err)
	}
	for _, n := range list[0].ListNeeds(p.Steps, []string{"public"}) {
		for _, phase := range phases {
			if strings.HasSuffix(n.Step, string(phase)) {
				before, after = append(before, n.Before...), append(after, n.After...)
			}
		}
	}
	return before, after
}

func (s *subscribed) refused(c apply.Config, words ...string) {
	s.t.Helper()
	_, err := apply.Run(s.t.Context(), c)
	if refused := new(apply.RefusedError); !errors.As(err, &refused) {
		s.t.Fatalf("it is not refused: %v", err)
	}
	for _, w := range words {
		if !strings.Contains(err.Error(), w) {
			s.t.Errorf("%q does not say %q", err, w)
		}
	}
}

// A subscriber on a second server gets each row before, during and after a plan: what it needs is named with its publication
// and slot, and no step runs before somebody has accepted that.
func TestSubscriber(t *testing.T) {
	t.Parallel()
	const tables = "CREATE TABLE orders (id bigint PRIMARY KEY, amount int NOT NULL, note text)"
	from := startServer(t, onward.NewestMajor, map[string]string{"wal_level": "logical"})
	to := startServer(t, 14, map[string]string{"wal_retrieve_retry_interval": "200ms", "max_logical_replication_workers": "12", "max_worker_processes": "20"})
	t.Run("a table", func(t *testing.T) {
		t.Parallel()
		s := subscribe(t, from, to, "orders_pub FOR TABLE orders", tables)
		if !s.follows("amount, note", "1, 'a'", 20*time.Second) {
			t.Fatal("the subscriber does not follow")
		}
		p := planned(t, tables+";", "ALTER TABLE orders RENAME COLUMN note TO remark; ALTER TABLE orders ALTER COLUMN amount TYPE bigint;")
		c := apply.Config{DB: s.publisher, Plan: p}
		s.refused(c, "publication orders_pub", "slot reports_", "ALTER TABLE public.orders ADD COLUMN remark text", "--accept-publication orders_pub")
		if n := content(t, s.publisher, "SELECT count(*)::text FROM onward_ledger.plan"); n[0] != "0" {
			t.Error("the plan was begun")
		}
		before, _ := s.needs(p, onward.Expand, onward.Backfill)
		run(t, s.sub, before...)
		c.AcceptPublications = []string{"orders_pub"}
		runPlan(t, c)
		if !s.follows("amount, note", "2, 'b'", 20*time.Second) || !s.follows("amount, remark", "3, 'c'", 20*time.Second) {
			t.Fatal("the subscriber stops behind expand")
		}
		c.Through, c.AcceptPublications = onward.Contract, nil
		s.refused(c, "ALTER TABLE public.orders ALTER COLUMN amount TYPE bigint", "orders ALTER COLUMN note DROP NOT NULL")
		before, after := s.needs(p, onward.Contract)
		run(t, s.sub, before...)
		c.AcceptPublications = []string{"orders_pub"}
		runPlan(t, c)
		if !s.follows("amount, remark", "4000000000, 'd'", 20*time.Second) {
			t.Fatal("the subscriber stops behind contract")
		}
		run(t, s.sub, after...)
		if !s.follows("amount, remark", "5, 'e'", 20*time.Second) {
			t.Fatal("the subscriber stops behind what comes after")
		}
		planForSubscribers(t, s.publisher)
	})
	t.Run("killed", func(t *testing.T) {
		t.Parallel()
		killedBesideSubscriber(t, from, to, tables, planned(t, tables+";",
			"ALTER TABLE orders RENAME COLUMN note TO remark; ALTER TABLE orders ALTER COLUMN amount TYPE bigint;"))
	})
	t.Run("abort", func(t *testing.T) {
		t.Parallel()
		abortBesideSubscriber(t, from, to, tables)
	})
	t.Run("all tables", func(t *testing.T) {
		t.Parallel()
		s := subscribe(t, from, to, "everything FOR ALL TABLES", tables)
		if !s.follows("amount, note", "1, 'a'", 20*time.Second) {
			t.Fatal("the subscriber does not follow")
		}
		p := planned(t, tables+";", "ALTER TABLE orders ADD COLUMN token uuid; CREATE TABLE lines (id bigint PRIMARY KEY); "+
			"ALTER TABLE orders RENAME COLUMN note TO remark;")
		s.refused(apply.Config{DB: s.publisher, Plan: p}, "publication everything is FOR ALL TABLES", "CREATE TABLE IF NOT EXISTS onward_ledger.log")
		if n := content(t, s.publisher, "SELECT count(*)::text FROM pg_namespace WHERE nspname = 'onward_ledger'"); n[0] != "0" {
			t.Error("the ledger was created")
		}
		before, _ := s.needs(p, onward.Expand)
		if !strings.Contains(strings.Join(before, "\n"), "CREATE TABLE lines") {
			t.Errorf("the statements before expand are %q, want CREATE TABLE lines in them", before)
		}
		run(t, s.sub, append(ledger.TableStatements(), before...)...)
		runPlan(t, apply.Config{DB: s.publisher, Plan: p, AcceptPublications: []string{"everything"}})
		if !s.follows("amount, remark", "2, 'b'", 20*time.Second) {
			t.Error("the subscriber stops at what onward created")
		}
		run(t, s.publisher, "DROP TABLE onward_ledger.origin, onward_ledger.relation, onward_ledger.schema_begun, onward_ledger.inventory, onward_ledger.schema_plan, "+
			"onward_ledger.schema_lease, onward_ledger.range, onward_ledger.log_process",
			"COMMENT ON SCHEMA onward_ledger IS 'onward ledger 2'")
		s.refused(apply.Config{DB: s.publisher, Plan: p}, "publication everything is FOR ALL TABLES", "CREATE TABLE IF NOT EXISTS onward_ledger.range")
	})
}

// abortBesideSubscriber takes a plan back whose column the subscriber requires. The abort is refused until somebody accepts what the
// subscriber needs. Without these statements the subscriber stops, and with them it goes on.
func abortBesideSubscriber(t *testing.T, from, to *pgserver.Server, tables string) {
	t.Helper()
	s := subscribe(t, from, to, "orders_pub FOR TABLE orders", tables)
	p := planned(t, tables+";", "ALTER TABLE orders RENAME COLUMN note TO remark;")
	before, _ := s.needs(p, onward.Expand)
	run(t, s.sub, before...)
	runPlan(t, apply.Config{DB: s.publisher, Plan: p, AcceptPublications: []string{"orders_pub"}})
	if !s.follows("amount, remark", "1, 'a'", 20*time.Second) {
		t.Fatal("the subscriber does not follow")
	}
	run(t, s.sub, "ALTER TABLE orders ALTER COLUMN remark SET NOT NULL")
	_, err := apply.Abort(t.Context(), apply.Config{DB: s.publisher}, "")
	refused := new(apply.RefusedError)
	if !errors.As(err, &refused) {
		t.Fatalf("it is not refused: %v", err)
	}
	need := "ALTER TABLE public.orders ALTER COLUMN remark DROP NOT NULL"
	for _, w := range []string{"publication orders_pub", "slot reports_", "Before the undo of ", need, "--accept-publication orders_pub"} {
		if !strings.Contains(refused.Text, w) {
			t.Errorf("%q does not say %q", refused.Text, w)
		}
	}
	if state := content(t, s.publisher, "SELECT state FROM onward_ledger.plan"); state[0] != "running" {
		t.Errorf("the abort was begun: %s", state)
	}
	r, err := apply.Abort(t.Context(), apply.Config{DB: s.publisher, AcceptPublications: []string{"orders_pub"}}, "")
	if err != nil || r.State != onward.ApplyAbandoned {
		t.Fatalf("abort with --accept-publication = %+v, %v, want it abandoned", r, err)
	}
	if s.follows("amount, note", "2, 'b'", 2*time.Second) {
		t.Error("the subscriber needed nothing")
	}
	run(t, s.sub, need)
	if !s.follows("amount, note", "3, 'c'", 20*time.Second) {
		t.Error("the subscriber stops although it has what it needs")
	}
}

// planForSubscribers holds that a plan for a database names its publications, and is not proven before they are accepted.
func planForSubscribers(t *testing.T, url string) {
	t.Helper()
	run(t, url, "ALTER TABLE orders DROP COLUMN remark")
	dir := gittest.Commits(t, map[string]string{"migrations/00001_a.sql": "-- +goose Up\nCREATE TABLE orders (id bigint PRIMARY KEY, amount bigint NOT NULL);"},
		map[string]string{"migrations/00002_b.sql": "-- +goose Up\nALTER TABLE orders ADD COLUMN token uuid;"})
	c := plan.Config{Config: rehearse.Config{Config: audit.Config{Dir: dir, Base: "main", Head: "feature", Deployed: audit.Deployed{DB: url}}}, Sketch: true}
	for _, accepted := range [][]string{nil, {"orders_pub"}} {
		c.AcceptPublications = accepted
		p, _, err := plan.Make(t.Context(), c)
		if err != nil {
			t.Fatal(err)
		}
		if isListed := strings.Contains(strings.Join(p.Proof.Missing, "\n"), "publication orders_pub"); isListed != (accepted == nil) {
			t.Errorf("accepted %v: %q", accepted, p.Proof.Missing)
		}
		if !slices.Contains(p.Proof.Settings, onward.PlanSetting{Name: "intervalstyle", Value: "postgres"}) || len(p.Proof.Settings) != 5 {
			t.Errorf("the proof's settings are %+v, want 5, with intervalstyle", p.Proof.Settings)
		}
		if len(p.Statements) == 0 || p.Statements[0].SQL != "ALTER TABLE public.orders ADD COLUMN token uuid" ||
			!strings.HasPrefix(p.Statements[0].Name, "before 01-expand") {
			t.Errorf("the plan's statements are %+v, want the subscriber's new column before 01-expand", p.Statements)
		}
	}
}
