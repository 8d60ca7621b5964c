package apply_test

import (
	"errors"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/onward-sql/onward/apply"
	"github.com/onward-sql/onward/onward"
)

// Rows that cannot be mended keep no other row from it: they are put into quarantine, and the others are right then.
func TestMendAroundBadRows(t *testing.T) {
	t.Parallel()
	db, p := filling(t)
	runPlan(t, apply.Config{DB: db, Plan: p})
	b := backfillOf(t, p)
	trigger := p.Steps[b].Backfill.Triggers[0]
	run(t, db, "ALTER TABLE orders DISABLE TRIGGER "+trigger, "UPDATE orders SET remark = NULL WHERE id % 2 = 0",
		"ALTER TABLE orders ADD CONSTRAINT bad CHECK (remark IS NULL OR remark NOT IN ('note 2', 'note 500', 'note 502', 'note 6000')) NOT VALID", "ALTER TABLE orders ENABLE ALWAYS TRIGGER "+trigger)
	var events teller
	_, err := apply.Verify(t.Context(), apply.Config{DB: db, Tell: events.tell}, "")
	refused := new(apply.RefusedError)
	if !errors.As(err, &refused) || !strings.Contains(refused.Text, "of them: 4, and their change fails (") ||
		!strings.Contains(refused.Text, "SQLSTATE 23514") || strings.Contains(refused.Text, "note 500") {
		t.Fatal(err)
	}
	if !events.has(apply.Skipped, `"bad" (SQLSTATE 23514)); in quarantine are 4`) {
		t.Errorf("no event reports 4 rows in quarantine: %+v", events.list)
	}
	const wrong = "SELECT id::text FROM orders WHERE remark IS DISTINCT FROM note ORDER BY orders.id"
	if got := content(t, db, wrong); !cmp.Equal(got, []string{"2", "500", "502", "6000"}) {
		t.Errorf("what is not mended: %v", got)
	}
	if list, err := apply.Status(t.Context(), db); err != nil || list[0].Steps[b].Quarantined != 4 {
		t.Errorf("apply.Status = %+v, %v, want 4 rows in quarantine", list, err)
	}
	// As long as they cannot be changed they are in the way; then they are tried first.
	if _, err := apply.Verify(t.Context(), apply.Config{DB: db}, ""); !errors.As(err, &refused) ||
		!strings.Contains(refused.Text, "rows are in quarantine, for their change fails: 4") {
		t.Fatal(err)
	}
	run(t, db, "ALTER TABLE orders DROP CONSTRAINT bad")
	if _, err := apply.Verify(t.Context(), apply.Config{DB: db}, ""); err != nil {
		t.Fatal(err)
	}
	if got := content(t, db, wrong); len(got) > 0 {
		t.Errorf("what is not mended: %v", got)
	}
	if list, err := apply.Continue(t.Context(), apply.Config{DB: db, Through: onward.Contract}, ""); err != nil || list[0].State != onward.ApplyDone {
		t.Fatalf("the contract = %+v, %v, want it done", list, err)
	}
}
