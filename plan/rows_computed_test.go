package plan_test

import (
	"fmt"
	"testing"

	"github.com/onward-sql/onward/internal/pgserver/pgservertest"
	"github.com/onward-sql/onward/onward"
)

// TestComputedRowsBesideWriters changes rows after their values were computed and before batches write them.
func TestComputedRowsBesideWriters(t *testing.T) {
	t.Parallel()
	pgservertest.EachEnd(t, func(t *testing.T, major int) {
		s := scene{
			old: named, typ: "text", values: []string{"'x'"}, major: major,
			base: "CREATE TABLE t (id bigint PRIMARY KEY, other integer, a text);",
			release: "UPDATE t SET a = ordered.nr FROM (SELECT id, row_number() OVER (ORDER BY other DESC) AS nr FROM t) AS ordered " +
				"WHERE ordered.id = t.id;",
		}
		st := newStage(t, &s, s.steps(t), 1)
		for i := range st.steps {
			if st.steps[i].Class == onward.StepBackfill {
				st.exec(st.admin, "UPDATE t SET a = 'mine' WHERE id = 7; UPDATE t SET other = -1 WHERE id = 9; DELETE FROM t WHERE id = 8; "+
					"INSERT INTO t VALUES (9000, 9000, 'new')")
			}
			st.step(&st.steps[i], st.steps[i].Class != onward.StepBackfill) // without a row that waits for the test's own session
		}
		st.none("each row has the value that was computed for it, or a later one", fmt.Sprintf("SELECT id, a FROM t WHERE a <> CASE id "+
			"WHEN 7 THEN 'mine' WHEN 9000 THEN 'new' ELSE (%d - id)::text END", filled+1))
		st.none("no row came back", "SELECT FROM t WHERE id = 8")
		st.none("nothing of the plan is left", "SELECT FROM pg_namespace WHERE nspname = 'onward'")
	})
}
