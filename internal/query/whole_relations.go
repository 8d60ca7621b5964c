package query

import (
	"slices"

	"github.com/onward-sql/onward/internal/pgparse"
)

// Whole is a relation whose columns a query returns unchanged and completely, as f in SELECT f.* FROM film AS f.
type Whole struct {
	Source *Source
	// As is the qualifier of the star: f in SELECT f.*, "" for a plain star.
	As string
	// At is the place of the star.
	At int
}

// WholeRelations lists the relations whose columns a query returns completely, by its own stars
// or by stars of the queries that it reads. otherColumns counts the other columns that it
// returns; -1 if that is not known.
func (l *Level) WholeRelations() (list []Whole, otherColumns int) {
	w := wholeTrace{}
	w.addLevel(l, Whole{})
	return w.list, w.others
}

// wholeTrace follows the stars of a query.
type wholeTrace struct {
	list   []Whole
	others int
	// seen lists the levels already visited: a recursive query reads itself.
	seen []*Level
}

func (w *wholeTrace) addLevel(l *Level, whole Whole) {
	if l == nil || slices.Contains(w.seen, l) {
		return
	}
	w.seen = append(w.seen, l)
	if len(l.Arms) > 0 || l.Merged {
		w.markUnknown()
	}
	for _, a := range l.Arms {
		w.addLevel(a, whole)
	}
	for _, n := range OutputList(l.Node) {
		ref := n.GetResTarget().GetVal().GetColumnRef()
		if !pgparse.EndsInStar(ref) {
			w.addOthers(1)
			continue
		}
		star := whole
		if len(w.seen) == 1 {
			star.At = int(ref.GetLocation())
			if f := ref.GetFields(); len(f) > 1 {
				star.As = pgparse.ClipName(pgparse.StringText(f[len(f)-2]))
			}
		}
		for _, s := range l.StarSources(ref) {
			w.addSource(s, star)
		}
	}
}

func (w *wholeTrace) addSource(s *Source, whole Whole) {
	switch {
	case s.isTable() && !s.Renamed:
		if whole.Source = s; len(w.list) > 0 {
			w.markUnknown()
		}
		w.list = append(w.list, whole)
	case s.CTE != nil && s.CTE.Open:
		w.addLevel(s.CTE.Query, whole)
	case s.Query != nil && s.Query.Open:
		w.addLevel(s.Query, whole)
	case s.Open:
		w.markUnknown()
	default:
		w.addOthers(len(s.Columns))
	}
}

func (w *wholeTrace) markUnknown() { w.others = -1 }

func (w *wholeTrace) addOthers(n int) {
	if w.others >= 0 {
		w.others += n
	}
}

// OutputList returns the list of a statement's outputs: the targets of SELECT, or the
// RETURNING list.
func OutputList(stmt any) []*pgparse.Node {
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

// ListRelations lists the names of relations in a statement or expression of any kind, once
// per occurrence. Names of WITH queries are not included.
func ListRelations(root any) []*pgparse.RangeVar {
	var out []*pgparse.RangeVar
	pgparse.Walk(root, func(msg any) bool {
		switch m := msg.(type) {
		case *pgparse.RangeVar:
			out = append(out, m)
		case *pgparse.SelectStmt, *pgparse.InsertStmt, *pgparse.UpdateStmt, *pgparse.DeleteStmt, *pgparse.MergeStmt:
			BindScopes(m).Walk(func(l *Level) bool {
				for _, s := range l.Sources {
					if s.Range != nil && s.CTE == nil {
						out = append(out, s.Range)
					}
				}
				return true
			})
			return false
		}
		return true
	})
	return out
}
