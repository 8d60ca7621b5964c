package audit

import (
	"slices"
	"strings"
	"testing"

	"github.com/onward-sql/onward/onward"
)

// Templates of Jinja's in a folder of data are no migrations, though their names have numbers and end in .sql.
func TestTemplatesAreNoMigrations(t *testing.T) {
	t.Parallel()
	const base = "-- db/migrations/1_a.sql --\nCREATE TABLE a (id int);\n"
	files := func(dir, text string) string {
		return "-- " + dir + "/01_first.sql --\n" + text + "\n-- " + dir + "/02_second.sql --\n" + text + "\n"
	}
	const model = "{{ config(materialized='table') }}\nDROP TABLE a;\nSELECT * FROM {{ ref('a') }}"
	for name, tc := range map[string]struct {
		files    string
		judged   bool
		reported string
	}{
		"a model of dbt":             {files("etl/steps", model), false, "SQL files with numbers"},
		"a tag":                      {files("etl/steps", "{% if full %}\nDROP TABLE a;\n{% endif %}"), false, "SQL files with numbers"},
		"among migrations":           {files("etl/migrations", "DROP TABLE a;\n-- {{ note }}"), true, ""},
		"a letter in a text":         {files("etl/steps", "DROP TABLE a;\nINSERT INTO letters VALUES ('Dear {{ name }}, it''s {% now %}');"), true, ""},
		"a schema that is filled in": {files("etl/steps", "DROP TABLE {{ schema }}.a;"), true, ""},
		"a template of Go's":         {files("etl/steps", "DROP TABLE {{ .Prefix }}a;"), true, ""},
		"a tool runs them":           {"-- etl/steps/tern.conf --\n[database]\n" + files("etl/steps", "DROP TABLE a;\n{{ template \"x\" }} {{ y }}"), true, ""},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			dir := repository(t, base, tc.files)
			report := changelog0(t, Config{Dir: dir})
			judged := slices.ContainsFunc(report.Migrations, func(m onward.Migration) bool { return strings.HasPrefix(m.Path, "etl/") })
			reported := tc.reported == ""
			for _, o := range report.Opaque {
				reported = reported || strings.HasPrefix(o.What, tc.reported) && !o.Failed
			}
			if judged != tc.judged || !reported {
				t.Errorf("judged %v, opaque %+v", judged, report.Opaque)
			}
			check, err := Check(t.Context(), CheckConfig{Dir: dir, Paths: []string{"."}})
			if err != nil {
				t.Fatal(err)
			}
			if got := slices.ContainsFunc(check.Migrations, func(m onward.Migration) bool { return strings.HasPrefix(m.Path, "etl/") }); got != tc.judged {
				t.Errorf("check: judged %v", got)
			}
		})
	}
	dir := repository(t, base, files("etl/steps", model))
	check, err := Check(t.Context(), CheckConfig{Dir: dir, Paths: []string{"etl/steps/01_first.sql"}})
	if err != nil || len(check.Migrations) != 1 {
		t.Errorf("a template that is named is judged: %v, %d", err, len(check.Migrations))
	}
}
