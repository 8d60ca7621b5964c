package fill

import "fmt"

// TooMuchError says that the rows need more space than there is.
type TooMuchError struct {
	// Bytes is the size of all rows, and Room the limit. Table is the largest relation, and Of its size.
	Bytes, Room int64
	Table       string
	Of          int64
}

func (e *TooMuchError) Error() string {
	return fmt.Sprintf("the rows would take %d bytes, %d of them in %s; there is room for %d", e.Bytes, e.Of, e.Table, e.Room)
}

const (
	rowOverhead = 28 // bytes of a row's header and line pointer
	keyOverhead = 16 // bytes of a row's entry in an index, without the key
	// spare is the free space in pages, and the size of non-unique indexes, in percent.
	spare = 20
)

// widths are the sizes of values in bytes, by type; all others are texts.
var widths = map[string]int64{
	"bool": 1, "int2": 2, "int4": 4, "int8": 8, "oid": 4, "float4": 4, "float8": 8, "numeric": 8, "money": 8, "date": 4, "timestamp": 8, "timestamptz": 8,
	"time": 8, "timetz": 12, "interval": 16, "uuid": 16, "inet": 8, "json": 60, "jsonb": 60, "tsvector": 60, "vector": 1000,
}

const textWidth = 24

func (f *filler) columnWidth(c *column) int64 {
	t, _ := f.schema.resolveDomain(c.typ, c.typmod)
	switch {
	case t == nil:
		return textWidth
	case t.kind == 'e':
		return 4
	case widths[t.name] > 0:
		return widths[t.name]
	}
	return textWidth
}

// checkRoom refuses a plan whose rows would not fit, and records their total size.
func (f *filler) checkRoom() error {
	e := &TooMuchError{Room: f.release.Room}
	for _, t := range f.schema.tables {
		each := int64(rowOverhead)
		for _, c := range t.columns {
			each += f.columnWidth(c)
		}
		for _, k := range t.keys {
			each += keyOverhead
			for _, i := range k.columns {
				if i >= 0 {
					each += f.columnWidth(t.columns[i])
				}
			}
		}
		t.each = each * (100 + spare) / 100
		bytes := t.each * t.rows
		if e.Bytes += bytes; bytes > e.Of {
			e.Table, e.Of = t.name(), bytes
		}
	}
	f.all = e.Bytes
	if e.Room > 0 && e.Bytes > e.Room {
		return e
	}
	return nil
}

// Progress is the progress of a fill.
type Progress struct {
	// Table is the table being filled, with Rows of Of rows done.
	Table    string
	Rows, Of int64
	// Done and All are approximate bytes.
	Done, All int64
}

// reportProgress reports the progress of the current table.
func (f *filler) reportProgress(rows int64) {
	if t := f.loading; t != nil && f.release.Told != nil {
		f.release.Told(Progress{Table: t.name(), Rows: rows, Of: t.rows, Done: f.done + rows*t.each, All: f.all})
	}
}

// setCurrentTable makes a table the current one until end is called.
func (f *filler) setCurrentTable(t *table) (end func()) {
	f.loading = t
	took := t.rows * t.each
	return func() {
		f.loading = nil
		f.done += took
	}
}
