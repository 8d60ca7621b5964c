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
			old: columnA, typ: "text", values: []string{"'x'"}, major: major,
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

// TestListedRowsBesideWriters changes rows after they were listed and before batches delete or insert them.
func TestListedRowsBesideWriters(t *testing.T) {
	t.Parallel()
	pgservertest.EachEnd(t, func(t *testing.T, major int) {
		s := scene{
			old: columnA, typ: "text", values: []string{"'x'"}, major: major,
			base: "CREATE TABLE t (id bigint PRIMARY KEY, other integer, a text); " +
				"CREATE TABLE sums (nr bigint GENERATED ALWAYS AS IDENTITY, last integer PRIMARY KEY, n bigint);" +
				"CREATE TABLE seen (id bigint PRIMARY KEY, other integer);",
			release: "DELETE FROM t USING t AS first WHERE first.id < t.id AND first.other % 1000 = t.other % 1000;\n" +
				"INSERT INTO sums (last, n) SELECT other % 1000, count(*) FROM seen GROUP BY 1 ORDER BY 1 DESC ON CONFLICT (last) DO NOTHING;",
		}
		st := newStage(t, &s, s.steps(t), 1)
		st.exec(st.admin, "UPDATE t SET other = id; INSERT INTO seen SELECT id, id FROM t WHERE id <= 1000 OR id = 1007")
		batches := 0
		for i := range st.steps {
			if st.steps[i].Class == onward.StepBackfill {
				if batches++; batches == 2 { // the rows are deleted after the deployed code
					st.exec(st.admin, "UPDATE t SET a = 'mine' WHERE id = 1007; DELETE FROM t WHERE id = 1008; INSERT INTO t VALUES (9000, 5, 'new'); "+
						"BEGIN; SELECT FROM t WHERE id = 1009 FOR UPDATE; COMMIT")
				} else {
					st.exec(st.admin, "INSERT INTO sums (last, n) VALUES (5, -1); DELETE FROM seen WHERE id = 6")
				}
			}
			st.step(&st.steps[i], st.steps[i].Class != onward.StepBackfill) // without a row that waits for the test's own session
		}
		if batches != 2 {
			t.Errorf("%d backfills", batches)
		}
		st.none("rows with an earlier one of their number are gone, but what was changed or added since", "SELECT id FROM t WHERE id >= 1000 AND "+
			"id NOT IN (1007, 9000) AND id <> 1000 UNION ALL SELECT id FROM (VALUES (1007), (9000)) AS kept (id) WHERE id NOT IN (SELECT id FROM t)")
		st.none("the sums are as they were listed, and a row of the deployed code stays",
			"SELECT last, n FROM sums WHERE n <> CASE last WHEN 5 THEN -1 WHEN 7 THEN 2 ELSE 1 END UNION ALL SELECT 6, 0 WHERE NOT EXISTS (SELECT FROM sums WHERE last = 6)")
		st.none("numbers follow the order of the query", "SELECT FROM sums AS a JOIN sums AS b ON a.nr < b.nr AND a.last < b.last WHERE a.last <> 5 AND b.last <> 5")
		st.none("nothing of the plan is left", "SELECT FROM pg_namespace WHERE nspname = 'onward'")
	})
}
