package index

import (
	"path"
	"slices"

	"github.com/onward-sql/onward/internal/catalog"
	"github.com/onward-sql/onward/internal/code/facts"
)

// BreakingAllColumnsQuery is a query that reads all columns of a relation, and fails if a column is added
// or removed.
type BreakingAllColumnsQuery struct {
	facts.AllColumnsQuery
	Path string
	// Keeps is set if the failure is due to a cached plan of a connection, and lasts
	// until the connection is closed.
	Keeps bool
}

// FindAllColumnsQueries returns the queries on all columns of a relation that fail after a change. Their
// rows go into a fixed number of targets, or into structs without a field for the new
// column; column is "" if a column is removed. Queries of Rust's sqlx fail because of
// their cached plan.
func (b *Bound) FindAllColumnsQueries(n catalog.Name, column string) []BreakingAllColumnsQuery {
	var found, out []BreakingAllColumnsQuery
	b.eachFile(func(f *File) {
		for _, s := range f.Facts.AllColumnsQueries {
			if b.meansRelation(s.Schema, s.Name, n) {
				found = append(found, BreakingAllColumnsQuery{AllColumnsQuery: s, Path: f.Path, Keeps: path.Ext(f.Path) == ".rs"})
			}
		}
	})
	if len(found) == 0 {
		return nil
	}
	known := b.summarizeRowStructs(column)
	width := b.Width(n)
	for _, s := range found {
		fails := s.Keeps && known.rust
		if !s.Keeps {
			fails = width > 0 && s.Others > 0 && slices.Contains(s.Scans, width+s.Others-1) || !known.column && known.breaksStructScan(&s.AllColumnsQuery, column)
		}
		if fails {
			out = append(out, s)
		}
	}
	return out
}

// rowsKnown is what the code as a whole says about its rows.
type rowsKnown struct {
	sqlx, rust bool // it uses sqlx, of Go or of Rust
	column     bool // a struct has a field for the column
}

// summarizeRowStructs searches all files once.
func (b *Bound) summarizeRowStructs(column string) rowsKnown {
	var k rowsKnown
	words := markTexts(facts.Spellings(column))
	lax := false
	b.eachFile(func(f *File) {
		if f.Facts.Sqlx && path.Ext(f.Path) == ".rs" {
			k.rust = true
			return
		}
		k.sqlx, lax = k.sqlx || f.Facts.Sqlx, lax || f.Facts.Lax
		k.column = k.column || slices.ContainsFunc(f.Facts.Structs, func(s facts.Struct) bool { return fieldLine(&s, words) > 0 })
	})
	k.sqlx = k.sqlx && !lax
	return k
}

// breaksStructScan reports whether rows of a star no longer fit their structs after a column is
// added or, if column is "", removed.
func (k *rowsKnown) breaksStructScan(s *facts.AllColumnsQuery, column string) bool {
	return s.Exact || column != "" && (s.Fitting || s.Sqlx && k.sqlx)
}

// Width returns the number of a relation's columns; 0 if it is not known.
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
