package apply_test

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"testing"

	"github.com/jackc/pgx/v5"

	"github.com/onward-sql/onward/apply"
	"github.com/onward-sql/onward/internal/pgserver/pgservertest"
	"github.com/onward-sql/onward/onward"
)

// lateRows is a plan whose step loses a lock race after its check. Then somebody writes late, which leaves a row wrong, or good.
var lateRows = map[string]struct {
	base, release, rows string
	drops               string // what the step has
	late, good          string
	want                string // of the refusal; "" for the check
	values, value       string // after the good row
}{
	"a USING that computes": {
		base:    "CREATE TABLE parcels (id bigint PRIMARY KEY, weight text);",
		release: "ALTER TABLE parcels ALTER COLUMN weight TYPE int USING nullif(weight, '')::int * 1000;",
		rows:    "INSERT INTO parcels SELECT n, n FROM generate_series(1, 100) AS n", drops: "DROP COLUMN",
		late: "INSERT INTO parcels (id, weight) VALUES (101, 'heavy')", good: "INSERT INTO parcels (id, weight) VALUES (101, ''), (102, '2')",
		values: "SELECT string_agg(concat_ws(' ', id, weight), ', ' ORDER BY id) FROM parcels WHERE id > 100", value: "101, 102 2000",
	},
	"a USING with a function of the database": {
		base: "CREATE FUNCTION grams(text) RETURNS int LANGUAGE plpgsql AS $$ BEGIN RETURN $1::int; END $$;\n" +
			"CREATE TABLE jars (id bigint PRIMARY KEY, mass text);",
		release: "ALTER TABLE jars ALTER COLUMN mass TYPE int USING grams(mass);",
		rows:    "INSERT INTO jars SELECT n, n FROM generate_series(1, 100) AS n", drops: "DROP COLUMN",
		late: "UPDATE jars SET mass = 'light' WHERE id = 7", good: "UPDATE jars SET mass = '8' WHERE id = 7",
		values: "SELECT mass::text FROM jars WHERE id = 7", value: "8",
	},
	"a split column": {
		base: "CREATE TABLE guests (id bigint PRIMARY KEY, name text);\n" +
			"COMMENT ON COLUMN guests.name IS 'onward: deprecated, split into first = split_part(name, '' '', 1), last = split_part(name, '' '', 2)';",
		release: "ALTER TABLE guests ADD COLUMN first text;\nALTER TABLE guests ADD COLUMN last text;\nALTER TABLE guests DROP COLUMN name;",
		rows:    "INSERT INTO guests SELECT n, 'Ann ' || n FROM generate_series(1, 100) AS n", drops: "DROP COLUMN",
		late: "UPDATE guests SET first = NULL, last = NULL WHERE id = 5", good: "INSERT INTO guests (id, name) VALUES (101, 'Bo Li')",
		values: "SELECT first || ' ' || last FROM guests WHERE id = 101", value: "Bo Li",
	},
	"the copy of a table": {
		base: "CREATE TABLE trips (id bigint NOT NULL, day date NOT NULL, what text, PRIMARY KEY (day, id));",
		release: "ALTER TABLE trips RENAME TO trips_old;\n" +
			"CREATE TABLE trips (id bigint NOT NULL, day date NOT NULL, what text, PRIMARY KEY (day, id)) PARTITION BY RANGE (day);\n" +
			"CREATE TABLE trips_all PARTITION OF trips DEFAULT;\nINSERT INTO trips SELECT * FROM trips_old;\nDROP TABLE trips_old;",
		rows: "INSERT INTO trips SELECT n, '2026-01-01', n FROM generate_series(1, 100) AS n", drops: "trips_onward RENAME TO trips",
		late: "UPDATE trips_onward SET what = 'other' WHERE id = 9", good: "UPDATE trips SET id = 901, what = 'far' WHERE id = 9",
		values: "SELECT id || ' ' || what FROM trips WHERE id IN (9, 901)", value: "901 far",
	},
	"a deleted row of the copy": {
		base: "CREATE TABLE rides (id bigint NOT NULL, day date NOT NULL, PRIMARY KEY (day, id));",
		release: "ALTER TABLE rides RENAME TO rides_old;\n" +
			"CREATE TABLE rides (id bigint NOT NULL, day date NOT NULL, PRIMARY KEY (day, id)) PARTITION BY RANGE (day);\n" +
			"CREATE TABLE rides_all PARTITION OF rides DEFAULT;\nINSERT INTO rides SELECT * FROM rides_old;\nDROP TABLE rides_old;",
		rows: "INSERT INTO rides SELECT n, '2026-01-01' FROM generate_series(1, 100) AS n", drops: "rides_onward RENAME TO rides",
		late: "DELETE FROM rides_all WHERE id = 3", good: "DELETE FROM rides WHERE id = 3",
		values: "SELECT count(*)::text FROM rides", value: "99",
	},
	"writes while the triggers are disabled": {
		base: "CREATE TABLE tags (id bigint PRIMARY KEY, label text);", release: "ALTER TABLE tags RENAME COLUMN label TO title;",
		rows: "INSERT INTO tags SELECT n, n FROM generate_series(1, 100) AS n", drops: "DROP COLUMN",
		late: "ALTER TABLE tags DISABLE TRIGGER USER; UPDATE tags SET label = 'new' WHERE id = 1; ALTER TABLE tags ENABLE TRIGGER USER",
		good: "UPDATE tags SET label = 'new' WHERE id = 1", want: "were changed since those were compared",
		values: "SELECT title FROM tags WHERE id = 1", value: "new",
	},
}

// A row that goes wrong after the check of a step, while the step loses lock races, is found before the commit. A row that is right is kept.
func TestRowsThatGoWrongLate(t *testing.T) {
	t.Parallel()
	for name, c := range lateRows {
		for _, major := range pgservertest.Ends() {
			for _, wrong := range []bool{true, false} {
				t.Run(fmt.Sprintf("%s on %d, wrong %t", name, major, wrong), func(t *testing.T) {
					t.Parallel()
					p, db := planned(t, c.base, c.release), pgservertest.Database(t, major)
					run(t, db, c.base, c.rows)
					late := c.good
					if wrong {
						late = c.late
					}
					var holder *pgx.Conn
					lost := 0
					_, err := apply.Run(t.Context(), apply.Config{DB: db, Plan: p, Through: onward.Contract, Tell: func(e apply.Event) {
						switch {
						case e.Step == nil || !strings.Contains(e.Step.SQL, c.drops):
						case e.Kind == apply.Begun && holder == nil: // after the check, and before the first attempt
							holder = pgservertest.Connect(t, db)
							pgservertest.Exec(t, holder, "BEGIN; LOCK TABLE "+lockedTable(c.base)+" IN ACCESS SHARE MODE")
						case e.Kind == apply.Lost:
							if lost++; lost == 1 {
								pgservertest.Exec(t, holder, "COMMIT")
								_ = holder.Close(context.Background())
								run(t, db, late)
							}
						}
					}})
					if lost == 0 {
						t.Fatalf("no race was lost: %v", err)
					}
					if !wrong {
						if got := content(t, db, c.values); err != nil || len(got) != 1 || got[0] != c.value || lost > 2 {
							t.Errorf("%v %v, after %d lost races", got, err, lost)
						}
						left := content(t, db, "SELECT proname::text FROM pg_proc WHERE proname ~ 'onward_' UNION SELECT nspname FROM pg_namespace "+
							"WHERE nspname = 'onward'")
						if len(left) > 0 {
							t.Errorf("left: %v", left)
						}
						return
					}
					want := c.want
					if want == "" {
						want = "there are rows that are not right yet"
					}
					if refused := new(apply.RefusedError); !errors.As(err, &refused) || !strings.Contains(refused.Text, want) {
						t.Errorf("the contract with a late wrong row = %v, want a refusal with %q", err, want)
					}
				})
			}
		}
	}
}

// lockedTable returns the table that some SQL makes first.
func lockedTable(sql string) string {
	_, rest, _ := strings.Cut(sql, "CREATE TABLE ")
	name, _, _ := strings.Cut(rest, " ")
	return name
}
