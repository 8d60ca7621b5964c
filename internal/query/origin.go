package query

import (
	"slices"

	"github.com/onward-sql/onward/internal/pgparse"
)

// listOrigins returns the columns of relations that a column of an entry comes from: its own
// column, a column of a side of a join, or, through a star, a column of a sub-query's
// relations. Columns that a sub-query names are recorded at the sub-query itself.
func (s *Source) listOrigins(column string) []Meaning {
	t := trace{}
	t.traceSource(s, column)
	return t.found
}

// trace follows a column to the relations that it may come from.
type trace struct {
	found []Meaning
	// seen lists the levels already visited: a recursive query reads itself.
	seen []*Level
}

func (t *trace) traceSource(s *Source, column string) {
	o := findOutput(s.Columns, column)
	if s.isTable() && (!s.Renamed || o == nil && s.Open) {
		t.found = append(t.found, Meaning{Source: s, Column: column})
		return
	}
	switch {
	case o != nil:
		if o.Source != nil {
			t.traceSource(o.Source, o.Column)
		}
	case s.CTE != nil:
		t.traceLevel(s.CTE.Query, column)
	default:
		t.traceLevel(s.Query, column)
	}
}

// traceLevel follows the stars of a query that is not known to return the column.
func (t *trace) traceLevel(l *Level, column string) {
	if l == nil || !l.Open || slices.Contains(t.seen, l) {
		return
	}
	t.seen = append(t.seen, l)
	for _, a := range l.Arms {
		t.traceLevel(a, column)
	}
	l.EachName(func(n Name) bool {
		if ref, ok := n.Node.(*pgparse.ColumnRef); ok && pgparse.EndsInStar(ref) {
			for _, s := range l.StarSources(ref) {
				t.traceSource(s, column)
			}
		}
		return true
	}, l.outputClause())
}
