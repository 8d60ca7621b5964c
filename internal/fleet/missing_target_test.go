package fleet_test

import (
	"context"
	"errors"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"

	"github.com/onward-sql/onward/internal/fleet"
	"github.com/onward-sql/onward/internal/pgserver/pgservertest"
	"github.com/onward-sql/onward/onward"
)

// A line of a file that names no database is a failure, with its place. A target that is dropped during the release is gone, and no failure.
func TestMissingTarget(t *testing.T) {
	t.Parallel()
	db, conn := tenants(t, 2)
	var name string
	if err := conn.QueryRow(t.Context(), "SELECT current_database()").Scan(&name); err != nil {
		t.Fatal(err)
	}
	typo := strings.Replace(db, name, name+"_typo", 1)
	for name, c := range map[string]struct {
		lines, state string
		drops        bool
	}{
		"never existed": {db + " name=a schema=tenant_01\n\n# a typing error\n" + typo + " name=b\n", "b failed targets.txt:4: there is no such database", false},
		"no schema":     {db + " name=a schema=tenant_01\n" + db + " name=b schema=typo\n", "b failed targets.txt:2: there is no such database or schema", false},
		"dropped":       {db + " name=a schema=tenant_01 canary=true\n" + db + " name=b schema=tenant_02\n", "b gone ", true},
	} {
		t.Run(name, func(t *testing.T) {
			file := filepath.Join(t.TempDir(), "targets.txt")
			if err := os.WriteFile(file, []byte(c.lines), 0o600); err != nil {
				t.Fatal(err)
			}
			config, seen := newConfig(t, db, "")
			config.Release = "release " + name
			config.List = func(ctx context.Context) ([]*fleet.Target, error) {
				return fleet.ListTargets(ctx, fleet.Source{Text: file})
			}
			var once sync.Once
			config.Work = func(context.Context, *fleet.Target, func(int) error) (int, error) {
				if c.drops {
					once.Do(func() { pgservertest.Exec(t, conn, "DROP SCHEMA tenant_02 CASCADE") })
				}
				return 0, nil
			}
			r, err := fleet.Run(t.Context(), config)
			if r == nil {
				t.Fatal(err)
			}
			if unfinished := new(fleet.UnfinishedError); c.drops != (err == nil) || err != nil && (!errors.As(err, &unfinished) || !unfinished.Failed) {
				t.Errorf("run the release: %v, want failed targets: %t\n%s", err, c.drops, seen)
			}
			for _, p := range r.Targets {
				if p.Name == "b" && !strings.HasPrefix("b "+string(p.State)+" "+strings.ReplaceAll(p.Note, filepath.Dir(file)+"/", ""), c.state) {
					t.Errorf("the target b is %+v, want %q", p, c.state)
				}
				if p.Name == "a" && p.State != onward.RolloutDone {
					t.Errorf("the target a is %+v, want done", p)
				}
			}
		})
	}
}
