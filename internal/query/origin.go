package query

import (
	"slices"

	"github.com/onward-sql/onward/internal/pgparse"
)

// origins are the columns of relations that a column of an entry is: its own, one of
// a side of a join, or, through a star, one of a sub-query's relations. What a
// sub-query names is told where it names it.
func (s *Source) origins(column string) []Meaning {
	t := trace{}
	t.source(s, column)
	return t.found
}

// trace follows a column to the relations that it may come from.
type trace struct {
	found []Meaning
	// seen are the levels that it was in: a recursive query reads itself.
	seen []*Level
}

func (t *trace) source(s *Source, column string) {
	o := output(s.Columns, column)
	if s.isTable() && (!s.Renamed || o == nil && s.Open) {
		t.found = append(t.found, Meaning{Source: s, Column: column})
		return
	}
	switch {
	case o != nil:
		if o.Source != nil {
			t.source(o.Source, o.Column)
		}
	case s.CTE != nil:
		t.level(s.CTE.Query, column)
	default:
		t.level(s.Query, column)
	}
}

// level follows the stars of a query that is not known to give the column.
func (t *trace) level(l *Level, column string) {
	if l == nil || !l.Open || slices.Contains(t.seen, l) {
		return
	}
	t.seen = append(t.seen, l)
	for _, a := range l.Arms {
		t.level(a, column)
	}
	l.In(func(n Name) bool {
		if ref, ok := n.Node.(*pgparse.ColumnRef); ok && pgparse.EndsInStar(ref) {
			for _, s := range l.Starred(ref) {
				t.source(s, column)
			}
		}
		return true
	}, l.gives())
}
