package catalog

import (
	"slices"
	"sync"
)

// sharedLists holds lists that grow from statement to statement in successive catalogs: the
// indexes of a table, the tables that refer to it. Each catalog sees its part of a shared
// array, so that n statements do not keep n copies.
//
// A list's capacity ends at its length, so appending to it copies it. The free capacity
// is only found here, by the array, and only for a list that uses all elements so far. If
// two catalogs continue from the same one, the second gets an array of its own. Two
// goroutines may do so at once, because the rules run after the fold, at their own pace.
type sharedLists struct {
	mu sync.Mutex
	// lists maps the address of a list's first element to the longest list in that array, with its free capacity.
	lists map[any]any
}

const (
	// copiedUpTo is the length below which a list is simply copied.
	copiedUpTo = 32
	// maxShared limits the entries of sharedLists: at the limit all are forgotten. The next append to a forgotten list copies it.
	maxShared = 4096
)

// appendShared returns a list with more values appended; the list itself does not change.
func appendShared[T any](f *fold, list []T, more ...T) []T {
	if len(more) == 0 {
		return list
	}
	if len(list) < copiedUpTo || f.shared == nil {
		return append(slices.Clip(list), more...)
	}
	s := f.shared
	s.mu.Lock()
	defer s.mu.Unlock()
	first := any(&list[0])
	whole, ok := s.lists[first].([]T)
	if !ok || len(whole) != len(list) {
		whole = slices.Clip(list) // unknown, or another catalog has already appended to it: it gets an array of its own
	} else if cap(whole) < len(list)+len(more) {
		delete(s.lists, first) // the list moves to a larger array
	}
	if cap(whole) < len(list)+len(more) {
		whole = slices.Grow(whole, max(len(whole), len(more)))
	}
	whole = append(whole, more...)
	if len(s.lists) >= maxShared {
		clear(s.lists)
	}
	s.lists[any(&whole[0])] = whole
	return slices.Clip(whole)
}

// isPrefix reports whether a list is the beginning of another one in the same array:
// what they have in common need not be looked at.
func isPrefix[T any](list, longer []T) bool {
	return len(list) > 0 && len(list) <= len(longer) && &list[0] == &longer[0]
}
