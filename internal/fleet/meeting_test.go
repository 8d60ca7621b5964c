package fleet_test

import (
	"context"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/onward-sql/onward/internal/fleet"
	"github.com/onward-sql/onward/internal/pgserver/pgservertest"
	"github.com/onward-sql/onward/onward"
)

// Two releases that meet on the same schemas never work on one of them at the same time, and both are done in the end.
func TestRolloutsMeet(t *testing.T) {
	t.Parallel()
	db, _ := tenants(t, 12)
	var mu sync.Mutex
	working := map[string]string{}
	var meetings int
	var all sync.WaitGroup
	startedReleases := make(chan struct{}, 2) // one for each release that works
	for _, release := range []string{"v2", "v3"} {
		all.Go(func() {
			c, seen := newConfig(t, db, "")
			work := sendDirectly("SELECT pg_sleep(0.05)")
			c.Release = release
			var first sync.Once
			c.Work = func(ctx context.Context, target *fleet.Target, record func(int) error) (int, error) {
				mu.Lock()
				if other := working[target.Name]; other != "" {
					t.Errorf("%s and %s work on %s", other, release, target.Name)
				}
				working[target.Name] = release
				mu.Unlock()
				first.Do(func() { // neither is done before the other one has begun
					startedReleases <- struct{}{}
					for deadline := time.Now().Add(10 * time.Second); len(startedReleases) < 2 && time.Now().Before(deadline); {
						time.Sleep(time.Millisecond)
					}
				})
				defer func() {
					mu.Lock()
					defer mu.Unlock()
					working[target.Name] = ""
				}()
				return work(ctx, target, record)
			}
			if r, err := fleet.Run(t.Context(), c); err != nil || r.State != onward.RolloutDone {
				t.Errorf("release %s: rollout %+v, error %v, want done\n%s", release, r, err, seen)
			}
			mu.Lock()
			defer mu.Unlock()
			meetings += strings.Count(seen.String(), ", for the release v")
		})
	}
	all.Wait()
	if meetings == 0 {
		t.Error("the releases did not meet")
	}
}

// One target that failed is tried again alone, and so is one that is done.
func TestRetryOne(t *testing.T) {
	t.Parallel()
	db, conn := tenants(t, 5)
	pgservertest.Exec(t, conn, "ALTER TABLE tenant_03.version ADD CHECK (number <> '2')")
	c, seen := newConfig(t, db, "")
	c.Work, c.StopAfter = sendDirectly(migration), fleet.Amount{Number: 1}
	if r, _ := fleet.Run(t.Context(), c); r == nil || r.State != onward.RolloutFailed {
		t.Fatalf("with a bad tenant_03: rollout %+v, want failed\n%s", r, seen)
	}
	pgservertest.Exec(t, conn, "ALTER TABLE tenant_03.version DROP CONSTRAINT version_number_check")
	all := c.List
	listOne := func(name string) func(ctx context.Context) ([]*fleet.Target, error) {
		return func(ctx context.Context) ([]*fleet.Target, error) {
			list, err := all(ctx)
			if err != nil {
				return nil, err
			}
			return fleet.SelectTargets(list, []string{name}, nil)
		}
	}
	c.Chosen, c.List = true, listOne("tenant_03")
	if r, err := fleet.Run(t.Context(), c); err != nil || len(r.Targets) != 1 || r.Targets[0].Attempts != 2 {
		t.Errorf("retry tenant_03: rollout %+v, error %v, want its second attempt", r, err)
	}
	checkTenants(t, conn, schemaNames(t, conn))
	c.Work, c.List = sendDirectly("SELECT 1"), listOne("tenant_01")
	if r, err := fleet.Run(t.Context(), c); err != nil || r.Targets[0].Attempts != 2 {
		t.Errorf("retry tenant_01: rollout %+v, error %v, want its second attempt", r, err)
	}
}

// The role of the address gets another name in the middle of a release. The address is read again from its file.
func TestRotatedCredentials(t *testing.T) {
	t.Parallel()
	db, conn := tenants(t, 8)
	name := strings.SplitN(strings.SplitN(db, "?", 2)[0], "/", 4)[3]
	old, fresh := "old_"+name, "fresh_"+name
	pgservertest.Exec(t, conn, "CREATE ROLE "+old+" SUPERUSER LOGIN")
	cleaner := pgservertest.Connect(t, db)
	t.Cleanup(func() {
		if _, err := cleaner.Exec(context.Background(), "REASSIGN OWNED BY "+fresh+" TO postgres; DROP ROLE "+fresh); err != nil {
			t.Error(err)
		}
	})
	dir := t.TempDir()
	secret, targets := filepath.Join(dir, "secret"), filepath.Join(dir, "targets.yaml")
	write := func(path, text string) {
		if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
			t.Error(err)
		}
	}
	write(secret, strings.Replace(db, "//postgres@", "//"+old+"@", 1))
	write(targets, "targets:\n  - address: file:"+secret+"\n    schemas: tenant_*\n")
	c, seen := newConfig(t, db, "")
	c.List = func(ctx context.Context) ([]*fleet.Target, error) {
		return fleet.ListTargets(ctx, fleet.Source{Text: targets})
	}
	c.AtOnce = 1
	count := 0
	work := sendDirectly(migration)
	c.Work = func(ctx context.Context, target *fleet.Target, record func(int) error) (int, error) {
		if count++; count == 4 {
			pgservertest.Exec(t, conn, fmt.Sprintf("ALTER ROLE %s RENAME TO %s", old, fresh),
				fmt.Sprintf("SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE usename = '%s'", fresh))
			write(secret, strings.Replace(db, "//postgres@", "//"+fresh+"@", 1))
		}
		return work(ctx, target, record)
	}
	if r, err := fleet.Run(t.Context(), c); err != nil || r.State != onward.RolloutDone || count != 9 {
		t.Fatalf("%+v %v, %d calls\n%s", r, err, count, seen)
	}
	checkTenants(t, conn, schemaNames(t, conn))
	checkLedger(t, conn)
}

// The servers of two databases have different clocks. Each age is measured by its own server's clock, so the last release is found.
func TestClocksDiffer(t *testing.T) {
	t.Parallel()
	db, conn := tenants(t, 1)
	other, ahead := tenants(t, 1)
	list := func(context.Context) ([]*fleet.Target, error) {
		return []*fleet.Target{{Name: "right", Address: db, Schema: "tenant_01"}, {Name: "ahead", Address: other, Schema: "tenant_01"}}, nil
	}
	for _, release := range []string{"v1", "v2"} {
		c, seen := newConfig(t, db, "")
		c.Release, c.List, c.Work = release, list, sendDirectly("SELECT 1")
		if _, err := fleet.Run(t.Context(), c); err != nil {
			t.Fatalf("run the release %s: %v\n%s", release, err, seen)
		}
	}
	// A server whose clock was set back has rows of the future, and its process has ended.
	pgservertest.Exec(t, ahead, "UPDATE onward_fleet.release SET began = began + interval '1 day'",
		"UPDATE onward_fleet.target SET began = began + interval '1 day', state = 'running', holder = 'x', pid = 1 WHERE release = 'v2'")
	targets, err := list(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	c, _ := newConfig(t, db, "")
	r, err := fleet.ReadStatus(t.Context(), targets, "", c.Waves)
	if err != nil {
		t.Fatal(err)
	}
	got := []string{r.Release}
	for _, p := range r.Targets {
		got = append(got, fmt.Sprint(p.Name, " ", p.State))
	}
	if diff := cmp.Diff([]string{"v2", "right done", "ahead interrupted"}, got); diff != "" {
		t.Error(diff)
	}
	c.Release, c.List, c.Work = "v2", list, sendDirectly("SELECT 1")
	if r, err := fleet.Run(t.Context(), c); err != nil || r.State != onward.RolloutDone {
		t.Errorf("run v2 again after the clock change: rollout %+v, error %v, want done", r, err)
	}
	_ = conn
}
