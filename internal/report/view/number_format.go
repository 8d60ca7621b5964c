package view

import (
	"fmt"
	"math"
	"strconv"
	"strings"

	"github.com/onward-sql/onward/internal/prose"
	"github.com/onward-sql/onward/internal/size"
	"github.com/onward-sql/onward/onward"
)

// FormatRange returns the range of an estimate.
func FormatRange(e *onward.Estimate) string {
	low, high := strings.TrimPrefix(FormatEstimate(int64(min(e.LowMS, 1e15))), "about "), strings.TrimPrefix(FormatEstimate(int64(min(e.HighMS, 1e15))), "about ")
	if low == high {
		return "about " + low
	}
	return low + " to " + high
}

// CountQueries counts queries: "5,021 queries".
func CountQueries(n int) string { return GroupDigits(n) + " " + prose.Pluralize(int64(n), "query") }

// GroupDigits returns a number with separators between thousands: "5,021".
func GroupDigits(n int) string {
	s := strconv.Itoa(n)
	for i := len(s) - 3; i > 0 && s[i-1] != '-'; i -= 3 {
		s = s[:i] + "," + s[i:]
	}
	return s
}

// DescribeSize is how big a relation is: "81 M rows, 24 GB".
func DescribeSize(e *onward.Effect) string {
	if e.Rows == 0 {
		return size.FormatBytes(e.Bytes)
	}
	return size.FormatCount(e.Rows) + " rows, " + size.FormatBytes(e.Bytes)
}

// DescribeThroughput returns the basis of the estimates: "200 MB/s read, 100 MB/s written".
func DescribeThroughput(s *onward.Sizes) string {
	return size.FormatBytes(s.ReadPerSecond) + "/s read, " + size.FormatBytes(s.WritePerSecond) + "/s written"
}

// FormatEstimate returns a time in milliseconds with the precision of an estimate: "under 1
// s", "about 45 s", "about 2 min", "about 3 h".
func FormatEstimate(ms int64) string {
	s := float64(ms) / 1000
	switch {
	case s < 1:
		return "under 1 s"
	case s < 90:
		return fmt.Sprintf("about %.0f s", s)
	case s <= 90*60:
		return fmt.Sprintf("about %.0f min", s/60)
	case s < 72*3600:
		return fmt.Sprintf("about %.0f h", s/3600)
	}
	return fmt.Sprintf("about %.0f days", s/86400)
}

// FormatMillis is a measured time for people: "0.4 ms", "310 ms", "4.21 s",
// "2 min 5 s".
func FormatMillis(ms float64) string {
	switch {
	case ms <= 0:
		return "0 ms"
	case ms < 9.95:
		return strings.TrimSuffix(fmt.Sprintf("%.1f", max(ms, 0.1)), ".0") + " ms"
	case ms < 999.5:
		return fmt.Sprintf("%.0f ms", ms)
	case ms < 9_995:
		return fmt.Sprintf("%.2f s", ms/1000)
	case ms < 59_950:
		return fmt.Sprintf("%.1f s", ms/1000)
	case ms < 3_599_500:
		s := int(math.Round(ms / 1000))
		return strings.TrimSuffix(fmt.Sprintf("%d min %d s", s/60, s%60), " 0 s")
	}
	m := int(math.Round(min(ms, 1e12) / 60_000))
	return strings.TrimSuffix(fmt.Sprintf("%d h %d min", m/60, m%60), " 0 min")
}
