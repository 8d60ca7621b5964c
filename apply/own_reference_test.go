package apply_test

import (
	"fmt"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/onward-sql/onward/apply"
	"github.com/onward-sql/onward/internal/pgserver/pgservertest"
	"github.com/onward-sql/onward/internal/rotation"
	"github.com/onward-sql/onward/onward"
)

// A table with foreign keys to itself is replaced by another one. Before and after each step, writes do what they do to a table that the plain
// migration changes: also a statement that inserts a row before the row that it refers to, and the actions of the keys.
func TestOwnReferences(t *testing.T) {
	t.Parallel()
	const (
		topics = `CREATE TABLE topics (id integer PRIMARY KEY, title text NOT NULL,
  above integer CONSTRAINT parent REFERENCES topics ON DELETE CASCADE ON UPDATE CASCADE, beside integer REFERENCES topics ON DELETE SET NULL DEFERRABLE);
CREATE TABLE notes (id integer PRIMARY KEY, topic integer NOT NULL REFERENCES topics ON DELETE CASCADE ON UPDATE CASCADE, note text);
`
		filled = "INSERT INTO topics SELECT n, 'title ' || n, CASE WHEN n > 10 THEN n / 2 END, CASE WHEN n % 3 = 0 THEN n / 3 END FROM generate_series(1, 3000) AS n"
		noted  = "INSERT INTO notes SELECT n, n, 'note ' || n FROM generate_series(1, 3000) AS n"
		first  = "ALTER TABLE topics ADD COLUMN long integer GENERATED ALWAYS AS (length(title)) STORED;"
		second = "ALTER TABLE notes ADD COLUMN long integer GENERATED ALWAYS AS (length(note)) STORED;"
		rows   = "SELECT t::text FROM topics AS t ORDER BY id"
		notes  = "SELECT n::text FROM notes AS n ORDER BY id"
	)
	// The table that refers to the other one is exchanged after it, or before it.
	orders := []string{first + "\n" + second, second + "\n" + first}
	plans := []*onward.Plan{planned(t, topics, orders[0]), planned(t, topics, orders[1])}
	pgservertest.EachEnd(t, func(t *testing.T, major int) {
		order := rotation.Pick(t, 1, []int{0, 1})[0]
		p, change := plans[order], orders[order]
		if major == onward.PreviewMajor {
			return // the plan is for released versions
		}
		db, twin := pgservertest.Database(t, major), pgservertest.Database(t, major)
		run(t, db, topics, filled, noted)
		run(t, twin, topics, filled, noted)
		key := 5000
		write := func() {
			key += 100
			for _, url := range []string{db, twin} {
				run(t, url,
					fmt.Sprintf("INSERT INTO topics VALUES (%d, 'child', %d, NULL), (%d, 'parent', NULL, %d)", key, key+1, key+1, key),
					fmt.Sprintf("UPDATE topics SET id = id + 10 WHERE id = %d", key+1),
					fmt.Sprintf("INSERT INTO notes VALUES (%d, %d, 'n'), (%d, %d, NULL)", key, key, key+1, key+11),
					fmt.Sprintf("UPDATE notes SET note = note || '!', id = id + 20000 WHERE topic IN (%d, %d)", key, key/50),
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
			t.Fatalf("the contract = %+v, %v, want it done", list, err)
		}
		write()
		run(t, twin, change)
		if diff := cmp.Diff(content(t, twin, rows), content(t, db, rows)); diff != "" {
			t.Errorf("other rows than the migration leaves:\n%s", diff)
		}
		if diff := cmp.Diff(content(t, twin, notes), content(t, db, notes)); diff != "" {
			t.Errorf("other notes than the migration leaves:\n%s", diff)
		}
		if diff := cmp.Diff(schema(t, twin), schema(t, db)); diff != "" {
			t.Errorf("another schema than the migration leaves:\n%s", diff)
		}
	})
}
