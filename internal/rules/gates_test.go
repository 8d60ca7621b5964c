package rules

import (
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/onward-sql/onward/internal/analysis"
	"github.com/onward-sql/onward/internal/catalog"
	"github.com/onward-sql/onward/internal/rule"
	"github.com/onward-sql/onward/internal/script"
	"github.com/onward-sql/onward/onward"
)

// TestGates holds that a refusal, and the loss of what deployed code uses, is an error if no rule explains it, and that whoever lowers the
// rule that explains it has weighed it.
func TestGates(t *testing.T) {
	t.Parallel()
	const (
		refused     = "release-statement-refused"
		lost        = "release-use-lost"
		partitioned = "index-concurrent-partitioned"
		index       = "CREATE INDEX CONCURRENTLY i ON parts (id);"
	)
	configWithout := func(id string) rule.Config { return rule.Config{Severity: map[string]onward.Severity{id: onward.Off}} }
	for name, tt := range map[string]struct {
		sql  string
		set  rule.Config
		want map[string]onward.Severity
	}{
		"a refusal that a rule explains": {sql: index, want: map[string]onward.Severity{partitioned: onward.Error}},
		"this rule is off":               {sql: index, set: configWithout(partitioned)},
		"this rule is suppressed":        {sql: "-- onward:ignore " + partitioned + ": by hand\n" + index},
		"a refusal without a rule":       {sql: "CREATE INDEX i ON t ((random()));", want: map[string]onward.Severity{refused: onward.Error}},
		"it is off":                      {sql: "CREATE INDEX i ON t ((random()));", set: configWithout(refused)},
		"a table that a rule explains":   {sql: "DROP TABLE t;", want: map[string]onward.Severity{"table-drop": onward.Error}},
		"the rule of tables is off":      {sql: "DROP TABLE t;", set: configWithout("table-drop")},
		"a view that a rule explains":    {sql: "DROP VIEW v;", want: map[string]onward.Severity{"view-drop": onward.Error}},
		"the rule of views is off":       {sql: "DROP VIEW v;", set: configWithout("view-drop")},
		"a partition":                    {sql: "DROP TABLE part_1;", want: map[string]onward.Severity{lost: onward.Error}},
		"a partition is suppressed":      {sql: "-- onward:ignore " + lost + ": nobody reads it\nDROP TABLE part_1;"},
		"a column that goes with its type": {
			sql: "DROP TYPE mood CASCADE;", want: map[string]onward.Severity{"type-drop": onward.Error, "table-drop-cascade": onward.Error},
		},
		"more columns than a text names": {
			sql:  "ALTER TABLE wide DROP COLUMN a, DROP COLUMN b, DROP COLUMN c, DROP COLUMN d, DROP COLUMN e;",
			want: map[string]onward.Severity{"column-drop": onward.Error},
		},
		"a column of the name comes instead": {sql: "BEGIN; DROP TABLE part_2; CREATE TABLE part_2 (id integer); COMMIT;"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			deployed := foldText(t, catalog.New(), `CREATE TYPE mood AS ENUM ('sad');
				CREATE TABLE t (id integer PRIMARY KEY, mood mood); CREATE VIEW v AS SELECT 1 AS id;
				CREATE TABLE wide (id integer PRIMARY KEY, a integer, b integer, c integer, d integer, e integer);
				CREATE TABLE parts (id integer PRIMARY KEY) PARTITION BY RANGE (id);
				CREATE TABLE part_1 PARTITION OF parts FOR VALUES FROM (0) TO (10);
				CREATE TABLE part_2 PARTITION OF parts FOR VALUES FROM (10) TO (20);`)
			c := tt.set
			c.Versions = []int{16, 17}
			c.Uses = func(analysis.Question) analysis.Usage {
				return analysis.Usage{Known: true, Used: true, Evidence: []onward.Evidence{{Kind: "code", Path: "a.go", Line: 1}}}
			}
			for _, id := range []string{refused, lost, partitioned, "table-drop", "view-drop", "type-drop", "table-drop-cascade", "column-drop"} {
				c.Rules = append(c.Rules, FindRule(id))
			}
			e := rule.NewEngine(c, deployed)
			s, err := script.BuildScript(script.Source{Text: tt.sql, Parts: []script.Part{{SQL: tt.sql}}, Mode: onward.TransactionNone})
			if err != nil {
				t.Fatal(err)
			}
			e.JudgeMigration(&rule.Migration{ID: "1", Path: "1.sql", Framework: "sql", Script: s})
			findings, _ := e.Finish()
			got := map[string]onward.Severity{}
			for _, f := range findings {
				got[f.Rule] = f.Severity
			}
			if tt.want == nil {
				tt.want = map[string]onward.Severity{}
			}
			if diff := cmp.Diff(tt.want, got); diff != "" {
				t.Error(diff)
			}
		})
	}
}
