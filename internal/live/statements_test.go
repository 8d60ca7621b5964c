package live_test

import (
	"fmt"
	"os"
	"strings"
	"testing"

	"github.com/jackc/pgx/v5"

	"github.com/onward-sql/onward/internal/live"
	"github.com/onward-sql/onward/internal/pgserver"
	"github.com/onward-sql/onward/internal/pgserver/pgservertest"
	"github.com/onward-sql/onward/internal/workload"
)

// TestReadStatements holds that what pg_stat_statements has of 130 queries is read, and
// prepares on its server once it is mended.
func TestReadStatements(t *testing.T) {
	t.Parallel()
	data, err := os.ReadFile("../workload/testdata/prepare.sql")
	if err != nil {
		t.Fatal(err)
	}
	schema, queries, _ := strings.Cut(string(data), "-- queries\n")
	pgservertest.EachEnd(t, func(t *testing.T, major int) {
		ctx := t.Context()
		server, err := pgserver.Start(ctx, pgserver.Config{Major: major, Small: true, Settings: map[string]string{"shared_preload_libraries": "pg_stat_statements"}})
		if err != nil {
			pgservertest.SkipOrFail(t, err)
		}
		t.Cleanup(func() { _ = server.Stop() })
		name, err := server.NewDatabase(ctx, "")
		if err != nil {
			t.Fatal(err)
		}
		conn := pgservertest.Connect(t, server.URL(name))
		if _, _, err := live.ReadStatements(ctx, server.URL(name)); err == nil || !strings.Contains(err.Error(), "CREATE EXTENSION") {
			t.Errorf("without the extension: %v", err)
		}
		if _, err := conn.Exec(ctx, schema+"CREATE EXTENSION pg_stat_statements"); err != nil {
			pgservertest.SkipOrFail(t, err)
		}
		since := 0
		for sql := range strings.Lines(queries) {
			if n, _ := fmt.Sscanf(sql, "-- since %d", &since); n == 1 || since > major || strings.Contains(sql, "$1") || strings.HasPrefix(sql, "COPY") {
				continue
			}
			// Some fail for their values; pg_stat_statements has those that do not.
			_, _ = conn.Exec(ctx, sql, pgx.QueryExecModeSimpleProtocol)
		}
		list, got, err := live.ReadStatements(ctx, server.URL(name))
		if err != nil || got != major {
			t.Fatalf("ReadStatements: major %d, want %d; error %v", got, major, err)
		}
		prepares(t, conn, list)
	})
}

func prepares(t *testing.T, conn *pgx.Conn, list []live.Statement) {
	t.Helper()
	im := workload.NewImport("pg_stat_statements")
	for _, s := range list {
		im.Statement(s.SQL, s.Role, s.Database, s.Calls, s.Rows, s.MS)
	}
	good, doubtful := 0, 0
	for _, q := range im.Workload().Queries {
		if !q.IsCode() {
			continue
		}
		switch _, err := conn.PgConn().Prepare(t.Context(), "", q.SQL, nil); {
		case err == nil:
			good++
		case strings.Contains(err.Error(), "42803"), strings.Contains(err.Error(), "42P10"):
			t.Errorf("prepare %s\n%v", q.SQL, err)
		default:
			// Of constants alone the types are not kept, and some texts the extension itself spoils.
			doubtful++
		}
	}
	if good < 95 || doubtful > 25 {
		t.Errorf("%d prepare, %d are in doubt", good, doubtful)
	}
	t.Logf("%d prepare, %d are in doubt", good, doubtful)
}
