package catalog

import (
	"slices"
	"sync"
)

// grown are the lists of a line of catalogs that statement after statement makes
// longer: the indexes of a table, the tables that refer to it. Each catalog
// sees its part of one array, so that n statements do not keep n copies.
//
// Whoever looks at a list has no room behind it, and what he appends is a copy. The
// room is found here, by the array, and only for who comes with all that is taken of
// it: a catalog that another one went on from first gets an array of its own. Two
// goroutines may go on from catalogs of one line, as the rules do behind the fold.
type grown struct {
	mu    sync.Mutex
	lists map[any]any // the place of the first element → the list with its room
}

const (
	// short is the length up to which a list is copied.
	short = 32
	// manyGrown bounds the lists that are held; what is forgotten is copied once.
	manyGrown = 4096
)

// with is a list with more values behind it; the list itself stays as it is.
func with[T any](f *fold, list []T, more ...T) []T {
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

// begins reports whether a list is the beginning of another one in the same array:
// what they have in common need not be looked at.
func begins[T any](list, longer []T) bool {
	return len(list) > 0 && len(list) <= len(longer) && &list[0] == &longer[0]
}
