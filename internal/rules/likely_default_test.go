package rules

import (
	"testing"

	"github.com/onward-sql/onward/internal/catalog"
	"github.com/onward-sql/onward/internal/rule"
	"github.com/onward-sql/onward/internal/script"
	"github.com/onward-sql/onward/onward"
)

// TestLikelyDefault attaches a partition to a table that no statement created: a table that is called like its default partition may be it.
func TestLikelyDefault(t *testing.T) {
	t.Parallel()
	const attach = "CREATE TABLE events_9 (id integer);\nALTER TABLE events ATTACH PARTITION events_9 FOR VALUES FROM (0) TO (10);"
	for sql, want := range map[string]int{
		"DELETE FROM events_default WHERE id < 10;\n" + attach: 1,
		"DELETE FROM events_other WHERE id < 10;\n" + attach:   0,
		attach: 0,
		"CREATE TABLE events_default (id integer);\n" + attach:                                              0,
		"CREATE TABLE events (id integer) PARTITION BY RANGE (id);\nDELETE FROM events_default;\n" + attach: 0,
	} {
		e := rule.NewEngine(rule.Config{Versions: []int{17}, Rules: []*rule.Rule{FindRule("partition-attach-default-scan")}}, catalog.New())
		s, err := script.BuildScript(script.Source{Text: sql, Parts: []script.Part{{SQL: sql}}, Mode: onward.TransactionNone})
		if err != nil {
			t.Fatal(err)
		}
		e.JudgeMigration(&rule.Migration{ID: "1", Path: "1.sql", Framework: "sql", Script: s})
		findings, _ := e.Finish()
		if len(findings) != want || want > 0 && findings[0].Severity != onward.Warning {
			t.Errorf("%s\nhas findings %+v, want %d warnings", sql, findings, want)
		}
	}
}
