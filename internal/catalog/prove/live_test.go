package prove

import (
	"context"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/jackc/pgx/v5"

	"github.com/onward-sql/onward/internal/live"
	"github.com/onward-sql/onward/internal/pgparse"
	"github.com/onward-sql/onward/internal/pgserver/pgservertest"
	"github.com/onward-sql/onward/internal/rotation"
)

// TestLive runs the SQL of catalog's test files on servers, reads each server
// with package live, and compares what that says with the server's own
// catalogue.
func TestLive(t *testing.T) {
	t.Parallel()
	files, err := filepath.Glob("../testdata/*.txt")
	if err != nil || len(files) == 0 {
		t.Fatalf("no test files: %v", err)
	}
	fixture, err := os.ReadFile("../../effect/prove/testdata/fixture.sql")
	if err != nil {
		t.Fatal(err)
	}
	for _, major := range rotation.Pick(t, 3, pgservertest.Majors()) {
		t.Run(fmt.Sprintf("%d/effects' fixture", major), func(t *testing.T) {
			t.Parallel()
			proveLive(t, major, string(fixture))
		})
		for _, path := range files {
			data, err := os.ReadFile(path)
			if err != nil {
				t.Fatal(err)
			}
			for i, span := range spans(string(data)) {
				if span.min > major {
					continue
				}
				t.Run(fmt.Sprintf("%d/%s/%d", major, strings.TrimSuffix(filepath.Base(path), ".txt"), i+1), func(t *testing.T) {
					t.Parallel()
					proveLive(t, major, span.sql)
				})
			}
		}
	}
}

// proveLive runs what runs of some SQL, and compares.
func proveLive(t *testing.T, major int, sql string) {
	t.Helper()
	ctx := context.Background()
	url := pgservertest.Database(t, major)
	conn, err := pgx.Connect(ctx, url)
	if err != nil {
		t.Fatal(err)
	}
	defer conn.Close(ctx)
	file, err := pgparse.SplitText(sql)
	if err != nil {
		t.Fatal(err)
	}
	for _, s := range file.Stmts {
		// The files contain failing statements on purpose.
		_, _ = conn.Exec(ctx, sql[s.Start:s.End])
	}
	if _, err := conn.Exec(ctx, "SET search_path = public"); err != nil {
		t.Fatal(err)
	}
	got, err := live.ReadSchema(ctx, url)
	if err != nil {
		t.Fatal(err)
	}
	for _, u := range got.Unread {
		t.Errorf("unread: %s", u)
	}
	server, liveFacts := fromServer(ctx, t, conn), fromCatalog(got.Catalog)
	// The fold knows nothing of an extension's functions, so that the server's
	// facts leave them out; a server is read with them.
	rows, err := conn.Query(ctx, `SELECT 'function ' || proname || ' ' FROM pg_proc p JOIN pg_depend ON classid = 'pg_proc'::regclass AND objid = p.oid AND deptype = 'e'`)
	if err != nil {
		t.Fatal(err)
	}
	extensions, err := pgx.CollectRows(rows, pgx.RowTo[string])
	if err != nil {
		t.Fatal(err)
	}
	liveFacts = slices.DeleteFunc(liveFacts, func(line string) bool {
		return slices.ContainsFunc(extensions, func(head string) bool { return strings.HasPrefix(line, head) })
	})
	if d := lacking("server", server, liveFacts) + lacking("live", liveFacts, server); d != "" {
		t.Errorf("only one side has:\n%s", d)
	}
	if got.Major != major || !got.Catalog.Complete {
		t.Errorf("major %d, complete %v", got.Major, got.Catalog.Complete)
	}
}
