// Package size turns "grows with the table" into an estimate. The size of a table comes
// from [onward.Stats], the work on it from package effect, and the speed from an
// [onward.Throughput].
//
// The estimates are for planning: one stream of reads and writes, nothing in the cache,
// nobody else on the disk.
package size

import (
	"fmt"

	"github.com/onward-sql/onward/internal/catalog"
	"github.com/onward-sql/onward/onward"
)

// Default is used if nothing was measured or configured: a modest network disk.
var Default = onward.Throughput{Read: 200e6, Write: 100e6}

// fillDefaults fills in the missing speeds.
func fillDefaults(t onward.Throughput) onward.Throughput {
	if t.Read <= 0 {
		t.Read = Default.Read
	}
	if t.Write <= 0 {
		t.Write = Default.Write
	}
	return t
}

// Table is the size of a table, including its partitions.
type Table struct {
	// Rows is -1 if unknown.
	Rows int64
	// Heap, Toast and Index are bytes.
	Heap, Toast, Index int64
	indexes            int
}

// DataBytes returns the size of the table without its indexes.
func (t Table) DataBytes() int64 { return t.Heap + t.Toast }

// TotalBytes returns the size of the table with its indexes.
func (t Table) TotalBytes() int64 { return t.Heap + t.Toast + t.Index }

// Model knows the sizes of a database's tables.
type Model struct {
	tables     map[string]Table // by qualified name
	indexes    map[string]int64 // bytes by qualified name
	settings   map[string]string
	options    map[string]map[string]string // storage parameters by qualified name
	Throughput onward.Throughput
}

// NewModel returns a model of the statistics of a server.
func NewModel(s *onward.Stats, t onward.Throughput) *Model {
	m := &Model{
		tables: make(map[string]Table, len(s.Relations)), indexes: map[string]int64{}, settings: s.Settings,
		options: map[string]map[string]string{}, Throughput: fillDefaults(t),
	}
	parent := make(map[string]string, len(s.Relations))
	for i := range s.Relations {
		r := &s.Relations[i]
		parent[r.Name] = r.Parent
	}
	add := func(name string, table Table) {
		t, known := m.tables[name]
		if !known {
			m.tables[name] = table
			return
		}
		if t.Rows < 0 || table.Rows < 0 {
			t.Rows = -1
		} else {
			t.Rows += table.Rows
		}
		t.Heap, t.Toast, t.Index, t.indexes = t.Heap+table.Heap, t.Toast+table.Toast, t.Index+table.Index, t.indexes+table.indexes
		m.tables[name] = t
	}
	for i := range s.Relations {
		r := &s.Relations[i]
		m.options[r.Name] = r.Options
		table := Table{Rows: r.Rows, Heap: r.HeapBytes, Toast: r.ToastBytes}
		for _, x := range r.Indexes {
			table.Index += x.Bytes
			table.indexes++
			m.indexes[x.Name] = x.Bytes
		}
		if r.Kind == catalog.PartitionedTable.String() {
			// The count of a partitioned table is the sum over its partitions at the last
			// ANALYZE, so it is ignored.
			table = Table{}
		}
		add(r.Name, table)
		seen := map[string]bool{r.Name: true}
		for up := r.Parent; up != "" && !seen[up] && r.Kind != catalog.PartitionedTable.String(); up = parent[up] {
			seen[up] = true
			add(up, table)
		}
	}
	return m
}

// TableSize returns the size of a table; ok is false if it is unknown.
func (m *Model) TableSize(name catalog.Name) (t Table, ok bool) {
	if m == nil {
		return Table{}, false
	}
	t, ok = m.tables[name.Qualified()]
	return t, ok
}

// HasLarger reports whether any table takes at least a number of bytes, with all its
// indexes.
func (m *Model) HasLarger(bytes int64) bool {
	if m == nil {
		return false
	}
	for _, t := range m.tables {
		if t.TotalBytes() >= bytes {
			return true
		}
	}
	return false
}

// TablesBelow lists the tables that take less than a number of bytes, with all their indexes.
func (m *Model) TablesBelow(bytes int64) []string {
	if m == nil {
		return nil
	}
	var out []string
	for name, t := range m.tables {
		if t.TotalBytes() < bytes {
			out = append(out, name)
		}
	}
	return out
}

// Signs are a repository's clues about the size of a table into which no deployed code inserts.
type Signs struct {
	// Most is how many rows a constraint lets the table hold; 0 if none limits them.
	Most int
	// Seeds is how many rows the deployed migrations insert one by one; 0 if none, or if they insert other
	// rows too.
	Seeds int
	// Script is a script of seeds that may insert rows, too; "" for none.
	Script string
	// Whole is a place in the code that reads all rows at once; "" for none.
	Whole string
	// Key is the table's key column if it holds a name or a code; "" if not.
	Key string
}

// GuessReason returns why a table is probably small; "" if the signs do not suffice.
func (s Signs) GuessReason() string {
	switch {
	case s.Most == 1:
		return "a constraint lets it hold one row"
	case s.Most > 0:
		return fmt.Sprintf("a constraint lets it hold %d rows", s.Most)
	case s.Seeds > 0 && s.Script != "":
		return "only migrations and " + s.Script + " fill it"
	case s.Seeds == 1:
		return "only migrations fill it, with one row"
	case s.Seeds > 0:
		return fmt.Sprintf("only migrations fill it, with %d rows", s.Seeds)
	case s.Whole != "" && s.Key != "":
		return fmt.Sprintf("its key is %s, no code inserts into it, and %s reads all rows at once", s.Key, s.Whole)
	}
	return ""
}
