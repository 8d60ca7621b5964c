package evidence

import (
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/onward-sql/onward/onward"
)

// A name counts as dropped unless something new takes it, or it is the plan's own.
func TestDroppedBy(t *testing.T) {
	t.Parallel()
	got := listDroppedNames([]onward.PlanStep{
		{SQL: "ALTER TABLE orders DROP COLUMN note, DROP COLUMN amount; ALTER TABLE orders RENAME COLUMN total TO amount"},
		{SQL: "DROP TABLE old; DROP TABLE onward.cursor; DROP VIEW v; CREATE VIEW v AS SELECT 1; DROP INDEX i"},
	})
	if diff := cmp.Diff([]droppedName{{"orders", "note"}, {table: "old"}}, got, cmp.AllowUnexported(droppedName{})); diff != "" {
		t.Error(diff)
	}
}

func TestStatementNamesDropped(t *testing.T) {
	t.Parallel()
	note := droppedName{"orders", "note"}
	for sql, want := range map[string]bool{
		"SELECT note FROM orders":                                 true,
		"SELECT o.note FROM orders AS o":                          true,
		"SELECT p.note FROM orders AS o JOIN people AS p ON true": false,
		"SELECT amount FROM orders":                               false,
		"SELECT note FROM people":                                 false,
		"INSERT INTO orders (note) VALUES ($1)":                   true,
		"UPDATE orders SET note = $1":                             true,
		"UPDATE people SET note = $1 FROM orders":                 false,
		"SELECT note FROM orders WHERE":                           false,
	} {
		if got := note.isUsedIn(sql); got != want {
			t.Errorf("isUsedIn(%q) = %v, want %v", sql, got, want)
		}
	}
}

// Only statements that were called between two samples count. A sample after a reset counts for nothing.
func TestStatementSamples(t *testing.T) {
	t.Parallel()
	key, other := statementKey{"web", 1}, statementKey{"web", 2}
	sample := func(reset string, calls, otherCalls int64) *statementSample {
		return &statementSample{
			at: time.Unix(calls, 0), reset: reset, calls: map[statementKey]int64{key: calls, other: otherCalls},
			text: map[statementKey]string{key: "SELECT note FROM orders", other: "SELECT id, note FROM orders"},
		}
	}
	before := sample("", 3, 7)
	if before.wasReset(before) || !sample("", 1, 7).wasReset(before) || !sample("now", 3, 7).wasReset(before) {
		t.Error("a reset is not what it should be")
	}
	got := sample("", 5, 7).listCalledStatements(before, []droppedName{{"orders", "note"}})
	want := []string{"a statement that names orders.note was called 2 times by web within 2s: SELECT query FROM pg_stat_statements WHERE queryid = 1"}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Error(diff)
	}
}
