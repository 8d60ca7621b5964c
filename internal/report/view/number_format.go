package view

import (
	"fmt"
	"math"
	"path"
	"strconv"
	"strings"

	"github.com/charmbracelet/x/ansi"
	"github.com/onward-sql/onward/internal/prose"
	"github.com/onward-sql/onward/internal/report/escape"
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

// CutText shortens text to a number of bytes, between characters.
func CutText(s string, n int) string {
	if len(s) <= n {
		return s
	}
	for n > 0 && s[n]&0xc0 == 0x80 {
		n--
	}
	return s[:n] + "…"
}

// MeasureText is the width of a text on the screen.
func MeasureText(text string) int {
	for i := 0; i < len(text); i++ {
		if c := text[i]; c < ' ' || c >= 0x7f {
			return ansi.StringWidth(text)
		}
	}
	return len(text)
}

// CutToWidth cuts text to width columns and marks the cut.
func CutToWidth(text string, width int) string {
	if MeasureText(text) <= max(width, 8) {
		return text
	}
	return ansi.Truncate(text, max(width, 8), "…")
}

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

// ShortName returns the shortest name that identifies a migration's file: its name; with
// the directory, if every file has the same name (up.sql), or if its name is a version, in which numbers may begin anew (1.3/0001_x.sql);
// with the application, if the directory does not name it (Django).
func ShortName(file string) string {
	dir, name := path.Split(file)
	dir = strings.TrimSuffix(dir, "/")
	stem, _, _ := strings.Cut(name, ".")
	switch {
	case dir == "":
		return name
	case stem == "up" || stem == "down" || stem == "migration", isVersion(path.Base(dir)):
		return path.Base(dir) + "/" + name
	case strings.HasSuffix(name, ".py") && path.Base(dir) == "migrations" && path.Dir(dir) != ".":
		return path.Base(path.Dir(dir)) + "/" + name
	}
	return name
}

// NameLine names a line by the short name of its file: "00043_rename.sql:4".
func NameLine(file string, line int) string {
	return escape.Line(fmt.Sprintf("%s:%d", ShortName(file), line))
}

// FormatPlace is "path:line:column", or as much of it as is known.
func FormatPlace(path string, line, column int) string {
	switch {
	case line <= 0:
		return path
	case column <= 0:
		return fmt.Sprintf("%s:%d", path, line)
	}
	return fmt.Sprintf("%s:%d:%d", path, line, column)
}

// ShortenRelation is a relation's name for people: the schema public is not named.
func ShortenRelation(name string) string { return escape.Line(strings.TrimPrefix(name, "public.")) }

// isVersion reports whether a directory's name is the number of a version: 1.3, v2, 82.
func isVersion(name string) bool {
	return strings.Trim(strings.TrimPrefix(name, "v"), "0123456789.") == "" && strings.ContainsAny(name, "0123456789")
}

// ChangesetName returns the name of a migration in a file that has several, after a blank; "" for a file that is one migration.
func ChangesetName(m *onward.Migration) string {
	file, rest, found := strings.Cut(m.ID, "::")
	if !found || !strings.HasSuffix(m.Path, file) {
		return ""
	}
	name, _, _ := strings.Cut(rest, "::")
	return " " + escape.Line(name)
}
