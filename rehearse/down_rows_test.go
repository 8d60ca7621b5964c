package rehearse_test

import (
	"fmt"
	"maps"
	"slices"
	"strings"
	"testing"

	"golang.org/x/tools/txtar"

	"github.com/onward-sql/onward/internal/fill"
	"github.com/onward-sql/onward/internal/rotation"
	"github.com/onward-sql/onward/internal/rules/release"
	"github.com/onward-sql/onward/rehearse"
)

const parcelBase = `-- +goose Up
CREATE TYPE stage AS ENUM ('packed', 'sent');
CREATE TABLE depots (id int PRIMARY KEY, code text NOT NULL UNIQUE);
CREATE TABLE parcels (
  id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY, depot_id int NOT NULL, label varchar(12), weight int NOT NULL CHECK (weight > 0),
  stage stage NOT NULL DEFAULT 'packed', owner text NOT NULL, CONSTRAINT parcels_depot FOREIGN KEY (depot_id) REFERENCES depots
);
INSERT INTO depots VALUES (1, 'north'), (2, 'south');
`

// returns are migrations, up and down, with the expected facts in order; none for a down
// migration that stops at no row.
var returns = map[string]struct {
	up, down string
	facts    []string
	instead  string
	note     string
}{
	"a value becomes optional": {
		up: "ALTER TABLE parcels ALTER COLUMN owner DROP NOT NULL;", down: "ALTER TABLE parcels ALTER COLUMN owner SET NOT NULL;",
		facts:   []string{`migrations/00002_step.sql:4, on rows that the new schema allows: column "owner" of relation "parcels" contains null values`},
		instead: "SELECT * FROM parcels WHERE owner IS NULL",
	},
	"a text may be longer": {
		up: "ALTER TABLE parcels ALTER COLUMN label TYPE text;", down: "ALTER TABLE parcels ALTER COLUMN label TYPE varchar(12);",
		facts: []string{"value too long for type character varying(12) (SQLSTATE 22001)"}, instead: "length(label) > 12",
	},
	"a number may be larger": {
		up: "ALTER TABLE parcels ALTER COLUMN weight TYPE bigint;", down: "ALTER TABLE parcels ALTER COLUMN weight TYPE int;",
		facts: []string{"integer out of range (SQLSTATE 22003)"}, instead: "weight NOT BETWEEN",
	},
	"an enum gets a value": {
		up: "CREATE TYPE stage2 AS ENUM ('packed', 'sent', 'lost');\nALTER TABLE parcels ALTER COLUMN stage DROP DEFAULT, " +
			"ALTER COLUMN stage TYPE stage2 USING stage::text::stage2;",
		down:  "ALTER TABLE parcels ALTER COLUMN stage TYPE stage USING stage::text::stage, ALTER stage SET DEFAULT 'packed';\nDROP TYPE stage2;",
		facts: []string{"invalid input value for enum stage: "}, instead: "NOT IN ('packed', 'sent')",
	},
	"a check goes": {
		up:    "ALTER TABLE parcels DROP CONSTRAINT parcels_weight_check;",
		down:  "ALTER TABLE parcels ADD CONSTRAINT parcels_weight_check CHECK (weight > 0);",
		facts: []string{`check constraint "parcels_weight_check" of relation "parcels" is violated by some row`}, instead: "NOT ((weight > 0))",
	},
	"a key goes": {
		up: "ALTER TABLE depots DROP CONSTRAINT depots_code_key;", down: "ALTER TABLE depots ADD CONSTRAINT depots_code_key UNIQUE (code);",
		facts: []string{`could not create unique index "depots_code_key"`}, instead: "GROUP BY code",
	},
	"a reference goes": {
		up:    "ALTER TABLE parcels DROP CONSTRAINT parcels_depot;",
		down:  "ALTER TABLE parcels ADD CONSTRAINT parcels_depot FOREIGN KEY (depot_id) REFERENCES depots;",
		facts: []string{`violates foreign key constraint "parcels_depot" (SQLSTATE 23503)`}, instead: "depot_id",
	},
	"two at once": {
		up:    "ALTER TABLE parcels ALTER COLUMN owner DROP NOT NULL;\nALTER TABLE parcels ALTER COLUMN label TYPE varchar(40);",
		down:  "ALTER TABLE parcels ALTER COLUMN label TYPE varchar(12);\nALTER TABLE parcels ALTER COLUMN owner SET NOT NULL;",
		facts: []string{":5, on rows that the new schema allows: value too long", `:6, on rows that the new schema allows: column "owner"`},
	},
	"under another name": {
		up:    "ALTER TABLE parcels RENAME TO packages;\nALTER TABLE packages ALTER COLUMN owner DROP NOT NULL;",
		down:  "ALTER TABLE packages RENAME TO parcels;\nALTER TABLE parcels ALTER COLUMN owner SET NOT NULL;",
		facts: []string{`column "owner" of relation "parcels" contains null values`}, instead: "SELECT * FROM packages WHERE owner IS NULL",
	},
	"a required column comes back": {
		up: "ALTER TABLE parcels DROP COLUMN owner;", down: "ALTER TABLE parcels ADD COLUMN owner text NOT NULL;",
		facts: []string{`column "owner" of relation "parcels" contains null values`}, instead: "fit before this statement, or delete it",
	},
	"filled first": {
		up:   "ALTER TABLE parcels ALTER COLUMN owner DROP NOT NULL;",
		down: "UPDATE parcels SET owner = '' WHERE owner IS NULL;\nALTER TABLE parcels ALTER COLUMN owner SET NOT NULL;",
	},
	"cut": {
		up:   "ALTER TABLE parcels ALTER COLUMN label TYPE text;",
		down: "ALTER TABLE parcels ALTER COLUMN label TYPE varchar(12) USING left(label, 12);",
	},
	"mapped": {
		up: "CREATE TYPE stage2 AS ENUM ('packed', 'sent', 'lost');\nALTER TABLE parcels ALTER COLUMN stage DROP DEFAULT, " +
			"ALTER COLUMN stage TYPE stage2 USING stage::text::stage2;",
		down: "ALTER TABLE parcels ALTER COLUMN stage TYPE stage USING CASE stage WHEN 'lost' THEN 'sent' ELSE stage::text END::stage, " +
			"ALTER COLUMN stage SET DEFAULT 'packed';\nDROP TYPE stage2;",
	},
	"deleted first": {
		up: "ALTER TABLE depots DROP CONSTRAINT depots_code_key;",
		down: "DELETE FROM parcels;\nDELETE FROM depots a USING depots b WHERE a.code = b.code AND a.id > b.id;\n" +
			"ALTER TABLE depots ADD CONSTRAINT depots_code_key UNIQUE (code);",
	},
	"a required column comes back with a value": {
		up: "ALTER TABLE parcels DROP COLUMN owner;", down: "ALTER TABLE parcels ADD COLUMN owner text NOT NULL DEFAULT '';\n" +
			"ALTER TABLE parcels ALTER COLUMN owner DROP DEFAULT;",
	},
	"a required column comes back in steps": {
		up: "ALTER TABLE parcels DROP COLUMN owner;", down: "ALTER TABLE parcels ADD COLUMN owner text;\nUPDATE parcels SET owner = '';\n" +
			"ALTER TABLE parcels ALTER COLUMN owner SET NOT NULL;",
	},
	"only stricter": {
		up: "ALTER TABLE parcels ALTER COLUMN label SET NOT NULL;", down: "ALTER TABLE parcels ALTER COLUMN label DROP NOT NULL;",
	},
	"only more": {
		up:   "ALTER TABLE parcels ADD COLUMN note text;\nCREATE INDEX parcels_owner ON parcels (owner);",
		down: "DROP INDEX parcels_owner;\nALTER TABLE parcels DROP COLUMN note;",
	},
	"a value that only the base's own rows have": {
		up: "ALTER TABLE parcels DROP COLUMN label;", down: "ALTER TABLE parcels ADD COLUMN label varchar(12);\n" +
			"UPDATE parcels SET label = owner::int::text;",
		note: "the down migration of 00002_step was not rehearsed to its end on generated rows: invalid input syntax for type integer",
	},
	"rows come back": {
		up:   "DELETE FROM depots WHERE id = 2;\nALTER TABLE depots ADD COLUMN city text;",
		down: "ALTER TABLE depots DROP COLUMN city;\nINSERT INTO depots VALUES (2, 'south');",
	},
	"the down migration refuses such rows itself": {
		up: "ALTER TABLE parcels ALTER COLUMN owner DROP NOT NULL;",
		down: "-- +goose StatementBegin\nDO $$ BEGIN\nIF EXISTS (SELECT FROM parcels WHERE owner IS NULL) THEN RAISE EXCEPTION 'fill owner first'; END IF;\n" +
			"END $$;\n-- +goose StatementEnd\nALTER TABLE parcels ALTER COLUMN owner SET NOT NULL;",
	},
}

// TestDownOnRows: the new code may have written rows at which the down migration stops.
func TestDownOnRows(t *testing.T) {
	t.Parallel()
	for _, name := range rotation.Pick(t, 8, slices.Sorted(maps.Keys(returns))) {
		way := returns[name]
		for _, major := range []int{13, 18} {
			t.Run(fmt.Sprintf("%s, %d", name, major), func(t *testing.T) {
				t.Parallel()
				cfg := on(branch(t, parcelBase, []txtar.File{step(way.up + "\n-- +goose Down\n" + way.down)}))
				cfg.Majors, cfg.Down, cfg.Rows = []int{major}, true, fill.Plan{Touched: 40, Seed: 1}
				r, out := rehearsed(t, cfg)
				found := named(r, release.RehearsalDownDiffers)
				if len(found) != len(way.facts) {
					t.Fatalf("%d findings, want %d: %+v", len(found), len(way.facts), found)
				}
				for i, f := range found {
					if !strings.Contains(f.Fact, way.facts[i]) || !strings.Contains(f.Instead, way.instead) ||
						!strings.Contains(f.Harm, "rollback") || f.Line != 2 {
						t.Errorf("%+v\nwant %q", f, way.facts[i])
					}
				}
				notes := strings.Join(out.Notes, "\n")
				if strings.Contains(notes, "down migration") != (way.note != "") || !strings.Contains(notes, way.note) {
					t.Errorf("notes %q, want %q", notes, way.note)
				}
			})
		}
	}
}

// TestDownWithoutRows: without --rows the tables stay empty.
func TestDownWithoutRows(t *testing.T) {
	t.Parallel()
	way := returns["a value becomes optional"]
	cfg := on(branch(t, parcelBase, []txtar.File{step(way.up + "\n-- +goose Down\n" + way.down)}))
	cfg.Down = true
	r, _ := rehearsed(t, cfg)
	requireSilence(t, r)
}

// TestDownOnRowsOfLaterStep: each down migration starts from the rows that its own step allows.
func TestDownOnRowsOfLaterStep(t *testing.T) {
	t.Parallel()
	goes := func(column string) string {
		return "ALTER TABLE parcels ALTER COLUMN " + column + " DROP NOT NULL;\n-- +goose Down\n"
	}
	back := func(column string) string { return "ALTER TABLE parcels ALTER COLUMN " + column + " SET NOT NULL;\n" }
	next := "-- +goose Up\nALTER TABLE parcels ADD COLUMN at date;\n-- +goose Down\nALTER TABLE parcels DROP COLUMN at;\n"
	files := []txtar.File{
		step(goes("owner") + "SELECT 1;\n" + back("owner")),
		{Name: "00003_next.sql", Data: []byte(next)},
		{Name: "00004_last.sql", Data: []byte("-- +goose Up\n" + goes("weight") + back("weight"))},
	}
	cfg := rehearse.Config{Config: on(branch(t, parcelBase, files)).Config, Down: true, Rows: fill.Plan{Touched: 40, Seed: 1}}
	r, _ := rehearsed(t, cfg)
	var got []string
	for _, f := range named(r, release.RehearsalDownDiffers) {
		_, place, _ := strings.Cut(f.Fact, "migrations/")
		got = append(got, place)
	}
	want := []string{
		`00002_step.sql:5, on rows that the new schema allows: column "owner" of relation "parcels" contains null values (SQLSTATE 23502)`,
		`00004_last.sql:4, on rows that the new schema allows: column "weight" of relation "parcels" contains null values (SQLSTATE 23502)`,
	}
	if !slices.Equal(got, want) {
		t.Errorf("got %q", got)
	}
}
