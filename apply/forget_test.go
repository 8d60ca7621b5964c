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
					t.Fatalf("apply.Abort = %+v, %v, want it abandoned", r, err)
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
				t.Fatalf("apply.Abort without parcels.kind = %+v, %v, want a refusal, with --forget next", r, err)
			}
			var words []string
			r, err = apply.Forget(t.Context(), apply.Config{DB: db, Tell: func(e apply.Event) {
				if e.Kind == apply.Warned && e.Step != nil {
					words = append(words, e.Step.ID+" "+e.Words)
				}
			}}, "")
			if err != nil || r.State != onward.ApplyAbandoned || r.Next != "" || !strings.Contains(r.Readiness[0].Text, "--forget") {
				t.Fatalf("apply.Forget = %+v, %v, want it abandoned, with nothing next", r, err)
			}
			if len(words) != 1 || !strings.HasPrefix(words[0], "01-expand is left") || !strings.HasSuffix(words[0], "ALTER TABLE parcels DROP COLUMN form") {
				t.Errorf("the warnings are %q, want one about 01-expand and its undo", words)
			}
			if got := content(t, db, "SELECT form FROM parcels ORDER BY id"); !cmp.Equal(got, []string{"big", "flat"}) {
				t.Errorf("parcels.form has %q, want big and flat", got)
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
					t.Fatalf("apply.Abort before the exchange = %+v, %v, want it abandoned", r, err)
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
				t.Errorf("parcels has the rows %q, want 1 and 2", got)
			}
		})
	}
}

// A column is gone that a trigger of the plan copies, so each write fails. --forget removes this trigger with its function; the trigger of the other
// column stays, and goes on copying.
func TestForgetBrokenTrigger(t *testing.T) {
	t.Parallel()
	for name, broken := range map[string]bool{"a column is gone": true, "nothing is gone": false} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			const table = "CREATE TABLE orders (id bigint PRIMARY KEY, note text, \"Kind\" text, changed timestamptz);\n" +
				"-- +goose StatementBegin\nCREATE FUNCTION touch() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN NEW.changed := now(); RETURN NEW; END $$;\n" +
				"-- +goose StatementEnd\nCREATE TRIGGER touch BEFORE UPDATE ON orders FOR EACH ROW EXECUTE FUNCTION touch();\n"
			db := pgservertest.Database(t, onward.NewestMajor)
			run(t, db, table, gooseTable, gooseFirst)
			c := inRepository(t, map[string]string{"db/00001_a.sql": "-- +goose Up\n" + table}, map[string]string{
				"db/00002_b.sql": "-- +goose Up\nALTER TABLE orders RENAME COLUMN note TO remark;\nALTER TABLE orders RENAME COLUMN \"Kind\" TO form;\n",
			}, db)
			c.Through = onward.Backfill
			if _, err := apply.RunPlanAndRecord(t.Context(), c); err != nil {
				t.Fatal(err)
			}
			if broken {
				// Plans of older releases have triggers that name no column: the server lets it go.
				run(t, db, "DROP TRIGGER zzz_onward_orders_note ON orders", "DROP TRIGGER zzz_onward_orders_note_add ON orders",
					"CREATE TRIGGER zzz_onward_orders_note BEFORE INSERT OR UPDATE ON orders FOR EACH ROW EXECUTE FUNCTION zzz_onward_orders_note()",
					"ALTER TABLE orders DROP COLUMN note")
				if _, err := pgservertest.Connect(t, db).Exec(t.Context(), "INSERT INTO orders (id) VALUES (1)"); err == nil {
					t.Fatal("the trigger does not fail")
				}
			}
			r, err := apply.Forget(t.Context(), apply.Config{DB: db}, "")
			if err != nil || r.State != onward.ApplyAbandoned {
				t.Fatalf("apply.Forget = %+v, %v, want it abandoned", r, err)
			}
			run(t, db, "INSERT INTO orders (id, \"Kind\") VALUES (2, 'big')")
			if got := content(t, db, "SELECT form FROM orders WHERE id = 2"); !cmp.Equal(got, []string{"big"}) {
				t.Errorf("the new row has the form %q, want big", got)
			}
			want := map[bool]string{true: "3 2", false: "5 3"}[broken]
			const left = "SELECT (SELECT count(*) FROM pg_trigger WHERE NOT tgisinternal) || ' ' || " +
				"(SELECT count(*) FROM pg_proc WHERE pronamespace = 'public'::regnamespace)"
			if got := content(t, db, left); got[0] != want {
				t.Errorf("%s triggers and functions are left, want %s", got[0], want)
			}
			refused := new(apply.RefusedError)
			if _, err := apply.RunPlanAndRecord(t.Context(), c); !errors.As(err, &refused) || !strings.Contains(refused.Text, "some of its steps are left") {
				t.Errorf("the same plan: %v", err)
			}
		})
	}
}

// A plan that was undone begins again if it is made again, and runs to its end.
func TestUndonePlanAgain(t *testing.T) {
	t.Parallel()
	db := pgservertest.Database(t, onward.NewestMajor)
	run(t, db, orders, gooseTable, gooseFirst, "INSERT INTO orders SELECT n, 'n' FROM generate_series(1, 10) AS n")
	c := inRepository(t, gooseBase, gooseRelease, db)
	for range 2 {
		c.Through = onward.Backfill
		first, err := apply.RunPlanAndRecord(t.Context(), c)
		if err != nil || !first.Readiness[0].NewCode {
			t.Fatalf("apply through the backfill = %+v, %v, want the new code ready", first, err)
		}
		if _, err := apply.Verify(t.Context(), apply.Config{DB: db}, ""); err != nil {
			t.Fatal(err)
		}
		if r, err := apply.Abort(t.Context(), apply.Config{DB: db}, ""); err != nil || r.State != onward.ApplyAbandoned {
			t.Fatalf("apply.Abort = %+v, %v, want it abandoned", r, err)
		}
	}
	c.Through = onward.Contract
	if r, err := apply.RunPlanAndRecord(t.Context(), c); err != nil || r.State != onward.ApplyDone {
		t.Fatalf("apply the contract = %+v, %v, want it done", r, err)
	}
	if got := content(t, db, "SELECT count(*)::text FROM orders WHERE remark = 'n'"); got[0] != "10" {
		t.Errorf("the number of filled rows is %q, want 10", got)
	}
	if got := content(t, db, "SELECT count(*)::text FROM onward_ledger.log WHERE event = 'plan taken back'"); got[0] != "2" {
		t.Errorf("%s lines of the log", got[0])
	}
}
