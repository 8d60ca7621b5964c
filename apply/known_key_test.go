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

// A plan knows a key by name. If the database has other actions, another deferrability or other properties of the index under this name, before the plan or
// in the middle of it, the step that would lose them names both forms.
func TestKnownKeyInAnotherForm(t *testing.T) {
	t.Parallel()
	const base = `CREATE TABLE kinds (id int PRIMARY KEY); CREATE TABLE parcels (id bigint PRIMARY KEY, weight int REFERENCES kinds,
	note text, UNIQUE (weight, id));`
	column := planned(t, base, `ALTER TABLE parcels ALTER COLUMN weight TYPE bigint;`)
	copied := planned(t, base, `ALTER TABLE parcels ADD COLUMN loud text GENERATED ALWAYS AS (upper(note)) STORED;`)
	fill := copied.Steps[backfillOf(t, copied)].ID
	pgservertest.EachEnd(t, func(t *testing.T, major int) {
		for _, c := range []struct {
			plan         *onward.Plan
			to           string
			change, want string
		}{
			{copied, fill, "ALTER INDEX parcels_pkey SET (fillfactor = 50)", "primary key parcels_pkey of parcels is not what"},
			{
				copied, fill, "ALTER TABLE parcels DROP CONSTRAINT parcels_pkey, ADD PRIMARY KEY (id) DEFERRABLE",
				"primary key parcels_pkey of parcels is not what the plan was made for: PRIMARY KEY (id) DEFERRABLE",
			},
			{
				column, "", "ALTER TABLE parcels DROP CONSTRAINT parcels_weight_fkey, ADD CONSTRAINT parcels_weight_fkey FOREIGN KEY (weight) REFERENCES kinds DEFERRABLE",
				"foreign key parcels_weight_fkey of parcels is not what the plan was made for",
			},
			{column, "", "SELECT", ""},
			{copied, fill, "SELECT", ""},
		} {
			for _, before := range []bool{true, false} {
				url := pgservertest.Database(t, major)
				run(t, url, base, "INSERT INTO kinds SELECT generate_series(1, 50); INSERT INTO parcels SELECT n, n, 'x' FROM generate_series(1, 50) AS n")
				if before {
					run(t, url, c.change)
				}
				runPlan(t, apply.Config{DB: url, Plan: c.plan, To: c.to})
				if !before {
					run(t, url, c.change)
				}
				_, err := apply.Run(t.Context(), apply.Config{DB: url, Plan: c.plan, Through: onward.Contract})
				if c.want == "" {
					if diff := cmp.Diff(nil, err); diff != "" {
						t.Errorf("Postgres %d: %v", major, err)
					}
					continue
				}
				if refused := new(apply.RefusedError); !errors.As(err, &refused) || !strings.Contains(refused.Text, c.want) {
					t.Errorf("Postgres %d, %s: %v", major, c.change, err)
				}
			}
		}
	})
}
