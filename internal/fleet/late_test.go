package fleet_test

import (
	"context"
	"errors"
	"slices"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/onward-sql/onward/config"
	"github.com/onward-sql/onward/internal/fleet"
	"github.com/onward-sql/onward/internal/pgserver/pgservertest"
	"github.com/onward-sql/onward/onward"
)

// Targets that are created meanwhile and cannot be listed keep the release from being done. If their list is away for a moment, it is asked again.
func TestUnlisted(t *testing.T) {
	t.Parallel()
	db, conn := tenants(t, 3)
	c, seen := newConfig(t, db, "")
	c.Work = sendDirectly(migration)
	list := c.List
	var lists atomic.Int64
	unreachableErr := errors.New("postgres://u:hunter2@h/d is away")
	fail := func(call int64) error { return nil }
	c.List = func(ctx context.Context) ([]*fleet.Target, error) {
		n := lists.Add(1)
		if n == 2 {
			createTenant(t, conn, "tenant_90")
		}
		if err := fail(n); err != nil {
			return nil, err
		}
		return list(ctx)
	}
	for _, bad := range []struct {
		err    error
		within time.Duration
	}{{&config.InputError{Err: errors.New("line 7 has no address")}, time.Hour}, {unreachableErr, time.Millisecond}} {
		fail = func(call int64) error {
			if call > 1 {
				return bad.err
			}
			return nil
		}
		lists.Store(0)
		c.Within = bad.within
		r, err := fleet.Run(t.Context(), c)
		unfinished := new(fleet.UnfinishedError)
		if !errors.As(err, &unfinished) || unfinished.Failed || r.State != onward.RolloutInterrupted || len(r.Targets) != 3 ||
			r.Waves[len(r.Waves)-1].State != onward.RolloutDone {
			t.Fatalf("the second list fails: rollout %+v, error %v, want 3 targets and state interrupted", r, err)
		}
		for _, words := range []string{r.Why, err.Error(), seen.String()} {
			if !strings.Contains(words, "created meanwhile may lack the release: ") || strings.Contains(words, "hunter2") {
				t.Errorf("no word of the tenants created meanwhile, or a password in: %s", words)
			}
		}
		pgservertest.Exec(t, conn, "DROP SCHEMA tenant_90 CASCADE")
	}
	c.Within = time.Minute
	lists.Store(0)
	fail = func(call int64) error {
		if call == 2 {
			return unreachableErr
		}
		return nil
	}
	r, err := fleet.Run(t.Context(), c)
	isLate := func(p onward.RolloutTarget) bool { return p.Name == "tenant_90" }
	if err != nil || r.State != onward.RolloutDone || r.Why != "" || !slices.ContainsFunc(r.Targets, isLate) {
		t.Errorf("the list fails once: rollout %+v, error %v, want done with tenant_90", r, err)
	}
	checkTenants(t, conn, schemaNames(t, conn))
}
