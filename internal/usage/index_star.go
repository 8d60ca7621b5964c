package usage

import (
	"path"
	"slices"

	"github.com/onward-sql/onward/internal/catalog"
)

// Starred is a query that reads all columns of a relation where one more, or one less,
// makes it fail.
type Starred struct {
	Star
	Path string
	// Keeps: what fails is the plan that a connection keeps, until it is closed.
	Keeps bool
}

// Stars gives the queries that read all columns of a relation into as many places as
// there are, or into structs that have no field for a new column; "" asks of one that
// goes. Those of Rust's sqlx fail at the plan that they keep.
func (b *Bound) Stars(n catalog.Name, column string) []Starred {
	var found, out []Starred
	b.eachFile(func(f *File) {
		for _, s := range f.Facts.Stars {
			if b.is(s.Schema, s.Name, n) {
				found = append(found, Starred{Star: s, Path: f.Path, Keeps: path.Ext(f.Path) == ".rs"})
			}
		}
	})
	if len(found) == 0 {
		return nil
	}
	known := b.rowsKnow(column)
	width := b.Width(n)
	for _, s := range found {
		fails := s.Keeps && known.rust
		if !s.Keeps {
			fails = width > 0 && s.Others > 0 && slices.Contains(s.Scans, width+s.Others-1) || !known.column && known.fails(&s.Star, column)
		}
		if fails {
			out = append(out, s)
		}
	}
	return out
}

// rowsKnown is what the code says of rows wherever it reads them.
type rowsKnown struct {
	sqlx, rust bool // it works with sqlx, of Go or of Rust
	column     bool // a struct has a field for the column
}

// rowsKnow looks through all files once.
func (b *Bound) rowsKnow(column string) rowsKnown {
	var k rowsKnown
	words := marks(Spellings(column))
	lax := false
	b.eachFile(func(f *File) {
		if f.Facts.Sqlx && path.Ext(f.Path) == ".rs" {
			k.rust = true
			return
		}
		k.sqlx, lax = k.sqlx || f.Facts.Sqlx, lax || f.Facts.Lax
		k.column = k.column || slices.ContainsFunc(f.Facts.Structs, func(s Struct) bool { return s.has(words) > 0 })
	})
	k.sqlx = k.sqlx && !lax
	return k
}

// fails reports whether rows of a star do not go into their structs, with a column more
// or, where it is "", one less.
func (k *rowsKnown) fails(s *Star, column string) bool {
	return s.Exact || column != "" && (s.Fitting || s.Sqlx && k.sqlx)
}

// Width is how many columns a relation has; 0 where that is not known.
func (b *Bound) Width(n catalog.Name) int {
	if b.Schema == nil {
		return 0
	}
	r := b.Schema.Lookup(n.Schema, n.Name)
	if r == nil || r.Inferred || r.Partial {
		return 0
	}
	return len(r.Columns)
}
