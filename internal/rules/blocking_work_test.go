package rules

import (
	"testing"

	"github.com/onward-sql/onward/internal/catalog"
	"github.com/onward-sql/onward/internal/history"
	"github.com/onward-sql/onward/internal/rule"
	"github.com/onward-sql/onward/internal/script"
	"github.com/onward-sql/onward/onward"
)

// Whoever lowers the rule that explains the work of a statement has weighed that work: it does not come back under another name.
func TestBlockingWorkYields(t *testing.T) {
	t.Parallel()
	few := func(catalog.OID) string { return "it has ten rows" }
	const (
		index   = "CREATE INDEX t_a ON t (a);"
		virtual = "ALTER TABLE t ADD COLUMN v integer GENERATED ALWAYS AS (a + 1) VIRTUAL NOT NULL;"
		enforce = "ALTER TABLE u ALTER CONSTRAINT u_t ENFORCED;"
	)
	for name, tt := range map[string]struct {
		sql  string
		set  rule.Config
		want map[string]onward.Severity
	}{
		"a rule explains it": {sql: index, want: map[string]onward.Severity{"index-create-blocking": onward.Error}},
		"switched off":       {sql: index, set: rule.Config{Severity: map[string]onward.Severity{"index-create-blocking": onward.Off}}},
		"a warning": {
			sql: index, set: rule.Config{Severity: map[string]onward.Severity{"index-create-blocking": onward.Warning}},
			want: map[string]onward.Severity{"index-create-blocking": onward.Warning},
		},
		"suppressed":           {sql: "-- onward:ignore index-create-blocking: at night\n" + index},
		"a small table":        {sql: index, set: rule.Config{SmallTables: []string{"t"}}},
		"probably small":       {sql: index, set: rule.Config{ProbablySmall: few}, want: map[string]onward.Severity{"index-create-blocking": onward.Warning}},
		"a form without rule":  {sql: virtual, want: map[string]onward.Severity{"blocking-work": onward.Error}},
		"it is suppressed":     {sql: "-- onward:ignore blocking-work: at night\n" + virtual},
		"it is off":            {sql: virtual, set: rule.Config{Severity: map[string]onward.Severity{"blocking-work": onward.Off}}},
		"its table is small":   {sql: virtual, set: rule.Config{SmallTables: []string{"t"}}},
		"it is probably small": {sql: virtual, set: rule.Config{ProbablySmall: few}, want: map[string]onward.Severity{"blocking-work": onward.Warning}},
		"two tables":           {sql: enforce, want: map[string]onward.Severity{"blocking-work": onward.Error}},
		"one of two is small":  {sql: enforce, set: rule.Config{SmallTables: []string{"t"}}, want: map[string]onward.Severity{"blocking-work": onward.Error}},
		"a referenced partition": {
			sql: "ALTER TABLE parts DETACH PARTITION part_1;", want: map[string]onward.Severity{"blocking-work": onward.Error},
		},
		"a referenced partition, concurrently": {
			sql: "ALTER TABLE parts DETACH PARTITION part_1 CONCURRENTLY;", want: map[string]onward.Severity{"blocking-work": onward.Error},
		},
		"a new table": {sql: "CREATE TABLE n (a integer); ALTER TABLE n ADD COLUMN v integer GENERATED ALWAYS AS (a + 1) VIRTUAL NOT NULL;"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			deployed := foldText(t, catalog.New(), `CREATE TABLE t (id integer PRIMARY KEY, a integer);
				CREATE TABLE u (id integer PRIMARY KEY, t_id integer, CONSTRAINT u_t FOREIGN KEY (t_id) REFERENCES t (id) NOT ENFORCED);
				CREATE TABLE parts (id integer PRIMARY KEY) PARTITION BY RANGE (id);
				CREATE TABLE part_1 PARTITION OF parts FOR VALUES FROM (0) TO (10);
				CREATE TABLE users (id integer PRIMARY KEY, part integer REFERENCES parts (id));`)
			c := tt.set
			c.Versions = []int{18}
			for _, id := range []string{"index-create-blocking", "partition-detach-blocking", "blocking-work"} {
				c.Rules = append(c.Rules, FindRule(id))
			}
			e := rule.NewEngine(c, deployed)
			s, err := script.BuildScript(script.Source{Text: tt.sql, Parts: []script.Part{{SQL: tt.sql}}, Mode: onward.TransactionNone})
			if err != nil {
				t.Fatal(err)
			}
			e.JudgeMigration(&rule.Migration{ID: "1", Path: "1.sql", Framework: "sql", Script: s, Runner: history.Runner{LockTimeout: 3000}})
			findings, _ := e.Finish()
			got := map[string]onward.Severity{}
			for _, f := range findings {
				got[f.Rule] = f.Severity
			}
			if len(got) != len(tt.want) {
				t.Errorf("found %v, want %v", got, tt.want)
			}
			for id, severity := range tt.want {
				if got[id] != severity {
					t.Errorf("%s: %s, want %s", id, got[id], severity)
				}
			}
		})
	}
}
