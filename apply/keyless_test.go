package apply_test

import (
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"os"
	"os/exec"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/jackc/pgx/v5"

	"github.com/onward-sql/onward/internal/pgserver/pgservertest"
	"github.com/onward-sql/onward/onward"
)

const (
	keylessBase = "CREATE TABLE events (kind integer NOT NULL, note text, seen integer);"
	keylessRows = "INSERT INTO events SELECT n, 'note ' || n, 0 FROM generate_series(1, 20000) AS n"
)

// A table without a key is filled along its pages. The process is killed at any moment, the deployed code moves rows by its updates, adds
// and deletes others, and VACUUM FULL moves all. In the end each row is what it is in a table that is written alike.
func TestKeylessKilled(t *testing.T) {
	t.Parallel()
	p := planned(t, keylessBase, "ALTER TABLE events RENAME COLUMN note TO remark; ALTER TABLE events ALTER COLUMN kind TYPE bigint;")
	file := saved(t, p)
	mirror := strings.NewReplacer("events", "mirror").Replace
	pgservertest.EachProofMajor(t, func(t *testing.T, major int) {
		for killed := 0; killed < kills()/2; {
			db := pgservertest.Database(t, major)
			run(t, db, keylessBase, keylessRows, "CREATE TABLE mirror AS TABLE events")
			ctx, cancel := context.WithCancel(t.Context())
			writersDone := make(chan error, 2)
			go func() { writersDone <- writeKeyless(ctx, db, mirror) }()
			go func() { writersDone <- rewriteKeyless(ctx, db) }()
			killed += applyKilled(t, db, file, onward.Backfill)
			cancel()
			for range 2 {
				if err := <-writersDone; err != nil {
					t.Fatal(err)
				}
			}
			const missed = "SELECT kind::text FROM events WHERE remark IS DISTINCT FROM note OR kind_onward IS DISTINCT FROM kind LIMIT 5"
			if unfilled := content(t, db, missed); len(unfilled) > 0 {
				t.Fatalf("on %d rows were missed: %v", major, unfilled)
			}
			applyKilled(t, db, file, onward.Contract)
			want := content(t, db, "SELECT kind || ' ' || coalesce(note, '-') || ' ' || seen FROM mirror ORDER BY 1")
			got := content(t, db, "SELECT kind || ' ' || coalesce(remark, '-') || ' ' || seen FROM events ORDER BY 1")
			if diff := cmp.Diff(want, got); diff != "" {
				t.Fatalf("on %d (-mirror +events):\n%s", major, diff)
			}
		}
	})
}

// applyKilled runs a plan through a phase in a process that is killed at random moments and begun again. It returns how often.
func applyKilled(t *testing.T, db, file string, lastPhase onward.PlanPhase) (killed int) {
	t.Helper()
	for {
		cmd := exec.Command(os.Args[0])
		cmd.Env = append(os.Environ(), "ONWARD_APPLY_CHILD="+db, "ONWARD_APPLY_PLAN="+file, "ONWARD_APPLY_THROUGH="+string(lastPhase))
		var printed strings.Builder
		cmd.Stderr = &printed
		if err := cmd.Start(); err != nil {
			t.Fatal(err)
		}
		end := time.AfterFunc(time.Duration(50+rand.IntN(900+100*killed))*time.Millisecond, func() { _ = cmd.Process.Kill() })
		err := cmd.Wait()
		end.Stop()
		if err == nil {
			return killed
		}
		if exit := new(exec.ExitError); !errors.As(err, &exit) || exit.ExitCode() != -1 {
			t.Fatalf("the apply process ended with %v, want success or a kill: %s", err, printed.String())
		}
		killed++
	}
}

// writeKeyless is the deployed code: it writes alike to a table and to its mirror until it is stopped.
func writeKeyless(ctx context.Context, db string, mirror func(string) string) error {
	conn, err := pgx.Connect(context.Background(), db)
	if err != nil {
		return err
	}
	defer conn.Close(context.Background())
	for n := 0; ctx.Err() == nil; n++ {
		kind := 1 + rand.IntN(20_000)
		sql := []string{
			fmt.Sprintf("UPDATE events SET seen = seen + 1 WHERE kind BETWEEN %d AND %d", kind, kind+3), // moves rows, and changes no planned column
			fmt.Sprintf("UPDATE events SET note = 'changed %d' WHERE kind = %d", n, kind),
			fmt.Sprintf("INSERT INTO events VALUES (%d, NULL, %d)", 30_000+n, n),
			fmt.Sprintf("DELETE FROM events WHERE kind BETWEEN %d AND %d", kind, kind+5), // makes room in early pages
		}[n%4]
		if _, err := conn.Exec(context.Background(), "BEGIN; "+sql+"; "+mirror(sql)+"; COMMIT", pgx.QueryExecModeSimpleProtocol); err != nil {
			return fmt.Errorf("%s: %w", sql, err)
		}
	}
	return nil
}

// rewriteKeyless gives the table other pages again and again.
func rewriteKeyless(ctx context.Context, db string) error {
	conn, err := pgx.Connect(context.Background(), db)
	if err != nil {
		return err
	}
	defer conn.Close(context.Background())
	for n := 0; ctx.Err() == nil; n++ {
		sql := "VACUUM events"
		if n%5 == 4 {
			sql = "VACUUM FULL events"
		}
		if _, err := conn.Exec(context.Background(), sql); err != nil {
			return fmt.Errorf("%s: %w", sql, err)
		}
		time.Sleep(100 * time.Millisecond)
	}
	return nil
}
