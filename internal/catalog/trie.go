package catalog

import (
	"iter"
	"math/bits"
)

// trieKey is the key of a trie, such as Name or OID.
type trieKey interface {
	comparable
	hash() uint32
}

// trie is a persistent hash map: a change returns a new trie, which shares all
// nodes but the changed path. An owner may change the nodes that it made in
// place, so a statement that touches a hundred entries copies each path once.
type trie[K trieKey, V any] struct {
	root *trieNode[K, V]
	size int
}

const (
	trieBits  = 4
	trieMask  = 1<<trieBits - 1
	trieDepth = 32 / trieBits
)

// owner numbers the statements of a history. A node with a lower number is shared
// with an earlier catalog.
type owner uint32

type trieNode[K trieKey, V any] struct {
	bitmap uint32
	owner  owner
	slots  []trieSlot[K, V]
}

// trieSlot holds an entry or a node further down.
type trieSlot[K trieKey, V any] struct {
	entry *trieEntry[K, V]
	child *trieNode[K, V]
}

// trieEntry is a key with its value; next are others with the same hash.
type trieEntry[K trieKey, V any] struct {
	key   K
	value V
	hash  uint32
	next  *trieEntry[K, V]
}

func (t trie[K, V]) get(key K) (v V, ok bool) {
	hash := key.hash()
	n := t.root
	for shift := 0; n != nil; shift += trieBits {
		bit := uint32(1) << (hash >> shift & trieMask)
		if n.bitmap&bit == 0 {
			return v, false
		}
		s := &n.slots[bits.OnesCount32(n.bitmap&(bit-1))]
		if s.child != nil {
			n = s.child
			continue
		}
		for e := s.entry; e != nil; e = e.next {
			if e.hash == hash && e.key == key {
				return e.value, true
			}
		}
		return v, false
	}
	return v, false
}

// insertKey gives the trie with a key's value.
func (t trie[K, V]) insertKey(currentOwner owner, key K, value V) trie[K, V] {
	grown := false
	t.root = t.root.insertEntry(currentOwner, 0, &trieEntry[K, V]{key: key, value: value, hash: key.hash()}, &grown)
	if grown {
		t.size++
	}
	return t
}

// ownedCopy gives the node, or a copy that may be changed in place.
func (n *trieNode[K, V]) ownedCopy(currentOwner owner, room int) *trieNode[K, V] {
	if n.owner == currentOwner {
		return n
	}
	next := &trieNode[K, V]{bitmap: n.bitmap, owner: currentOwner, slots: make([]trieSlot[K, V], len(n.slots), len(n.slots)+room)}
	copy(next.slots, n.slots)
	return next
}

func (n *trieNode[K, V]) insertEntry(currentOwner owner, shift int, e *trieEntry[K, V], grown *bool) *trieNode[K, V] {
	bit := uint32(1) << (e.hash >> shift & trieMask)
	if n == nil {
		*grown = true
		return &trieNode[K, V]{bitmap: bit, owner: currentOwner, slots: []trieSlot[K, V]{{entry: e}}}
	}
	i := bits.OnesCount32(n.bitmap & (bit - 1))
	if n.bitmap&bit == 0 {
		*grown = true
		n = n.ownedCopy(currentOwner, 1)
		n.bitmap |= bit
		n.slots = append(n.slots, trieSlot[K, V]{})
		copy(n.slots[i+1:], n.slots[i:])
		n.slots[i] = trieSlot[K, V]{entry: e}
		return n
	}
	s := n.slots[i]
	switch {
	case s.child != nil:
		s.child = s.child.insertEntry(currentOwner, shift+trieBits, e, grown)
	case s.entry.hash == e.hash:
		s.entry = s.entry.addEntry(e, grown)
	default:
		// Two hashes that part further down.
		child := (*trieNode[K, V])(nil).newLeaf(currentOwner, shift+trieBits, s.entry)
		s = trieSlot[K, V]{child: child.insertEntry(currentOwner, shift+trieBits, e, grown)}
	}
	n = n.ownedCopy(currentOwner, 0)
	n.slots[i] = s
	return n
}

// newLeaf makes a node with one entry, or several of one hash.
func (*trieNode[K, V]) newLeaf(currentOwner owner, shift int, e *trieEntry[K, V]) *trieNode[K, V] {
	return &trieNode[K, V]{bitmap: 1 << (e.hash >> shift & trieMask), owner: currentOwner, slots: []trieSlot[K, V]{{entry: e}}}
}

// addEntry is a chain of entries of one hash with e in it.
func (old *trieEntry[K, V]) addEntry(e *trieEntry[K, V], grown *bool) *trieEntry[K, V] {
	rest, found := old.removeKey(e.key)
	if !found {
		*grown = true
	}
	e.next = rest
	return e
}

func (old *trieEntry[K, V]) removeKey(key K) (rest *trieEntry[K, V], found bool) {
	if old == nil {
		return nil, false
	}
	if old.key == key {
		return old.next, true
	}
	rest, found = old.next.removeKey(key)
	if !found {
		return old, false
	}
	return &trieEntry[K, V]{key: old.key, value: old.value, hash: old.hash, next: rest}, true
}

// deleteKey gives the trie without a key.
func (t trie[K, V]) deleteKey(currentOwner owner, key K) trie[K, V] {
	if _, ok := t.get(key); !ok {
		return t
	}
	t.root = t.root.deleteKey(currentOwner, 0, key.hash(), key)
	t.size--
	return t
}

// deleteKey takes out a key that is there; nil when nothing is left.
func (n *trieNode[K, V]) deleteKey(currentOwner owner, shift int, hash uint32, key K) *trieNode[K, V] {
	bit := uint32(1) << (hash >> shift & trieMask)
	i := bits.OnesCount32(n.bitmap & (bit - 1))
	s := n.slots[i]
	if s.child != nil {
		s.child = s.child.deleteKey(currentOwner, shift+trieBits, hash, key)
	} else {
		s.entry, _ = s.entry.removeKey(key)
	}
	if s.child == nil && s.entry == nil {
		if len(n.slots) == 1 {
			return nil
		}
		n = n.ownedCopy(currentOwner, 0)
		n.bitmap &^= bit
		n.slots = append(n.slots[:i], n.slots[i+1:]...)
		return n
	}
	n = n.ownedCopy(currentOwner, 0)
	n.slots[i] = s
	return n
}

// all gives the keys and values, in no order that means anything.
func (t trie[K, V]) all() iter.Seq2[K, V] {
	return func(yield func(K, V) bool) { t.root.eachEntry(yield) }
}

func (n *trieNode[K, V]) eachEntry(yield func(K, V) bool) bool {
	if n == nil {
		return true
	}
	for _, s := range n.slots {
		if s.child != nil && !s.child.eachEntry(yield) {
			return false
		}
		for e := s.entry; e != nil; e = e.next {
			if !yield(e.key, e.value) {
				return false
			}
		}
	}
	return true
}
