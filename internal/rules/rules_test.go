package rules_test

import (
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/onward-sql/onward/internal/rule"
	"github.com/onward-sql/onward/internal/rules"
	"github.com/onward-sql/onward/internal/rules/tools/ruletest"
	"github.com/onward-sql/onward/onward"
)

func TestRegistry(t *testing.T) {
	t.Parallel()
	if err := rule.ValidateRules(rules.All()); err != nil {
		t.Fatal(err)
	}
}

// TestFixtures runs every rule over its fixture.
func TestFixtures(t *testing.T) {
	t.Parallel()
	for _, r := range rules.All() {
		t.Run(r.ID, func(t *testing.T) {
			t.Parallel()
			ruletest.ExerciseRule(t, r)
		})
	}
}

// TestAdviceIsClean audits the fixed examples, and the results of the fixes, with all
// rules that are on by default. Our own advice must not be an error.
func TestAdviceIsClean(t *testing.T) {
	t.Parallel()
	for _, r := range rules.All() {
		t.Run(r.ID, func(t *testing.T) {
			t.Parallel()
			f, err := ruletest.Read(r.ID)
			if err != nil {
				t.Fatal(err)
			}
			var on []*rule.Rule
			for _, x := range rules.All() {
				if x.Preset == onward.Recommended {
					on = append(on, x)
				}
			}
			for i := range f.Releases {
				rel := &f.Releases[i]
				if !rel.IsFixed() {
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

// TestKinds proves that a rule which names the kinds of statements that it is
// about finds nothing in others: over all examples of all rules.
func TestKinds(t *testing.T) {
	t.Parallel()
	all := rules.All()
	open := make([]*rule.Rule, len(all))
	for i, r := range all {
		x := *r
		x.Kinds = 0
		open[i] = &x
	}
	for _, r := range all {
		f, err := ruletest.Read(r.ID)
		if err != nil {
			t.Fatal(err)
		}
		for i := range f.Releases {
			want, err := f.Run(open, &f.Releases[i])
			if err != nil {
				t.Fatal(err)
			}
			got, err := f.Run(all, &f.Releases[i])
			if err != nil {
				t.Fatal(err)
			}
			if diff := cmp.Diff(want, got); diff != "" {
				t.Errorf("%s, %s: a rule finds something outside its Kinds:\n%s", r.ID, f.Releases[i].Name, diff)
			}
		}
	}
}
