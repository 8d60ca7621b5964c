package catalog

// trimCommon cuts off the common beginning and end of two lists of a relation's parts:
// [1 2 3] and [1 4 3] become [2] and [4]. Most statements change one part of many.
func trimCommon[T comparable](before, after []T) (b, a []T) {
	if isPrefix(before, after) {
		return nil, after[len(before):]
	}
	for len(before) > 0 && len(after) > 0 && before[0] == after[0] {
		before, after = before[1:], after[1:]
	}
	for len(before) > 0 && len(after) > 0 && before[len(before)-1] == after[len(after)-1] {
		before, after = before[:len(before)-1], after[:len(after)-1]
	}
	return before, after
}

// few is the length up to which searching a list is faster than making a map.
const few = 16

// newFinder returns a function that finds the element of a list with a key; the zero value
// if there is none.
func newFinder[K comparable, T any](list []T, key func(T) K) func(K) T {
	if len(list) <= few {
		return func(k K) (found T) {
			for _, x := range list {
				if key(x) == k {
					return x
				}
			}
			return found
		}
	}
	byKey := make(map[K]T, len(list))
	for _, x := range list {
		byKey[key(x)] = x
	}
	return func(k K) T { return byKey[k] }
}
