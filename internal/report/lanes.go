package report

import (
	"cmp"
	"fmt"
	"math"
	"slices"
	"strings"

	"github.com/onward-sql/onward/internal/prose"
	"github.com/onward-sql/onward/internal/size"
	"github.com/onward-sql/onward/onward"
)

// lane is a relation on the time axis of a rehearsal: its locks, their statements, and for how long others could not
// use it.
type lane struct {
	relation string
	// bars are the locks, in the order in which they were asked for.
	bars []bar
	// readsMS and writesMS are for how long reads and writes had to wait. This includes the time in which a lock was
	// only requested: later queries wait for it in the lock queue.
	readsMS, writesMS float64
	// stallMS is the longest stall of the traffic on the relation, waited the number of queries in it.
	stallMS float64
	waits   int
	rows    int64
	bytes   int64
}

// bar is a lock of a lane.
type bar struct {
	// statement is the index in Rehearsal.Statements.
	statement int
	seen      *onward.Observed
	// works is the work on the relation under the lock, by the statement itself and by later ones of its
	// transaction.
	works []work
}

// work is a statement's work on the relation of a lane.
type work struct {
	statement   int
	kind        onward.Work
	from, until float64
}

// makeLanes returns the relations that others use, most affected first: by the stall of the traffic, then by the time
// for which reads, then writes, were blocked. Relations that the release created are only counted.
func makeLanes(r *onward.Rehearsal) (out []lane, created int) {
	at := map[string]int{}
	fresh := map[string]bool{}
	get := func(name string) *lane {
		i, ok := at[name]
		if !ok {
			i = len(out)
			at[name] = i
			out = append(out, lane{relation: name})
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
				l.bars = append(l.bars, bar{statement: i, seen: o})
				at = len(l.bars) - 1
			}
			if b := &l.bars[at]; o.Work != onward.NoWork {
				b.works = append(b.works, work{statement: i, kind: o.Work, from: max(s.FromMS, o.FromMS+o.WaitedMS), until: min(s.UntilMS, o.UntilMS)})
			}
		}
	}
	if r.Traffic != nil {
		for _, s := range r.Traffic.Stalls {
			if i, ok := at[s.Relation]; ok {
				l := &out[i]
				l.stallMS, l.waits = max(l.stallMS, s.UntilMS-s.FromMS), l.waits+s.Queries
			}
		}
	}
	for _, t := range r.Tables {
		if i, ok := at[t.Relation]; ok {
			out[i].rows, out[i].bytes = t.Rows, t.Bytes
		}
	}
	for i := range out {
		l := &out[i]
		slices.SortStableFunc(l.bars, func(a, b bar) int { return cmp.Compare(a.seen.FromMS, b.seen.FromMS) })
		l.readsMS = l.blockedTime("read")
		l.writesMS = l.blockedTime("write")
	}
	slices.SortStableFunc(out, func(a, b lane) int {
		return cmp.Or(cmp.Compare(b.stallMS, a.stallMS), cmp.Compare(b.readsMS, a.readsMS), cmp.Compare(b.writesMS, a.writesMS))
	})
	return out, len(fresh)
}

// ownerBar returns the bar of the lock under which a statement worked on the lane's relation, if an earlier statement
// of its transaction took the lock; -1 if the lock is the statement's own.
func (l *lane) ownerBar(o *onward.Observed) int {
	if o.HeldSince == nil {
		return -1
	}
	return slices.IndexFunc(l.bars, func(b bar) bool { return b.statement == *o.HeldSince })
}

// firstBlocking returns the first statement whose lock blocked a kind of query for a significant time; -1 for none.
func (l *lane) firstBlocking(kind string) int {
	out, from := -1, math.Inf(1)
	for i := range l.bars {
		if o := l.bars[i].seen; slices.Contains(o.Blocks, kind) && o.UntilMS-o.FromMS >= leastHarm && o.FromMS < from {
			out, from = l.bars[i].statement, o.FromMS
		}
	}
	return out
}

// blockedTime returns for how long a kind of query had to wait: bars that overlap count once.
func (l *lane) blockedTime(kind string) float64 {
	total, end := 0.0, math.Inf(-1)
	for i := range l.bars {
		o := l.bars[i].seen
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

// describeBlocking says whom the lane's locks blocked, and for how long.
func (l *lane) describeBlocking() string {
	reads, writes := l.blocksKind("read"), l.blocksKind("write")
	switch {
	case reads && l.writesMS > l.readsMS*1.2:
		return "reads " + FormatMillis(l.readsMS) + ", writes " + FormatMillis(l.writesMS)
	case reads:
		return "reads and writes " + FormatMillis(l.readsMS)
	case writes:
		return "writes " + FormatMillis(l.writesMS)
	}
	return "nobody"
}

// blocksKind reports whether any of the lane's locks blocks a kind of query.
func (l *lane) blocksKind(kind string) bool {
	return slices.ContainsFunc(l.bars, func(b bar) bool { return slices.Contains(b.seen.Blocks, kind) })
}

// describeBlocked returns whom a lock blocks: "reads", "writes" or "nobody". A lock that blocks reads blocks writes too.
func describeBlocked(blocks []string) string {
	switch {
	case slices.Contains(blocks, "read"):
		return "reads"
	case slices.Contains(blocks, "write"):
		return "writes"
	}
	return "nobody"
}

// describeHidden describes the lanes that are not shown.
func describeHidden(hidden []lane, created int) []string {
	var parts []string
	if n := len(hidden); n > 0 {
		what := "none blocks anyone"
		if worst := slices.MaxFunc(hidden, func(a, b lane) int { return cmp.Compare(a.writesMS, b.writesMS) }); worst.blocksKind("write") {
			what = "blocking for up to " + FormatMillis(worst.writesMS)
		}
		parts = append(parts, prose.CountNoun(n, "more relation")+", "+what)
	}
	if created > 0 {
		parts = append(parts, prose.CountNoun(created, "new relation")+", which nobody uses yet")
	}
	return parts
}

// timelineEnd returns the end of the time axis, in milliseconds: the latest end of anything, and never zero.
func timelineEnd(r *onward.Rehearsal) float64 {
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

// statementAt returns the statement that ran; nil if the index is invalid.
func statementAt(r *onward.Report, run *onward.Rehearsal, i int) (*onward.Migration, *onward.Statement) {
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

// shortPlace names a statement by its file and line: "00043_rename.sql:4".
func shortPlace(r *onward.Report, run *onward.Rehearsal, i int) string {
	m, s := statementAt(r, run, i)
	switch {
	case m == nil:
		return ""
	case s == nil:
		return EscapeLine(ShortName(m.Path))
	}
	return nameLine(m.Path, s.Line)
}

// describeData describes the data of a rehearsal: "5 tables with 6.0 M rows, seed 1".
func describeData(r *onward.Rehearsal) string {
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

// nameServer names the server of a rehearsal: "Postgres 17.11".
func nameServer(r *onward.Rehearsal) string {
	if v := EscapeLine(r.Version); v != "" {
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

// axisMarks returns the marks of a time axis: 0 and at most n more, at a round distance.
func axisMarks(end float64, n int) []float64 {
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

// tickWords labels a mark: "0", "500 ms", "2 s", "1.5 s", "5 min".
func tickWords(ms float64) string {
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
