package preflight_test

import (
	"context"
	"fmt"
	"io/fs"
	"os"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/onward-sql/onward/internal/gitrange/gittest"
	"github.com/onward-sql/onward/internal/pgserver"
	"github.com/onward-sql/onward/internal/pgserver/pgservertest"
	"github.com/onward-sql/onward/preflight"
)

// TestExample: the deployed migrations of an example shop have run, and nothing is found in
// its database.
func TestExample(t *testing.T) {
	t.Parallel()
	files, shop := map[string]string{}, os.DirFS("../examples/shop/base")
	url := pgservertest.Database(t, 18)
	c := pgservertest.Connect(t, url)
	names, err := fs.Glob(shop, "db/migrations/*.sql")
	if err != nil || len(names) < 5 {
		t.Fatalf("the shop's migrations are %q, %v, want five or more", names, err)
	}
	for _, name := range slices.Sorted(slices.Values(names)) {
		text, err := fs.ReadFile(shop, name)
		if err != nil {
			t.Fatal(err)
		}
		files[name] = string(text)
		up, _, _ := strings.Cut(files[name], "-- +goose Down")
		if strings.Contains(up, "-- +goose NO TRANSACTION") {
			for sql := range strings.SplitSeq(up, ";\n") {
				run(t, c, sql)
			}
			continue
		}
		run(t, c, up)
	}
	dir := gittest.Commits(t, files)
	r := flight(t, url, func(c *preflight.Config) { c.Alone, c.Dir, c.Base = false, dir, "main" })
	for _, f := range r.Findings {
		if f.Rule != "archiver-off" {
			t.Errorf("the example has the finding %s %s: %s", f.Severity, f.Rule, f.Fact)
		}
	}
}

// TestSubscription: a touched table that another database's rows come to.
func TestSubscription(t *testing.T) {
	t.Parallel()
	from, to := specialDatabase(t, 18), specialDatabase(t, 18)
	source, target := pgservertest.Connect(t, from), pgservertest.Connect(t, to)
	run(t, source, deployedSQL, "CREATE PUBLICATION users_out FOR TABLE users", "SELECT pg_create_logical_replication_slot('users_in', 'pgoutput')")
	run(t, target, deployedSQL)
	publisher := source.Config()
	run(t, target, fmt.Sprintf("CREATE SUBSCRIPTION users_in CONNECTION 'host=%s port=%d user=postgres dbname=%s' PUBLICATION users_out WITH (create_slot = "+
		"false, enabled = false, copy_data = false)", publisher.Host, publisher.Port, publisher.Database))
	t.Cleanup(func() {
		run(t, target, "ALTER SUBSCRIPTION users_in SET (slot_name = NONE)", "DROP SUBSCRIPTION users_in")
		run(t, source, "SELECT pg_drop_replication_slot('users_in')")
	})
	want(t, flight(t, to, release(t)), "publication-sends-table", "warning users_in", "subscription users_in writes users, which the release touches")
	want(t, flight(t, from, release(t)), "publication-sends-table", "warning users_out", "logical slots of the database: users_in")
}

// TestAutovacuum: the server's own, made slow, on a touched table.
func TestAutovacuum(t *testing.T) {
	t.Parallel()
	s, err := pgserver.Start(context.Background(), pgserver.Config{Major: 15, Small: true, Settings: map[string]string{
		"autovacuum": "on", "autovacuum_naptime": "1s", "autovacuum_vacuum_cost_delay": "100ms", "autovacuum_vacuum_cost_limit": "1",
		"autovacuum_vacuum_threshold": "1", "autovacuum_vacuum_scale_factor": "0",
	}})
	if err != nil {
		pgservertest.SkipOrFail(t, err)
	}
	defer func() { _ = s.Stop() }()
	url := s.URL("postgres")
	c := pgservertest.Connect(t, url)
	run(t, c, deployedSQL, "INSERT INTO users SELECT i, repeat('x', 200) FROM generate_series(1, 20000) i", "DELETE FROM users WHERE id % 2 = 0")
	for deadline := time.Now().Add(30 * time.Second); ; time.Sleep(50 * time.Millisecond) {
		var running bool
		if err := c.QueryRow(context.Background(), "SELECT count(*) > 0 FROM pg_stat_progress_vacuum WHERE relid = 'users'::regclass").Scan(&running); err != nil {
			t.Fatal(err)
		}
		if running {
			break
		}
		if time.Now().After(deadline) {
			t.Fatal("autovacuum does not come")
		}
	}
	want(t, flight(t, url, release(t)), "vacuum-running", "warning public.users", "autovacuum works on users")
}
