package size

import (
	"math"

	"github.com/onward-sql/onward/internal/catalog"
	"github.com/onward-sql/onward/onward"
)

// The costs of a row that a backfill updates. They were measured with the steps of a plan on Postgres 13, 14 and 18, on two
// cores beside other work; docs/stats.md has the figures, and a test compares the WAL with a server.
const (
	// rowMicros is the time for a row, and indexMicros the time for its entry in each index.
	rowMicros, indexMicros = 12.0, 7.0
	// rowWAL is the WAL for a row in addition to its bytes, and indexWAL the WAL for its entry in each index.
	rowWAL, indexWAL = 165, 74
	// addedBytes is by how much a row grows.
	addedBytes = 8
	// sortBytes is the size of a row in the temporary files of an index build.
	sortBytes = 20
	// pageBytes is the size of a page.
	pageBytes = 8192
	// pausePart is the rest of onward apply after a batch beside a load, as a part of its duration.
	pausePart = 0.25
	// lockedWAL is the WAL for a row that is only locked or deleted.
	lockedWAL = 62
)

// BackfillKind says what a backfill does with the rows of its table.
type BackfillKind int

// The kinds of backfills.
const (
	UpdateRows BackfillKind = iota
	DeleteRows
	CopyRows // into another table, with the same indexes
)

// EstimateBackfill estimates the costs of a backfill that goes along the rows of a table in batches of a number of rows. It
// returns nil if the size of the table is unknown.
func (m *Model) EstimateBackfill(name catalog.Name, kind BackfillKind, batch int64) *onward.StepEstimate {
	t, known := m.TableSize(name)
	if !known || t.Rows <= 0 || t.Heap <= 0 {
		return nil
	}
	e := &onward.StepEstimate{Rows: t.Rows, Runs: (t.Rows + batch - 1) / batch}
	row := t.Heap / t.Rows
	read, images := t.Heap+t.Index, t.Heap+t.Index // each page is written once, and a full image of it goes to the WAL
	switch kind {
	case DeleteRows:
		images = t.Heap
		e.WALBytes = t.Rows * lockedWAL
	case CopyRows:
		e.WALBytes = t.Rows*(row+rowWAL+int64(t.indexes)*indexWAL) + t.Toast
		e.DiskBytes = t.TotalBytes()
		images = t.Heap
	default:
		e.WALBytes = t.Rows * (row + addedBytes + rowWAL + int64(t.indexes)*indexWAL)
		e.MaxDiskBytes = t.Rows*(row+addedBytes) + t.Index
	}
	if m.settings["full_page_writes"] != "off" {
		e.WALBytes += images
	}
	micros := rowMicros + indexMicros*float64(t.indexes)
	e.MS = m.backfillTime(t.Rows, micros, amount{read: read, written: e.WALBytes + max(e.MaxDiskBytes, e.DiskBytes)})
	e.RowsPerSecond = int64(float64(t.Rows) / (float64(e.MS) / 1000))
	if kind != CopyRows {
		e.Vacuum = m.estimateVacuum(name, t, e.MS)
	}
	if kind == UpdateRows {
		e.DiskBytes = e.MaxDiskBytes
		if v := e.Vacuum; !v.Off && v.Runs > 0 {
			// It starts at the threshold, and the backfill goes on while it works. The indexes grow all the same.
			e.DiskBytes = min(e.MaxDiskBytes, 2*v.Threshold*(row+addedBytes)+t.Index)
		}
		more := m.estimateExtraWAL(t, e)
		e.MaxWALBytes = e.WALBytes + more
		e.MaxMS = m.backfillTime(t.Rows, micros, amount{read: read + more, written: e.MaxWALBytes + e.MaxDiskBytes})
	}
	return e
}

// backfillTime returns the duration of a backfill in milliseconds, with the pauses of onward apply. A configured rate has them
// already.
func (m *Model) backfillTime(rows int64, micros float64, a amount) int64 {
	if m.Throughput.Rows > 0 {
		return max(1, int64(1000*float64(rows)/float64(m.Throughput.Rows)))
	}
	return int64((float64(rows)*micros/1000 + float64(a.toMilliseconds(m.Throughput))) * (1 + pausePart))
}

// estimateExtraWAL returns how much more WAL a backfill writes if the entries of all indexes but the one of its key come in no
// order, autovacuum writes each page of the indexes in each run, and a later scan writes each page of the table.
func (m *Model) estimateExtraWAL(t Table, e *onward.StepEstimate) (more int64) {
	if m.settings["full_page_writes"] == "off" {
		return 0
	}
	if e.Vacuum != nil {
		more += e.Vacuum.Runs * t.Index
	}
	if m.settings["data_checksums"] == "on" || m.settings["wal_log_hints"] == "on" {
		more += t.Heap
	}
	if t.indexes < 2 {
		return more
	}
	// The first entry in a page after a checkpoint writes a full image of the page. An index doubles on the way.
	pages := 1.5 * float64(t.Index) / float64(t.indexes) / pageBytes
	entries, wal := float64(t.Rows), float64(e.WALBytes+more)
	interval, size := m.checkpointInterval()
	images := 0.0
	for range 50 {
		checkpoints := 1 + max(float64(e.MS)/interval, (wal+images*pageBytes)/size)
		next := float64(t.indexes-1) * pages * -math.Expm1(-entries/checkpoints/pages) * checkpoints
		if math.Abs(next-images) < 1 {
			break
		}
		images = next
	}
	return more + int64(images*pageBytes)
}

// checkpointInterval returns after how many milliseconds a server begins a checkpoint, and after how many bytes of WAL.
func (m *Model) checkpointInterval() (ms, bytes float64) {
	const timeout, size = 300, 1 << 30 // of a new server
	seconds := m.numberSetting("checkpoint_timeout", timeout)
	limit := m.numberSetting("max_wal_size", size)
	return max(seconds, 1) * 1000, max(limit/(1+m.numberSetting("checkpoint_completion_target", 0.9)), pageBytes)
}

// EstimateBuild estimates the costs of an index that is built on a table while others write. ms is the duration of the build. It
// returns nil if the size of the table is unknown.
func (m *Model) EstimateBuild(name catalog.Name, ms int64) *onward.StepEstimate {
	t, known := m.TableSize(name)
	if !known || t.Rows <= 0 {
		return nil
	}
	e := &onward.StepEstimate{Rows: t.Rows, MS: ms, DiskBytes: t.Rows * entryBytes, WALBytes: t.Rows * entryBytes}
	if sorted := t.Rows * sortBytes; float64(sorted) > m.numberSetting("maintenance_work_mem", 64<<20) {
		e.TempBytes = sorted
	}
	return e
}
