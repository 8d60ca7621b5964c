package rules_test

import (
	"fmt"
	"strings"
	"testing"

	"github.com/onward-sql/onward/internal/rule"
	"github.com/onward-sql/onward/internal/rules"
	"github.com/onward-sql/onward/internal/rules/tools/ruletest"
	"github.com/onward-sql/onward/internal/script"
	"github.com/onward-sql/onward/onward"
)

// TestDiamonds judges statements over things that depend on each other in forty
// levels, each of them twice on the level below: whoever follows every path has
// a million million to go. It ends, or the test times out.
func TestDiamonds(t *testing.T) {
	t.Parallel()
	const levels = 40
	level := func(first, format string) string {
		var b strings.Builder
		b.WriteString(first + ";\n")
		for i := 1; i < levels; i++ {
			fmt.Fprintf(&b, format+";\n", i, i-1)
		}
		return b.String()
	}
	tests := []struct{ name, before, sql string }{
		{"inheritance", level("CREATE TABLE a0 (id int); CREATE TABLE b0 () INHERITS (a0)",
			"CREATE TABLE a%[1]d () INHERITS (a%[2]d, b%[2]d); CREATE TABLE b%[1]d () INHERITS (a%[2]d, b%[2]d)"),
			"ALTER TABLE a0 ADD COLUMN x int NOT NULL DEFAULT 1; ALTER TABLE a0 ADD CONSTRAINT c CHECK (id > 0) NOT VALID; ALTER TABLE a0 VALIDATE CONSTRAINT c; " +
				"ALTER TABLE a0 DROP CONSTRAINT c; ALTER TABLE a0 ALTER id SET NOT NULL; ALTER TABLE a0 ALTER id TYPE bigint; UPDATE a0 SET id = 1; TRUNCATE a0; " +
				"ALTER TABLE a0 RENAME id TO number; ALTER TABLE a0 DROP COLUMN number; DROP TABLE a0 CASCADE"},
		{"views", level("CREATE TABLE t (id int); CREATE VIEW v0 AS SELECT id FROM t",
			"CREATE VIEW v%[1]d AS SELECT a.id FROM v%[2]d a JOIN v%[2]d b ON a.id = b.id"),
			"SELECT * FROM v39; LOCK TABLE v39; CREATE MATERIALIZED VIEW m AS SELECT * FROM v39; REFRESH MATERIALIZED VIEW m; ALTER TABLE t DROP COLUMN id CASCADE; " +
				"DROP TABLE t CASCADE"},
		{"domains", level("CREATE DOMAIN d0 AS int", "CREATE DOMAIN d%[1]d AS d%[2]d; CREATE TYPE c%[1]d AS (a d%[1]d, b d%[2]d)"),
			"CREATE TABLE t (a c39, b d39); ALTER DOMAIN d0 ADD CHECK (VALUE > 0); DROP TYPE c1 CASCADE; DROP DOMAIN d0 CASCADE"},
		{"types", level("CREATE TYPE e0 AS (x int)", "CREATE TYPE e%[1]d AS (a e%[2]d, b e%[2]d)"),
			"CREATE TABLE t (a e39, b e39); ALTER TYPE e0 ADD ATTRIBUTE y int CASCADE; ALTER TYPE e0 ALTER ATTRIBUTE x TYPE bigint CASCADE; DROP TYPE e0 CASCADE"},
		{"functions", level("CREATE FUNCTION f0() RETURNS int LANGUAGE sql AS 'SELECT 1'",
			"CREATE FUNCTION f%[1]d() RETURNS int LANGUAGE plpgsql AS 'BEGIN PERFORM f%[2]d(); RETURN f%[2]d(); END'"),
			"SELECT f39(); DROP FUNCTION f0()"},
		{"generated columns of each other", "CREATE TABLE g (c0 int" + generated(levels) + ")", "ALTER TABLE g DROP COLUMN c0 CASCADE"},
		{"views of each other", "CREATE VIEW a AS SELECT 1 FROM b, c, d; CREATE VIEW b AS SELECT 1 FROM a, c, d; CREATE VIEW c AS SELECT 1 FROM a, b, d; " +
			"CREATE VIEW d AS SELECT 1 FROM a, b, c",
			"SELECT * FROM a; LOCK TABLE b; INSERT INTO c VALUES (1); DROP VIEW d CASCADE"},
		{
			"domains of each other", "CREATE DOMAIN a AS b; CREATE DOMAIN b AS c; CREATE DOMAIN c AS a",
			"ALTER DOMAIN a ADD CHECK (VALUE > 0); CREATE TABLE t (x a); DROP DOMAIN b CASCADE",
		},
	}
	severityByRule := map[string]onward.Severity{}
	for _, r := range rules.All() {
		severityByRule[r.ID] = r.Severity
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			build := func(sql string) *script.Script {
				s, err := script.BuildScript(script.Source{Text: sql, Parts: []script.Part{{SQL: sql}}})
				if err != nil {
					t.Fatal(err)
				}
				return s
			}
			e := rule.NewEngine(rule.Config{Rules: rules.All(), Versions: []int{13, 18}, Severity: severityByRule}, nil)
			e.FoldDeployed(build(tt.before))
			m := &rule.Migration{ID: "m", Path: "m.sql", Status: onward.StatusNew, Script: build(tt.sql)}
			if err := ruletest.JudgeMigration(e, m); err != nil {
				t.Fatal(err)
			}
			e.Finish()
		})
	}
}

// generated are columns each of which is generated from all others.
func generated(n int) string {
	var b strings.Builder
	for i := 1; i < n; i++ {
		fmt.Fprintf(&b, ", c%d int GENERATED ALWAYS AS (c0", i)
		for j := 1; j < n; j++ {
			if j != i {
				fmt.Fprintf(&b, " + c%d", j)
			}
		}
		b.WriteString(") STORED")
	}
	return b.String()
}
