//go:build unix

package pgserver

import (
	"context"
	"strconv"
	"testing"
	"time"

	"github.com/onward-sql/onward/onward"
)

// A standby has what its primary had, gets what that writes from then on, and writes nothing itself.
func TestStandby(t *testing.T) {
	t.Parallel()
	for _, major := range []int{onward.OldestMajor, onward.NewestMajor} {
		t.Run(strconv.Itoa(major), func(t *testing.T) {
			t.Parallel()
			primary := server(t, Config{Major: major, Small: true, Settings: map[string]string{"max_connections": "30"}})
			name, err := primary.NewDatabase(context.Background(), "")
			if err != nil {
				t.Fatal(err)
			}
			run := func(sql string) {
				t.Helper()
				conn, err := primary.Connect(t.Context(), "postgres", name)
				if err != nil {
					t.Fatal(err)
				}
				defer conn.Close(context.Background())
				if _, err := conn.Exec(t.Context(), sql); err != nil {
					t.Fatal(err)
				}
			}
			run("CREATE TABLE public.t AS SELECT 1 AS n")
			standby, err := StartStandby(t.Context(), Config{Small: true}, primary)
			if err != nil {
				t.Fatal(err)
			}
			t.Cleanup(func() {
				if err := standby.Stop(); err != nil {
					t.Error(err)
				}
			})
			const sum = "SELECT sum(n)::text || pg_is_in_recovery() || current_setting('max_connections') FROM t"
			if got := ask(t, standby.URL(name), sum); got != "1true30" {
				t.Errorf("the standby has %s", got)
			}
			run("INSERT INTO public.t VALUES (2)")
			for end := time.Now().Add(20 * time.Second); ask(t, standby.URL(name), sum) != "3true30"; time.Sleep(20 * time.Millisecond) {
				if time.Now().After(end) {
					t.Fatal("what the primary writes does not come: " + standby.Log())
				}
			}
		})
	}
}
