package apply_test

import (
	"errors"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/onward-sql/onward/apply"
	"github.com/onward-sql/onward/internal/pgserver/pgservertest"
)

// The record of an exchange leaves out the partitions of the new table, which were recorded before its lock. An abort still knows what somebody has added to
// one of them, and to the table, and takes back the rest.
func TestAbortKnowsPartitions(t *testing.T) {
	t.Parallel()
	const base = "CREATE TABLE visits (id bigint NOT NULL, at int NOT NULL, what text, PRIMARY KEY (at, id));"
	p := planned(t, base, `ALTER TABLE visits RENAME TO visits_old;
CREATE TABLE visits (id bigint NOT NULL, at int NOT NULL, what text, PRIMARY KEY (at, id)) PARTITION BY RANGE (at);
CREATE TABLE visits_low PARTITION OF visits FOR VALUES FROM (0) TO (50);
CREATE TABLE visits_rest PARTITION OF visits DEFAULT;
CREATE INDEX rest_what ON visits_rest (what);
INSERT INTO visits SELECT * FROM visits_old;
DROP TABLE visits_old;`)
	pgservertest.EachEnd(t, func(t *testing.T, major int) {
		url := pgservertest.Database(t, major)
		run(t, url, base, "INSERT INTO visits SELECT n, n, 'x' FROM generate_series(1, 100) AS n")
		want := schema(t, url)
		runPlan(t, apply.Config{DB: url, Plan: p})
		records := content(t, url, `SELECT relation || ' ' || (e ->> 'name') FROM onward_ledger.inventory, jsonb_array_elements(entries) AS e
			WHERE e ->> 'kind' = 'partition' ORDER BY 1`)
		if diff := cmp.Diff([]string{"children of visits public.visits_low", "children of visits public.visits_rest"}, records); diff != "" {
			t.Errorf("the records (-want +got):\n%s", diff)
		}
		for _, a := range []addition{
			{0, "CREATE INDEX extra ON visits_low (what)", "DROP INDEX extra", "index extra of public.visits_low would be lost"},
			{
				0, "CREATE TABLE extra (LIKE visits); ALTER TABLE visits ATTACH PARTITION extra FOR VALUES FROM (200) TO (300)",
				"DROP TABLE extra", "partition public.extra",
			},
			{0, "CREATE INDEX extra ON visits (what)", "DROP INDEX extra", "index extra of visits would be lost"},
			{0, "CREATE UNIQUE INDEX extra ON visits_rest (at, id, what)", "DROP INDEX extra", "index extra of public.visits_rest"},
		} {
			run(t, url, a.make)
			_, err := apply.Abort(t.Context(), apply.Config{DB: url}, "")
			if refused := new(apply.RefusedError); !errors.As(err, &refused) || !strings.Contains(refused.Text, a.want) || strings.Contains(refused.Text, "; ") {
				t.Errorf("after %s apply.Abort = %v, want a refusal with %q alone", a.make, err, a.want)
			}
			run(t, url, a.undo)
		}
		if _, err := apply.Abort(t.Context(), apply.Config{DB: url}, ""); err != nil {
			t.Fatal(err)
		}
		if diff := cmp.Diff(want, schema(t, url)); diff != "" {
			t.Errorf("Postgres %d (-before +after):\n%s", major, diff)
		}

	})
}
