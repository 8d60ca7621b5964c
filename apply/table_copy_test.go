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

// The rows of a copied table are compared when the backfill is done. After the deploy, a comparison reports what new code has changed,
// and corrects nothing. The contract does not depend on it. An abort removes the copy.
func TestTableCopy(t *testing.T) {
	t.Parallel()
	const base = `CREATE TABLE orders (id bigint PRIMARY KEY, total int, note text);`
	p := planned(t, base, `CREATE TABLE invoices (id bigint PRIMARY KEY REFERENCES orders ON DELETE CASCADE, total int);
INSERT INTO invoices SELECT id, total FROM orders WHERE note IS NULL;`)
	fill := "INSERT INTO orders SELECT n, nullif(n % 7, 0), CASE WHEN n % 10 = 0 THEN 'x' END FROM generate_series(1, 2500) AS n"
	db := pgservertest.Database(t, onward.NewestMajor)
	run(t, db, base, fill)
	b := backfillOf(t, p)
	runPlan(t, apply.Config{DB: db, Plan: p})
	list, err := apply.Status(t.Context(), db)
	if err != nil || list[0].Steps[b].Verified == nil || list[0].Steps[b].Compared != 2500 {
		t.Fatalf("apply.Status = %+v, %v, want 2500 rows compared", list, err)
	}
	run(t, db, "UPDATE invoices SET total = -1 WHERE id = 1", "DELETE FROM invoices WHERE id = 2", "INSERT INTO orders VALUES (3000, 1)")
	refused := new(apply.RefusedError)
	if _, err := apply.Verify(t.Context(), apply.Config{DB: db}, ""); !errors.As(err, &refused) || !strings.Contains(refused.Text, "of them: 2, and") {
		t.Errorf("what new code has changed: %v", err)
	}
	rows := content(t, db, "SELECT id || ' ' || total FROM invoices WHERE id IN (1, 2, 3000) ORDER BY id")
	if !cmp.Equal(rows, []string{"1 -1", "3000 1"}) {
		t.Errorf("invoices has the rows %q, want \"1 -1\" and \"3000 1\"", rows)
	}
	finishPlan(t, apply.Config{DB: db, Plan: p, Through: onward.Contract})
	const own = "SELECT tgname::text FROM pg_trigger WHERE tgname ILIKE 'onward%' UNION ALL SELECT proname FROM pg_proc WHERE proname ILIKE 'onward%'"
	if left := content(t, db, own); len(left) > 0 {
		t.Errorf("%v are left", left)
	}

	other := pgservertest.Database(t, onward.NewestMajor)
	run(t, other, base, fill)
	before := schema(t, other)
	runPlan(t, apply.Config{DB: other, Plan: p})
	if _, err := apply.Abort(t.Context(), apply.Config{DB: other}, ""); err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(before, schema(t, other)); diff != "" {
		t.Errorf("after the abort (-before +after):\n%s", diff)
	}
}
