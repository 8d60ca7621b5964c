package apply_test

import (
	"fmt"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/onward-sql/onward/apply"
	"github.com/onward-sql/onward/internal/pgserver/pgservertest"
	"github.com/onward-sql/onward/onward"
)

// A table with foreign keys to itself is replaced by another one. Before and after each step, writes do what they do to a table that the plain
// migration changes: also a statement that inserts a row before the row that it refers to, and the actions of the keys.
func TestOwnReferences(t *testing.T) {
	t.Parallel()
	const (
		topics = `CREATE TABLE topics (id integer PRIMARY KEY, title text NOT NULL,
  above integer CONSTRAINT parent REFERENCES topics ON DELETE CASCADE ON UPDATE CASCADE, beside integer REFERENCES topics ON DELETE SET NULL DEFERRABLE);
`
		filled = "INSERT INTO topics SELECT n, 'title ' || n, CASE WHEN n > 10 THEN n / 2 END, CASE WHEN n % 3 = 0 THEN n / 3 END FROM generate_series(1, 3000) AS n"
		change = "ALTER TABLE topics ADD COLUMN long integer GENERATED ALWAYS AS (length(title)) STORED;"
		rows   = "SELECT t::text FROM topics AS t ORDER BY id"
	)
	p := planned(t, topics, change)
	pgservertest.EachEnd(t, func(t *testing.T, major int) {
		if major == onward.PreviewMajor {
			return // the plan is for released versions
		}
		db, twin := pgservertest.Database(t, major), pgservertest.Database(t, major)
		run(t, db, topics, filled)
		run(t, twin, topics, filled)
		key := 5000
		write := func() {
			key += 100
			for _, url := range []string{db, twin} {
				run(t, url,
					fmt.Sprintf("INSERT INTO topics VALUES (%d, 'child', %d, NULL), (%d, 'parent', NULL, %d)", key, key+1, key+1, key),
					fmt.Sprintf("UPDATE topics SET id = id + 10 WHERE id = %d", key+1),
					"DELETE FROM topics WHERE id IN (SELECT id FROM topics WHERE above IS NOT NULL ORDER BY id LIMIT 2)",
					fmt.Sprintf("BEGIN; SET CONSTRAINTS ALL DEFERRED; INSERT INTO topics VALUES (%d, 'a', NULL, %d); INSERT INTO topics VALUES (%d, 'b', NULL, %d); COMMIT",
						key+3, key+4, key+4, key+3),
					fmt.Sprintf("DELETE FROM topics WHERE id = %d", key+4))
			}
		}
		for i := range p.Steps {
			if p.Steps[i].Phase == onward.Contract {
				break
			}
			write()
			runPlan(t, apply.Config{DB: db, Plan: p, To: p.Steps[i].ID})
		}
		write()
		if list, err := apply.Continue(t.Context(), apply.Config{DB: db, Through: onward.Contract}, ""); err != nil || list[0].State != onward.ApplyDone {
			t.Fatalf("%+v %v", list, err)
		}
		write()
		run(t, twin, change)
		if diff := cmp.Diff(content(t, twin, rows), content(t, db, rows)); diff != "" {
			t.Errorf("other rows than the migration leaves:\n%s", diff)
		}
		if diff := cmp.Diff(schema(t, twin), schema(t, db)); diff != "" {
			t.Errorf("another schema than the migration leaves:\n%s", diff)
		}
	})
}
