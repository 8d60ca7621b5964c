package rules

import (
	"fmt"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/onward-sql/onward/internal/catalog"
	"github.com/onward-sql/onward/internal/rule"
	"github.com/onward-sql/onward/internal/script"
	"github.com/onward-sql/onward/onward"
)

// TestFindingsAfterFailure holds that statements after a certain failure are judged, except those whose objects it would have made.
func TestFindingsAfterFailure(t *testing.T) {
	t.Parallel()
	const fails = "release-statement-fails"
	for name, tt := range map[string]struct {
		sql  string
		want []string // line, rule, and the lines that it comes after
	}{
		"other statements": {
			sql:  "ALTER TABLE t ADD COLUMN a text;\nCREATE INDEX i ON t (b);\nCREATE TABLE u (id integer);\n",
			want: []string{"1 release-statement-fails []", "2 index-create-blocking [1]", "3 release-statement-fails [1]"},
		},
		"two failures": {
			sql:  "ALTER TABLE t ADD COLUMN a text;\nCREATE TABLE u (id integer);\nCREATE INDEX i ON t (b);\n",
			want: []string{"1 release-statement-fails []", "2 release-statement-fails [1]", "3 index-create-blocking [1 2]"},
		},
		"a refused form": {
			sql:  "ALTER TABLE t ADD CONSTRAINT t_a UNIQUE (a) NOT VALID;\nCREATE INDEX i ON t (b);\n",
			want: []string{"1 release-statement-unsupported []", "2 index-create-blocking [1]"},
		},
		"a table that it would have made": {
			sql:  "CREATE TABLE n (a integer, a integer);\nCREATE INDEX i ON n (a);\nCREATE INDEX j ON t (b);\n",
			want: []string{"1 release-statement-fails []", "3 index-create-blocking [1]"},
		},
		"a table that it would have made if it is not there": {
			sql:  "CREATE TABLE IF NOT EXISTS n (a text REFERENCES t (id));\nCREATE INDEX i ON n (a);\n",
			want: []string{"1 release-statement-refused []"},
		},
		"a column that it would have made": {
			sql:  "ALTER TABLE t ADD COLUMN a text, ADD COLUMN c text;\nUPDATE t SET c = b WHERE id = 1;\n",
			want: []string{"1 release-statement-fails []"},
		},
		"a table that it would have dropped": {
			sql:  "DROP TABLE u;\nCREATE TABLE u (id integer);\n",
			want: []string{"1 release-statement-fails []"},
		},
		"suppressed": {
			sql:  "-- onward:ignore " + fails + ": a is dropped by hand\nALTER TABLE t ADD COLUMN a text;\nCREATE INDEX i ON t (b);\n",
			want: []string{"3 index-create-blocking []"},
		},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			deployed := foldText(t, catalog.New(), "CREATE TABLE t (id integer PRIMARY KEY, a text, b text);\n"+
				"CREATE TABLE u (id integer PRIMARY KEY); CREATE VIEW v AS SELECT id FROM u;")
			var enabled []*rule.Rule
			for _, id := range []string{fails, "release-statement-refused", "release-statement-unsupported", "index-create-blocking"} {
				enabled = append(enabled, FindRule(id))
			}
			e := rule.NewEngine(rule.Config{Rules: enabled, Versions: []int{16, 17}}, deployed)
			s, err := script.BuildScript(script.Source{Text: tt.sql, Parts: []script.Part{{SQL: tt.sql}}, Mode: onward.TransactionNone})
			if err != nil {
				t.Fatal(err)
			}
			e.JudgeMigration(&rule.Migration{ID: "1", Path: "1.sql", Framework: "sql", Script: s})
			found, _ := e.Finish()
			var got []string
			for _, f := range found {
				got = append(got, fmt.Sprint(f.Line, " ", f.Rule, " ", f.After))
				if isConditional := strings.Contains(f.Harm, "; this counts once :"); isConditional != (len(f.After) > 0) {
					t.Errorf("%s at %d: %s", f.Rule, f.Line, f.Harm)
				}
			}
			slices.Sort(got)
			if diff := cmp.Diff(tt.want, got); diff != "" {
				t.Error(diff)
			}
		})
	}
}
