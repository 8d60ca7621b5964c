package apply_test

import (
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/onward-sql/onward/apply"
	"github.com/onward-sql/onward/internal/pgserver/pgservertest"
	"github.com/onward-sql/onward/onward"
)

const parcelComments = `SELECT concat_ws(' ', 'table', obj_description('parcels'::regclass, 'pg_class')) UNION ALL
	SELECT concat_ws(' ', attname, col_description(attrelid, attnum)) FROM pg_attribute
	WHERE attrelid = 'parcels'::regclass AND attnum > 0 AND NOT attisdropped AND attname NOT IN ('id', 'loud') ORDER BY 1`

// The comments of a table and its columns may change while a plan fills a copy of the table, or a column's replacement. In the end they are as the
// administrator left them, apart from one that the release itself changes.
func TestCommentsChangedBesideBackfill(t *testing.T) {
	t.Parallel()
	const base = `CREATE TABLE parcels (id bigint PRIMARY KEY, weight int, note text, kind int, place text);
COMMENT ON TABLE parcels IS 'all'; COMMENT ON COLUMN parcels.weight IS 'kg'; COMMENT ON COLUMN parcels.note IS 'n'; COMMENT ON COLUMN parcels.place IS 'p';`
	for _, c := range []struct{ name, release, note string }{
		{"copied table", "ALTER TABLE parcels ADD COLUMN loud text GENERATED ALWAYS AS (upper(note)) STORED;", "changed"},
		{"copied table and a comment", "ALTER TABLE parcels ADD COLUMN loud text GENERATED ALWAYS AS (upper(note)) STORED; " +
			"COMMENT ON COLUMN parcels.note IS 'new';", "new"},
		{"replaced columns", "ALTER TABLE parcels ALTER COLUMN weight TYPE bigint; ALTER TABLE parcels ALTER COLUMN kind TYPE bigint; " +
			"ALTER TABLE parcels ALTER COLUMN note TYPE varchar(100) USING left(note, 100);", "changed"},
		{"replaced column and a comment", "ALTER TABLE parcels ALTER COLUMN note TYPE varchar(100) USING left(note, 100); " +
			"COMMENT ON COLUMN parcels.note IS 'new';", "new"},
	} {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			p := planned(t, base, c.release)
			fill := p.Steps[backfillOf(t, p)].ID
			pgservertest.EachEnd(t, func(t *testing.T, major int) {
				url := pgservertest.Database(t, major)
				run(t, url, base, "INSERT INTO parcels SELECT n, n, 'x', n, 'y' FROM generate_series(1, 50) AS n")
				runPlan(t, apply.Config{DB: url, Plan: p, To: fill})
				run(t, url, "COMMENT ON TABLE parcels IS NULL; COMMENT ON COLUMN parcels.weight IS NULL",
					"COMMENT ON COLUMN parcels.note IS 'changed'; COMMENT ON COLUMN parcels.kind IS 'it''s'")
				finishPlan(t, apply.Config{DB: url, Plan: p, Through: onward.Contract})
				if diff := cmp.Diff([]string{"kind it's", "note " + c.note, "place p", "table", "weight"}, content(t, url, parcelComments)); diff != "" {
					t.Errorf("Postgres %d (-want +got):\n%s", major, diff)
				}
			})
		})
	}
}

// After an abort the table has the comments that somebody gave its copy after the exchange. Comments of the release are gone.
func TestCommentsAfterAbort(t *testing.T) {
	t.Parallel()
	const base = `CREATE TABLE parcels (id bigint PRIMARY KEY, weight int, note text);
COMMENT ON TABLE parcels IS 'all'; COMMENT ON COLUMN parcels.weight IS 'kg'; COMMENT ON COLUMN parcels.note IS 'n';`
	p := planned(t, base, `ALTER TABLE parcels ADD COLUMN loud text GENERATED ALWAYS AS (upper(note)) STORED; COMMENT ON COLUMN parcels.note IS 'new';
		COMMENT ON TABLE parcels IS 'new';`)
	pgservertest.EachEnd(t, func(t *testing.T, major int) {
		url := pgservertest.Database(t, major)
		run(t, url, base, "INSERT INTO parcels SELECT n, n, 'x' FROM generate_series(1, 50) AS n")
		runPlan(t, apply.Config{DB: url, Plan: p})
		if diff := cmp.Diff([]string{"note new", "table new", "weight kg"}, content(t, url, parcelComments)); diff != "" {
			t.Errorf("Postgres %d, exchanged (-want +got):\n%s", major, diff)
		}
		run(t, url, "COMMENT ON COLUMN parcels.weight IS 'grams'")
		if _, err := apply.Abort(t.Context(), apply.Config{DB: url}, ""); err != nil {
			t.Fatal(err)
		}
		if diff := cmp.Diff([]string{"note n", "table all", "weight grams"}, content(t, url, parcelComments)); diff != "" {
			t.Errorf("Postgres %d, taken back (-want +got):\n%s", major, diff)
		}
	})
}

const memberComments = `SELECT concat_ws(' ', 'index', c.relname, obj_description(c.oid, 'pg_class')) FROM pg_class c JOIN pg_index ON indexrelid = c.oid
	WHERE indrelid = 'parcels'::regclass UNION ALL
	SELECT concat_ws(' ', conname, obj_description(oid, 'pg_constraint')) FROM pg_constraint WHERE conrelid = 'parcels'::regclass AND contype IN ('c', 'p', 'u') ORDER BY 1`

// The comments of a table's indexes and constraints may change, come and go beside a plan. In the end, and after an abort, they are as the administrator
// left them, apart from one that the release itself changes.
func TestMemberCommentsChangedBesidePlan(t *testing.T) {
	t.Parallel()
	const (
		base = `CREATE TABLE parcels (id bigint PRIMARY KEY, weight int CONSTRAINT light CHECK (weight < 100), note text, CONSTRAINT long CHECK (length(note) < 9),
	CONSTRAINT apart UNIQUE (weight, id));
CREATE INDEX by_weight ON parcels (weight); CREATE INDEX by_note ON parcels (note); CREATE INDEX by_both ON parcels (weight, note);
COMMENT ON INDEX by_weight IS 'w'; COMMENT ON CONSTRAINT light ON parcels IS 'l'; COMMENT ON INDEX by_both IS 'b';`
		change = `COMMENT ON INDEX by_weight IS NULL; COMMENT ON INDEX by_note IS 'it''s'; COMMENT ON CONSTRAINT light ON parcels IS 'changed';
COMMENT ON CONSTRAINT parcels_pkey ON parcels IS 'key'; COMMENT ON INDEX parcels_pkey IS 'k'; COMMENT ON INDEX apart IS 'a'`
	)
	changed := []string{"apart", "index apart a", "index by_both b", "index by_note it's", "index by_weight", "index parcels_pkey k", "light changed", "long",
		"parcels_pkey key"}
	for _, c := range []struct {
		name, release string
		want          []string
		abort         bool
	}{
		{"copied table", "ALTER TABLE parcels ADD COLUMN loud text GENERATED ALWAYS AS (upper(note)) STORED;", changed, true},
		{"replaced column", "ALTER TABLE parcels ALTER COLUMN weight TYPE bigint;", changed, false},
		{"a comment of the release", "ALTER TABLE parcels ADD COLUMN loud text GENERATED ALWAYS AS (upper(note)) STORED; COMMENT ON INDEX by_both IS 'new';",
			append([]string{"apart", "index apart a", "index by_both new"}, changed[3:]...), true},
	} {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			p := planned(t, base, c.release)
			fill := p.Steps[backfillOf(t, p)].ID
			pgservertest.EachEnd(t, func(t *testing.T, major int) {
				begin := func(to string) string {
					url := pgservertest.Database(t, major)
					run(t, url, base, "INSERT INTO parcels SELECT n, n, 'x' FROM generate_series(1, 50) AS n")
					runPlan(t, apply.Config{DB: url, Plan: p, To: to})
					run(t, url, change)
					return url
				}
				url := begin(fill)
				finishPlan(t, apply.Config{DB: url, Plan: p, Through: onward.Contract})
				if diff := cmp.Diff(c.want, content(t, url, memberComments)); diff != "" {
					t.Errorf("Postgres %d, changed while the copy fills (-want +got):\n%s", major, diff)
				}
				if !c.abort {
					return
				}
				url = begin("")
				if _, err := apply.Abort(t.Context(), apply.Config{DB: url}, ""); err != nil {
					t.Fatal(err)
				}
				if diff := cmp.Diff(changed, content(t, url, memberComments)); diff != "" {
					t.Errorf("Postgres %d, changed before an abort (-want +got):\n%s", major, diff)
				}
			})
		})
	}
}
