package plan_test

import (
	"strings"
	"testing"
)

// Statements of one temporary table are left as they were written, and a migration's own BEGIN counts in the proof: its
// temporary tables end at COMMIT. Other statements are planned.
func TestTemporaryTables(t *testing.T) {
	t.Parallel()
	const release = `-- +goose NO TRANSACTION
BEGIN;
LOCK TABLE orders IN SHARE ROW EXCLUSIVE MODE;
SAVEPOINT begun;
CREATE TEMP TABLE twice ON COMMIT DROP AS SELECT max(id) AS keep, status FROM orders GROUP BY status HAVING count(*) > 1;
DELETE FROM orders USING twice WHERE orders.status = twice.status AND orders.id <> twice.keep;
COMMIT;
CREATE INDEX customers_note ON customers (note);`
	p := planned(t, base, release, 17, nil, true)
	proven, all := p.CountChanges()
	if proven != 1 || all != 3 || len(p.Left) != 2 ||
		!strings.Contains(strings.Join(p.Left[0].Why, ""), "creates a temporary table, which ends with its session") {
		t.Errorf("%d of %d changes are proven, left %+v\n%s", proven, all, p.Left, told(p))
	}
}

// A savepoint needs the transaction that the runner opens: the proof leaves it out.
func TestSavepoints(t *testing.T) {
	t.Parallel()
	p := planned(t, base, "SAVEPOINT before;\nCREATE INDEX customers_note ON customers (note);\nRELEASE SAVEPOINT before;", 17, nil, true)
	if !p.Proof.Proven {
		t.Errorf("the plan of a release with savepoints is not proven:\n%s", told(p))
	}
}
