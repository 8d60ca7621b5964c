package view

import (
	"cmp"
	"math"
	"slices"

	"github.com/onward-sql/onward/internal/prose"
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
	indexByRelation := map[string]int{}
	fresh := map[string]bool{}
	get := func(name string) *Lane {
		i, ok := indexByRelation[name]
		if !ok {
			i = len(out)
			indexByRelation[name] = i
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
			barIndex := l.ownerBar(o)
			if barIndex < 0 {
				l.Bars = append(l.Bars, Bar{Statement: i, Seen: o})
				barIndex = len(l.Bars) - 1
			}
			if b := &l.Bars[barIndex]; o.Work != onward.NoWork {
				b.Works = append(b.Works, Work{Statement: i, Kind: o.Work, From: max(s.FromMS, o.FromMS+o.WaitedMS), Until: min(s.UntilMS, o.UntilMS)})
			}
		}
	}
	if r.Traffic != nil {
		for _, s := range r.Traffic.Stalls {
			if i, ok := indexByRelation[s.Relation]; ok {
				l := &out[i]
				l.stallMS, l.Waits = max(l.stallMS, s.UntilMS-s.FromMS), l.Waits+s.Queries
			}
		}
	}
	for _, t := range r.Tables {
		if i, ok := indexByRelation[t.Relation]; ok {
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
		blocking := "none blocks anyone"
		if worst := slices.MaxFunc(hidden, func(a, b Lane) int { return cmp.Compare(a.WritesMS, b.WritesMS) }); worst.BlocksKind("write") {
			blocking = "blocking for up to " + FormatMillis(worst.WritesMS)
		}
		parts = append(parts, prose.CountNoun(n, "more relation")+", "+blocking)
	}
	if created > 0 {
		parts = append(parts, prose.CountNoun(created, "new relation")+", which nobody uses yet")
	}
	return parts
}
