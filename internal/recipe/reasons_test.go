package recipe_test

import (
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"

	"github.com/onward-sql/onward/internal/golden"
)

// unreachedReasons are the reasons that no release in text shows: the catalog knows all that they miss, or an earlier recipe answers.
var unreachedReasons = []string{
	"the name of a constraint of %s on %s is not known",
	"%s of %s has no last step: it must change over together with a column of another table that has no plan",
	"the index of partition %s is not known",
	"index %s uses %s in a way that is not understood: build its counterpart on %s by hand",
	"what foreign key %s refers to is not known",
	"constraint %s names %s in a way that is not followed",
	"the columns of %s are not known",
	"the sequence of %s is not known",
	// The deployed code is known to package plan.
	"%s: %s. No phase suits both codes: release code that accepts both values, and change the rows after it",
	"%s computes rows of %s from %s, which the deployed code goes on writing: what it writes after that is not among them. ",
}

// TestReasons: each reason for which a change is not proven, of which a user can read, is in the expected steps of a release. One that is no longer
// unreached leaves the list.
func TestReasons(t *testing.T) {
	t.Parallel()
	files, err := filepath.Glob("*.go")
	if err != nil {
		t.Fatal(err)
	}
	steps := golden.ReadFile(t, filepath.Join("testdata", "releases.steps.txt")) + golden.ReadFile(t, filepath.Join("testdata", "rename_on_14.txt"))
	call, verb := regexp.MustCompile(`addMissing\(\s*"((?:[^"\\]|\\.)*)"`), regexp.MustCompile(`%(?:\[\d\])?[a-z]`)
	found, unreached := 0, map[string]bool{}
	for _, reason := range unreachedReasons {
		unreached[reason] = true
	}
	for _, path := range files {
		if strings.HasSuffix(path, "_test.go") {
			continue
		}
		source, err := os.ReadFile(path)
		if err != nil {
			t.Fatal(err)
		}
		for _, m := range call.FindAllStringSubmatch(string(source), -1) {
			reason := strings.ReplaceAll(m[1], `\"`, `"`)
			if reason == "%s" {
				continue
			}
			found++
			words := "  missing: "
			for i, part := range verb.Split(reason, -1) {
				if i > 0 {
					words += ".+"
				}
				words += regexp.QuoteMeta(part)
			}
			if isNamed := regexp.MustCompile(words).MatchString(steps); isNamed == unreached[reason] {
				t.Errorf("%s: %q is in the expected steps: %v", path, reason, isNamed)
			}
		}
	}
	if found < 40 {
		t.Errorf("%d reasons found in the source", found)
	}
}

// A view has row-level security from Postgres 15 on. Before, a table with policies that gets another name has no proven plan.
func TestRenameBefore15(t *testing.T) {
	t.Parallel()
	var got strings.Builder
	deployed := buildScript(t, "CREATE TABLE t (id int PRIMARY KEY); ALTER TABLE t ENABLE ROW LEVEL SECURITY")
	w := stepWriter{out: &got, seen: map[string]bool{}}
	w.writeResults(planChangesOn(t, []int{14}, deployed, "ALTER TABLE t RENAME TO u"))
	golden.CompareFile(t, filepath.Join("testdata", "rename_on_14.txt"), got.String())
}
