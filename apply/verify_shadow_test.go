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

// A table that takes another one's place has its rows, each as it is there and none beyond: what was written while its triggers were
// disabled is found before they change names, in both directions, and mended.
func TestVerifyShadow(t *testing.T) {
	t.Parallel()
	const was = `CREATE TABLE visits (id bigint PRIMARY KEY, at timestamptz NOT NULL, what text);`
	p := planned(t, was, `ALTER TABLE visits RENAME TO visits_old;
CREATE TABLE visits (id bigint NOT NULL, at timestamptz NOT NULL, what text, PRIMARY KEY (at, id)) PARTITION BY RANGE (at);
CREATE TABLE visits_2024 PARTITION OF visits FOR VALUES FROM ('2024-01-01') TO ('2025-01-01');
CREATE TABLE visits_rest PARTITION OF visits DEFAULT;
INSERT INTO visits SELECT * FROM visits_old;
DROP TABLE visits_old;`)
	db := pgservertest.Database(t, onward.NewestMajor)
	run(t, db, was, "INSERT INTO visits SELECT n, timestamptz '2024-12-01' + n * interval '1 hour', 'v' || n FROM generate_series(1, 2500) AS n")
	b := backfillOf(t, p)
	if len(p.Steps[b].Backfill.Compare) != 2 {
		t.Fatalf("the backfill has %d comparisons, want 2: %+v", len(p.Steps[b].Backfill.Compare), p.Steps[b].Backfill)
	}
	runPlan(t, apply.Config{DB: db, Plan: p, To: p.Steps[b].ID})
	toggle := func(word string) (sql string) {
		for _, trigger := range p.Steps[b].Backfill.Triggers {
			sql += "ALTER TABLE visits " + word + ` TRIGGER "` + trigger + `";`
		}
		return sql
	}
	run(t, db, toggle("DISABLE"), "UPDATE visits SET what = 'other' WHERE id IN (1, 1200, 2500)", "DELETE FROM visits WHERE id IN (2, 2400)", "UPDATE visits SET at = at + interval '2 years' WHERE id = 7",
		"INSERT INTO visits VALUES (3000, '2030-01-01', 'late')", toggle("ENABLE ALWAYS"))
	refused := new(apply.RefusedError)
	if _, err := apply.Run(t.Context(), apply.Config{
		DB:      db,
		Plan:    p,
		Through: onward.Contract,
	}); !errors.As(err, &refused) || !strings.Contains(err.Error(), "onward backfill --verify") {
		t.Fatal(err)
	}
	var events teller
	if _, err := apply.Verify(t.Context(), apply.Config{DB: db, Tell: events.tell}, ""); err != nil || !events.has(apply.Mended, " of visits_onward") {
		t.Fatalf("apply.Verify = %v, want rows of visits_onward repaired; events: %+v", err, events.list)
	}
	const rows = "SELECT id || ' ' || at || ' ' || coalesce(what, '-') FROM visits ORDER BY id"
	want := content(t, db, rows)
	finishPlan(t, apply.Config{DB: db, Plan: p, Through: onward.Contract})
	if kind := content(t, db, "SELECT relkind::text FROM pg_class WHERE relname = 'visits'"); !cmp.Equal(kind, []string{"p"}) {
		t.Errorf("relkind of visits is %q, want p", kind)
	}
	if diff := cmp.Diff(want, content(t, db, rows)); diff != "" || len(want) != 2499 {
		t.Errorf("%d rows (-before +after):\n%s", len(want), diff)
	}
}
