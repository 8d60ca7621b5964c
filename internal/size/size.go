// Package size turns "grows with the table" into an estimate: how big a table
// is comes from [onward.Stats], what is done to it from package effect, how
// fast that goes from an [onward.Throughput].
//
// The estimates are for planning: one stream of reads and writes, nothing in
// the cache, nobody else on the disk.
package size

import (
	"github.com/onward-sql/onward/internal/catalog"
	"github.com/onward-sql/onward/onward"
)

// Default is what holds where nothing was measured or configured: a modest
// network disk.
var Default = onward.Throughput{Read: 200e6, Write: 100e6}

// orDefault fills what is not set.
func orDefault(t onward.Throughput) onward.Throughput {
	if t.Read <= 0 {
		t.Read = Default.Read
	}
	if t.Write <= 0 {
		t.Write = Default.Write
	}
	return t
}

// Table is how big a table is: with its partitions, if it has any.
type Table struct {
	// Rows is -1 when they are not known.
	Rows int64
	// Heap, Toast and Index are bytes.
	Heap, Toast, Index int64
	indexes            int
}

// Bytes is what the table holds, without its indexes.
func (t Table) Bytes() int64 { return t.Heap + t.Toast }

// Total is all that the table takes on the disk.
func (t Table) Total() int64 { return t.Heap + t.Toast + t.Index }

// Model knows the tables of a database.
type Model struct {
	tables     map[string]Table // by qualified name
	indexes    map[string]int64 // bytes by qualified name
	Throughput onward.Throughput
}

// New makes a model of what was read from a server.
func New(s *onward.Stats, t onward.Throughput) *Model {
	m := &Model{tables: make(map[string]Table, len(s.Relations)), indexes: map[string]int64{}, Throughput: orDefault(t)}
	parent := make(map[string]string, len(s.Relations))
	for i := range s.Relations {
		r := &s.Relations[i]
		parent[r.Name] = r.Parent
	}
	add := func(name string, of Table) {
		t, known := m.tables[name]
		if !known {
			m.tables[name] = of
			return
		}
		if t.Rows < 0 || of.Rows < 0 {
			t.Rows = -1
		} else {
			t.Rows += of.Rows
		}
		t.Heap, t.Toast, t.Index, t.indexes = t.Heap+of.Heap, t.Toast+of.Toast, t.Index+of.Index, t.indexes+of.indexes
		m.tables[name] = t
	}
	for i := range s.Relations {
		r := &s.Relations[i]
		of := Table{Rows: r.Rows, Heap: r.HeapBytes, Toast: r.ToastBytes}
		for _, x := range r.Indexes {
			of.Index += x.Bytes
			of.indexes++
			m.indexes[x.Name] = x.Bytes
		}
		if r.Kind == catalog.PartitionedTable.String() {
			// Its own count is that of all partitions, as of the last ANALYZE.
			of = Table{}
		}
		add(r.Name, of)
		seen := map[string]bool{r.Name: true}
		for up := r.Parent; up != "" && !seen[up] && r.Kind != catalog.PartitionedTable.String(); up = parent[up] {
			seen[up] = true
			add(up, of)
		}
	}
	return m
}

// Table tells how big a table is; ok is false when nothing is known of it.
func (m *Model) Table(name catalog.Name) (t Table, ok bool) {
	if m == nil {
		return Table{}, false
	}
	t, ok = m.tables[name.Qualified()]
	return t, ok
}

// Below lists the tables that take less than a number of bytes, with all
// their indexes.
func (m *Model) Below(bytes int64) []string {
	if m == nil {
		return nil
	}
	var out []string
	for name, t := range m.tables {
		if t.Total() < bytes {
			out = append(out, name)
		}
	}
	return out
}
