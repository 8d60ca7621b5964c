package rules_test

import (
	"testing"

	"github.com/onward-sql/onward/internal/rule"
	"github.com/onward-sql/onward/internal/rules"
	"github.com/onward-sql/onward/internal/script"
	"github.com/onward-sql/onward/onward"
)

// TestBlank: an object that no statement created counts as existing and in use if nothing
// is known of the deployed schema. If the schema is known, it does not exist.
func TestBlank(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		before, sql, rule string
		unknown, known    onward.Severity // without a dump, and with one
	}{
		{"", "VACUUM FULL", "table-vacuum-full", onward.Error, onward.Off},
		{"CREATE TABLE a (id int)", "DROP TABLE a; VACUUM FULL", "table-vacuum-full", onward.Off, onward.Off},
		{"", "CLUSTER", "table-cluster", onward.Error, onward.Off},
		{"CREATE TABLE a (id int)", "CLUSTER", "table-cluster", onward.Off, onward.Off}, // it is not clustered
		{"", "REINDEX DATABASE shop", "index-reindex-blocking", onward.Error, onward.Off},
		{"", "REINDEX (CONCURRENTLY) DATABASE shop", "index-reindex-blocking", onward.Off, onward.Off},
		{"", "REINDEX SCHEMA app", "index-reindex-blocking", onward.Error, onward.Off},
		{"CREATE TABLE a (id int)", "REINDEX SCHEMA app", "index-reindex-blocking", onward.Error, onward.Off},
		{"CREATE SCHEMA app; CREATE TABLE app.a (id int)", "DROP TABLE app.a; REINDEX SCHEMA app", "index-reindex-blocking", onward.Off, onward.Off},
		{"CREATE TABLE a (id int)", "ALTER TABLE ALL IN TABLESPACE slow SET TABLESPACE fast", "table-rewrite", onward.Error, onward.Off},
		{"CREATE TABLE a (id int)", "ALTER INDEX ALL IN TABLESPACE slow SET TABLESPACE fast", "table-rewrite", onward.Error, onward.Off},
		{"CREATE TABLE a (id int)", "ALTER INDEX ALL IN TABLESPACE pg_default SET TABLESPACE fast", "table-rewrite", onward.Off, onward.Off}, // it has none
		{"CREATE TABLE a (id int)", "ALTER TABLE ALL IN TABLESPACE pg_default SET TABLESPACE fast", "table-rewrite", onward.Error, onward.Error},
		{"CREATE TABLE a (id int PRIMARY KEY)", "ALTER INDEX ALL IN TABLESPACE pg_default SET TABLESPACE fast", "table-rewrite", onward.Error, onward.Error},
		{"", "DROP VIEW IF EXISTS v", "view-drop", onward.Warning, onward.Off},
		{"", "DROP MATERIALIZED VIEW IF EXISTS v", "view-drop", onward.Warning, onward.Off},
		{"CREATE TABLE a (id int)", "DROP VIEW IF EXISTS v", "view-drop", onward.Off, onward.Off},
		{"", "DROP VIEW IF EXISTS v; CREATE VIEW v AS SELECT 1 AS a", "view-drop", onward.Off, onward.Off},
		{"", "DROP FUNCTION IF EXISTS f", "function-drop", onward.Warning, onward.Off},
		{"CREATE TABLE a (id int)", "DROP FUNCTION IF EXISTS f", "function-drop", onward.Off, onward.Off},
		{"", "DROP FUNCTION IF EXISTS f; CREATE FUNCTION f() RETURNS int LANGUAGE sql AS 'SELECT 1'", "function-drop", onward.Off, onward.Off},
		{"", "DROP DOMAIN IF EXISTS d", "type-drop", onward.Warning, onward.Off},
		{"CREATE TABLE a (id int)", "DROP TYPE IF EXISTS d", "type-drop", onward.Off, onward.Off},
		{"", "DROP TYPE IF EXISTS d; CREATE TYPE d AS ENUM ('a')", "type-drop", onward.Off, onward.Off},
		{"", "DROP SCHEMA IF EXISTS s", "schema-drop", onward.Warning, onward.Off},
		{"", "DROP SCHEMA IF EXISTS s CASCADE", "schema-drop", onward.Warning, onward.Off},
		{"CREATE TABLE a (id int)", "DROP SCHEMA IF EXISTS s CASCADE", "schema-drop", onward.Off, onward.Off},
		{"", "DROP SCHEMA IF EXISTS s CASCADE; CREATE SCHEMA s", "schema-drop", onward.Off, onward.Off},
		{"", "ALTER DOMAIN d ADD CONSTRAINT c CHECK (VALUE > 0)", "type-domain-constraint-scan", onward.Error, onward.Off},
		{"CREATE TABLE a (id int)", "ALTER DOMAIN d SET NOT NULL", "type-domain-constraint-scan", onward.Error, onward.Off},
	} {
		for _, known := range []bool{false, true} {
			want := c.unknown
			if known {
				want = c.known
			}
			if got := severity(t, c.before, c.sql, c.rule, known); got != want {
				t.Errorf("%s; %s, known %v: %s, want %s", c.before, c.sql, known, got, want)
			}
		}
	}
}

// severity returns the severity that a rule reports for a script after a deployed one.
func severity(t *testing.T, before, sql, id string, known bool) onward.Severity {
	t.Helper()
	build := func(sql string) *script.Script {
		s, err := script.BuildScript(script.Source{Text: sql, Parts: []script.Part{{SQL: sql}}, Mode: onward.TransactionNone})
		if err != nil {
			t.Fatal(err)
		}
		return s
	}
	e := rule.NewEngine(rule.Config{Rules: rules.All(), Versions: []int{16}}, nil)
	e.FoldDeployed(build(before))
	e.Release().Known = known
	e.JudgeMigration(&rule.Migration{ID: "1", Path: "1.sql", Mode: onward.TransactionNone, Script: build(sql)})
	findings, _ := e.Finish()
	got := onward.Off
	for _, f := range findings {
		if f.Rule == id {
			got = max(got, f.Severity)
		}
	}
	return got
}
