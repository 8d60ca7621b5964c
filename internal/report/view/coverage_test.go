package view

import (
	"testing"

	"github.com/onward-sql/onward/onward"
)

// TestCoverage holds that a report says how much of a code its queries are, and nothing of
// what there is none of.
func TestCoverage(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		of   onward.Verified
		want string
	}{
		{onward.Verified{
			Queries:   214,
			Checked:   31,
			Untouched: 172,
			Unfit:     11,
			Parsed:    &onward.Parsed{Revision: "main", Files: 1203, Texts: 180, Implied: 34, Models: 12, Open: 42, Built: 13, Bare: 2},
		},
			"at main: 214 queries read from 1203 files (180 in SQL, 34 that 12 models imply), 31 checked, 172 proven untouched; " +
				"not looked at: 42 put together as the program runs, 13 built by calls of a mapper, 2 of models that do not say their columns, 11 that fit another schema"},
		{onward.Verified{Queries: 1, Parsed: &onward.Parsed{Revision: "v1", Files: 1, Texts: 1}}, "at v1: 1 query read from 1 file (1 in SQL)"},
		{onward.Verified{Parsed: &onward.Parsed{Revision: "v1", Open: 3}}, "at v1: 0 queries read from 0 files; not looked at: 3 put together as the program runs"},
	} {
		if got := DescribeCoverage(&c.of); got != c.want {
			t.Errorf("got\n%s\nwant\n%s", got, c.want)
		}
	}
	d := onward.Verdict{Sender: "a.go:1"}
	if got := DescribeSender(&d); got != "a.go:1" {
		t.Errorf("DescribeSender = %q, want %q", got, d.Sender)
	}
	w := onward.Waiting{Relations: []string{"users"}, Queries: 2, Examples: []onward.WaitingQuery{{Sender: "a.go:1"}}}
	if got := waitingWords(&w); got != "blocks 2 queries on users, such as a.go:1" {
		t.Errorf("waitingWords = %q, want the 2 queries on users and the example", got)
	}
}
