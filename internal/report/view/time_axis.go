package view

import (
	"fmt"
	"strings"

	"github.com/onward-sql/onward/onward"
)

// TimelineEnd returns the end of the time axis, in milliseconds: the latest end of anything, and never zero.
func TimelineEnd(r *onward.Rehearsal) float64 {
	end := max(r.DurationMS, 1)
	for i := range r.Statements {
		end = max(end, r.Statements[i].UntilMS)
		for j := range r.Statements[i].Observed {
			end = max(end, r.Statements[i].Observed[j].UntilMS)
		}
	}
	for _, t := range r.Transactions {
		end = max(end, t.UntilMS)
	}
	return min(end, longest)
}

// longest bounds the axis: a report is a file, and its values are not trusted.
const longest = 366 * 86_400_000

// ListAxisMarks returns the marks of a time axis: 0 and at most n more, at a round distance.
func ListAxisMarks(end float64, n int) []float64 {
	step := roundSteps[len(roundSteps)-1]
	for _, s := range roundSteps {
		if end/s <= float64(n) {
			step = s
			break
		}
	}
	for end/step > float64(n) {
		step *= 2
	}
	out := []float64{0}
	for i := 1; float64(i)*step <= end; i++ {
		out = append(out, float64(i)*step)
	}
	return out
}

// roundSteps are distances that are easy to read, in milliseconds.
var roundSteps = []float64{
	0.2, 0.5, 1, 2, 5, 10, 20, 50, 100, 200, 500, 1_000, 2_000, 5_000, 10_000, 15_000, 30_000,
	60_000, 120_000, 300_000, 600_000, 1_800_000, 3_600_000, 7_200_000, 21_600_000, 86_400_000,
}

// FormatTick labels a mark: "0", "500 ms", "2 s", "1.5 s", "5 min".
func FormatTick(ms float64) string {
	switch {
	case ms == 0:
		return "0"
	case ms < 1000:
		return strings.TrimSuffix(fmt.Sprintf("%.1f", ms), ".0") + " ms"
	case ms < 60_000:
		return strings.TrimSuffix(fmt.Sprintf("%.1f", ms/1000), ".0") + " s"
	}
	return FormatMillis(ms)
}
