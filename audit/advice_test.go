package audit

import (
	"strings"
	"testing"
)

// What is advised is all of the way, and goes on from where the schema stands.
func TestAdvice(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	write(t, dir, map[string]string{"schema.sql": "CREATE TABLE t (email text, name text);\nALTER TABLE t ADD CONSTRAINT email_there CHECK (email IS NOT NULL) NOT VALID;"})
	for _, tt := range []struct{ sql, rule, want, unwanted string }{
		{"ALTER TABLE t ADD COLUMN id bigserial PRIMARY KEY", "column-add-serial", "ADD CONSTRAINT t_pkey PRIMARY KEY USING INDEX t_pkey;", ""},
		{"ALTER TABLE t ADD COLUMN id bigserial", "column-add-serial", "SET DEFAULT nextval('t_id_seq');", "USING INDEX"},
		{"ALTER TABLE t ALTER COLUMN email SET NOT NULL", "column-set-not-null-scan", "VALIDATE CONSTRAINT email_there;\nALTER TABLE t ALTER COLUMN email SET NOT NULL;", "ADD CONSTRAINT"},
		{"ALTER TABLE t ALTER COLUMN email SET NOT NULL, ALTER COLUMN name SET NOT NULL", "column-set-not-null-scan", "ADD CONSTRAINT", "email_there"},
	} {
		write(t, dir, map[string]string{"1.sql": tt.sql + ";"})
		said := ""
		for _, f := range check(t, CheckConfig{Dir: dir, Paths: []string{"1.sql"}, Deployed: Deployed{Schema: dir + "/schema.sql"}}).Findings {
			if f.Rule == tt.rule {
				said = f.Instead
			}
		}
		if !strings.Contains(said, tt.want) || tt.unwanted != "" && strings.Contains(said, tt.unwanted) {
			t.Errorf("%s: want %q without %q:\n%s", tt.sql, tt.want, tt.unwanted, said)
		}
	}
}

// A json column is a hazard to code that compares whole rows.
func TestJsonColumn(t *testing.T) {
	t.Parallel()
	for query, want := range map[string]string{
		"SELECT id FROM users":                        "info",
		"SELECT DISTINCT u.* FROM users u":            "warning",
		"SELECT * FROM users UNION SELECT * FROM old": "warning",
		"users.order(:id).distinct":                   "warning",
	} {
		dir := repository(t, "-- go.mod --\nmodule shop\n\nrequire github.com/pressly/goose/v3 v3.24.0\n-- migrations/00001_init.sql --\n-- +goose Up\nCREATE TABLE users (id bigint PRIMARY KEY);\n"+
			"-- store/store.go --\npackage store\n\nconst q = `"+query+"`\n",
			"-- migrations/00002_more.sql --\n-- +goose Up\nSET LOCAL lock_timeout = '2s';\nALTER TABLE users ADD COLUMN data json;\n")
		got := ""
		for _, f := range changelog0(t, Config{Dir: dir, Base: "main"}).Findings {
			if f.Rule == "column-add-json" {
				got = f.Severity.String()
			}
		}
		if got != want {
			t.Errorf("%s: %q, want %q", query, got, want)
		}
	}
}
