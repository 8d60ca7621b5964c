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
			{
				copied, fill, "ALTER TABLE parcels DROP CONSTRAINT parcels_weight_fkey, " +
					"ADD CONSTRAINT parcels_weight_fkey FOREIGN KEY (weight) REFERENCES kinds ON DELETE CASCADE",
				"foreign key parcels_weight_fkey of parcels is not what the plan was made for",
			},
			{column, "", "ALTER INDEX parcels_weight_id_key SET (fillfactor = 60)", "unique constraint parcels_weight_id_key of parcels is not what"},
			{column, "", "ALTER TABLE parcels CLUSTER ON parcels_weight_id_key", "unique constraint parcels_weight_id_key of parcels is not what"},
			{
				column, "", "ALTER TABLE parcels DROP CONSTRAINT parcels_weight_id_key, ADD CONSTRAINT parcels_weight_id_key UNIQUE (weight, id) DEFERRABLE",
				"unique constraint parcels_weight_id_key of parcels is not what",
			},
			{column, "", "COMMENT ON INDEX parcels_weight_id_key IS 'x'", ""},
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

// A unique constraint of a replaced column that somebody makes again in another form, while its successor is an index, stops the contract.
func TestKeyMadeAgainBeforeContract(t *testing.T) {
	t.Parallel()
	const base = `CREATE TABLE parcels (id bigint PRIMARY KEY, weight int, note text, CONSTRAINT one UNIQUE (weight, id));`
	p := planned(t, base, `ALTER TABLE parcels ALTER COLUMN weight TYPE bigint;`)
	pgservertest.EachEnd(t, func(t *testing.T, major int) {
		url := pgservertest.Database(t, major)
		run(t, url, base, "INSERT INTO parcels SELECT n, n, 'x' FROM generate_series(1, 50) AS n")
		runPlan(t, apply.Config{DB: url, Plan: p})
		run(t, url, "ALTER TABLE parcels DROP CONSTRAINT one, ADD CONSTRAINT one UNIQUE (weight, id) DEFERRABLE")
		_, err := apply.Run(t.Context(), apply.Config{DB: url, Plan: p, Through: onward.Contract})
		if refused := new(apply.RefusedError); !errors.As(err, &refused) || !strings.Contains(refused.Text, "unique constraint one of parcels") {
			t.Errorf("Postgres %d: %v", major, err)
		}
	})
}

// A release that itself changes the form of an index or a constraint of a replaced column is carried out.
func TestReleaseChangesForm(t *testing.T) {
	t.Parallel()
	const base = `CREATE TABLE kinds (id int PRIMARY KEY); CREATE TABLE parcels (id bigint PRIMARY KEY, weight int,
	CONSTRAINT kind FOREIGN KEY (weight) REFERENCES kinds, CONSTRAINT one UNIQUE (weight, id), CONSTRAINT light CHECK (weight < 50000));
	CREATE INDEX heavy ON parcels (weight);`
	const constraint = "SELECT pg_get_constraintdef(oid) FROM pg_constraint WHERE conname = "
	for _, c := range []struct{ sql, query, want string }{
		{
			"ALTER TABLE parcels DROP CONSTRAINT light; ALTER TABLE parcels ADD CONSTRAINT light CHECK (weight < 500000);",
			constraint + "'light'", "CHECK ((weight < 500000))",
		},
		{
			"DROP INDEX heavy; CREATE INDEX heavy ON parcels (weight) WHERE weight > 5;",
			"SELECT pg_get_expr(indpred, indrelid) FROM pg_index WHERE indexrelid = 'heavy'::regclass", "(weight > 5)",
		},
		{
			"ALTER TABLE parcels DROP CONSTRAINT kind; ALTER TABLE parcels ADD CONSTRAINT kind FOREIGN KEY (weight) REFERENCES kinds ON DELETE CASCADE;",
			constraint + "'kind'", "FOREIGN KEY (weight) REFERENCES kinds(id) ON DELETE CASCADE",
		},
		{"ALTER TABLE parcels ALTER CONSTRAINT kind DEFERRABLE;", constraint + "'kind'", "FOREIGN KEY (weight) REFERENCES kinds(id) DEFERRABLE"},
		{
			"ALTER TABLE parcels DROP CONSTRAINT one; ALTER TABLE parcels ADD CONSTRAINT one UNIQUE (weight, id) DEFERRABLE;",
			constraint + "'one'", "UNIQUE (weight, id) DEFERRABLE",
		},
	} {
		p := planned(t, base, "ALTER TABLE parcels ALTER COLUMN weight TYPE bigint;\n"+c.sql)
		url := pgservertest.Database(t, onward.NewestMajor)
		run(t, url, base, "INSERT INTO kinds SELECT generate_series(1, 50); INSERT INTO parcels SELECT n, n FROM generate_series(1, 50) AS n")
		runPlan(t, apply.Config{DB: url, Plan: p})
		finishPlan(t, apply.Config{DB: url, Plan: p, Through: onward.Contract})
		if diff := cmp.Diff([]string{c.want}, content(t, url, c.query)); diff != "" {
			t.Errorf("%s (-want +got):\n%s", c.sql, diff)
		}
	}
}

// Keys keep the options and the marks of their indexes: a plan that knows them gives them to the index that takes its place, in a copy of the table, too.
func TestKnownKeyKeepsItsForm(t *testing.T) {
	t.Parallel()
	const (
		base = `CREATE TABLE parcels (id bigint PRIMARY KEY WITH (fillfactor = 70), weight int NOT NULL, note text,
	CONSTRAINT one UNIQUE (weight) INCLUDE (note) WITH (fillfactor = 60), CONSTRAINT two UNIQUE (weight, id) DEFERRABLE INITIALLY DEFERRED);
COMMENT ON INDEX one IS 'first'; ALTER TABLE parcels CLUSTER ON one;`
		identity = "ALTER TABLE parcels ADD CONSTRAINT three UNIQUE (id, weight); ALTER TABLE parcels REPLICA IDENTITY USING INDEX three;"
		query    = `SELECT concat_ws(' ', pg_get_constraintdef(k.oid), pg_get_indexdef(conindid), indisclustered, indisreplident, obj_description(conindid, 'pg_class'))
			FROM pg_constraint AS k JOIN pg_index ON indexrelid = conindid WHERE conrelid = 'parcels'::regclass ORDER BY conname`
	)
	for _, c := range []struct{ base, release string }{
		{base, "ALTER TABLE parcels ALTER COLUMN weight TYPE bigint;"},
		{base + identity, "ALTER TABLE parcels ALTER COLUMN weight TYPE bigint;"},
		{base, "ALTER TABLE parcels ADD COLUMN loud text GENERATED ALWAYS AS (upper(note)) STORED;"},
	} {
		p := planned(t, c.base, c.release)
		url := pgservertest.Database(t, onward.NewestMajor)
		run(t, url, c.base, "INSERT INTO parcels SELECT n, n, 'x' FROM generate_series(1, 50) AS n")
		want := content(t, url, query)
		finishPlan(t, apply.Config{DB: url, Plan: p, Through: onward.Contract})
		if diff := cmp.Diff(want, content(t, url, query)); diff != "" {
			t.Errorf("%s (-before +after):\n%s", c.release, diff)
		}
	}
}
