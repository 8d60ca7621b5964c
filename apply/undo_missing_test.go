package apply_test

import (
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/onward-sql/onward/apply"
	"github.com/onward-sql/onward/internal/pgserver/pgservertest"
	"github.com/onward-sql/onward/onward"
)

// A migration that the plan replaces ran all the same, and dropped a column: the contract fails, and abort undoes what is left. It says what
// it could not undo.
func TestAbortWithoutDroppedColumn(t *testing.T) {
	t.Parallel()
	db := pgservertest.Database(t, onward.NewestMajor)
	run(t, db, "CREATE TABLE a (id int PRIMARY KEY, old int NOT NULL)")
	p := handmade(t, db,
		onward.PlanStep{
			Class: onward.StepDDL, SQL: "ALTER TABLE a ADD COLUMN more int; ALTER TABLE a ALTER COLUMN old DROP NOT NULL",
			Undo: "ALTER TABLE a ALTER COLUMN old SET NOT NULL; ALTER TABLE a DROP COLUMN more",
		},
		onward.PlanStep{Phase: onward.Contract, Class: onward.StepDDL, SQL: "ALTER TABLE a DROP COLUMN old"})
	if r, err := apply.Run(t.Context(), apply.Config{DB: db, Plan: p}); err != nil || len(r.Readiness) != 1 || !r.Readiness[0].NewCode {
		t.Fatalf("apply without the contract = %+v, %v, want the new code ready", r, err)
	}
	run(t, db, "ALTER TABLE a DROP COLUMN old")
	r, err := apply.Run(t.Context(), apply.Config{DB: db, Plan: p, Through: onward.Contract})
	if err == nil || r == nil || !strings.Contains(err.Error(), "onward abort --db ADDRESS --plan "+r.Plan) {
		t.Fatalf("the contract: %v", err)
	}
	var words []string
	r, err = apply.Abort(t.Context(), apply.Config{DB: db, Tell: func(e apply.Event) {
		if e.Kind == apply.Warned && strings.Contains(e.Words, "Not undone") {
			words = append(words, e.Words)
		}
	}}, "")
	if err != nil || r.State != onward.ApplyAbandoned || r.Readiness[0].NewCode {
		t.Fatalf("apply.Abort = %+v, %v, want it abandoned, and the new code not ready", r, err)
	}
	if len(words) != 1 || !strings.Contains(words[0], "SET NOT NULL") || !strings.Contains(words[0], `column "old" of relation "a" does not exist`) {
		t.Errorf("the warnings are %q, want one about SET NOT NULL and the dropped column", words)
	}
	got := content(t, db, "SELECT attname::text FROM pg_attribute WHERE attrelid = 'a'::regclass AND attnum > 0 AND NOT attisdropped ORDER BY 1")
	if !cmp.Equal(got, []string{"id"}) {
		t.Errorf("%q is left", got)
	}
}
