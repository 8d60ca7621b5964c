package apply_test

import (
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/onward-sql/onward/apply"
	"github.com/onward-sql/onward/internal/pgserver/pgservertest"
	"github.com/onward-sql/onward/onward"
)

const parcelSettings = `SELECT concat_ws(' ', 'table', reloptions) FROM pg_class WHERE oid = 'parcels'::regclass UNION ALL
	SELECT concat_ws(' ', attname, coalesce(nullif(attstattarget, -1), 0), attoptions, attstorage) FROM pg_attribute
	WHERE attrelid = 'parcels'::regclass AND attname IN ('weight', 'note', 'place') ORDER BY 1`

// The settings of a table and its columns may change, or go, while a plan fills a copy of the table. In the end, and after an abort, they are as the
// administrator left them.
func TestSettingsChangedBesideCopy(t *testing.T) {
	t.Parallel()
	const (
		base = `CREATE TABLE parcels (id bigint PRIMARY KEY, weight int, note text, place text) WITH (fillfactor = 80, autovacuum_enabled = off);
ALTER TABLE parcels ALTER weight SET STATISTICS 500, ALTER weight SET (n_distinct = 9), ALTER note SET STORAGE EXTERNAL;`
		rows   = "INSERT INTO parcels SELECT n, n, 'x', 'y' FROM generate_series(1, 50) AS n"
		change = `ALTER TABLE parcels ALTER weight SET STATISTICS -1, ALTER weight RESET (n_distinct), ALTER note SET STORAGE EXTENDED,
	ALTER note SET (n_distinct = 5), RESET (fillfactor), SET (autovacuum_enabled = on), ALTER place SET STATISTICS 40`
	)
	p := planned(t, base, "ALTER TABLE parcels ADD COLUMN loud text GENERATED ALWAYS AS (upper(note)) STORED;")
	fill := p.Steps[backfillOf(t, p)].ID
	after := []string{"note 0 {n_distinct=5} x", "place 40 x", "table {autovacuum_enabled=on}", "weight 0 p"}
	pgservertest.EachEnd(t, func(t *testing.T, major int) {
		check := func(label, url string, want []string) {
			if diff := cmp.Diff(want, content(t, url, parcelSettings)); diff != "" {
				t.Errorf("Postgres %d, %s (-want +got):\n%s", major, label, diff)
			}
		}
		url := pgservertest.Database(t, major)
		run(t, url, base, rows)
		runPlan(t, apply.Config{DB: url, Plan: p, To: fill})
		run(t, url, change)
		finishPlan(t, apply.Config{DB: url, Plan: p, Through: onward.Contract})
		check("changed while the copy fills", url, after)

		url = pgservertest.Database(t, major)
		run(t, url, base, rows)
		runPlan(t, apply.Config{DB: url, Plan: p})
		run(t, url, change)
		if _, err := apply.Abort(t.Context(), apply.Config{DB: url}, ""); err != nil {
			t.Fatal(err)
		}
		check("changed before an abort", url, after)
	})
}
