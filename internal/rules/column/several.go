package column

// alike puts the changes together that have one key, in the order of the first
// of each: what one statement does to several columns is said once.
func alike[T any, K comparable](items []T, key func(*T) K) [][]T {
	var out [][]T
	at := map[K]int{}
	for i := range items {
		k := key(&items[i])
		n, ok := at[k]
		if !ok {
			n = len(out)
			at[k], out = n, append(out, nil)
		}
		out[n] = append(out[n], items[i])
	}
	return out
}

// columns names columns for a sentence: "column a", "columns a and b".
func columns(names []string) string {
	if len(names) == 1 {
		return "column " + names[0]
	}
	return "columns " + enumerate(names)
}

// one gives the first text for one, the second for several.
func one(n int, single, several string) string {
	if n == 1 {
		return single
	}
	return several
}
