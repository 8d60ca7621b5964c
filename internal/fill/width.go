package fill

import "fmt"

// TooMuchError says that the rows would take more room than there is for them.
type TooMuchError struct {
	// Bytes is what all of them take, Table the relation that takes most, and Of what it does.
	Bytes, Room int64
	Table       string
	Of          int64
}

func (e *TooMuchError) Error() string {
	return fmt.Sprintf("the rows would take %d bytes, %d of them in %s; there is room for %d", e.Bytes, e.Of, e.Table, e.Room)
}

const (
	rowOverhead = 28 // its header, and where the page says that it is
	keyOverhead = 16
	// spare is what pages leave free, and indexes that are not unique take, in percent.
	spare = 20
)

// widths are the bytes of a value of a type; others are texts.
var widths = map[string]int64{
	"bool": 1, "int2": 2, "int4": 4, "int8": 8, "oid": 4, "float4": 4, "float8": 8, "numeric": 8, "money": 8, "date": 4, "timestamp": 8, "timestamptz": 8,
	"time": 8, "timetz": 12, "interval": 16, "uuid": 16, "inet": 8, "json": 60, "jsonb": 60, "tsvector": 60, "vector": 1000,
}

const textWidth = 24

func (f *filler) width(c *column) int64 {
	t, _ := f.schema.resolved(c.typ, c.typmod)
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

// room refuses a plan whose rows would not fit, and notes what all of them take.
func (f *filler) room() error {
	e := &TooMuchError{Room: f.release.Room}
	for _, t := range f.schema.tables {
		each := int64(rowOverhead)
		for _, c := range t.columns {
			each += f.width(c)
		}
		for _, k := range t.keys {
			each += keyOverhead
			for _, i := range k.columns {
				if i >= 0 {
					each += f.width(t.columns[i])
				}
			}
		}
		t.each = each * (100 + spare) / 100
		of := t.each * t.rows
		if e.Bytes += of; of > e.Of {
			e.Table, e.Of = t.name(), of
		}
	}
	f.all = e.Bytes
	if e.Room > 0 && e.Bytes > e.Room {
		return e
	}
	return nil
}

// Progress is how far a fill has come.
type Progress struct {
	// Table is the one that is filled, with Rows of Of.
	Table    string
	Rows, Of int64
	// Done and All are bytes, about.
	Done, All int64
}

// tell says how far the table that is loaded has come.
func (f *filler) tell(rows int64) {
	if t := f.loading; t != nil && f.release.Told != nil {
		f.release.Told(Progress{Table: t.name(), Rows: rows, Of: t.rows, Done: f.done + rows*t.each, All: f.all})
	}
}

// loads makes a table the one that is loaded, until end is called.
func (f *filler) loads(t *table) (end func()) {
	f.loading = t
	took := t.rows * t.each
	return func() {
		f.loading = nil
		f.done += took
	}
}
