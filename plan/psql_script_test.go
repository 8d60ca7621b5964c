package plan_test

import (
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"github.com/onward-sql/onward/audit"
	"github.com/onward-sql/onward/internal/component"
	"github.com/onward-sql/onward/internal/pgserver/pgservertest"
	"github.com/onward-sql/onward/plan"
)

// psqlClient runs files with psql on a database.
type psqlClient struct {
	t         *testing.T
	dir, path string
	db        string
}

// newPsqlClient returns a client for a database of its own, with files below a directory.
func newPsqlClient(t *testing.T, dir string, major int) *psqlClient {
	t.Helper()
	path := component.NeedProgram(t, component.Psql, "psql")
	return &psqlClient{t, dir, path, pgservertest.Database(t, major)}
}

func (c *psqlClient) tryFile(name string) (string, error) {
	out, err := exec.CommandContext(c.t.Context(), c.path, c.db, "-X", "-v", "ON_ERROR_STOP=1", "-f", filepath.Join(c.dir, name)).CombinedOutput()
	return string(out), err
}

func (c *psqlClient) runFile(name string) {
	c.t.Helper()
	if out, err := c.tryFile(name); err != nil {
		c.t.Fatalf("psql does not run %s: %v\n%s", name, err, out)
	}
}

// A plan is written as files for psql, and psql runs all of them: a concurrent build that failed and a backfill that was
// interrupted are run again.
func TestPsqlRunsWrittenPlan(t *testing.T) {
	t.Parallel()
	pgservertest.EachProofMajor(t, func(t *testing.T, major int) {
		dir := laid(t, "plain SQL", "CREATE UNIQUE INDEX customers_note ON customers (note);\nALTER TABLE customers RENAME COLUMN country TO nation;")
		c := newPsqlClient(t, dir, major)
		c.runFile(layouts["plain SQL"].base)
		conn := pgservertest.Connect(t, c.db)
		const rows = "INSERT INTO customers (email, country, note) SELECT 'm' || n, 'c' || n, CASE WHEN n < 3 THEN 'same' ELSE 'note' || n END " +
			"FROM generate_series(1, 3500) n"
		pgservertest.Exec(t, conn, rows)
		d := written(t, dir)
		refused, interrupted := 0, 0
		for range 10 {
			save(t, d)
			if err := os.RemoveAll(filepath.Join(dir, layouts["plain SQL"].release)); err != nil {
				t.Fatal(err)
			}
			for _, f := range d.Files {
				out, err := c.tryFile(f.Path)
				if err == nil {
					continue
				}
				if !strings.Contains(out, "could not create unique index") {
					t.Fatalf("psql ends %s with %v, want the unique index to fail:\n%s", f.Path, err, out)
				}
				refused++
				pgservertest.Exec(t, conn, "UPDATE customers SET note = NULL WHERE note = 'same'")
				c.runFile(f.Path)
			}
			passed := plan.Conditions{Gone: "main"}
			if d.Script != nil {
				if c.interruptScript(d.Script.Path) {
					interrupted++
				}
				c.runFile(d.Script.Path)
				passed.Filled = []string{d.Plan.Name}
			}
			if d.Waits == nil {
				break
			}
			next, err := plan.Next(t.Context(), audit.Config{Dir: dir}, passed)
			if err != nil {
				t.Fatal(err)
			}
			d = next[0]
		}
		if d.Waits != nil || refused != 1 || interrupted != 1 {
			t.Fatalf("on %d: waits %+v, %d builds refused, %d scripts interrupted", major, d.Waits, refused, interrupted)
		}
		var right, valid bool
		check := "SELECT count(*) = 3500 AND bool_and(nation = 'c' || substr(email, 2)), " +
			"(SELECT indisvalid FROM pg_index WHERE indexrelid = 'customers_note'::regclass) FROM customers"
		if err := conn.QueryRow(t.Context(), check).Scan(&right, &valid); err != nil || !right || !valid {
			t.Errorf("on %d: %v, rows right %v, index valid %v", major, err, right, valid)
		}
	})
}

// interruptScript runs a script while another session locks a row in the middle of its table. It reports whether the script gave up after some rows.
func (c *psqlClient) interruptScript(name string) bool {
	c.t.Helper()
	conn := pgservertest.Connect(c.t, c.db)
	pgservertest.Exec(c.t, conn, "BEGIN", "SELECT FROM customers WHERE email = 'm2500' FOR UPDATE")
	out, err := c.tryFile(name)
	pgservertest.Exec(c.t, conn, "ROLLBACK")
	if err == nil {
		return false
	}
	if !strings.Contains(out, "lock timeout") {
		c.t.Fatalf("psql ends %s with %v, want a lock timeout:\n%s", name, err, out)
	}
	var filled int
	if err := conn.QueryRow(c.t.Context(), "SELECT count(*) FROM customers WHERE nation IS NOT NULL").Scan(&filled); err != nil || filled == 0 || filled == 3500 {
		c.t.Errorf("%d rows are filled after the interruption: %v", filled, err)
	}
	return true
}
