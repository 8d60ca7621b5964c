package size

import (
	"fmt"
	"math"
	"strconv"
	"strings"

	"github.com/onward-sql/onward/internal/catalog"
	"github.com/onward-sql/onward/internal/effect"
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

// estimateVacuum estimates what autovacuum does while a step makes each row of a table dead once, within a time in
// milliseconds.
func (m *Model) estimateVacuum(name catalog.Name, t Table, ms int64) *onward.VacuumEstimate {
	v := &onward.VacuumEstimate{DeadRows: t.Rows}
	options := m.options[name.Qualified()]
	if m.settings["autovacuum"] == "off" || m.settings["track_counts"] == "off" || isFalse(options["autovacuum_enabled"]) {
		v.Off = true
		return v
	}
	setting := func(name string, value float64) float64 {
		if n, err := strconv.ParseFloat(options[name], 64); err == nil {
			return n
		}
		return m.numberSetting(name, value)
	}
	_, known := m.settings["autovacuum_vacuum_scale_factor"]
	v.Assumed = !known && options["autovacuum_vacuum_scale_factor"] == ""
	threshold := setting("autovacuum_vacuum_threshold", 50) + setting("autovacuum_vacuum_scale_factor", 0.2)*float64(t.Rows)
	if limit := setting("autovacuum_vacuum_max_threshold", -1); limit >= 0 { // from 18 on
		threshold = min(threshold, limit)
	}
	v.Threshold = int64(max(threshold, 1))
	if v.Runs = t.Rows / v.Threshold; v.Runs > 0 {
		part := float64(v.Threshold) / float64(t.Rows)
		v.FirstMS = int64(float64(ms) * part)
		v.ReadBytes = int64(float64(t.Heap)*part) + t.Index
	}
	return v
}

// isFalse reports whether a storage parameter is false, as Postgres reads it.
func isFalse(value string) bool {
	switch strings.ToLower(value) {
	case "false", "off", "no", "0", "f", "n":
		return true
	}
	return false
}

// units are those that the server's settings have, as numbers of bytes or seconds.
var units = []struct {
	suffix string
	factor float64
}{
	{" × 8kB", 8192}, {"TB", 1 << 40}, {"GB", 1 << 30}, {"MB", 1 << 20}, {"kB", 1 << 10}, {"B", 1}, {"ms", 1e-3}, {"min", 60}, {"s", 1}, {"", 1},
}

// numberSetting returns a setting of the server in bytes or seconds, or a value if it is not known.
func (m *Model) numberSetting(name string, value float64) float64 {
	text := m.settings[name]
	for _, u := range units {
		if number, found := strings.CutSuffix(text, u.suffix); found {
			if n, err := strconv.ParseFloat(strings.TrimSpace(number), 64); err == nil {
				return n * u.factor
			}
		}
	}
	return value
}

// FormatBytes formats a size for people: "24 GB", in powers of 1000.
func FormatBytes(n int64) string {
	return formatScaled(n, []string{" B", " kB", " MB", " GB", " TB", " PB"})
}

// FormatCount formats a count for people: "81 M".
func FormatCount(n int64) string { return formatScaled(n, []string{"", " k", " M", " G", " T"}) }

// formatScaled formats a number below ten with one decimal place, others with none.
func formatScaled(n int64, units []string) string {
	v, u := float64(n), 0
	for v >= 999.5 && u < len(units)-1 {
		v, u = v/1000, u+1
	}
	text := fmt.Sprintf("%.0f", v)
	if v < 9.95 && u > 0 {
		text = strings.TrimSuffix(fmt.Sprintf("%.1f", v), ".0")
	}
	return text + units[u]
}
