package prove

import (
	"context"
	"fmt"
	"maps"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/jackc/pgx/v5"

	"github.com/onward-sql/onward/internal/catalog"
	"github.com/onward-sql/onward/internal/effect"
	"github.com/onward-sql/onward/internal/pgparse"
	"github.com/onward-sql/onward/internal/pgserver/pgservertest"
	"github.com/onward-sql/onward/onward"
)

const lateSchema = `CREATE TABLE kind (id int NOT NULL);
CREATE TABLE metric (id int NOT NULL, day date NOT NULL, kind int, PRIMARY KEY (id)) PARTITION BY RANGE (id);
CREATE INDEX metric_day ON metric (day);
CREATE TABLE metric_1 PARTITION OF metric FOR VALUES FROM (0) TO (1000);
CREATE TABLE orders (id int PRIMARY KEY, total int);
CREATE INDEX orders_total ON orders (total);
CREATE INDEX orders_both ON orders (id, total);
INSERT INTO metric VALUES (1, '2026-01-01', 1);
INSERT INTO orders VALUES (1, 1);`

// While another session keeps a statement waiting, it holds no lock of which the model says that it comes at the end, and each other
// one.
func TestLocksAtEnd(t *testing.T) {
	t.Parallel()
	forms := []string{
		"ALTER TABLE metric DETACH PARTITION metric_1 CONCURRENTLY",
		"DROP INDEX CONCURRENTLY orders_total",
		"REINDEX TABLE CONCURRENTLY orders",
		"REINDEX INDEX CONCURRENTLY orders_total",
		"REPACK (CONCURRENTLY) orders",
	}
	base := fold(t, catalog.New(), lateSchema)
	base.Complete = true
	for _, major := range []int{14, 18, onward.PreviewMajor} {
		for _, sql := range forms {
			if strings.HasPrefix(sql, "REPACK") && major < onward.PreviewMajor {
				continue
			}
			t.Run(fmt.Sprint(major, " ", sql), func(t *testing.T) {
				t.Parallel()
				f, err := pgparse.SplitText(sql)
				if err != nil || len(f.Stmts) != 1 {
					t.Fatalf("not read: %v", err)
				}
				r := effect.EffectOf(f.Stmts[0].Node, base, effect.NewVersion(major), effect.Inputs{})
				before, after := map[string]onward.Lock{}, map[string]onward.Lock{}
				for i := range r.Effects {
					switch e := &r.Effects[i]; {
					case e.Created || e.Lock < onward.ShareUpdateExclusiveLock:
					case e.AtEnd:
						after[e.Name.Name] = e.Lock
					default:
						before[e.Name.Name] = e.Lock
					}
				}
				if len(after) == 0 {
					t.Fatal("the model knows no lock at the end")
				}
				seen := locksWhileWaiting(t, major, sql)
				for name, lock := range before {
					if seen[name] < lock && len(seen) > 0 { // DETACH waits between two transactions, without a lock
						t.Errorf("%s: %v while it waits, and the model says %v", name, seen[name], lock)
					}
				}
				for name, lock := range seen {
					if late, ok := after[name]; ok && lock >= late {
						t.Errorf("%s: %v while it waits, and the model says that it comes at the end", name, lock)
					}
				}
				if !slices.Contains(slices.Collect(maps.Values(after)), onward.AccessExclusiveLock) {
					t.Errorf("at the end %v", after)
				}
			})
		}
	}
}

// locksWhileWaiting returns the strongest lock on each relation that a statement holds while it waits for a transaction that has
// written its table.
func locksWhileWaiting(t *testing.T, major int, sql string) map[string]onward.Lock {
	t.Helper()
	url, writer := pgservertest.ConnectNew(t, major, lateSchema)
	pgservertest.Exec(t, writer, "BEGIN; UPDATE orders SET total = 2; UPDATE metric SET kind = 2; SELECT * FROM kind")
	conn, err := pgx.Connect(t.Context(), url)
	if err != nil {
		t.Fatal(err)
	}
	done := make(chan error, 1)
	go func() {
		defer conn.Close(context.Background())
		_, err := conn.Exec(context.Background(), sql)
		done <- err
	}()
	watcher, err := pgx.Connect(t.Context(), url)
	if err != nil {
		t.Fatal(err)
	}
	defer watcher.Close(context.Background())
	// REPACK has a worker that waits.
	const waiting = `SELECT EXISTS (SELECT FROM pg_locks JOIN pg_stat_activity USING (pid) WHERE NOT granted AND datname = current_database())`
	deadline := time.After(time.Minute)
	for waits := false; !waits; time.Sleep(20 * time.Millisecond) {
		select {
		case err := <-done:
			t.Fatalf("it did not wait: %v", err)
		case <-deadline:
			t.Fatal("nobody waits")
		default:
		}
		if err := watcher.QueryRow(t.Context(), waiting).Scan(&waits); err != nil {
			t.Fatal(err)
		}
	}
	pid := conn.PgConn().PID()
	out := map[string]onward.Lock{}
	rows, err := watcher.Query(t.Context(), "SELECT relation::regclass::text, mode FROM pg_locks WHERE pid = $1 AND granted AND locktype = 'relation'", pid)
	if err != nil {
		t.Fatal(err)
	}
	var name, mode string
	if _, err := pgx.ForEachRow(rows, []any{&name, &mode}, func() error {
		var l onward.Lock
		if err := l.UnmarshalText([]byte(mode)); err != nil {
			return err
		}
		out[name] = max(out[name], l)
		return nil
	}); err != nil {
		t.Fatal(err)
	}
	pgservertest.Exec(t, writer, "COMMIT")
	if err := <-done; err != nil {
		t.Errorf("run %q while its locks are read: %v", sql, err)
	}
	return out
}
