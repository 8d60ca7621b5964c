package rules_test

import (
	"testing"

	"github.com/onward-sql/onward/internal/rule"
	"github.com/onward-sql/onward/internal/rules"
	"github.com/onward-sql/onward/internal/rules/tools/ruletest"
	"github.com/onward-sql/onward/onward"
)

// TestEvidenceSetsTheSeverity checks that the compatibility rules follow the deployed
// code. They report an error if something uses the object or nothing is known, a warning
// if no text names it, and a note if the code that uses the table does not use the
// column.
func TestEvidenceSetsTheSeverity(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		rule, example string
		want          onward.Severity
		evidence      bool
	}{
		{"column-drop", "bad", onward.Error, true},
		{"column-drop", "bad-text-search", onward.Warning, false},
		{"column-drop", "bad-left-alone", onward.Info, false},
		{"column-drop", "bad-nothing-known", onward.Error, false},
		{"column-drop", "bad-renamed-before", onward.Error, true},
		{"column-rename", "bad", onward.Error, true},
		{"column-rename", "bad-text-search", onward.Warning, false},
		{"column-add-required", "bad-no-default", onward.Error, true},
		{"column-add-required", "bad-nobody-writes-it", onward.Warning, true},
		{"column-add-required", "bad-trigger-may-fill-it", onward.Warning, true},
		{"column-drop-default", "bad", onward.Warning, true},
		{"column-drop-default", "bad-never-named", onward.Error, false},
		{"column-drop-default", "bad-nothing-known", onward.Warning, false},
		{"column-drop-default", "bad-added-by-this-release", onward.Error, false},
		{"column-set-not-null", "bad", onward.Warning, true},
		{"column-set-not-null", "bad-never-named", onward.Error, false},
		{"column-set-not-null", "bad-default", onward.Info, false},
		{"column-set-not-null", "bad-added-by-this-release", onward.Error, false},
		{"column-type-incompatible", "bad", onward.Warning, true}, // the rewrite is the error
		{"column-type-incompatible", "bad-text-search", onward.Info, false},
		{"column-type-incompatible", "bad-larger", onward.Info, false},
		{"constraint-binds-old-writers", "bad", onward.Info, false},
		{"constraint-binds-old-writers", "bad-used", onward.Warning, true},
		{"constraint-binds-old-writers", "bad-foreign-key", onward.Info, false},
		{"constraint-binds-old-writers", "bad-stricter-action", onward.Warning, false},
		{"constraint-binds-old-writers", "bad-not-null", onward.Warning, true},
		{"constraint-binds-old-writers", "bad-never-written", onward.Error, false},
		{"constraint-binds-old-writers", "bad-new-column", onward.Error, false},
		{"constraint-drop-primary-key", "bad", onward.Warning, false},
		{"constraint-drop-primary-key", "bad-published", onward.Error, false},
		{"constraint-rename", "bad", onward.Warning, true},
		{"table-drop", "bad", onward.Error, true},
		{"table-drop", "bad-text-search", onward.Info, false},
		{"table-rename", "bad", onward.Error, true},
		{"table-rename", "bad-view-not-updatable", onward.Warning, true},
		{"table-drop-cascade", "bad", onward.Error, false},
		{"table-drop-cascade", "bad-foreign-key-only", onward.Warning, false},
		{"view-drop", "bad", onward.Error, true},
		{"view-drop", "bad-gap", onward.Warning, true},
		{"view-replace-incompatible", "bad", onward.Error, true},
		{"view-replace-incompatible", "bad-type", onward.Warning, false},
		{"sequence-drop", "bad", onward.Error, true},
		{"sequence-drop", "bad-text-search", onward.Info, false},
		{"sequence-drop", "bad-nothing-known", onward.Warning, false},
		{"type-drop", "bad", onward.Error, true},
		{"type-drop", "bad-unseen", onward.Warning, false},
		{"function-drop", "bad", onward.Error, true},
		{"function-drop", "bad-text-search", onward.Info, false},
		{"function-signature-changed", "bad", onward.Error, true},
		{"schema-drop", "bad", onward.Error, false},
		{"schema-drop", "bad-unseen", onward.Error, false},
		{"schema-drop", "bad-empty", onward.Warning, false},
		{"extension-drop", "bad", onward.Warning, false},
		{"extension-drop", "bad-cascade", onward.Error, false},
		{"policy-hides-rows", "bad", onward.Warning, false},
		{"policy-hides-rows", "bad-forced", onward.Error, false},
		{"identifier-truncated", "bad", onward.Info, false},
		{"identifier-truncated", "bad-skipped", onward.Warning, false},
		{"identifier-capitals-lost", "bad", onward.Warning, false},
	} {
		t.Run(c.rule+"/"+c.example, func(t *testing.T) {
			t.Parallel()
			r := rules.FindRule(c.rule)
			if r == nil {
				t.Fatal("there is no such rule")
			}
			f, err := ruletest.Read(c.rule)
			if err != nil {
				t.Fatal(err)
			}
			ran := false
			for i := range f.Releases {
				if f.Releases[i].Name != c.example {
					continue
				}
				ran = true
				findings, err := f.Run([]*rule.Rule{r}, &f.Releases[i])
				if err != nil {
					t.Fatal(err)
				}
				worst, code := onward.Off, false
				for _, x := range findings {
					worst = max(worst, x.Severity)
					for _, e := range x.Evidence {
						code = code || e.Kind == "code" || e.Kind == "statement"
					}
				}
				if worst != c.want || code != c.evidence {
					t.Errorf("%s, evidence %v; want %s, %v: %+v", worst, code, c.want, c.evidence, findings)
				}
			}
			if !ran {
				t.Error("the fixture has no such example")
			}
		})
	}
}
