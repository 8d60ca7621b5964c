//go:build unix

package main

import (
	"errors"
	"fmt"
	"os"
	"slices"
	"strings"
	"testing"

	"github.com/onward-sql/onward/internal/component"
	"github.com/onward-sql/onward/internal/rotation"
)

// mended are shapes that took the square or the cube of their size once.
var mended = []string{
	"one-table-trigger", "one-table-policy", "one-table-rule", "one-table-check", "one-table-validate",
	"function-overloads", "enum-value", "savepoints", "suppressions", "suppressions-file", "suppressions-one-statement",
	"drop-view-unknown", "add-checks", "table-checks", "table-unique", "index-columns", "drop-functions",
	"do-statements", "do-executes", "chain-view-altered", "partitions-altered",
}

// TestWork counts how often each place of the program runs for inputs of one size
// and of four: no load of the machine changes that.
func TestWork(t *testing.T) {
	t.Parallel()
	if os.Getenv("ONWARD_REQUIRE") == "" {
		component.NeedSetup(t, errors.New("it builds onward with counters, which takes a minute: ONWARD_REQUIRE=1 runs it"))
	}
	if !rotation.IsDue(t, 3) {
		return
	}
	root := t.TempDir()
	binary, err := buildWithCounters(t.Context(), root)
	if err != nil {
		t.Fatal(err)
	}
	seen := 0
	for _, sh := range allShapes() {
		if !slices.Contains(mended, sh.name) {
			continue
		}
		seen++
		found, err := findExcessiveBlocks(t.Context(), binary, root, sh)
		if err != nil {
			t.Fatalf("count the blocks of shape %s: %v", sh.name, err)
		}
		for _, b := range found {
			t.Errorf("%s: %s ran %d times, %.1f times as often as for a quarter of the input", sh.name, b.place, b.large, b.growthFactor())
		}
	}
	if seen != len(mended) {
		t.Errorf("%d of %d shapes are there", seen, len(mended))
	}
	// A walk over all statements at each one is found.
	quadratic := manyStatements("nested", 1_000, "", "SELECT 1;\n")
	quadratic.make = func(in *input, n int) {
		in.beginFile("1.sql")
		for i := range n {
			in.printText("SELECT " + strings.Repeat("1 + ", i) + fmt.Sprint(i) + ";\n")
		}
		in.args = []string{"check", "1.sql"}
	}
	found, err := findExcessiveBlocks(t.Context(), binary, root, quadratic)
	if err != nil || len(found) == 0 {
		t.Errorf("a file that grows with the square of its statements is not told: %v", err)
	}
}
