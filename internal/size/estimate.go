package size

import (
	"github.com/onward-sql/onward/internal/catalog"
	"github.com/onward-sql/onward/internal/effect"
	"github.com/onward-sql/onward/onward"
)

// entryBytes is what an entry of an index over a column of eight bytes takes,
// pages nine tenths full.
const entryBytes = 20

// Estimate tells for how long the work on each relation of a result takes, in
// milliseconds: at the same places as the effects, 0 where there is no work or
// nothing is known. now gives the name that an effect's relation has on the
// server, which is another one when the release renames it.
func (m *Model) Estimate(r *effect.Result, now func(*effect.Effect) catalog.Name) []int64 {
	out := make([]int64, len(r.Effects))
	if m == nil {
		return out
	}
	for i := range r.Effects {
		e := &r.Effects[i]
		if e.Created || e.Instant || e.Work() == onward.NoWork || e.Kind == catalog.PartitionedTable {
			continue // a partitioned table has no file: its partitions have effects of their own
		}
		if t, ok := m.Table(now(e)); ok {
			out[i] = m.work(e, t, m.rebuilt(r, e, t, now)).milliseconds(m.Throughput)
		}
	}
	return out
}

// amount is what is read and written, in bytes.
type amount struct{ read, written int64 }

func (a amount) milliseconds(t onward.Throughput) int64 {
	ms := float64(a.read)/float64(t.Read)*1000 + float64(a.written)/float64(t.Write)*1000
	return max(1, int64(ms))
}

// work is what one effect reads and writes.
func (m *Model) work(e *effect.Effect, t Table, rebuilt amount) amount {
	var a amount
	if e.Rewrites {
		// The table is read once and written once, and each index is built
		// from the new file.
		a.read = t.Bytes() + int64(t.indexes)*t.Heap
		a.written = t.Bytes() + t.Index
	} else {
		a.read, a.written = rebuilt.read, rebuilt.written
	}
	if e.BuildsIndex {
		a.read += t.Heap
		if e.Waits {
			a.read += t.Heap // CONCURRENTLY reads the table twice
		}
		if t.Rows > 0 {
			a.written += t.Rows * entryBytes
		}
	}
	if e.Scans && !e.Rewrites && !e.BuildsIndex && rebuilt.read == 0 {
		a.read += t.Heap
	}
	return a
}

// rebuilt is what rebuilding indexes of a table reads and writes: those that
// the result names, else all.
func (m *Model) rebuilt(r *effect.Result, e *effect.Effect, t Table, now func(*effect.Effect) catalog.Name) amount {
	if !e.RebuildsIndex || e.Rewrites {
		return amount{}
	}
	var a amount
	for i := range r.Effects {
		x := &r.Effects[i]
		if x.Kind != catalog.Index || !x.RebuildsIndex {
			continue
		}
		if bytes, ok := m.indexes[now(x).Qualified()]; ok {
			a.read, a.written = a.read+t.Heap, a.written+bytes
		}
	}
	if a.read == 0 {
		return amount{read: max(t.Heap, int64(t.indexes)*t.Heap), written: t.Index}
	}
	return a
}
