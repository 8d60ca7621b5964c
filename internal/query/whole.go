package query

import (
	"slices"

	"github.com/onward-sql/onward/internal/pgparse"
)

// Whole is a relation of which a query gives all columns, as they are.
type Whole struct {
	Source *Source
	// As is what the star says in front of it: f of SELECT f.*; "" for a plain one.
	As string
	// At is where the star stands.
	At int
}

// Wholes lists the relations of which a query gives all columns, by its own stars and
// those of the queries that it reads. others is how many columns it gives besides; -1
// where that is not known.
func (l *Level) Wholes() (list []Whole, others int) {
	w := wholes{}
	w.level(l, Whole{})
	return w.list, w.others
}

// wholes follows the stars of a query.
type wholes struct {
	list   []Whole
	others int
	// seen are the levels that it was in: a recursive query reads itself.
	seen []*Level
}

func (w *wholes) level(l *Level, by Whole) {
	if l == nil || slices.Contains(w.seen, l) {
		return
	}
	w.seen = append(w.seen, l)
	if len(l.Arms) > 0 || l.Merged {
		w.unknown()
	}
	for _, a := range l.Arms {
		w.level(a, by)
	}
	for _, n := range Given(l.Node) {
		ref := n.GetResTarget().GetVal().GetColumnRef()
		if !pgparse.EndsInStar(ref) {
			w.more(1)
			continue
		}
		star := by
		if len(w.seen) == 1 {
			star.At = int(ref.GetLocation())
			if f := ref.GetFields(); len(f) > 1 {
				star.As = pgparse.Clip(pgparse.Text(f[len(f)-2]))
			}
		}
		for _, s := range l.Starred(ref) {
			w.source(s, star)
		}
	}
}

func (w *wholes) source(s *Source, by Whole) {
	switch {
	case s.isTable() && !s.Renamed:
		if by.Source = s; len(w.list) > 0 {
			w.unknown()
		}
		w.list = append(w.list, by)
	case s.CTE != nil && s.CTE.Open:
		w.level(s.CTE.Query, by)
	case s.Query != nil && s.Query.Open:
		w.level(s.Query, by)
	case s.Open:
		w.unknown()
	default:
		w.more(len(s.Columns))
	}
}

func (w *wholes) unknown() { w.others = -1 }

func (w *wholes) more(n int) {
	if w.others >= 0 {
		w.others += n
	}
}

// Given is the list of what a statement gives: the targets of SELECT, what RETURNING
// lists.
func Given(stmt any) []*pgparse.Node {
	switch s := stmt.(type) {
	case *pgparse.SelectStmt:
		return s.GetTargetList()
	case *pgparse.InsertStmt:
		return s.GetReturningClause().GetExprs()
	case *pgparse.UpdateStmt:
		return s.GetReturningClause().GetExprs()
	case *pgparse.DeleteStmt:
		return s.GetReturningClause().GetExprs()
	case *pgparse.MergeStmt:
		return s.GetReturningClause().GetExprs()
	}
	return nil
}
