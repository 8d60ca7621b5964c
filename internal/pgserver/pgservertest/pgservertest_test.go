package pgservertest_test

import (
	"context"
	"os"
	"testing"

	"github.com/jackc/pgx/v5"

	"github.com/onward-sql/onward/internal/pgserver/pgservertest"
)

func TestMain(m *testing.M) { os.Exit(pgservertest.Main(m)) }

func TestDatabase(t *testing.T) {
	t.Parallel()
	pgservertest.EachMajor(t, func(t *testing.T, major int) {
		first := pgservertest.Server(t, major)
		if pgservertest.Server(t, major) != first {
			t.Error("two servers of one major")
		}
		ctx := context.Background()
		for range 2 { // the second database does not see the first one's table
			conn, err := pgx.Connect(ctx, pgservertest.Database(t, major))
			if err != nil {
				t.Fatal(err)
			}
			defer conn.Close(ctx)
			if _, err := conn.Exec(ctx, "CREATE TABLE t ()"); err != nil {
				t.Error(err)
			}
		}
	})
}
