//go:build unix

package main

import (
	"io"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/onward-sql/onward/bench/cost"
)

// A limit for one shape must belong to an existing shape, and have a reason.
func TestLimits(t *testing.T) {
	t.Parallel()
	all := slices.Concat(allShapes(), largestShapes())
	seen := map[string]bool{}
	for _, sh := range all {
		if seen[sh.name] {
			t.Errorf("two shapes are called %s", sh.name)
		}
		seen[sh.name] = true
	}
	for _, l := range limits {
		if (l.figure != "time" && l.figure != "peak") || !seen[l.shape] || l.reason == "" || l.most == 0 {
			t.Errorf("this limit has no shape, no reason or no value: %+v", l)
		}
	}
}

// A row is missed by what a shape's limit does not allow, and by that only.
func TestRow(t *testing.T) {
	t.Parallel()
	sizes := func(first, second time.Duration, peak int64) []size {
		return []size{{n: 1, bytes: 1 << 20, Usage: cost.Usage{CPU: first, Peak: 1 << 20}}, {n: 10, bytes: 10 << 20, Usage: cost.Usage{CPU: second, Peak: peak}}}
	}
	for _, tt := range []struct {
		name  string
		sizes []size
		want  string // "" for kept
	}{
		{"select", sizes(100*time.Millisecond, 1_400*time.Millisecond, 400<<20), ""},
		{"select", sizes(100*time.Millisecond, 1_600*time.Millisecond, 400<<20), "16.0 times the time"},
		{"select", sizes(50*time.Millisecond, 1_600*time.Millisecond, 400<<20), ""},
		{"select", sizes(100*time.Millisecond, 1_400*time.Millisecond, 600<<20), "600 MB of memory"},
		{"do-ifs", sizes(100*time.Millisecond, 2_400*time.Millisecond, 400<<20), ""},
		{"do-ifs", sizes(100*time.Millisecond, 9_000*time.Millisecond, 400<<20), "90.0 times the time"},
		{"do-ifs", sizes(100*time.Millisecond, 2_400*time.Millisecond, 600<<20), "600 MB of memory"},
		{"500000-mixed-json", sizes(100*time.Millisecond, 1_400*time.Millisecond, 550<<20), ""},
		{"31-mb-of-inserts", sizes(100*time.Millisecond, 1_400*time.Millisecond, 400<<20), "400 MB of memory"},
	} {
		var b strings.Builder
		withinLimit := printRow(io.Writer(&b), shape{name: tt.name}, tt.sizes)
		if withinLimit != (tt.want == "") || !strings.Contains(b.String(), tt.want) || withinLimit == strings.Contains(b.String(), "MISSED") {
			t.Errorf("%s: kept %v, want %q in %s", tt.name, withinLimit, tt.want, b.String())
		}
	}
}
