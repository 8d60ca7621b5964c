package pgparse

// Contains reports whether a tree has a node of a type, such as *ColumnRef, that matches.
func Contains[T any](root any, match func(T) bool) bool {
	found := false
	Walk(root, func(msg any) bool {
		if x, ok := msg.(T); ok {
			found = found || match(x)
		}
		return !found
	})
	return found
}
