package size

import (
	"github.com/onward-sql/onward/internal/catalog"
	"github.com/onward-sql/onward/internal/effect"
	"github.com/onward-sql/onward/onward"
)

// entryBytes is the size of an index entry for a column of eight bytes, with pages filled
// to nine tenths.
const entryBytes = 20

// EstimateWork estimates the duration of the work on each relation of a result, in
// milliseconds. The values have the same order as the effects; 0 means no work or not
// known. now returns the relation's name on the server, which differs if the release
// renames it.
func (m *Model) EstimateWork(r *effect.Result, now func(*effect.Effect) catalog.Name) []int64 {
	out := make([]int64, len(r.Effects))
	if m == nil {
		return out
	}
	for i := range r.Effects {
		e := &r.Effects[i]
		if e.Created || e.Instant || e.HeaviestWork() == onward.NoWork || e.Kind == catalog.PartitionedTable {
			continue // a partitioned table has no file: its partitions have effects of their own
		}
		if t, ok := m.TableSize(now(e)); ok {
			out[i] = m.estimateWork(e, t, m.estimateRebuild(r, e, t, now)).toMilliseconds(m.Throughput)
		}
	}
	return out
}

// amount is the number of bytes read and written.
type amount struct{ read, written int64 }

func (a amount) toMilliseconds(t onward.Throughput) int64 {
	ms := float64(a.read)/float64(t.Read)*1000 + float64(a.written)/float64(t.Write)*1000
	return max(1, int64(ms))
}

// estimateWork returns what one effect reads and writes.
func (m *Model) estimateWork(e *effect.Effect, t Table, rebuilt amount) amount {
	var a amount
	if e.Rewrites {
		// The table is read once and written once. Each index is built from the new file.
		a.read = t.DataBytes() + int64(t.indexes)*t.Heap
		a.written = t.DataBytes() + t.Index
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

// estimateRebuild returns what rebuilding indexes of a table reads and writes: the indexes that
// the result names, else all.
func (m *Model) estimateRebuild(r *effect.Result, e *effect.Effect, t Table, now func(*effect.Effect) catalog.Name) amount {
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
