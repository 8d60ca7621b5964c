package apply_test

import (
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/onward-sql/onward/apply"
	"github.com/onward-sql/onward/internal/pgserver/pgservertest"
	"github.com/onward-sql/onward/onward"
)

// TestNotNullNames runs plans for several versions on Postgres 18, where NOT NULL constraints have names. They end with the names that the
// release leaves.
func TestNotNullNames(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct{ base, release string }{
		"the type of required columns": {
			`CREATE TABLE parts (id int PRIMARY KEY, "The code" int NOT NULL, size int CONSTRAINT sized NOT NULL, weight int);`,
			`ALTER TABLE parts ALTER COLUMN id TYPE bigint;
ALTER TABLE parts ALTER COLUMN "The code" TYPE bigint;
ALTER TABLE parts ALTER COLUMN size TYPE bigint;
ALTER TABLE parts ALTER COLUMN weight TYPE bigint;`,
		},
		"a table that is written anew": {
			`CREATE TABLE parts (id int PRIMARY KEY, "The code" int NOT NULL, size int CONSTRAINT sized NOT NULL);`,
			`ALTER TABLE parts ADD COLUMN twice bigint GENERATED ALWAYS AS (size * 2) STORED NOT NULL;`,
		},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			const fill = "INSERT INTO parts SELECT n, n, n FROM generate_series(1, 100) AS n"
			p := planned(t, c.base, c.release)
			want, db := pgservertest.Database(t, 18), pgservertest.Database(t, 18)
			run(t, want, c.base, c.release)
			run(t, db, c.base, fill)
			finishPlan(t, apply.Config{DB: db, Plan: p, Through: onward.Contract})
			const names = `SELECT attname || ' ' || conname FROM pg_constraint JOIN pg_attribute ON attrelid = conrelid AND attnum = ANY (conkey) WHERE contype = 'n' AND conrelid = 'parts'::regclass ORDER BY 1`
			if diff := cmp.Diff(content(t, want, names), content(t, db, names)); diff != "" {
				t.Errorf("NOT NULL constraints (-release +plan):\n%s", diff)
			}
		})
	}
}
