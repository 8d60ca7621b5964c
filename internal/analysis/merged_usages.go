package analysis

import (
	"slices"

	"github.com/onward-sql/onward/onward"
)

// maxEvidence is how many places are shown as evidence for several columns.
const maxEvidence = 3

// MergeUsages merges the usages of columns that are used in the same way: the best evidence
// of each, then more of the first ones.
func MergeUsages(list []Usage) Usage {
	out := list[0]
	out.Evidence, out.Ignores = nil, nil
	for i := range list {
		out.Loaded = out.Loaded && list[i].Loaded
		out.Ignores = append(out.Ignores, list[i].Ignores...)
	}
	for i := 0; len(out.Evidence) < maxEvidence; i++ {
		more := false
		for _, u := range list {
			if i >= len(u.Evidence) {
				continue
			}
			more = true
			if len(out.Evidence) < maxEvidence && !slices.ContainsFunc(out.Evidence,
				func(e onward.Evidence) bool { return e.Path == u.Evidence[i].Path && e.Line == u.Evidence[i].Line }) {
				out.Evidence = append(out.Evidence, u.Evidence[i])
			}
		}
		if !more {
			break
		}
	}
	return out
}

// GroupByKey groups items by a key, in the order of their first item, so that one message can
// cover several columns.
func GroupByKey[T any, K comparable](items []T, key func(*T) K) [][]T {
	var out [][]T
	indexByKey := map[K]int{}
	for i := range items {
		k := key(&items[i])
		n, ok := indexByKey[k]
		if !ok {
			n = len(out)
			indexByKey[k], out = n, append(out, nil)
		}
		out[n] = append(out[n], items[i])
	}
	return out
}
