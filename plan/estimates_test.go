package plan_test

import (
	"encoding/json"
	"math"
	"os"
	"path/filepath"
	"testing"

	"github.com/jackc/pgx/v5"

	"github.com/onward-sql/onward/audit"
	"github.com/onward-sql/onward/internal/pgserver/pgservertest"
	"github.com/onward-sql/onward/onward"
	"github.com/onward-sql/onward/plan"
	"github.com/onward-sql/onward/rehearse"
)

// estimated are releases whose backfills are measured: the base, its rows, and the release.
var estimated = []struct{ name, base, rows, release string }{
	{
		"narrow rows", "CREATE TABLE t (id integer PRIMARY KEY, at timestamptz, note text);",
		"INSERT INTO t SELECT n, now(), repeat('x', 30) FROM generate_series(1, 30000) AS n", "ALTER TABLE t ALTER COLUMN id TYPE bigint;",
	},
	{
		"wide rows and two indexes", "CREATE TABLE t (id integer PRIMARY KEY, other integer, note text); CREATE INDEX t_other ON t (other);",
		"INSERT INTO t SELECT n, n, repeat('x', 400) FROM generate_series(1, 20000) AS n", "ALTER TABLE t ALTER COLUMN id TYPE bigint;",
	},
	{
		"copied rows", "CREATE TABLE t (id integer PRIMARY KEY, a integer, note text);",
		"INSERT INTO t SELECT n, n, repeat('x', 100) FROM generate_series(1, 20000) AS n",
		"ALTER TABLE t ADD COLUMN twice integer GENERATED ALWAYS AS (a * 2) STORED;",
	},
}

// The estimates of WAL and disk agree with a server, with full page images and without. The test does not run beside
// others, because WAL is counted for the whole server.
func TestEstimatesOfBackfills(t *testing.T) {
	for _, pages := range []string{"on", "off"} {
		for i, c := range estimated {
			if pages == "off" && i > 0 {
				break // the images of pages do not depend on the kind of backfill
			}
			t.Run(c.name+", full_page_writes "+pages, func(t *testing.T) {
				url := pgservertest.Database(t, 18)
				conn := pgservertest.Connect(t, url)
				pgservertest.Exec(t, conn, "ALTER SYSTEM SET full_page_writes = "+pages, "SELECT pg_reload_conf()", c.base, c.rows, "VACUUM ANALYZE t")
				defer pgservertest.Exec(t, conn, "ALTER SYSTEM RESET full_page_writes", "SELECT pg_reload_conf()")
				p := planWithStats(t, url, c.base, c.release)
				measured := false
				for i := range p.Steps[:p.Contract()] {
					s := &p.Steps[i]
					if !s.Repeat {
						pgservertest.Exec(t, conn, s.SQL)
						continue
					}
					measured = true
					compareCosts(t, conn, s)
				}
				if !measured {
					t.Error("the plan has no backfill")
				}
			})
		}
	}
}

// compareCosts runs a backfill, and compares its costs with its estimate.
func compareCosts(t *testing.T, conn *pgx.Conn, s *onward.PlanStep) {
	t.Helper()
	e := s.Estimate
	if e == nil {
		t.Fatal("the backfill has no estimate")
	}
	size := func() (wal, disk float64) {
		if err := conn.QueryRow(t.Context(), `SELECT pg_wal_lsn_diff(pg_current_wal_insert_lsn(), '0/0')::float8,
			(SELECT sum(pg_total_relation_size(oid)) FROM pg_class
				WHERE relnamespace = 'public'::regnamespace AND relkind = 'r')::float8`).Scan(&wal, &disk); err != nil {
			t.Fatal(err)
		}
		return wal, disk
	}
	pgservertest.Exec(t, conn, "ALTER SYSTEM SET autovacuum = off", "SELECT pg_reload_conf()", "CHECKPOINT")
	defer pgservertest.Exec(t, conn, "ALTER SYSTEM RESET autovacuum", "SELECT pg_reload_conf()")
	wal, disk := size()
	rows, runs := int64(0), int64(0)
	for {
		var passed int64
		if err := conn.QueryRow(t.Context(), s.SQL).Scan(&passed); err != nil {
			t.Fatal(err)
		}
		if passed == 0 {
			break
		}
		rows, runs = rows+passed, runs+1
	}
	walAfter, diskAfter := size()
	wal, disk = walAfter-wal, diskAfter-disk
	if rows != e.Rows || runs != e.Runs {
		t.Errorf("%d rows in %d runs, estimated %d in %d", rows, runs, e.Rows, e.Runs)
	}
	checkNear := func(label string, estimated int64, measured, tolerance float64) {
		t.Logf("%s: estimated %d, measured %.0f", label, estimated, measured)
		if math.Abs(float64(estimated)/measured-1) > tolerance {
			t.Errorf("%s: estimated %d, measured %.0f", label, estimated, measured)
		}
	}
	checkNear("WAL", e.WALBytes, wal, 0.15)
	checkNear("disk", max(e.MaxDiskBytes, e.DiskBytes), disk, 0.15)
}

// planWithStats makes a plan with the sizes of a server.
func planWithStats(t *testing.T, url, base, release string) *onward.Plan {
	t.Helper()
	stats, err := audit.Stats(t.Context(), url)
	if err != nil {
		t.Fatal(err)
	}
	text, err := json.Marshal(stats)
	if err != nil {
		t.Fatal(err)
	}
	file := filepath.Join(t.TempDir(), "stats.json")
	if err := os.WriteFile(file, text, 0o600); err != nil {
		t.Fatal(err)
	}
	p := makePlan(t, plan.Config{Sketch: true, Config: rehearse.Config{
		Config: audit.Config{Dir: repository(t, base, release), Base: "main", Head: "feature", Deployed: audit.Deployed{Stats: file}},
	}})
	return p
}
