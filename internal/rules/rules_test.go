package rules_test

import (
	"fmt"
	"regexp"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/onward-sql/onward/internal/rule"
	"github.com/onward-sql/onward/internal/rules"
	"github.com/onward-sql/onward/internal/rules/tools/ruletest"
	"github.com/onward-sql/onward/onward"
)

func TestRegistry(t *testing.T) {
	t.Parallel()
	if err := validateRules(rules.All()); err != nil {
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
			var generalRules []*rule.Rule
			for _, x := range rules.All() {
				if x.OnlyIn == "" {
					generalRules = append(generalRules, x)
				}
			}
			for i := range f.Releases {
				rel := &f.Releases[i]
				if !rel.IsFixed() {
					continue
				}
				findings, err := f.RunOn(generalRules, rel, f.Versions)
				if err != nil {
					t.Fatal(err)
				}
				for _, x := range findings {
					if x.Severity == onward.Error {
						t.Errorf("%s: the fixed example has an error: %s:%d: %s: %s", rel.Name, x.Path, x.Line, x.Rule, x.Fact)
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

// idForm is the form of an id: subject, act, trouble.
var idForm = regexp.MustCompile(`^[a-z]+(-[a-z0-9]+)+$`)

// validateRules checks a set of rules: names, texts, one function each.
func validateRules(list []*rule.Rule) error {
	seen := map[string]bool{}
	for _, r := range list {
		n := 0
		for _, set := range []bool{r.Statement != nil && r.Commit == nil && r.Release == nil, r.Commit != nil, r.Migration != nil, r.Release != nil} {
			if set {
				n++
			}
		}
		switch {
		case r.Kinds != 0 && r.Statement == nil:
			return fmt.Errorf("rule %s: has Kinds, and no Statement that they are for", r.ID)
		case r.Gather != nil && r.Release == nil:
			return fmt.Errorf("rule %s: gathers, and has no Release to gather for", r.ID)
		case !idForm.MatchString(r.ID):
			return fmt.Errorf("rule %q: the name is subject-act-trouble in lower case", r.ID)
		case seen[r.ID]:
			return fmt.Errorf("rule %s: registered twice", r.ID)
		case n != 1:
			return fmt.Errorf("rule %s: has %d of Statement, Commit, Migration, Release; it needs one", r.ID, n)
		case r.Summary == "" || r.Harm == "" || r.Instead == "":
			return fmt.Errorf("rule %s: undocumented: Summary, Harm and Instead are needed", r.ID)
		case r.Severity == onward.Off || r.Category == "":
			return fmt.Errorf("rule %s: has no severity or category", r.ID)
		}
		seen[r.ID] = true
	}
	return nil
}
