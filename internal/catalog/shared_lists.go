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
	mu    sync.Mutex
	lists map[any]any // the place of the first element → the list with its room
}

const (
	// short is the length up to which a list is copied.
	short = 32
	// manyGrown bounds the lists that are held; what is forgotten is copied once.
	manyGrown = 4096
)

// appendShared returns a list with more values appended; the list itself does not change.
func appendShared[T any](f *fold, list []T, more ...T) []T {
	if len(more) == 0 {
		return list
	}
	if len(list) < short || f.grown == nil {
		return append(slices.Clip(list), more...)
	}
	g := f.grown
	g.mu.Lock()
	defer g.mu.Unlock()
	at := any(&list[0])
	whole, ok := g.lists[at].([]T)
	if !ok || len(whole) != len(list) {
		whole = slices.Clip(list)
	} else if cap(whole) < len(list)+len(more) {
		delete(g.lists, at)
	}
	if cap(whole) < len(list)+len(more) {
		whole = slices.Grow(whole, max(len(whole), len(more)))
	}
	whole = append(whole, more...)
	if len(g.lists) >= manyGrown {
		clear(g.lists)
	}
	g.lists[any(&whole[0])] = whole
	return slices.Clip(whole)
}

// isPrefix reports whether a list is the beginning of another one in the same array:
// what they have in common need not be looked at.
func isPrefix[T any](list, longer []T) bool {
	return len(list) > 0 && len(list) <= len(longer) && &list[0] == &longer[0]
}
