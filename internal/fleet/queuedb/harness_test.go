package queuedb

import (
	"bytes"
	"cmp"
	"context"
	"errors"
	"fmt"
	"log/slog"
	"os"
	"slices"
	"sync"
	"testing"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgconn"

	"github.com/onward-sql/onward/apply"
	"github.com/onward-sql/onward/internal/fleet"
	"github.com/onward-sql/onward/internal/pgserver/pgservertest"
	"github.com/onward-sql/onward/onward"
)

func TestMain(m *testing.M) { os.Exit(pgservertest.Main(m)) }

// scene is a queue, a database with schemas, and a release.
type scene struct {
	workerAtOnce int                              // of each worker; 0 is 4
	release      string                           // of the next worker, whose machine has its code
	makeWork     func(j *Job) (fleet.Work, error) // nil: work
	drain        time.Duration                    // of the next worker; 0 is 5 seconds
	queue, db    string
	readQueue    func() (string, error) // reads the queue's address again; nil for none
	conn         *pgx.Conn              // of the schemas' database
	source       fleet.Source
	config       fleet.Config
	settings     Settings
	work         func(ctx context.Context, t *fleet.Target, s *apply.Slice) error
	log          syncBuffer

	sliceLength time.Duration // 0 is the default
}

// syncBuffer is a buffer for several goroutines.
type syncBuffer struct {
	mu sync.Mutex
	b  bytes.Buffer
}

func (s *syncBuffer) Write(p []byte) (int, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.b.Write(p)
}

func (s *syncBuffer) String() string {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.b.String()
}

// newScene returns a release that adds 1 in each of some schemas.
func newScene(t *testing.T, schemas int) *scene {
	t.Helper()
	s := &scene{queue: pgservertest.Database(t, onward.NewestMajor), db: pgservertest.Database(t, onward.NewestMajor)}
	s.conn = pgservertest.Connect(t, s.db)
	for i := range schemas {
		s.addSchema(t, fmt.Sprintf("tenant_%02d", i+1))
	}
	s.source = fleet.Source{Text: "schemas:tenant_*", DB: s.db}
	waves, err := fleet.ParseWaves("1,100%")
	if err != nil {
		t.Fatal(err)
	}
	s.config = fleet.Config{
		Release: "v2", Digest: "x", Waves: waves, Who: "test", Tell: func(string) {},
		List: func(ctx context.Context) ([]*fleet.Target, error) { return fleet.ListTargets(ctx, s.source) },
	}
	s.settings = Settings{Source: s.source.Text, Late: true, StopAfter: "2%", AtOnce: 4, PerServer: 4, Within: time.Minute, Work: []byte("{}")}
	s.work = addOne
	return s
}

func (s *scene) addSchema(t *testing.T, name string) {
	t.Helper()
	pgservertest.Exec(t, s.conn, fmt.Sprintf("CREATE SCHEMA %s; CREATE TABLE %s.counter (n int); INSERT INTO %s.counter VALUES (0)", name, name, name))
}

// addOne is not repeatable.
func addOne(ctx context.Context, t *fleet.Target, _ *apply.Slice) error {
	return execIn(ctx, t, "UPDATE counter SET n = n + 1")
}

func execIn(ctx context.Context, t *fleet.Target, sql string) error {
	conn, err := pgx.Connect(ctx, t.Address)
	if err != nil {
		return err
	}
	defer conn.Close(context.WithoutCancel(ctx))
	_, err = conn.Exec(ctx, "SET search_path = "+t.SearchPath("")+"; "+sql)
	return err
}

// open opens the queue.
func (s *scene) open(t *testing.T) *Queue {
	t.Helper()
	q, err := Open(t.Context(), Address{URL: s.queue, Read: s.readQueue}, 12, slog.New(slog.NewJSONHandler(&s.log, &slog.HandlerOptions{Level: slog.LevelDebug})))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(q.Close)
	return q
}

// start puts the release into the queue.
func (s *scene) start(t *testing.T, q *Queue, rebuild bool) {
	t.Helper()
	survey, err := fleet.SurveyTargets(t.Context(), s.config)
	if err == nil {
		err = q.Start(t.Context(), &s.config, &s.settings, survey, rebuild)
	}
	if err != nil {
		t.Fatal(err)
	}
}

// startWorker starts a worker. stop lets it end, and waits.
func (s *scene) startWorker(t *testing.T, q *Queue) (w *Worker, stop func()) {
	t.Helper()
	makeWork := s.makeWork
	if makeWork == nil {
		makeWork = func(j *Job) (fleet.Work, error) {
			return func(ctx context.Context, t *fleet.Target, _ func(int) error) (int, error) {
				return 0, s.work(ctx, t, j.Slice)
			}, nil
		}
	}
	w = q.NewWorker(WorkerConfig{
		AtOnce: cmp.Or(s.workerAtOnce, 4), Source: s.source, Who: "test worker", Drain: cmp.Or(s.drain, 5*time.Second), snooze: 50 * time.Millisecond,
		sliceLength: s.sliceLength, Release: s.release, MakeWork: makeWork,
	})
	ctx, cancel := context.WithCancel(t.Context())
	ended := make(chan error, 1)
	go func() { ended <- w.Run(ctx) }()
	stop = sync.OnceFunc(func() {
		cancel()
		select {
		case err := <-ended:
			if err != nil {
				t.Error(err)
			}
		case <-time.After(30 * time.Second):
			t.Error("the worker does not end")
		}
	})
	t.Cleanup(stop)
	return w, stop
}

// await waits until the release has one of some states.
func (s *scene) await(t *testing.T, q *Queue, states ...onward.RolloutState) {
	t.Helper()
	var p *Progress
	var err error
	for end := time.Now().Add(40 * time.Second); time.Now().Before(end); time.Sleep(20 * time.Millisecond) {
		if p, err = q.ReadProgress(t.Context(), s.config.Release); err == nil && p != nil && slices.Contains(states, p.State) {
			return
		}
	}
	t.Fatalf("%+v %v, want %s\n%s", p, err, states, &s.log)
}

// checkOnce checks that each schema has the release exactly once.
func (s *scene) checkOnce(t *testing.T, want int) {
	t.Helper()
	s.checkCounts(t, want, "done")
}

func (s *scene) checkCounts(t *testing.T, want int, states string) {
	t.Helper()
	var names []string
	rows, err := s.conn.Query(t.Context(), `SELECT nspname::text FROM pg_namespace WHERE nspname LIKE 'tenant\_%'`)
	if err == nil {
		names, err = pgx.CollectRows(rows, pgx.RowTo[string])
	}
	if err != nil || len(names) != want {
		t.Fatalf("the tenants' schemas are %q, error %v, want %d", names, err, want)
	}
	for _, name := range names {
		var n int
		if err := s.conn.QueryRow(t.Context(), "SELECT n FROM "+name+".counter").Scan(&n); err != nil || n != 1 {
			t.Errorf("%s has the release %d times: %v", name, n, err)
		}
	}
	var got string
	if err := s.conn.QueryRow(t.Context(), "SELECT string_agg(DISTINCT state || holder, ',') FROM onward_fleet.target").Scan(&got); err != nil || got != states {
		t.Errorf("the ledger's states are %q, error %v, want %q", got, err, states)
	}
}

// ask returns the only value of a query on the queue.
func ask[T any](t *testing.T, q *Queue, sql string, args ...any) (out T) {
	t.Helper()
	if err := q.pool.QueryRow(t.Context(), sql, args...).Scan(&out); err != nil {
		t.Fatalf("query %q: %v", sql, err)
	}
	return out
}

// dropQueue drops the queue's schema while workers use it: the server may choose this session to end a deadlock.
func dropQueue(t *testing.T, q *Queue) {
	t.Helper()
	for {
		_, err := q.pool.Exec(t.Context(), "DROP SCHEMA onward_queue CASCADE")
		if refused := (*pgconn.PgError)(nil); errors.As(err, &refused) && refused.Code == "40P01" {
			continue
		}
		if err != nil {
			t.Fatal(err)
		}
		return
	}
}

// exec changes the queue.
func exec(t *testing.T, q *Queue, sql string, args ...any) {
	t.Helper()
	if _, err := q.pool.Exec(t.Context(), sql, args...); err != nil {
		t.Fatalf("run %q: %v", sql, err)
	}
}
