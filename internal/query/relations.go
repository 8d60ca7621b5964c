package query

import "github.com/onward-sql/onward/internal/pgparse"

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
