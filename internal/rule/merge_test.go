package rule

import (
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/onward-sql/onward/onward"
)

func TestMergeByCause(t *testing.T) {
	t.Parallel()
	found := func(line int, fact, cause string) placed {
		return placed{Finding: onward.Finding{Rule: "r", Path: "a.sql", Line: line, Fact: fact, Severity: onward.Error}, cause: cause}
	}
	var in []placed
	for line := 1; line <= 5; line++ {
		in = append(in, found(line, "a", `and %d others do so too, on 100% of "t"`))
	}
	for line := 6; line <= 8; line++ { // three are not many
		in = append(in, found(line, "b", "and %d others do so too, on u"))
	}
	for line := 9; line <= 10; line++ { // two that say the same
		f := found(line, "c", "and %d more")
		f.once = true
		in = append(in, f)
	}
	other := found(11, "d", "and %d more")
	other.once = true
	in = append(in, other)
	type told struct {
		Fact string
		Also int
	}
	var got []told
	for _, f := range merge(in) {
		got = append(got, told{f.Fact, len(f.Also)})
	}
	want := []told{{`a, and 4 others do so too, on 100% of "t"`, 4}, {"b", 0}, {"b", 0}, {"b", 0}, {"c, and 1 more", 1}, {"d", 0}}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Error(diff)
	}
}
