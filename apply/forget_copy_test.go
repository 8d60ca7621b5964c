package apply_test

import (
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/onward-sql/onward/apply"
	"github.com/onward-sql/onward/internal/pgserver/pgservertest"
	"github.com/onward-sql/onward/onward"
)

// The original of a table copy is gone. --forget removes the plan's triggers and functions that copied writes between the two tables, so that the team's
// writes work. It keeps the table that has the rows, with the team's own triggers, and what another chain of the plan goes on copying.
func TestForgetTableCopy(t *testing.T) {
	t.Parallel()
	const base = `CREATE TABLE crates (id int PRIMARY KEY, label text);
CREATE TABLE notes (id int PRIMARY KEY, body text);`
	const rows = "INSERT INTO crates SELECT n, 'x' || n FROM generate_series(1, 50) AS n"
	const remaining = "SELECT tgrelid::regclass || '.' || tgname FROM pg_trigger WHERE NOT tgisinternal AND " +
		"tgrelid::regclass::text NOT LIKE 'crates\\_%' ORDER BY 1"
	const functions = "SELECT proname::text FROM pg_proc WHERE pronamespace = 'public'::regnamespace ORDER BY 1"
	p := planned(t, base, "ALTER TABLE crates ADD COLUMN loud text GENERATED ALWAYS AS (upper(label)) STORED;\nALTER TABLE notes RENAME COLUMN body TO content;\n")
	exchange := ""
	for i := range p.Steps {
		if strings.Contains(p.Steps[i].SQL, "crates RENAME TO") {
			exchange = p.Steps[i].ID
		}
	}
	pgservertest.EachEnd(t, func(t *testing.T, major int) {
		for name, exchanged := range map[string]bool{"after the exchange": true, "before the exchange": false} {
			t.Run(name, func(t *testing.T) {
				t.Parallel()
				db := pgservertest.Database(t, major)
				run(t, db, base, rows)
				c := apply.Config{DB: db, Plan: p, Through: onward.Backfill}
				if !exchanged {
					i := stepNumber(t, p, exchange)
					for p.Steps[i].Backfill == nil {
						i--
					}
					c.To = p.Steps[i].ID
				}
				runPlan(t, c)
				run(t, db, "CREATE FUNCTION touch() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN RETURN NEW; END $$",
					"CREATE TRIGGER touch BEFORE INSERT ON crates FOR EACH ROW EXECUTE FUNCTION touch()")
				droppedTable, write := "crates", "INSERT INTO notes VALUES (1, 'a')"
				if exchanged {
					droppedTable = content(t, db, "SELECT relname::text FROM pg_class WHERE relkind = 'r' AND relnamespace = 'public'::regnamespace AND relname LIKE 'crates\\_%'")[0]
					write = "INSERT INTO crates (id, label) VALUES (51, 'new')"
				}
				run(t, db, "DROP TABLE "+droppedTable+" CASCADE")
				if _, err := pgservertest.Connect(t, db).Exec(t.Context(), write); (err != nil) != exchanged {
					t.Fatalf("after the drop of %s, %s = %v, want an error: %t", droppedTable, write, err, exchanged)
				}
				list, err := apply.Status(t.Context(), db)
				if err != nil || list[0].Readiness[0].NewCode || list[0].Readiness[0].OldCode || !strings.HasSuffix(list[0].Next, "--forget") {
					t.Errorf("apply.Status = %+v, %v, want no code ready, and --forget next", list, err)
				}
				var left []string
				r, err := apply.Forget(t.Context(), apply.Config{DB: db, Tell: func(e apply.Event) {
					if e.Kind == apply.Warned && e.Step != nil && strings.Contains(e.Words, droppedTable+" is gone") {
						left = append(left, e.Step.ID)
					}
				}}, "")
				if err != nil || r.State != onward.ApplyAbandoned {
					t.Fatalf("apply.Forget = %+v, %v, want it abandoned", r, err)
				}
				triggers := content(t, db, remaining)
				working := []string{"notes.zzz_onward_notes_body", "notes.zzz_onward_notes_body_add"}
				want := working
				if exchanged {
					want = append([]string{"crates.touch"}, working...)
					if !cmp.Equal(left, []string{exchange}) {
						t.Errorf("the exchange is reported as %q", left)
					}
					run(t, db, "UPDATE crates SET label = 'newer' WHERE id = 1", "DELETE FROM crates WHERE id = 2", write)
					if got := content(t, db, "SELECT count(*) || ' ' || max(loud) FROM crates"); got[0] != "50 X9" {
						t.Errorf("the rows of crates and their greatest loud are %q, want \"50 X9\"", got)
					}
				}
				if diff := cmp.Diff(want, triggers); diff != "" {
					t.Errorf("triggers (-want +got):\n%s", diff)
				}
				if diff := cmp.Diff([]string{"touch", "zzz_onward_notes_body"}, content(t, db, functions)); diff != "" {
					t.Errorf("functions (-want +got):\n%s", diff)
				}
				run(t, db, "INSERT INTO notes (id, body) VALUES (2, 'b')")
				if got := content(t, db, "SELECT content FROM notes WHERE id = 2"); !cmp.Equal(got, []string{"b"}) {
					t.Errorf("the new row of notes has the content %q, want b", got)
				}
			})
		}
	})
}

// stepNumber returns the place of a step.
func stepNumber(t testing.TB, p *onward.Plan, id string) int {
	t.Helper()
	for i := range p.Steps {
		if p.Steps[i].ID == id {
			return i
		}
	}
	t.Fatalf("no step %q", id)
	return 0
}
