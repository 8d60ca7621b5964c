package apply_test

import (
	"errors"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/onward-sql/onward/apply"
	"github.com/onward-sql/onward/internal/pgserver/pgservertest"
	"github.com/onward-sql/onward/onward"
)

// A migration that the plan replaces dropped the original of a copy. abort would drop the only values, so it refuses; --forget closes the plan,
// keeps the copy and lists what is left. Without the loss, abort undoes the same plan.
func TestForget(t *testing.T) {
	t.Parallel()
	for name, lost := range map[string]bool{"the original is gone": true, "the original is there": false} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			db := pgservertest.Database(t, onward.NewestMajor)
			run(t, db, "CREATE TABLE parcels (id int PRIMARY KEY, kind text)", "INSERT INTO parcels VALUES (1, 'big'), (2, 'flat')")
			p := handmade(t, db,
				onward.PlanStep{Class: onward.StepDDL, SQL: "ALTER TABLE parcels ADD COLUMN form text", Undo: "ALTER TABLE parcels DROP COLUMN form"},
				onward.PlanStep{Phase: onward.Backfill, Class: onward.StepDDL, SQL: "UPDATE parcels SET form = kind"},
				onward.PlanStep{Phase: onward.Contract, Class: onward.StepDDL, SQL: "ALTER TABLE parcels DROP COLUMN kind"})
			if _, err := apply.Run(t.Context(), apply.Config{DB: db, Plan: p}); err != nil {
				t.Fatal(err)
			}
			const columns = "SELECT attname::text FROM pg_attribute WHERE attrelid = 'parcels'::regclass AND attnum > 0 AND NOT attisdropped ORDER BY 1"
			if !lost {
				if r, err := apply.Abort(t.Context(), apply.Config{DB: db}, ""); err != nil || r.State != onward.ApplyAbandoned {
					t.Fatalf("%+v %v", r, err)
				}
				if got := content(t, db, columns); !cmp.Equal(got, []string{"id", "kind"}) {
					t.Errorf("%q is left", got)
				}
				return
			}
			run(t, db, "ALTER TABLE parcels DROP COLUMN kind")
			refused := new(apply.RefusedError)
			r, err := apply.Abort(t.Context(), apply.Config{DB: db}, "")
			if !errors.As(err, &refused) || !strings.Contains(refused.Text, "parcels.kind is gone") || !strings.Contains(refused.Text, "drop parcels.form") ||
				!strings.HasSuffix(refused.Next, " --forget") || r.Next != refused.Next {
				t.Fatalf("%+v %v", r, err)
			}
			var words []string
			r, err = apply.Forget(t.Context(), apply.Config{DB: db, Tell: func(e apply.Event) {
				if e.Kind == apply.Warned && e.Step != nil {
					words = append(words, e.Step.ID+" "+e.Words)
				}
			}}, "")
			if err != nil || r.State != onward.ApplyAbandoned || r.Next != "" || !strings.Contains(r.Readiness[0].Text, "--forget") {
				t.Fatalf("%+v %v", r, err)
			}
			if len(words) != 1 || !strings.HasPrefix(words[0], "01-expand is left") || !strings.HasSuffix(words[0], "ALTER TABLE parcels DROP COLUMN form") {
				t.Errorf("%q", words)
			}
			if got := content(t, db, "SELECT form FROM parcels ORDER BY id"); !cmp.Equal(got, []string{"big", "flat"}) {
				t.Errorf("%q", got)
			}
			if _, err := apply.Abort(t.Context(), apply.Config{DB: db}, ""); err == nil {
				t.Error("the plan is not closed")
			}
		})
	}
}

// An exchange gives the original the name that the contract drops, and the copy the original's name. abort looks for both under the names that
// they have at the moment: before the exchange it undoes the plan; after the exchange and a loss of the original it refuses.
func TestAbortBesideExchange(t *testing.T) {
	t.Parallel()
	for name, exchanged := range map[string]bool{"before the exchange": false, "the original is gone after it": true} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			db := pgservertest.Database(t, onward.NewestMajor)
			run(t, db, "CREATE TABLE parcels (id int PRIMARY KEY)", "INSERT INTO parcels VALUES (1), (2)")
			p := handmade(t, db,
				onward.PlanStep{Class: onward.StepDDL, SQL: "CREATE TABLE parcels_new (id bigint PRIMARY KEY)", Undo: "DROP TABLE parcels_new"},
				onward.PlanStep{Phase: onward.Backfill, Class: onward.StepDDL, SQL: "INSERT INTO parcels_new SELECT id FROM parcels"},
				onward.PlanStep{Phase: onward.Backfill, Class: onward.StepDDL,
					SQL:  "ALTER TABLE parcels RENAME TO parcels_old; ALTER TABLE parcels_new RENAME TO parcels",
					Undo: "ALTER TABLE parcels RENAME TO parcels_new; ALTER TABLE parcels_old RENAME TO parcels"},
				onward.PlanStep{Phase: onward.Contract, Class: onward.StepDDL, SQL: "DROP TABLE parcels_old"})
			config := apply.Config{DB: db, Plan: p}
			if !exchanged {
				config.To = p.Steps[1].ID
			}
			if _, err := apply.Run(t.Context(), config); err != nil {
				t.Fatal(err)
			}
			if !exchanged {
				if r, err := apply.Abort(t.Context(), apply.Config{DB: db}, ""); err != nil || r.State != onward.ApplyAbandoned {
					t.Fatalf("%+v %v", r, err)
				}
				return
			}
			run(t, db, "DROP TABLE parcels_old")
			refused := new(apply.RefusedError)
			if _, err := apply.Abort(t.Context(), apply.Config{DB: db}, ""); !errors.As(err, &refused) ||
				!strings.Contains(refused.Text, "parcels_old is gone") || !strings.Contains(refused.Text, "would drop parcels, the only copy") {
				t.Fatal(err)
			}
			if got := content(t, db, "SELECT id FROM parcels ORDER BY id"); !cmp.Equal(got, []string{"1", "2"}) {
				t.Errorf("%q", got)
			}
		})
	}
}
