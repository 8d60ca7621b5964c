package apply_test

import (
	"os"
	"os/exec"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/jackc/pgx/v5"

	"github.com/onward-sql/onward/apply"
	"github.com/onward-sql/onward/internal/inventory"
	"github.com/onward-sql/onward/internal/pgserver/pgservertest"
	"github.com/onward-sql/onward/onward"
)

// endedRuns are plans that replace something before the contract, each with the statement of the step that does, and with what has the privileges
// after the plan.
var endedRuns = []struct{ name, release, replaces, after string }{
	{"table", "ALTER TABLE crates ADD COLUMN loud text GENERATED ALWAYS AS (upper(label)) STORED;", "crates RENAME TO", "crates"},
	{"renamed table", "ALTER TABLE crates RENAME TO boxes;", "RENAME TO boxes", "boxes"},
}

// A run may end between the commit of a step and the second reading of privileges, because its process is killed or its connections are cut. What a
// transaction beside the step has given and taken holds nevertheless: after the next run, and after an abort. From 18 on GRANT waits for the step.
func TestPrivilegesChangedBesideEndedRun(t *testing.T) {
	t.Parallel()
	const base = "CREATE TABLE crates (id int PRIMARY KEY, label text);"
	for _, c := range endedRuns {
		p := planned(t, base, c.release)
		var before, step string
		for i := range p.Steps {
			if strings.Contains(p.Steps[i].SQL, c.replaces) {
				step = p.Steps[i].ID
				break
			}
			before = p.Steps[i].ID
		}
		file := saved(t, p)
		for _, end := range []string{"killed", "cut", "killed and aborted"} {
			t.Run(c.name+" "+end, func(t *testing.T) {
				t.Parallel()
				for _, major := range []int{onward.OldestMajor, inventory.GrantLocks - 1} {
					url := pgservertest.Database(t, major)
					run(t, url, base)
					sql := makeRoles(t, url, "given", "taken")
					run(t, url, sql("GRANT SELECT (label) ON crates TO @taken"))
					if before != "" {
						runPlan(t, apply.Config{DB: url, Plan: p, To: before})
					}
					administrator := pgservertest.Connect(t, url)
					pgservertest.Exec(t, administrator, "BEGIN", sql("GRANT SELECT (label) ON crates TO @given"),
						sql("REVOKE SELECT (label) ON crates FROM @taken"))
					if end == "cut" {
						runPlan(t, apply.Config{DB: url, Plan: p, To: step, Tell: func(e apply.Event) {
							if e.Kind == apply.Finished && e.Step.ID == step {
								cutOthers(t, url, administrator)
								pgservertest.Exec(t, administrator, "COMMIT")
							}
						}})
					} else {
						cmd := exec.Command(os.Args[0])
						cmd.Env = append(os.Environ(), "ONWARD_APPLY_CHILD="+url, "ONWARD_APPLY_PLAN="+file, "ONWARD_APPLY_KILL_AFTER="+step)
						if out, err := cmd.CombinedOutput(); err == nil || !strings.Contains(err.Error(), "killed") {
							t.Fatalf("it was not killed: %v: %s", err, out)
						}
						pgservertest.Exec(t, administrator, "COMMIT")
					}
					names := []string{"crates"}
					if strings.HasSuffix(end, "aborted") {
						if _, err := apply.Abort(t.Context(), apply.Config{DB: url}, ""); err != nil {
							t.Fatal(err)
						}
					} else {
						runPlan(t, apply.Config{DB: url, Plan: p})
						names = append(names, c.after)
					}
					for _, name := range names {
						got := content(t, url, sql("SELECT concat_ws(' ', has_column_privilege('@given', '"+name+"', 'label', 'SELECT'), has_column_privilege('@taken', '"+
							name+"', 'label', 'SELECT'))"))
						if diff := cmp.Diff([]string{"t f"}, got); diff != "" {
							t.Errorf("Postgres %d: who may read %s (-want +got):\n%s", major, name, diff)
						}
					}
					if left := content(t, url, "SELECT relation FROM onward_ledger.inventory WHERE relation LIKE 'source %'"); len(left) > 0 {
						t.Errorf("Postgres %d: the ledger still has %q", major, left)
					}
				}
			})
		}
	}
}

// cutOthers ends all other connections to a database.
func cutOthers(t *testing.T, url string, keptConn *pgx.Conn) {
	t.Helper()
	conn := pgservertest.Connect(t, url)
	if _, err := conn.Exec(t.Context(), "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE datname = current_database() AND pid NOT IN "+
		"(pg_backend_pid(), $1) AND backend_type = 'client backend'", keptConn.PgConn().PID()); err != nil {
		t.Error(err)
	}
}
