package pgserver

import (
	"context"
	"errors"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/jackc/pgx/v5/pgconn"

	"github.com/onward-sql/onward/internal/component"
	"github.com/onward-sql/onward/internal/confine"
	"github.com/onward-sql/onward/onward"
)

// A kernel with an older Landlock runs the server as well, and the report says what it cannot hold.
func TestOlderLandlock(t *testing.T) {
	t.Parallel()
	now, err := confine.LandlockVersion()
	if err != nil {
		component.Need(t, component.System, err)
	}
	for abi, want := range map[int]string{
		1: "truncate files and send signals",
		2: "truncate files and send signals",
		3: "can send signals",
		5: "can send signals",
	} {
		if abi > now {
			continue
		}
		s := server(t, Config{Small: true, abi: abi})
		if gaps := strings.Join(s.Gaps(), "\n"); !strings.Contains(gaps, want) {
			t.Errorf("version %d: gaps %q, want %q", abi, gaps, want)
		}
		if _, err := s.NewDatabase(t.Context(), ""); err != nil {
			t.Errorf("version %d: %v", abi, err)
		}
		if err := batch(t, s, "CREATE TABLE t AS SELECT n FROM generate_series(1, 1000) n; CREATE INDEX ON t (n); TRUNCATE t; CHECKPOINT; VACUUM FULL t; "+
			"DROP TABLE t"); err != nil {
			t.Errorf("version %d: %v", abi, err)
		}
		if err := batch(t, s, "COPY (SELECT 1) TO PROGRAM 'true'"); err == nil {
			t.Errorf("version %d: a program was started", abi)
		}
	}
}

// Bounds: memory ends in Postgres' own words, a flood of the log stays a ring, a file has an end.
func TestBounds(t *testing.T) {
	t.Parallel()
	for major := onward.OldestMajor; major <= onward.NewestMajor; major++ {
		t.Run(strconv.Itoa(major), func(t *testing.T) {
			t.Parallel()
			s := server(t, Config{Major: major, Small: true, memory: 100 << 20})
			if s.Bounds() != nil {
				t.Errorf("bounds of a new server: %q", s.Bounds())
			}
			var pg *pgconn.PgError
			err := batch(t, s, "SET work_mem = '6GB'; SELECT count(*) FROM (SELECT n FROM generate_series(1, 3000000) n ORDER BY repeat(n::text, 20)) _")
			if !errors.As(err, &pg) || pg.Code != "53200" {
				t.Errorf("memory: %v", err)
			}
			bounds := func() string { return strings.Join(s.Bounds(), "\n") }
			for range 100 { // the log that it wrote before its answer is read later
				if bounds() != "" {
					break
				}
				time.Sleep(20 * time.Millisecond)
			}
			if !strings.Contains(bounds(), "more memory than the 100 MB") {
				t.Errorf("bounds %q\n%s", bounds(), s.Log())
			}
			size := s.Size()
			conn := connect(t, s.URL("postgres"))
			defer conn.Close(context.Background())
			if _, err := conn.Exec(t.Context(), "DO $$BEGIN FOR i IN 1..3000 LOOP RAISE LOG '%', repeat('x', 1000); END LOOP; END$$"); err != nil {
				t.Fatal(err)
			}
			for range 100 {
				if strings.Contains(bounds(), "MB were written to the server's log") {
					break
				}
				time.Sleep(20 * time.Millisecond)
			}
			if !strings.Contains(bounds(), "MB were written to the server's log") {
				t.Errorf("bounds %q", bounds())
			}
			if n := len(s.Log()); n > 16<<10 || n < 8<<10 {
				t.Errorf("%d bytes of the log", n)
			}
			if grown := s.Size() - size; grown > 2<<20 {
				t.Errorf("the log of 3 MB made the directory grow by %d bytes", grown)
			}
			if err := s.Err(); err != nil {
				t.Error(err)
			}
		})
	}
}
