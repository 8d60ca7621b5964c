package effect

import "github.com/onward-sql/onward/internal/pgparse"

// mentions reports whether an expression names a column.
func mentions(expr *pgparse.Node, name string) bool {
	found := false
	if expr == nil {
		return false
	}
	pgparse.Walk(expr, func(m any) bool {
		if ref, ok := m.(*pgparse.ColumnRef); ok {
			if f := ref.GetFields(); len(f) > 0 && pgparse.Text(f[len(f)-1]) == name {
				found = true
			}
		}
		return !found
	})
	return found
}

func contains[T comparable](list []T, x T) bool {
	for _, y := range list {
		if y == x {
			return true
		}
	}
	return false
}
