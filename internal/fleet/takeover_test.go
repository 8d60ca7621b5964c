package fleet_test

import (
	"context"
	"errors"
	"testing"

	"github.com/onward-sql/onward/internal/fleet"
	"github.com/onward-sql/onward/internal/pgserver/pgservertest"
	"github.com/onward-sql/onward/onward"
)

// A session of an earlier command may still run a statement. It is ended before its target runs again.
func TestOldSessionsEnd(t *testing.T) {
	t.Parallel()
	db, conn := tenants(t, 1)
	old := pgservertest.Connect(t, db)
	pid := int(old.PgConn().PID())
	c, seen := newConfig(t, db, "")
	c.Work = func(_ context.Context, _ *fleet.Target, record func(int) error) (int, error) { return 1, record(pid) }
	if r, err := fleet.Run(t.Context(), c); r == nil || r.State != onward.RolloutStopped {
		t.Fatalf("a work with exit code 1: rollout %+v, error %v, want stopped", r, err)
	}
	ended := make(chan error, 1)
	go func() {
		_, err := old.Exec(context.Background(), "SELECT pg_sleep(60)")
		ended <- err
	}()
	c.Work = func(context.Context, *fleet.Target, func(int) error) (int, error) {
		var left int
		err := conn.QueryRow(context.Background(), "SELECT count(*) FROM pg_stat_activity WHERE pid = $1", pid).Scan(&left)
		return left, err
	}
	if _, err := fleet.Run(t.Context(), c); err != nil {
		t.Fatalf("run again while the old session works: %v\n%s", err, seen)
	}
	if err := <-ended; err == nil {
		t.Error("the session went on")
	}
}

// A process that lost its target to another one cannot record its end.
func TestTakenOver(t *testing.T) {
	t.Parallel()
	db, conn := tenants(t, 1)
	c, _ := newConfig(t, db, "")
	c.Work = func(context.Context, *fleet.Target, func(int) error) (int, error) {
		pgservertest.Exec(t, conn, "UPDATE onward_fleet.target SET holder = 'other', who = 'another process', pid = pg_backend_pid(), "+
			"backend = (SELECT backend_start FROM pg_stat_activity WHERE pid = pg_backend_pid())")
		return 0, nil
	}
	r, err := fleet.Run(t.Context(), c)
	unfinished := new(fleet.UnfinishedError)
	if !errors.As(err, &unfinished) || unfinished.Failed || r.Targets[0].State != onward.RolloutRunning {
		t.Errorf("another process takes the target: rollout %+v, error %v, want it running", r, err)
	}
}

// The ledger of a release of onward that this one does not know is left alone.
func TestOtherLedger(t *testing.T) {
	t.Parallel()
	db, conn := tenants(t, 2)
	pgservertest.Exec(t, conn, "CREATE SCHEMA onward_fleet", "COMMENT ON SCHEMA onward_fleet IS 'onward fleet 2'")
	c, _ := newConfig(t, db, "")
	other := new(fleet.OtherLedgerError)
	c.Work = func(context.Context, *fleet.Target, func(int) error) (int, error) { t.Error("it ran"); return 0, nil }
	if _, err := fleet.Run(t.Context(), c); !errors.As(err, &other) || other.Comment != "onward fleet 2" {
		t.Error(err)
	}
	list, err := c.List(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	if _, err := fleet.ReadStatus(t.Context(), list, "", c.Waves); !errors.As(err, &other) {
		t.Error(err)
	}
}
