package catalog

import (
	"iter"
	"slices"
)

// vector is a persistent array of relations by OID. OIDs are dense, so the relations that
// one statement touches are neighbours and share a path. A node's owner may change it in
// place, as in a trie.
type vector struct {
	root []*vectorTop
	own  owner // of root
}

type (
	vectorTop struct {
		own  owner
		kids [16]*vectorMid
	}
	vectorMid struct {
		own  owner
		kids [16]*vectorLeaf
	}
	vectorLeaf struct {
		own  owner
		vals [16]*Relation
	}
)

func (v *vector) get(o OID) *Relation {
	i := int(o) >> 12
	if o <= 0 || i >= len(v.root) || v.root[i] == nil {
		return nil
	}
	mid := v.root[i].kids[o>>8&15]
	if mid == nil {
		return nil
	}
	leaf := mid.kids[o>>4&15]
	if leaf == nil {
		return nil
	}
	return leaf.vals[o&15]
}

// storeRelation stores a relation, or takes it out when r is nil. OIDs are positive.
func (v vector) storeRelation(currentOwner owner, o OID, r *Relation) vector {
	i := int(o) >> 12
	if v.own != currentOwner {
		v.root, v.own = slices.Clone(v.root), currentOwner
	}
	for i >= len(v.root) {
		v.root = append(v.root, nil)
	}
	top := v.root[i]
	if top == nil {
		top = &vectorTop{own: currentOwner}
	} else if top.own != currentOwner {
		top = &vectorTop{own: currentOwner, kids: top.kids}
	}
	v.root[i] = top
	mid := top.kids[o>>8&15]
	if mid == nil {
		mid = &vectorMid{own: currentOwner}
	} else if mid.own != currentOwner {
		mid = &vectorMid{own: currentOwner, kids: mid.kids}
	}
	top.kids[o>>8&15] = mid
	leaf := mid.kids[o>>4&15]
	if leaf == nil {
		leaf = &vectorLeaf{own: currentOwner}
	} else if leaf.own != currentOwner {
		leaf = &vectorLeaf{own: currentOwner, vals: leaf.vals}
	}
	mid.kids[o>>4&15] = leaf
	leaf.vals[o&15] = r
	return v
}

// all gives the relations in the order of their OIDs.
func (v *vector) all() iter.Seq[*Relation] {
	return func(yield func(*Relation) bool) {
		for _, top := range v.root {
			if top == nil {
				continue
			}
			for _, mid := range top.kids {
				if mid == nil {
					continue
				}
				for _, leaf := range mid.kids {
					if leaf == nil {
						continue
					}
					for _, r := range leaf.vals {
						if r != nil && !yield(r) {
							return
						}
					}
				}
			}
		}
	}
}
