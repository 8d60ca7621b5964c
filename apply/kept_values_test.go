package apply_test

import (
	"context"
	"errors"
	"strings"
	"testing"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgconn"

	"github.com/onward-sql/onward/apply"
	"github.com/onward-sql/onward/internal/pgserver/pgservertest"
	"github.com/onward-sql/onward/onward"
)

// The finding of the check before the last step holds until the step commits, also for rows that come in between: a writer's settings do not change what
// the trigger copies, and the server refuses what does not fit.
func TestCheckedRowsStayRight(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		major                    int
		from, change, value, bad string
	}{
		"a time under the writer's zone": {onward.NewestMajor, "timestamp", "TYPE timestamptz", "2026-01-01 00:00", ""},
		"a time from a text":             {onward.OldestMajor, "text", "TYPE timestamptz USING v::timestamptz", "2026-02-01 00:00", "soon"},
		"a number from a text":           {onward.NewestMajor, "text", "TYPE int USING (v)::int", "7", "abc"},
		"a smaller number":               {onward.OldestMajor, "bigint", "TYPE int", "7", "99999999999"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			base := "CREATE TABLE events (id bigint PRIMARY KEY, v " + c.from + ");"
			p, db := planned(t, base, "ALTER TABLE events ALTER COLUMN v "+c.change+";"), pgservertest.Database(t, c.major)
			run(t, db, base, "INSERT INTO events SELECT n, '"+c.value+"' FROM generate_series(1, 100) AS n")
			runPlan(t, apply.Config{DB: db, Plan: p})
			write := func(value string) error {
				conn := pgservertest.Connect(t, db)
				defer conn.Close(context.Background())
				_, err := conn.Exec(t.Context(), "SET TimeZone = 'America/New_York'; SET DateStyle = 'SQL, DMY'; "+
					"INSERT INTO events (id, v) VALUES (1001, '"+value+"')",
					pgx.QueryExecModeSimpleProtocol)
				return err
			}
			written := 0
			finishPlan(t, apply.Config{DB: db, Plan: p, Through: onward.Contract, Tell: func(e apply.Event) { // after the check, and before the first attempt
				if e.Kind != apply.Begun || !strings.Contains(e.Step.SQL, "DROP COLUMN") {
					return
				}
				written++
				refused := new(pgconn.PgError)
				if c.bad != "" {
					if err := write(c.bad); !errors.As(err, &refused) || refused.Code != "23514" {
						t.Errorf("%s is written although the contract would lose it: %v", c.bad, err)
					}
				}
				if err := write(c.value); err != nil {
					t.Error(err)
				}
			}})
			if got := content(t, db, "SELECT concat_ws(' ', count(*), count(v), count(DISTINCT v)) FROM events"); got[0] != "101 101 1" || written != 1 {
				t.Errorf("rows, values and different values: %v", got)
			}
		})
	}
}
