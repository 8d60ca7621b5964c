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

const (
	resources   = "src/main/resources/db/migration/"
	historyRows = "SELECT concat_ws(' ', installed_rank, version, description, type, success) FROM flyway_schema_history ORDER BY installed_rank"
)

// A repeatable migration runs again after its text changed, after all others. A version counts
// regardless of its zeros. Nothing up to a baseline is run.
func TestPendingHistory(t *testing.T) {
	t.Parallel()
	dir, db := repository(t, map[string]string{
		resources + "V1__orders.sql":   "CREATE TABLE orders (id int);\r\n",
		resources + "R__sums.sql":      "CREATE OR REPLACE VIEW sums AS SELECT count(*) FROM orders;\n",
		resources + "V1_1__no_op.sql":  "SELECT 1;\n",
		resources + "views/R__b_c.sql": "CREATE OR REPLACE VIEW b AS SELECT '${value}';\n",
	}), pgservertest.Database(t, onward.NewestMajor)
	refused := new(apply.RefusedError)
	if _, err := apply.Pending(t.Context(), pendingOf(dir, db, "")); !errors.As(err, &refused) ||
		!strings.Contains(refused.Text, "a migration with placeholders") {
		t.Fatal(err)
	}
	step := func(to string, want int) {
		t.Helper()
		if r, err := apply.Pending(t.Context(), pendingOf(dir, db, to)); err != nil || r.State != onward.ApplyDone || len(r.Steps) != want {
			t.Fatalf("apply.Pending up to %q = %+v, %v, want it done with %d steps", to, r, err, want)
		}
	}
	step("V1_1__no_op", 2)
	run(t, db, "INSERT INTO flyway_schema_history SELECT 3, NULL, 'b c', 'SQL', 'R__b_c.sql', 12345, 'x', now(), 1, true")
	step("", 1)
	change(t, dir, resources+"R__sums.sql", "CREATE OR REPLACE VIEW sums AS SELECT count(*) FROM orders WHERE id > 0;\n")
	step("", 1)
	step("", 0)
	if diff := cmp.Diff([]string{
		"1 1 orders SQL t", "2 1.1 no op SQL t", "3 b c SQL t", "4 sums SQL t", "5 sums SQL t",
	}, content(t, db, historyRows)); diff != "" {
		t.Error(diff)
	}
	run(t, db, "DELETE FROM flyway_schema_history WHERE version = '1.1'",
		"UPDATE flyway_schema_history SET version = '1.01', type = 'BASELINE', checksum = NULL WHERE installed_rank = 1")
	step("", 0)
	change(t, dir, resources+"V2__more.sql", "ALTER TABLE orders ADD more text;\n")
	step("", 1)
}

// What the tool refuses, and what only the tool can run, is refused before anything is changed.
func TestPendingHistoryRefuses(t *testing.T) {
	t.Parallel()
	const table = "CREATE TABLE flyway_schema_history (installed_rank int PRIMARY KEY, version varchar(50), description varchar(200), type varchar(20), " +
		"script varchar(1000), checksum int, installed_by varchar(100), installed_on timestamp DEFAULT now(), execution_time int, success boolean)"
	noted := func(version, kind string) string {
		return "INSERT INTO flyway_schema_history SELECT " + version + ", '" + version + "', 'a', '" + kind + "', '', 7, '', now(), 0, true"
	}
	for name, tc := range map[string]struct {
		files   map[string]string
		prepare []string
		want    string // "" if it runs
	}{
		"a callback": {files: map[string]string{resources + "afterMigrate.sql": "SELECT 1;\n"}, want: "afterMigrate.sql is a callback"},
		"a program": {
			files: map[string]string{"src/main/java/db/migration/V3__Rows.java": "class V3__Rows {}\n"},
			want:  "V3__Rows.java is a migration that is a program (Java)",
		},
		"a program that ran": {
			files: map[string]string{
				"src/main/java/db/migration/V3__Rows.java": "class V3__Rows {}\n",
				"src/test/java/db/migration/V4__Rows.java": "class V4__Rows {}\n",
			},
			prepare: []string{table, noted("1", "BASELINE"), noted("3", "JDBC")},
		},
		"a schema that is full": {prepare: []string{"CREATE TABLE strange ()"}, want: "the schema public has strange, and no table flyway_schema_history"},
		"another table":         {files: map[string]string{"flyway.conf": "flyway.table=history\n"}, want: "or name the table with --table"},
		"edited":                {prepare: []string{table, noted("1", "SQL")}, want: "was changed since it was applied"},
		"edited, and not asked": {files: map[string]string{"flyway.conf": "flyway.validateOnMigrate=false\n"}, prepare: []string{table, noted("1", "SQL")}},
		"late": {
			prepare: []string{table, noted("2", "SQL"), "UPDATE flyway_schema_history SET checksum = NULL"},
			files:   map[string]string{resources + "V2__b.sql": "SELECT 1;\n"},
			want:    "V1__a: it sorts before V2__b",
		},
		"gone":            {prepare: []string{table, noted("0", "SQL")}, want: "Detected applied migration not resolved locally"},
		"gone, and later": {prepare: []string{table, noted("9", "SQL")}},
		"taken back":      {prepare: []string{table, noted("1", "SQL"), strings.Replace(noted("1", "UNDO_SQL"), "SELECT 1", "SELECT 2", 1)}},
		"failed":          {prepare: []string{table, noted("1", "SQL"), "UPDATE flyway_schema_history SET success = false"}, want: "begun and not finished"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			files := map[string]string{resources + "V1__a.sql": "SELECT 1;\n"}
			for path, text := range tc.files {
				files[path] = text
			}
			dir, db := repository(t, files), pgservertest.Database(t, onward.NewestMajor)
			run(t, db, tc.prepare...)
			refused := new(apply.RefusedError)
			_, err := apply.Pending(t.Context(), pendingOf(dir, db, ""))
			if tc.want == "" && err != nil || tc.want != "" && (!errors.As(err, &refused) || !strings.Contains(err.Error(), tc.want)) {
				t.Errorf("%v, want %q", err, tc.want)
			}
		})
	}
}
