package plan_test

import (
	"testing"

	"github.com/onward-sql/onward/internal/pgserver/pgservertest"
	"github.com/onward-sql/onward/onward"
)

// A value that changes when it is split and joined again stays as it was written, on both sides,
// until somebody writes another value.
func TestSplitKeeps(t *testing.T) {
	t.Parallel()
	const table = "CREATE TABLE t (id bigint PRIMARY KEY, name text NOT NULL); "
	const rows = "INSERT INTO t VALUES (1, 'Mary Ann Lee'), (2, 'Plato'), (3, '  Bo  Li ');"
	const release = "ALTER TABLE t ADD COLUMN first text NOT NULL DEFAULT '?', ADD COLUMN last text, ADD CHECK (last <> 'Ann'); ALTER TABLE t DROP COLUMN name;"
	const into = "'onward: deprecated, split into first = split_part(name, '' '', 1), last = split_part(name, '' '', 2)"
	for _, way := range []struct {
		name, joined string
		writes       [][2]string // a statement, and what the rows are then: old [first|last]
	}{
		{"both ways", ", joined as first || coalesce('' '' || last, '''')", [][2]string{
			{"SELECT", "Mary Ann Lee [Mary|Ann] Plato [Plato|]   Bo  Li  [|]"},
			{"UPDATE t SET first = 'Mary Ann', last = 'Lee' WHERE id = 1", "Mary Ann Lee [Mary Ann|Lee] Plato [Plato|]   Bo  Li  [|]"},
			{"UPDATE t SET name = 'Mary Ann Lee', id = id WHERE id = 1", "Mary Ann Lee [Mary Ann|Lee] Plato [Plato|]   Bo  Li  [|]"},
			{"UPDATE t SET name = 'Mary Ann' WHERE id = 1", "Mary Ann [Mary|Ann] Plato [Plato|]   Bo  Li  [|]"},
			{"UPDATE t SET last = NULL WHERE id = 2", "Mary Ann [Mary|Ann] Plato [Plato|-]   Bo  Li  [|]"},
			{"INSERT INTO t (id, last) VALUES (4, 'Low')", "Mary Ann [Mary|Ann] Plato [Plato|-]   Bo  Li  [|] ? Low [?|Low]"},
			{"INSERT INTO t (id, name, first, last) VALUES (5, 'x  y', 'x', '')", "Mary Ann [Mary|Ann] Plato [Plato|-]   Bo  Li  [|] ? Low [?|Low] x  y [x|]"},
			{"UPDATE t SET first = 'a', last = 'b', name = 'c' WHERE id > 1", "Mary Ann [Mary|Ann] a b [a|b] a b [a|b] a b [a|b] a b [a|b]"},
		}},
		{"one way", "", [][2]string{
			{"UPDATE t SET last = 'Lee' WHERE id = 1", "Mary Ann Lee [Mary|Lee] Plato [Plato|]   Bo  Li  [|]"},
			{"DELETE FROM t WHERE id > 1", "Mary Ann Lee [Mary|Lee]"},
			{"INSERT INTO t (id, first, last) VALUES (4, 'a', 'b')", "Mary Ann Lee [Mary|Lee] - [a|b]"},
			{"UPDATE t SET name = 'c d'", "c d [c|d] c d [c|d]"},
		}},
	} {
		t.Run(way.name, func(t *testing.T) {
			t.Parallel()
			base := table + "COMMENT ON COLUMN t.name IS " + into + way.joined + "';"
			s := scene{base: base, release: release}
			steps := s.steps(t)
			conn := pgservertest.Connect(t, pgservertest.Database(t, 17))
			run := func(sql string) {
				if _, err := conn.Exec(t.Context(), sql); err != nil {
					t.Fatalf("run %s: %v", sql, err)
				}
			}
			run(base + rows)
			for _, step := range steps[:(&onward.Plan{Steps: steps}).Contract()] {
				run(step.SQL)
			}
			for _, w := range way.writes {
				run(w[0])
				var got string
				if err := conn.QueryRow(t.Context(), "SELECT string_agg(format('%s [%s|%s]', coalesce(name, '-'), coalesce(first, '-'), coalesce(last, '-')), "+
					"' ' ORDER BY id) FROM t").Scan(&got); err != nil || got != w[1] {
					t.Errorf("%s: %v\n%s, want\n%s", w[0], err, got, w[1])
				}
			}
		})
	}
}
