package realrunners

import (
	"bytes"
	"context"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/onward-sql/onward/guard"
)

// Prisma's own command under the guard: it is held back while somebody reads the table. A row that it does not get in
// time fails the migration, which Prisma noted as begun before: it is not run again, and says why.
func TestGuardedPrisma(t *testing.T) {
	t.Parallel()
	modules := filepath.Join(installed(t, "prisma"), "node_modules")
	s := server(t)
	db, conn := database(t, s)
	dir, url := t.TempDir(), overTCP(t, s, db)
	write(t, dir, prismaFiles)
	write(t, dir, map[string]string{"prisma/migrations/20240101000000_a/migration.sql": "ALTER TABLE item ADD COLUMN note text;\n"})
	if err := os.Symlink(modules, filepath.Join(dir, "node_modules")); err != nil {
		t.Fatal(err)
	}
	exec := func(sql ...string) {
		for _, q := range sql {
			if _, err := conn.Exec(context.WithoutCancel(t.Context()), q); err != nil {
				t.Errorf("execute %q: %v", q, err)
			}
		}
	}
	// Prisma refuses a database that has tables and no history.
	exec("CREATE SCHEMA shop", "CREATE TABLE shop.item (id int)", "INSERT INTO shop.item VALUES (1)", "ALTER DATABASE "+db+" SET search_path = public, shop")
	var out bytes.Buffer
	c := guard.Config{
		DB: url, Dir: dir, Out: &out, Err: &out, Within: time.Minute,
		Command: []string{"node", filepath.Join(modules, "prisma/build/index.js"), "migrate", "deploy", "--config", "prisma.config.mjs"},
		Env:     append(os.Environ(), "DATABASE_URL="+url, "CHECKPOINT_DISABLE=1", "PRISMA_CLIENT_ENGINE_TYPE=client", "PRISMA_HIDE_UPDATE_MESSAGE=1"),
	}
	exec("BEGIN", "SELECT FROM shop.item")
	time.Sleep(60 * time.Millisecond)
	held := false
	c.Tell = func(words string) {
		if strings.Contains(words, "is held back: ") && !held {
			held = true
			time.AfterFunc(300*time.Millisecond, func() { exec("COMMIT") })
		}
	}
	r, err := guard.Run(t.Context(), c)
	if err != nil || r.ExitCode != 0 || len(r.Runs) != 1 || !held || len(r.Runs[0].Waited) != 1 || len(r.Runs[0].Lost) != 0 {
		t.Fatalf("guard: %v; result %+v, want one run that waited once and lost no lock\n%s", err, r, out.String())
	}

	write(t, dir, map[string]string{"prisma/migrations/20240102000000_b/migration.sql": "UPDATE item SET note = 'x';\n"})
	exec("BEGIN", "SELECT FROM shop.item FOR UPDATE")
	r, err = guard.Run(t.Context(), c)
	exec("COMMIT")
	if err != nil || r.ExitCode != 1 || len(r.Runs) != 1 || !r.Runs[0].Committed || len(r.Runs[0].Lost) != 1 || r.Runs[0].Lost[0].SQLSTATE != "55P03" ||
		!strings.Contains(r.Why, "--again") {
		t.Fatalf("guard: %v; result %+v, want exit 1, a lock lost after a commit and the advice --again\n%s", err, r, out.String())
	}
	if !strings.Contains(out.String(), "canceling statement due to lock timeout") {
		t.Error("the command's own words are missing: " + out.String())
	}
}
