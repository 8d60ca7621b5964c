package queuedb

import (
	"context"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/onward-sql/onward/apply"
	"github.com/onward-sql/onward/internal/fleet"
	"github.com/onward-sql/onward/internal/pgserver/pgservertest"
	"github.com/onward-sql/onward/onward"
)

// newListedScene returns a release whose targets a table of tenants lists. The worker reads it as a role of its own.
func newListedScene(t *testing.T, role string) *scene {
	t.Helper()
	s := newScene(t, 2)
	pgservertest.Exec(t, s.conn, "CREATE TABLE public.tenant AS SELECT nspname::text AS name, '"+s.db+"' AS address, nspname::text AS schema "+
		"FROM pg_namespace WHERE nspname LIKE 'tenant%'", "CREATE ROLE "+role+" LOGIN", "GRANT SELECT ON public.tenant TO "+role)
	t.Cleanup(func() {
		if _, err := s.conn.Exec(context.Background(), "DROP OWNED BY "+role+"; DROP ROLE "+role); err != nil {
			t.Error(err)
		}
	})
	s.source = fleet.Source{Text: "query:SELECT * FROM public.tenant", DB: strings.Replace(s.db, "//postgres@", "//"+role+"@", 1)}
	s.settings.Source = s.source.Text
	return s
}

// addLate lets the first target create another one, and calls f.
func (s *scene) addLate(t *testing.T, f func()) {
	var once sync.Once
	s.work = func(ctx context.Context, target *fleet.Target, slice *apply.Slice) error {
		once.Do(func() {
			s.addSchema(t, "tenant_late")
			pgservertest.Exec(t, s.conn, "INSERT INTO public.tenant SELECT 'tenant_late', address, 'tenant_late' FROM public.tenant LIMIT 1")
			f()
		})
		return addOne(ctx, target, slice)
	}
}

// awaitWhy waits until the release has a reason, and returns it as a page shows it.
func (s *scene) awaitWhy(t *testing.T, q *Queue) *onward.Rollout {
	t.Helper()
	for end := time.Now().Add(30 * time.Second); ; time.Sleep(20 * time.Millisecond) {
		r, err := q.ReadRollout(t.Context(), "v2")
		if err == nil && r.Why != "" {
			return r
		}
		if time.Now().After(end) {
			t.Fatalf("the rollout has no reason: %+v, error %v\n%s", r, err, &s.log)
		}
	}
}

const unlisted = "created meanwhile may lack the release: "

// The database that lists the targets accepts no session for a while at the end. Until it does, the release goes on and says why.
func TestListAway(t *testing.T) {
	t.Parallel()
	s := newListedScene(t, "lister_away")
	s.addLate(t, func() { pgservertest.Exec(t, s.conn, "ALTER ROLE lister_away CONNECTION LIMIT 0") })
	q := s.open(t)
	s.start(t, q, false)
	s.startWorker(t, q)
	r := s.awaitWhy(t, q)
	if r.State != onward.RolloutRunning || !strings.Contains(r.Why, unlisted) || !strings.Contains(r.Why, "53300") || len(r.Targets) != 2 {
		t.Errorf("the list cannot be read: rollout %+v, want it running, with error 53300", r)
	}
	pgservertest.Exec(t, s.conn, "ALTER ROLE lister_away CONNECTION LIMIT 5")
	s.await(t, q, onward.RolloutDone)
	s.checkOnce(t, 3)
	if r, err := q.ReadRollout(t.Context(), "v2"); err != nil || r.Why != "" || len(r.Targets) != 3 {
		t.Errorf("after the list is back: rollout %+v, error %v, want 3 targets and no reason", r, err)
	}
}

// The list has a wrong line at the end. The release is not done, and says why; the same command goes on.
func TestListWrong(t *testing.T) {
	t.Parallel()
	s := newListedScene(t, "lister_wrong")
	s.addLate(t, func() { pgservertest.Exec(t, s.conn, "INSERT INTO public.tenant VALUES ('nobody', NULL, NULL)") })
	q := s.open(t)
	s.start(t, q, false)
	s.startWorker(t, q)
	s.await(t, q, onward.RolloutInterrupted)
	if r := s.awaitWhy(t, q); !strings.Contains(r.Why, unlisted) || !strings.Contains(r.Why, "neither a schema nor an address") || !fleet.HasEnded(r) {
		t.Errorf("the list has a bad row: rollout %+v, want it ended, with the reason", r)
	}
	pgservertest.Exec(t, s.conn, "DELETE FROM public.tenant WHERE name = 'nobody'")
	s.start(t, q, false)
	s.await(t, q, onward.RolloutDone)
	s.checkOnce(t, 3)
}

// No worker has the list of the release. Its known targets are done, and the reason says what is not known.
func TestOtherList(t *testing.T) {
	t.Parallel()
	s := newListedScene(t, "lister_other")
	s.addLate(t, func() {})
	q := s.open(t)
	s.start(t, q, false)
	s.source.Text += " WHERE true"
	s.startWorker(t, q)
	s.await(t, q, onward.RolloutDone)
	if r := s.awaitWhy(t, q); r.Why != otherListNote || len(r.Targets) != 2 {
		t.Errorf("the worker has another list: rollout %+v, want 2 targets and the reason %q", r, otherListNote)
	}
}
