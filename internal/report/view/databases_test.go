package view

import (
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/onward-sql/onward/onward"
)

// The head names the directories of each database, if they belong to several.
func TestDatabasesInHead(t *testing.T) {
	t.Parallel()
	report := func(numbers ...int) *onward.Report {
		r := &onward.Report{}
		for i, dir := range []string{"a/m", "b/m", "c/m"}[:len(numbers)] {
			r.Runners = append(r.Runners, onward.Runner{Dir: dir, Framework: "goose", Tool: "goose", Database: numbers[i]})
			r.Migrations = append(r.Migrations, onward.Migration{Framework: "goose", Path: dir + "/1_a.sql"})
		}
		return r
	}
	for name, tc := range map[string]struct {
		r    *onward.Report
		want []string
	}{
		"one":              {report(0, 0, 0), []string{"run by goose"}},
		"two":              {report(1, 2, 1), []string{"run by goose", "2 databases, judged apart: a/m and c/m; b/m"}},
		"three":            {report(1, 2, 3), []string{"run by goose", "3 databases, judged apart: a/m; b/m; c/m"}},
		"a release of one": {report(2), []string{"run by goose"}},
	} {
		if diff := cmp.Diff(tc.want, DescribeRunners(tc.r, func(p string) string { return p })); diff != "" {
			t.Errorf("%s: DescribeRunners (-want +got):\n%s", name, diff)
		}
	}
}
