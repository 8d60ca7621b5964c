package realrunners

import (
	"bytes"
	"errors"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/onward-sql/onward/apply"
	"github.com/onward-sql/onward/audit"
	"github.com/onward-sql/onward/guard"
	"github.com/onward-sql/onward/onward"
)

// gooseChild is the variable with the directory that this program migrates with goose, instead of its tests.
const gooseChild = "ONWARD_GOOSE_DIRECTORY"

// While a contract is pending, goose under guard runs a later migration, unless that uses what the contract will drop: then guard ends it before it
// changes anything, apply refuses the migration, and abort refuses if a later one is recorded. After the contract nothing is refused any more.
func TestGooseWhileContractIsPending(t *testing.T) {
	t.Parallel()
	s := server(t)
	db, conn := database(t, s)
	root, url := t.TempDir(), overTCP(t, s, db)
	migrate := func() (*onward.Guarded, string, error) {
		t.Helper()
		var out bytes.Buffer
		r, err := guard.Run(t.Context(), guard.Config{
			DB: url, Dir: root, Out: &out, Err: &out, Within: time.Minute, Command: []string{os.Args[0]},
			Env: append(os.Environ(), gooseChild+"="+filepath.Join(root, "m"), "DATABASE_URL="+url),
		})
		return r, out.String(), err
	}
	add := func(name, sql string) {
		t.Helper()
		write(t, root, map[string]string{"m/" + name: "-- +goose Up\n" + sql})
	}
	expect := func(want int) {
		t.Helper()
		var got int
		const query = "SELECT max(version_id) FROM goose_db_version WHERE is_applied"
		if err := conn.QueryRow(t.Context(), query).Scan(&got); err != nil || got != want {
			t.Fatalf("version %d, want %d (%v)", got, want, err)
		}
	}
	add("00001_a.sql", "CREATE TABLE a (id bigint PRIMARY KEY, note text);\n")
	commitBase(t, root)
	if r, out, err := migrate(); err != nil || r.ExitCode != 0 {
		t.Fatalf("migrate the base: %v; result %+v\n%s", err, r, out)
	}
	add("00002_b.sql", "ALTER TABLE a RENAME COLUMN note TO remark;\n")
	repository := audit.Config{Dir: root, Base: "main"}
	c := apply.PendingConfig{
		Config:     apply.Config{DB: s.URL(db), Plan: sketchPlan(t, repository), Through: onward.Backfill, Unproven: "the tests of plan prove such plans"},
		Repository: repository,
	}
	if r, err := apply.RunPlanAndRecord(t.Context(), c); err != nil || r.State == onward.ApplyDone {
		t.Fatalf("apply through the backfill: %v; result %+v, want the contract pending", err, r)
	}
	expect(2)
	add("00003_c.sql", "ALTER TABLE a ADD COLUMN size int;\n")
	if r, out, err := migrate(); err != nil || r.ExitCode != 0 {
		t.Fatalf("migrate 00003_c.sql: %v; result %+v\n%s", err, r, out)
	}
	expect(3)
	refused := new(apply.RefusedError)
	if _, err := apply.Abort(t.Context(), apply.Config{DB: s.URL(db)}, ""); !errors.As(err, &refused) || !strings.Contains(refused.Text, "has 3, recorded after") {
		t.Errorf("abort: %v", err)
	}
	add("00004_d.sql", "ALTER TABLE a ADD COLUMN color text;\nUPDATE a SET note = 'x';\n")
	underWay := new(guard.UnderWayError)
	if r, out, err := migrate(); !errors.As(err, &underWay) || !strings.Contains(out, "column note of a") {
		t.Errorf("migrate the first 00004_d.sql: %v; result %+v, want an UnderWayError, and a.note in the output\n%s", err, r, out)
	}
	expect(3)
	_, err := apply.Pending(t.Context(), apply.PendingConfig{Config: apply.Config{DB: s.URL(db)}, Repository: repository})
	if !errors.As(err, &refused) || !strings.Contains(refused.Text, "release-plan-under-way") {
		t.Errorf("apply: %v", err)
	}
	c.Through = onward.Contract
	if r, err := apply.RunPlanAndRecord(t.Context(), c); err != nil || r.State != onward.ApplyDone {
		t.Fatalf("apply through the contract: %v; result %+v, want it done", err, r)
	}
	if r, out, err := migrate(); err != nil || r.ExitCode == 0 || !strings.Contains(out, `column "note" of relation "a" does not exist`) {
		t.Errorf("migrate the first 00004_d.sql again: %v; result %+v, want goose's error about a.note\n%s", err, r, out)
	}
	add("00004_d.sql", "UPDATE a SET remark = 'x';\n")
	if r, out, err := migrate(); err != nil || r.ExitCode != 0 {
		t.Errorf("migrate the second 00004_d.sql: %v; result %+v\n%s", err, r, out)
	}
	expect(4)
}
