package view

import (
	"cmp"
	"fmt"
	"math"
	"slices"
	"strings"

	"github.com/onward-sql/onward/internal/prose"
	"github.com/onward-sql/onward/internal/report/escape"
	"github.com/onward-sql/onward/internal/size"
	"github.com/onward-sql/onward/onward"
)

// LeastHarm is how long a relation must be blocked to be mentioned at the top, in milliseconds: every ALTER TABLE
// takes a shorter time.
const LeastHarm = 100

// Lane is a relation on the time axis of a rehearsal: its locks, their statements, and for how long others could not
// use it.
type Lane struct {
	Relation string
	// Bars are the locks, in the order in which they were asked for.
	Bars []Bar
	// ReadsMS and WritesMS are for how long reads and writes had to wait. This includes the time in which a lock was
	// only requested: later queries wait for it in the lock queue.
	ReadsMS, WritesMS float64
	// stallMS is the longest stall of the traffic on the relation, Waits the number of queries in it.
	stallMS float64
	Waits   int
	Rows    int64
	Bytes   int64
}

// Bar is a lock of a lane.
type Bar struct {
	// Statement is the index in Rehearsal.Statements.
	Statement int
	Seen      *onward.Observed
	// Works is the work on the relation under the lock, by the statement itself and by later ones of its
	// transaction.
	Works []Work
}

// Work is a statement's work on the relation of a lane.
type Work struct {
	Statement   int
	Kind        onward.Work
	From, Until float64
}

// MakeLanes returns the relations that others use, most affected first: by the stall of the traffic, then by the time
// for which reads, then writes, were blocked. Relations that the release created are only counted.
func MakeLanes(r *onward.Rehearsal) (out []Lane, created int) {
	at := map[string]int{}
	fresh := map[string]bool{}
	get := func(name string) *Lane {
		i, ok := at[name]
		if !ok {
			i = len(out)
			at[name] = i
			out = append(out, Lane{Relation: name})
		}
		return &out[i]
	}
	for i := range r.Statements {
		s := &r.Statements[i]
		for j := range s.Observed {
			o := &s.Observed[j]
			if o.New {
				fresh[o.Relation] = true
				continue
			}
			l := get(o.Relation)
			at := l.ownerBar(o)
			if at < 0 {
				l.Bars = append(l.Bars, Bar{Statement: i, Seen: o})
				at = len(l.Bars) - 1
			}
			if b := &l.Bars[at]; o.Work != onward.NoWork {
				b.Works = append(b.Works, Work{Statement: i, Kind: o.Work, From: max(s.FromMS, o.FromMS+o.WaitedMS), Until: min(s.UntilMS, o.UntilMS)})
			}
		}
	}
	if r.Traffic != nil {
		for _, s := range r.Traffic.Stalls {
			if i, ok := at[s.Relation]; ok {
				l := &out[i]
				l.stallMS, l.Waits = max(l.stallMS, s.UntilMS-s.FromMS), l.Waits+s.Queries
			}
		}
	}
	for _, t := range r.Tables {
		if i, ok := at[t.Relation]; ok {
			out[i].Rows, out[i].Bytes = t.Rows, t.Bytes
		}
	}
	for i := range out {
		l := &out[i]
		slices.SortStableFunc(l.Bars, func(a, b Bar) int { return cmp.Compare(a.Seen.FromMS, b.Seen.FromMS) })
		l.ReadsMS = l.blockedTime("read")
		l.WritesMS = l.blockedTime("write")
	}
	slices.SortStableFunc(out, func(a, b Lane) int {
		return cmp.Or(cmp.Compare(b.stallMS, a.stallMS), cmp.Compare(b.ReadsMS, a.ReadsMS), cmp.Compare(b.WritesMS, a.WritesMS))
	})
	return out, len(fresh)
}

// ownerBar returns the bar of the lock under which a statement worked on the lane's relation, if an earlier statement
// of its transaction took the lock; -1 if the lock is the statement's own.
func (l *Lane) ownerBar(o *onward.Observed) int {
	if o.HeldSince == nil {
		return -1
	}
	return slices.IndexFunc(l.Bars, func(b Bar) bool { return b.Statement == *o.HeldSince })
}

// FirstBlocking returns the first statement whose lock blocked a kind of query for a significant time; -1 for none.
func (l *Lane) FirstBlocking(kind string) int {
	out, from := -1, math.Inf(1)
	for i := range l.Bars {
		if o := l.Bars[i].Seen; slices.Contains(o.Blocks, kind) && o.UntilMS-o.FromMS >= LeastHarm && o.FromMS < from {
			out, from = l.Bars[i].Statement, o.FromMS
		}
	}
	return out
}

// blockedTime returns for how long a kind of query had to wait: bars that overlap count once.
func (l *Lane) blockedTime(kind string) float64 {
	total, end := 0.0, math.Inf(-1)
	for i := range l.Bars {
		o := l.Bars[i].Seen
		if !slices.Contains(o.Blocks, kind) {
			continue
		}
		if from := max(o.FromMS, end); o.UntilMS > from {
			total += o.UntilMS - from
			end = o.UntilMS
		}
	}
	return total
}

// DescribeBlocking says whom the lane's locks blocked, and for how long.
func (l *Lane) DescribeBlocking() string {
	reads, writes := l.BlocksKind("read"), l.BlocksKind("write")
	switch {
	case reads && l.WritesMS > l.ReadsMS*1.2:
		return "reads " + FormatMillis(l.ReadsMS) + ", writes " + FormatMillis(l.WritesMS)
	case reads:
		return "reads and writes " + FormatMillis(l.ReadsMS)
	case writes:
		return "writes " + FormatMillis(l.WritesMS)
	}
	return "nobody"
}

// BlocksKind reports whether any of the lane's locks blocks a kind of query.
func (l *Lane) BlocksKind(kind string) bool {
	return slices.ContainsFunc(l.Bars, func(b Bar) bool { return slices.Contains(b.Seen.Blocks, kind) })
}

// DescribeBlocked returns whom a lock blocks: "reads", "writes" or "nobody". A lock that blocks reads blocks writes too.
func DescribeBlocked(blocks []string) string {
	switch {
	case slices.Contains(blocks, "read"):
		return "reads"
	case slices.Contains(blocks, "write"):
		return "writes"
	}
	return "nobody"
}

// DescribeHidden describes the lanes that are not shown.
func DescribeHidden(hidden []Lane, created int) []string {
	var parts []string
	if n := len(hidden); n > 0 {
		what := "none blocks anyone"
		if worst := slices.MaxFunc(hidden, func(a, b Lane) int { return cmp.Compare(a.WritesMS, b.WritesMS) }); worst.BlocksKind("write") {
			what = "blocking for up to " + FormatMillis(worst.WritesMS)
		}
		parts = append(parts, prose.CountNoun(n, "more relation")+", "+what)
	}
	if created > 0 {
		parts = append(parts, prose.CountNoun(created, "new relation")+", which nobody uses yet")
	}
	return parts
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

// FindStatement returns the statement that ran; nil if the index is invalid.
func FindStatement(r *onward.Report, run *onward.Rehearsal, i int) (*onward.Migration, *onward.Statement) {
	if i < 0 || i >= len(run.Statements) {
		return nil, nil
	}
	s := &run.Statements[i]
	if s.Migration < 0 || s.Migration >= len(r.Migrations) {
		return nil, nil
	}
	m := &r.Migrations[s.Migration]
	if s.Statement < 0 || s.Statement >= len(m.Statements) {
		return m, nil
	}
	return m, &m.Statements[s.Statement]
}

// NamePlace names a statement by its file and line: "00043_rename.sql:4".
func NamePlace(r *onward.Report, run *onward.Rehearsal, i int) string {
	m, s := FindStatement(r, run, i)
	switch {
	case m == nil:
		return ""
	case s == nil:
		return escape.Line(ShortName(m.Path))
	}
	return NameLine(m.Path, s.Line)
}

// DescribeData describes the data of a rehearsal: "5 tables with 6.0 M rows, seed 1".
func DescribeData(r *onward.Rehearsal) string {
	var rows int64
	tables := 0
	for _, t := range r.Tables {
		if t.Rows > 0 {
			rows += t.Rows
			tables++
		}
	}
	if tables == 0 {
		return "empty tables" + markInvented(r)
	}
	text := prose.CountNoun(tables, "table") + " with " + size.FormatCount(rows) + " rows"
	if rows == 1 {
		text = "1 table with 1 row"
	}
	if r.Base.From == "dump" {
		return text + ", from a dump" + markInvented(r)
	}
	return fmt.Sprintf("%s, seed %d", text, r.Seed) + markInvented(r)
}

// markInvented says that the queries during the release were generated and not recorded.
func markInvented(r *onward.Rehearsal) string {
	if r.Traffic == nil || r.Traffic.Recorded != nil {
		return ""
	}
	return ", invented traffic"
}

// NameServer names the server of a rehearsal: "Postgres 17.11".
func NameServer(r *onward.Rehearsal) string {
	if v := escape.Line(r.Version); v != "" {
		return "Postgres " + v
	}
	return fmt.Sprintf("Postgres %d", r.Postgres)
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
