package rule

import (
	"slices"
	"strconv"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/onward-sql/onward/onward"
)

func TestMergeByCause(t *testing.T) {
	t.Parallel()
	found := func(line int, fact, cause string) *placedFinding {
		return &placedFinding{Finding: onward.Finding{Rule: "r", Path: "a.sql", Line: line, Fact: fact, Severity: onward.Error}, said: Report{Cause: cause}}
	}
	var in []*placedFinding
	for line := 1; line <= 5; line++ {
		in = append(in, found(line, "a", `and %d others do so too, on 100% of "t"`))
	}
	for line := 6; line <= 8; line++ { // three are not many
		in = append(in, found(line, "b", "and %d others do so too, on u"))
	}
	for line := 9; line <= 10; line++ { // two that say the same
		f := found(line, "c", "and %d more")
		f.said.Once = true
		in = append(in, f)
	}
	other := found(11, "d", "and %d more")
	other.said.Once = true
	in = append(in, other)
	for line := 12; line <= 13; line++ { // two are enough
		f := found(line, "e"+strconv.Itoa(line), "nor %d more")
		f.said.From = 2
		in = append(in, f)
	}
	type told struct {
		Fact string
		Also int
	}
	var got []told
	for _, f := range relateFindings(in, relation{groupByCause, mergeCause}) {
		got = append(got, told{f.Fact, len(f.Also)})
	}
	want := []told{{`a, and 4 others do so too, on 100% of "t"`, 4}, {"b", 0}, {"b", 0}, {"b", 0}, {"c, and 1 more", 1}, {"d", 0}, {"e12, nor 1 more", 1}}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Error(diff)
	}
}

// A lesser finding goes beside an error about the lock of its own statement, and beside no other.
func TestGreater(t *testing.T) {
	t.Parallel()
	makeFinding := func(rule, path string, statement int, category onward.Category, severity onward.Severity) *placedFinding {
		return &placedFinding{
			Finding: onward.Finding{Rule: rule, Path: path, Category: category, Severity: severity},
			order:   [2]int{0, statement},
			said:    Report{Lesser: rule == "lesser"},
		}
	}
	var got []string
	for _, f := range relateFindings([]*placedFinding{
		makeFinding("lesser", "a.sql", 1, onward.InTransaction, onward.Warning), makeFinding("blocks", "a.sql", 1, onward.Locking,
			onward.Error), makeFinding("other", "a.sql", 1, onward.InTransaction, onward.Warning),
		makeFinding("lesser", "a.sql", 2, onward.InTransaction, onward.Warning), makeFinding("blocks", "a.sql", 2, onward.Locking, onward.Warning),
		// suppressed or small
		makeFinding("lesser", "a.sql", 3, onward.InTransaction, onward.Warning), makeFinding("breaks", "a.sql", 3, onward.Compatibility, onward.Error),
		makeFinding("lesser", "b.sql", 1, onward.InTransaction, onward.Warning),
	}, relation{groupByStatement, dropLesser}) {
		got = append(got, f.Path+" "+strconv.Itoa(f.order[1])+" "+f.Rule)
	}
	want := []string{"a.sql 1 blocks", "a.sql 1 other", "a.sql 2 lesser", "a.sql 2 blocks", "a.sql 3 lesser", "a.sql 3 breaks", "b.sql 1 lesser"}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Error(diff)
	}
}

// A migration that itself fails is not "as above" under one whose harm comes later.
func TestMergeLeavesFailuresApart(t *testing.T) {
	t.Parallel()
	var found []*placedFinding
	for _, harm := range []string{"old code fails", "old code fails", "the statement fails", "the statement fails", "old code fails", "old code fails"} {
		found = append(found, &placedFinding{
			Finding: onward.Finding{Rule: "r", Fact: "f", Harm: harm, Severity: onward.Error}, said: Report{Cause: "and %d more"},
		})
	}
	var got []string
	for _, f := range relateFindings(found, relation{groupByCause, mergeCause}) {
		got = append(got, f.Fact+": "+f.Harm)
	}
	want := []string{"f, and 3 more: old code fails", "f: the statement fails", "f: the statement fails"}
	if !slices.Equal(got, want) {
		t.Errorf("%q, want %q", got, want)
	}
}

// A warning yields to an error about a lock in its migration, and to no other.
func TestYield(t *testing.T) {
	t.Parallel()
	makeFinding := func(path string, category onward.Category, severity onward.Severity) *placedFinding {
		return &placedFinding{
			Finding: onward.Finding{Path: path, Category: category, Severity: severity},
			said:    Report{Yields: category == onward.Locking && severity == onward.Warning},
		}
	}
	var got []onward.Severity
	for _, f := range relateFindings([]*placedFinding{
		makeFinding("a.sql", onward.Locking, onward.Warning), makeFinding("a.sql", onward.InTransaction, onward.Error),
		makeFinding("a.sql", onward.InTransaction, onward.Warning),
		makeFinding("b.sql", onward.Locking, onward.Warning), makeFinding("b.sql", onward.Compatibility, onward.Error),
		makeFinding("c.sql", onward.Locking, onward.Warning),
	}, relation{groupByPath, lowerYielding}) {
		got = append(got, f.Severity)
	}
	want := []onward.Severity{onward.Info, onward.Error, onward.Warning, onward.Warning, onward.Error, onward.Warning}
	if !slices.Equal(got, want) {
		t.Errorf("%v, want %v", got, want)
	}
}

// The noun of a cause is in the singular for one other finding.
func TestCountOthers(t *testing.T) {
	t.Parallel()
	for cause, want := range map[string][2]string{
		"nor in %d other migrations":                      {"nor in 1 other migration", "nor in 2 other migrations"},
		"and so do %d others on t":                        {"and so do 1 other on t", "and so do 2 others on t"},
		"and so do %d other foreign keys":                 {"and so do 1 other foreign key", "and so do 2 other foreign keys"},
		"and %d more on t are too":                        {"and 1 more on t are too", "and 2 more on t are too"},
		"and %d other index builds do so too, on t_items": {"and 1 other index build do so too, on t_items", "and 2 other index builds do so too, on t_items"},
	} {
		if single, several := countOthers(cause, 1), countOthers(cause, 2); single != want[0] || several != want[1] {
			t.Errorf("countOthers(%q) of 1 and of 2 = %q and %q, want %q", cause, single, several, want)
		}
	}
}
