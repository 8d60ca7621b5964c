package rules

import (
	"slices"
	"strings"
	"testing"

	"github.com/onward-sql/onward/internal/analysis"
	"github.com/onward-sql/onward/internal/history"
	"github.com/onward-sql/onward/internal/script"
	"github.com/onward-sql/onward/onward"
)

// TestTriggerOnDjangoModel has a trigger that raises if a column changes: save() may change it, if a model has the column.
func TestTriggerOnDjangoModel(t *testing.T) {
	t.Parallel()
	const sql = `CREATE FUNCTION f() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN IF OLD.code <> NEW.code THEN RAISE EXCEPTION 'no'; END IF; RETURN NEW; END $$;
CREATE TRIGGER t BEFORE UPDATE ON shop_order FOR EACH ROW EXECUTE FUNCTION f()`
	part := script.Part{SQL: sql, Start: -1, Line: 1, Column: 1, EndLine: 1, EndColumn: 1}
	src := script.Source{Parts: []script.Part{part}, Mode: onward.TransactionFile, LineComment: "#"}
	for name, used := range map[string]bool{"a model": true, "no model": false} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			findings := judgeSourceUsing(t, src, history.Runner{LockTimeout: 3000}, func(analysis.Question) analysis.Usage {
				return analysis.Usage{Known: true, Sure: true, Used: used, Evidence: []onward.Evidence{{Kind: "model"}}}
			}, 16)
			got := slices.ContainsFunc(findings, func(f onward.Finding) bool {
				return f.Rule == "trigger-may-refuse-writes" && f.Severity == onward.Warning &&
					strings.Contains(f.Fact, "each change of code in shop_order")
			})
			if got != used {
				t.Errorf("flagged: %v: %v", got, findings)
			}
		})
	}
}
