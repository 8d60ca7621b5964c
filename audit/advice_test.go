package audit

import (
	"regexp"
	"strings"
	"testing"

	"github.com/onward-sql/onward/internal/gitrange/gittest"
)

// The advice has all steps, and they begin at the current schema.
func TestAdvice(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	gittest.WriteFiles(t, dir, map[string]string{"schema.sql": "CREATE TABLE t (email text, name text);\n" +
		"ALTER TABLE t ADD CONSTRAINT email_there CHECK (email IS NOT NULL) NOT VALID;"})
	for _, tt := range []struct{ sql, rule, want, unwanted string }{
		{"ALTER TABLE t ADD COLUMN id bigserial PRIMARY KEY", "column-add-serial", "ADD CONSTRAINT t_pkey PRIMARY KEY USING INDEX t_pkey;", ""},
		{"ALTER TABLE t ADD COLUMN id bigserial", "column-add-serial", "SET DEFAULT nextval('t_id_seq');", "USING INDEX"},
		{
			"ALTER TABLE t ALTER COLUMN email SET NOT NULL", "column-set-not-null-scan",
			"VALIDATE CONSTRAINT email_there;\nALTER TABLE t ALTER COLUMN email SET NOT NULL;", "ADD CONSTRAINT",
		},
		{"ALTER TABLE t ALTER COLUMN email SET NOT NULL, ALTER COLUMN name SET NOT NULL", "column-set-not-null-scan", "ADD CONSTRAINT", "email_there"},
	} {
		gittest.WriteFiles(t, dir, map[string]string{"1.sql": tt.sql + ";"})
		advice := ""
		for _, f := range check(t, CheckConfig{Dir: dir, Paths: []string{"1.sql"}, Deployed: Deployed{Schema: dir + "/schema.sql"}}).Findings {
			if f.Rule == tt.rule {
				advice = f.Instead
			}
		}
		if !strings.Contains(advice, tt.want) || tt.unwanted != "" && strings.Contains(advice, tt.unwanted) {
			t.Errorf("%s: want %q without %q:\n%s", tt.sql, tt.want, tt.unwanted, advice)
		}
	}
}

// TestAdvisedNames: a name that is built from others is cut as the server cuts its own
// names. Otherwise the server would cut a name that is too long, perhaps to the name of
// an existing column or constraint.
func TestAdvisedNames(t *testing.T) {
	t.Parallel()
	table, column, constraint := "t"+strings.Repeat("a", 61), "c"+strings.Repeat("b", 61), "u"+strings.Repeat("d", 61)
	word := regexp.MustCompile(`\w{64,}`)
	dir := t.TempDir()
	gittest.WriteFiles(t, dir, map[string]string{"schema.sql": "CREATE TABLE other (id int PRIMARY KEY); " +
		"CREATE TABLE " + table + " (id int, " + column + " varchar(20));\n" +
		"CREATE DOMAIN positive AS int CHECK (VALUE > 0); CREATE VIEW v" + table[1:] + " AS SELECT 1 AS a;"})
	for _, sql := range []string{
		"ALTER TABLE T ALTER COLUMN C SET NOT NULL", "ALTER TABLE T ALTER COLUMN C TYPE int USING C::int", "ALTER TABLE T ADD COLUMN X int UNIQUE",
		"ALTER TABLE T ADD COLUMN X int CHECK (X > 0)", "ALTER TABLE T ADD COLUMN X int REFERENCES other (id)", "ALTER TABLE T ADD COLUMN X positive",
		"ALTER TABLE T ADD PRIMARY KEY (C)", "ALTER TABLE T ADD CONSTRAINT " + constraint + " UNIQUE (C)", "DROP VIEW v" + table[1:],
	} {
		gittest.WriteFiles(t, dir, map[string]string{"1.sql": strings.NewReplacer(
			" T ", " "+table+" ", " C ", " "+column+" ", "(C)", "("+column+")", " C:", " "+column+":",
			" X ", " x"+column[1:]+" ", "(X ", "(x"+column[1:]+" ").Replace(sql) + ";"})
		r := check(t, CheckConfig{Dir: dir, Paths: []string{"1.sql"}, Deployed: Deployed{Schema: dir + "/schema.sql"}})
		if len(r.Findings) == 0 {
			t.Errorf("%s: no findings", sql)
		}
		for _, f := range r.Findings {
			if long := word.FindString(f.Instead); long != "" {
				t.Errorf("%s: %s advises the name %s, of %d bytes", sql, f.Rule, long, len(long))
			}
		}
	}
}

// A json column is a hazard to code that compares whole rows.
func TestJsonColumn(t *testing.T) {
	t.Parallel()
	sql := func(query string) string { return "-- store/store.go --\npackage store\n\nconst q = `" + query + "`\n" }
	const query = "-- app/query.ts --\nconst q = db('users').select('*')"
	for code, want := range map[string]string{
		sql("SELECT id FROM users"):                                      "info",
		sql("SELECT DISTINCT u.* FROM users u"):                          "warning",
		sql("SELECT * FROM users UNION SELECT * FROM old"):               "warning",
		sql("SELECT DISTINCT * FROM users WHERE ((` + where + `"):        "warning",
		sql("SELECT id FROM users") + "\n// distinct(users)\n":           "info",
		sql("SELECT id FROM users") + "\nvar distinct = \"distinct(\"\n": "info",
		query + ".distinct();\n":                                         "warning",
		query + ".groupBy('id');\n":                                      "warning",
		query + ";\nconst by = _.groupBy(q, 'id');\n":                    "info",
		"-- app/models/user.rb --\nclass User < ApplicationRecord\n  scope :named, -> { order(:id).distinct }\nend\n": "warning",
		sql("SELECT id FROM users") + "-- store/other.go --\npackage store\n\nvar q = list.Distinct()\n":              "info",
	} {
		dir := repository(t, "-- go.mod --\nmodule shop\n\nrequire github.com/pressly/goose/v3 v3.24.0\n-- migrations/00001_init.sql --\n-- +goose Up\n"+
			"CREATE TABLE users (id bigint PRIMARY KEY);\n"+
			code,
			"-- migrations/00002_more.sql --\n-- +goose Up\nSET LOCAL lock_timeout = '2s';\nALTER TABLE users ADD COLUMN data json;\n")
		got := ""
		for _, f := range changelog0(t, Config{Dir: dir, Base: "main"}).Findings {
			if f.Rule == "column-add-json" {
				got = f.Severity.String()
			}
		}
		if got != want {
			t.Errorf("%s: %q, want %q", code, got, want)
		}
	}
}
