package rules_test

import (
	"testing"

	"github.com/onward-sql/onward/internal/rule"
	"github.com/onward-sql/onward/internal/rules"
	"github.com/onward-sql/onward/internal/rules/ruletest"
	"github.com/onward-sql/onward/onward"
)

func TestRegistry(t *testing.T) {
	t.Parallel()
	if err := rule.Validate(rules.All()); err != nil {
		t.Fatal(err)
	}
}

// TestFixtures runs every rule over its fixture.
func TestFixtures(t *testing.T) {
	t.Parallel()
	for _, r := range rules.All() {
		t.Run(r.ID, func(t *testing.T) {
			t.Parallel()
			ruletest.Exercise(t, ".", r)
		})
	}
}

// TestAdviceIsClean audits what the fixtures show as the way out, and what the
// fixes make, with all rules that are on by default: our own advice must not
// be an error.
func TestAdviceIsClean(t *testing.T) {
	t.Parallel()
	for _, r := range rules.All() {
		t.Run(r.ID, func(t *testing.T) {
			t.Parallel()
			f, err := ruletest.Read(".", r.ID)
			if err != nil {
				t.Fatal(err)
			}
			var on []*rule.Rule
			for _, x := range rules.All() {
				if x.Preset == rule.Recommended {
					on = append(on, x)
				}
			}
			for i := range f.Releases {
				rel := &f.Releases[i]
				if !rel.Fixed() {
					continue
				}
				findings, err := f.RunOn(on, rel, f.Versions)
				if err != nil {
					t.Fatal(err)
				}
				for _, x := range findings {
					if x.Severity == onward.Error {
						t.Errorf("%s: %s:%d: %s: %s", rel.Name, x.Path, x.Line, x.Rule, x.Fact)
					}
				}
			}
		})
	}
}
