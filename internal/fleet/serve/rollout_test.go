package serve

import (
	"bytes"
	"context"
	"fmt"
	"log/slog"
	"os"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/jackc/pgx/v5"

	"github.com/onward-sql/onward/apply"
	"github.com/onward-sql/onward/audit"
	"github.com/onward-sql/onward/internal/fleet"
	"github.com/onward-sql/onward/internal/fleet/queuedb"
	"github.com/onward-sql/onward/internal/gitrange/gittest"
	"github.com/onward-sql/onward/internal/pgserver/pgservertest"
	"github.com/onward-sql/onward/onward"
	"github.com/onward-sql/onward/plan"
	"github.com/onward-sql/onward/rehearse"
)

func TestMain(m *testing.M) { os.Exit(pgservertest.Main(m)) }

const (
	planBase = "CREATE TABLE account (id bigint PRIMARY KEY, nick text, amount int);\n"
	planNext = `ALTER TABLE account RENAME COLUMN nick TO nickname;
		ALTER TABLE account ADD CONSTRAINT account_amount_check CHECK (amount >= 0);`
)

// scene is a release on schemas of a database, in a queue.
type scene struct {
	db    string
	conn  *pgx.Conn
	list  *fleet.TargetList
	queue *queuedb.Queue
	plan  *onward.Plan
	count int
	slow  atomic.Int64 // nanoseconds before each slice
}

// refuseChanges lets the server refuse changes of the tables in some schemas.
const refuseChanges = `CREATE TABLE public.frozen (name text);
	CREATE FUNCTION public.refuse_changes() RETURNS event_trigger LANGUAGE plpgsql AS $$ BEGIN
		IF EXISTS (SELECT FROM pg_event_trigger_ddl_commands() AS c JOIN public.frozen AS f ON quote_ident(f.name) = c.schema_name OR f.name = c.schema_name) THEN
			RAISE EXCEPTION 'this schema is <b>frozen</b>' USING ERRCODE = 'invalid_parameter_value';
		END IF;
	END $$;
	CREATE EVENT TRIGGER refuse_changes ON ddl_command_end WHEN TAG IN ('ALTER TABLE') EXECUTE FUNCTION public.refuse_changes()`

// wrongSchemas refuse the release. Their names are hostile.
var wrongSchemas = []string{`tenant_<img src=x onerror=alert(1)>`, `tenant_"'&amp;<b>`}

// newScene makes schemas and a plan. The wrong ones are among them.
func newScene(t *testing.T, schemas int) *scene {
	t.Helper()
	s := &scene{db: pgservertest.Database(t, onward.NewestMajor), count: schemas}
	s.conn = pgservertest.Connect(t, s.db)
	names := append([]string{}, wrongSchemas...)
	for i := len(names); i < schemas; i++ {
		names = append(names, fmt.Sprintf("tenant_%04d", i))
	}
	for _, name := range names {
		id := pgx.Identifier{name}.Sanitize()
		pgservertest.Exec(t, s.conn, "CREATE SCHEMA "+id+"; SET search_path = "+id+"; "+planBase+
			"INSERT INTO account SELECT n, 'nick ' || n, n FROM generate_series(1, 500) AS n; RESET search_path")
	}
	pgservertest.Exec(t, s.conn, refuseChanges)
	for _, name := range wrongSchemas {
		s.exec(t, "INSERT INTO public.frozen VALUES ($1)", name)
	}
	source := fleet.Source{Text: "schemas:tenant_*", DB: s.db}
	s.list = &fleet.TargetList{Fresh: true, List: func(ctx context.Context) ([]*fleet.Target, error) { return fleet.ListTargets(ctx, source) }}
	dir := gittest.Commits(t, map[string]string{"migrations/00001_a.sql": "-- +goose Up\n" + planBase},
		map[string]string{"migrations/00002_b.sql": "-- +goose Up\n" + planNext})
	var err error
	if s.plan, _, err = plan.Make(t.Context(), plan.Config{
		Config: rehearse.Config{Config: audit.Config{Dir: dir, Base: "main", Head: "feature"}, Majors: []int{onward.NewestMajor}}, Sketch: true,
	}); err != nil {
		t.Fatal(err)
	}
	return s
}

func (s *scene) config(t *testing.T) fleet.Config {
	t.Helper()
	waves, err := fleet.ParseWaves("10%,100%")
	if err != nil {
		t.Fatal(err)
	}
	return fleet.Config{
		List: s.list.CopyAll, Release: "v2", Digest: "x", Waves: waves, StopAfter: fleet.Amount{Number: len(wrongSchemas)}, AtOnce: 4, PerServer: 4,
		Who: "test", Within: time.Minute, Tell: func(string) {}, Work: s.work(nil),
	}
}

// work applies the plan.
func (s *scene) work(slice *apply.Slice) fleet.Work {
	return fleet.ApplySteps(func(ctx context.Context, t *fleet.Target) (*onward.Applied, error) {
		time.Sleep(time.Duration(s.slow.Load()))
		p := *s.plan
		return apply.Run(ctx, apply.Config{
			DB: t.Address, Schema: t.Schema, SearchPath: t.SearchPath(""), Plan: &p, Through: onward.Backfill, Within: 20 * time.Second,
			Unproven: "a sketch", Who: "test", Slice: slice,
		})
	})
}

// startQueue puts the release into a queue.
func (s *scene) startQueue(t *testing.T) {
	t.Helper()
	var err error
	address := queuedb.Address{URL: pgservertest.Database(t, onward.NewestMajor)}
	if s.queue, err = queuedb.Open(t.Context(), address, 14, slog.New(slog.DiscardHandler)); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(s.queue.Close)
	c := s.config(t)
	survey, err := fleet.SurveyTargets(t.Context(), c)
	if err == nil {
		err = s.queue.Start(t.Context(), &c, &queuedb.Settings{
			Source: "schemas:tenant_*", StopAfter: c.StopAfter.String(), AtOnce: c.AtOnce, PerServer: c.PerServer, Within: c.Within, Work: []byte("{}"),
		}, survey, false)
	}
	if err != nil {
		t.Fatal(err)
	}
}

// startWorker starts a worker, which ends with the test.
func (s *scene) startWorker(t *testing.T) {
	t.Helper()
	w := s.queue.NewWorker(queuedb.WorkerConfig{
		AtOnce: 4, Source: fleet.Source{Text: "schemas:tenant_*", DB: s.db}, Who: "test worker", Drain: 5 * time.Second,
		MakeWork: func(j *queuedb.Job) (fleet.Work, error) { return s.work(j.Slice), nil },
	})
	ctx, stop := context.WithCancel(context.Background())
	var all sync.WaitGroup
	all.Go(func() {
		if err := w.Run(ctx); err != nil {
			t.Error(err)
		}
	})
	t.Cleanup(func() {
		stop()
		all.Wait()
	})
}

func (s *scene) exec(t *testing.T, sql string, args ...any) {
	t.Helper()
	if _, err := s.conn.Exec(t.Context(), sql, args...); err != nil {
		t.Fatal(err)
	}
}

// countTargets counts the targets in a state, as their ledgers have it.
func (s *scene) countTargets(t *testing.T, state string) (n int) {
	t.Helper()
	if err := s.conn.QueryRow(t.Context(), "SELECT count(*) FROM onward_fleet.target WHERE state = $1", state).Scan(&n); err != nil {
		t.Fatal(err)
	}
	return n
}

// The ledgers alone are enough for the page: releases, waves, reasons with SQLSTATE, steps, and changes.
func TestLedgers(t *testing.T) {
	t.Parallel()
	s := newScene(t, 6)
	source := &ledgers{list: s.list, waves: s.config(t).Waves}
	if v, err := source.readRelease(t.Context(), ""); err != nil || v.rollout != nil {
		t.Errorf("before a release: %+v %v", v, err)
	}
	change := func(kind, target, reason string) error {
		return source.makeChange(t.Context(), &change{kind: kind, release: "v2", target: target, reason: reason, who: "ada"})
	}
	read := func() *snapshot {
		t.Helper()
		v, err := source.readRelease(t.Context(), "")
		if err != nil || len(v.releases) != 1 || v.rollout.Release != "v2" {
			t.Fatalf("readRelease = %+v, %v, want the only release v2", v, err)
		}
		return v
	}
	if r, err := fleet.Run(t.Context(), s.config(t)); r == nil || r.State != onward.RolloutFailed {
		t.Fatalf("run the release: rollout %+v, error %v, want failed", r, err)
	}
	v := read()
	failed := v.findTarget(wrongSchemas[0])
	if failed == nil || failed.State != onward.RolloutFailed || !strings.Contains(failed.Note, "22023") {
		t.Fatalf("the target %s is %+v, want failed with 22023", wrongSchemas[0], failed)
	}
	if v.releases[0].Done != 4 || v.releases[0].Failed != 2 || len(v.rollout.Waves) != 2 {
		t.Errorf("the releases are %+v, want 4 done and 2 failed targets in 2 waves", v.releases)
	}
	plans, err := source.readPlans(t.Context(), failed.Name)
	if err != nil || len(plans) != 1 || len(plans[0].Applied.Steps) < 3 {
		t.Fatalf("readPlans(%q) = %+v, %v, want one plan with 3 or more steps", failed.Name, plans, err)
	}
	targets, err := s.list.CopyAll(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	steps := fleet.ReadOpenSteps(t.Context(), targets)
	if s := steps[failed.Name]; len(steps) != 2 || s == nil || !strings.Contains(s.Note, "22023") || s.State != onward.ApplyFailed {
		t.Errorf("ReadOpenSteps = %+v, want 2, and %s failed with 22023", steps, failed.Name)
	}
	if err := change(skipChange, wrongSchemas[0], "it is being moved"); err != nil {
		t.Fatal(err)
	}
	if got := read().findTarget(wrongSchemas[0]); got.State != onward.RolloutSkipped || got.Note != "it is being moved" {
		t.Errorf("the skipped target is %+v", got)
	}
	checkPauses(t, s, change, read)
	for kind, name := range map[string]string{skipChange: "tenant_0003", retryChange: "tenant_0003"} {
		if err := change(kind, name, "x"); err == nil || !strings.Contains(err.Error(), "it is done") {
			t.Errorf("%s of a target that is done: %v", kind, err)
		}
	}
	if err := change(retryChange, "nobody", ""); err == nil {
		t.Error("an unknown target was changed")
	}
}

// checkPauses pauses and resumes a release whose targets have all ended, and again after one of them is pending.
func checkPauses(t *testing.T, s *scene, change func(kind, target, reason string) error, read func() *snapshot) {
	t.Helper()
	_, address := startServer(t, Config{List: s.list, Waves: s.config(t).Waves, Changes: true})
	buttons := func() (found string) {
		t.Helper()
		code, page, _ := ask(t, "GET", address+"/?release=v2", "")
		if code != 200 {
			t.Fatalf("the release's page: %d, want 200:\n%s", code, page)
		}
		for _, id := range []string{"pause", "resume"} {
			if strings.Contains(page, `<button id="`+id+`"`) {
				found += id
			}
		}
		return found
	}
	for _, c := range []struct {
		kind, target string
		state        onward.RolloutState
		who          bool
		button       string
	}{
		{pauseChange, "", onward.RolloutFailed, true, ""},
		{retryChange, wrongSchemas[0], onward.RolloutPaused, true, "resume"},
		{resumeChange, "", onward.RolloutFailed, false, "pause"},
	} {
		if err := change(c.kind, c.target, ""); err != nil {
			t.Fatal(err)
		}
		r := read().rollout
		if r.State != c.state || strings.Contains(r.Why, "ada has paused it") != c.who {
			t.Errorf("after %s: %s %q", c.kind, r.State, r.Why)
		}
		for end := time.Now().Add(10 * time.Second); buttons() != c.button; time.Sleep(50 * time.Millisecond) {
			if time.Now().After(end) {
				t.Fatalf("after %s the page has the button %q, and not %q", c.kind, buttons(), c.button)
			}
		}
	}
	if got := read().findTarget(wrongSchemas[0]).State; got != onward.RolloutPending {
		t.Errorf("the target is %s", got)
	}
}

// A release that has ended has neither pause nor resume, and its page says why it is not done.
func TestEndedRelease(t *testing.T) {
	t.Parallel()
	for state, reason := range map[onward.RolloutState]string{
		onward.RolloutInterrupted: "the targets could not be listed again", onward.RolloutStopped: "too many have failed",
		onward.RolloutFailed: "one is not done",
	} {
		_, address := startServer(t, Config{Changes: true, source: &fakeSource{target: "two", ended: &onward.Rollout{State: state, Why: reason}}})
		code, page, _ := ask(t, "GET", address+"/?release=v2", "")
		if code != 200 || !strings.Contains(page, reason) || strings.Contains(page, `action="/pause"`) || strings.Contains(page, `action="/resume"`) {
			t.Errorf("the page of a release that is %s: %d, want %q and no buttons:\n%s", state, code, reason, page)
		}
	}
}

// A reader's role needs no right to create anything in the queue, and without a queue it says so.
func TestReadOnlyQueue(t *testing.T) {
	t.Parallel()
	url := pgservertest.Database(t, onward.NewestMajor)
	logger := slog.New(slog.NewTextHandler(&bytes.Buffer{}, nil))
	if _, err := queuedb.OpenReader(t.Context(), queuedb.Address{URL: url}, 2, logger); err == nil || !strings.Contains(err.Error(), "has no queue") {
		t.Errorf("without a queue: %v", err)
	}
	q, err := queuedb.Open(t.Context(), queuedb.Address{URL: url}, 2, logger)
	if err != nil {
		t.Fatal(err)
	}
	q.Close()
	if q, err = queuedb.OpenReader(t.Context(), queuedb.Address{URL: url}, 2, logger); err != nil {
		t.Fatal(err)
	}
	defer q.Close()
	if v, err := (&queued{queue: q}).readRelease(t.Context(), ""); err != nil || v.rollout != nil {
		t.Errorf("readRelease from an empty queue = %+v, %v, want no rollout", v, err)
	}
	if _, err := (&queued{queue: q}).readPlans(t.Context(), "a"); err == nil {
		t.Error("it has plans without targets")
	}
}
