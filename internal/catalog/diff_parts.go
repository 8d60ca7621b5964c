package catalog

// trimCommon leaves out what two lists of a relation's parts begin and end with alike:
// a statement changes one part of many, and there may be as many statements.
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

// few is a length up to which a list is looked through faster than a map is made.
const few = 16

// newFinder finds parts of a list by what tells them apart; the zero value when there
// is none.
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
