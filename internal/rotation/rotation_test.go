package rotation_test

import (
	"slices"
	"strconv"
	"testing"

	"github.com/onward-sql/onward/internal/rotation"
)

// One of n turns runs each case.
func TestPick(t *testing.T) {
	cases := []int{0, 1, 2, 3, 4, 5, 6, 7, 8, 9}
	var all []int
	due := 0
	for turn := range 3 {
		t.Setenv(rotation.Variable, strconv.Itoa(100+turn))
		picked := rotation.Pick(t, 3, cases)
		if len(picked) < 3 || len(picked) > 4 {
			t.Errorf("turn %d: %v", turn, picked)
		}
		all = append(all, picked...)
		if rotation.IsDue(t, 3) {
			due++
		}
	}
	slices.Sort(all)
	if !slices.Equal(all, cases) {
		t.Errorf("three turns take %v", all)
	}
	if due != 1 {
		t.Errorf("a test that one of three runs takes was taken %d times", due)
	}
	t.Setenv(rotation.Variable, "all")
	if picked := rotation.Pick(t, 3, cases); !slices.Equal(picked, cases) {
		t.Errorf("all: %v", picked)
	}
}

// Each case of a test's first choice meets each case of its second.
func TestPickAfter(t *testing.T) {
	met := map[[2]int]int{}
	for turn := range 6 {
		t.Setenv(rotation.Variable, strconv.Itoa(100+turn))
		for _, a := range rotation.Pick(t, 2, []int{0, 1}) {
			for _, b := range rotation.PickAfter(t, 2, 3, []int{0, 1, 2}) {
				met[[2]int{a, b}]++
			}
		}
	}
	if len(met) != 6 {
		t.Errorf("six turns take %v", met)
	}
}
