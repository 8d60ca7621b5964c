package fill

import (
	"hash/fnv"
	"math/bits"
	"slices"
	"sort"
	"strconv"
)

// totalRows returns the number of rows to which foreign keys of other tables can refer: existing and new ones.
func (t *table) totalRows() int64 { return int64(len(t.existing)) + t.rows }

// appendKeyValue appends the value of a column in a row that others refer to. Existing
// rows come first.
func (t *table) appendKeyValue(b []byte, column int, j int64) ([]byte, bool) {
	if j < int64(len(t.existing)) {
		k := slices.Index(t.existingColumns, column)
		if k < 0 {
			return b, false
		}
		return append(b, t.existing[j][k]...), true
	}
	c := t.columns[column]
	if c.value == nil {
		return b, false
	}
	return c.value(b, j-int64(len(t.existing)))
}

// assignForeignKeys decides which foreign key makes which columns. The widest foreign
// keys come first: columns that two have in common are made by the wider one,
// and the other looks for rows that match. false: the table cannot have rows.
func (f *filler) assignForeignKeys(t *table) bool {
	refs := slices.Clone(t.refs)
	sort.SliceStable(refs, func(a, b int) bool {
		if len(refs[a].columns) != len(refs[b].columns) {
			return len(refs[a].columns) > len(refs[b].columns)
		}
		// A table's reference to itself comes last.
		return refs[a].table != t && refs[b].table == t
	})
	for _, r := range refs {
		r.own = nil
		if r.off {
			continue
		}
		if slices.Contains(r.columns, -1) || slices.Contains(r.target, -1) {
			r.idle = true
			continue
		}
		if !r.broken && r.table != t && r.table.totalRows() == 0 {
			if !t.isNullable(r) {
				f.addProblem(t, "it refers to %s, which has no rows", r.table.name())
				return false
			}
			r.broken = true
		}
		var shared []int
		for _, i := range r.columns {
			switch c := t.columns[i]; {
			case c.ref != nil || c.generated != "":
				shared = append(shared, i)
			default:
				r.own = append(r.own, i)
			}
		}
		if len(r.own) == 0 {
			r.idle = true
			continue
		}
		if r.broken {
			for _, i := range r.own {
				c := t.columns[i]
				if !c.notNull && c.generated == "" {
					c.facts = &facts{null: true}
					r.idle = true
					break
				}
			}
			if r.idle {
				continue
			}
		}
		for _, i := range r.own {
			t.columns[i].ref = r
		}
		r.shared = shared
		r.seed = seedOf(f.plan.Seed, t.schema, t.rel, r.name)
		r.pick = f.newRowPicker(t, r)
		// The foreign key that makes the shared columns must leave rows that
		// match.
		if len(shared) > 0 && !t.isNullable(r) {
			first := t.columns[shared[0]].ref
			if first != nil && !slices.ContainsFunc(shared, func(i int) bool { return t.columns[i].ref != first }) && r.table != t {
				first.guards = append(first.guards, func(j int64) bool {
					var key []byte
					for _, i := range shared {
						key, _ = first.table.appendKeyValue(key, first.target[slices.Index(first.columns, i)], j)
						key = append(key, 0)
					}
					return len(r.findMatchingRows(string(key))) > 0
				})
			}
		}
	}
	return true
}

// findMatchingRows lists the rows of the other table with the same values in the shared
// columns.
func (r *ref) findMatchingRows(key string) []int32 {
	if r.index == nil {
		r.index = map[string][]int32{}
		var b []byte
		for j := range min(r.table.totalRows(), 1<<31-1) {
			b = b[:0]
			for _, i := range r.shared {
				b, _ = r.table.appendKeyValue(b, r.target[slices.Index(r.columns, i)], j)
				b = append(b, 0)
			}
			r.index[string(b)] = append(r.index[string(b)], int32(j))
		}
	}
	return r.index[key]
}

// newRowPicker returns a function that chooses the row to refer to; -1: none fits.
func (f *filler) newRowPicker(t *table, r *ref) func(i int64) int64 {
	var p permutation
	choose := func(i int64) int64 {
		n := r.table.totalRows()
		switch {
		case r.digit != nil:
			return r.digit.valueAt(i)
		case r.table == t && r.unique:
			// A chain; its first row refers to nothing, or to itself.
			if i == 0 && t.isNullable(r) {
				return -1
			} else if t.isNullable(r) {
				return int64(len(t.existing)) + i - 1
			}
			return int64(len(t.existing)) + i
		case r.unique:
			if p.n != uint64(n) {
				p = newPermutation(n, r.seed)
			}
			if i >= n {
				return -1
			}
			return p.valueAt(i)
		case r.table == t:
			// Earlier rows: a tree. The root is its own parent only if the
			// column cannot be NULL.
			before := int64(len(t.existing)) + i
			if before == 0 && t.isNullable(r) {
				return -1
			}
			return reduceTo(randomAt(r.seed, i), before)
		}
		return reduceSkewed(randomAt(r.seed, i), n)
	}
	if len(r.shared) > 0 {
		return func(i int64) int64 {
			var key []byte
			for _, k := range r.shared {
				key, _ = t.columns[k].value(key, i)
				key = append(key, 0)
			}
			rows := r.findMatchingRows(string(key))
			if len(rows) == 0 {
				return -1
			}
			j := int64(rows[reduceTo(randomAt(r.seed, i), int64(len(rows)))])
			if r.table == t && j == int64(len(t.existing))+i && t.isNullable(r) {
				return -1 // not itself
			}
			return j
		}
	}
	return func(i int64) int64 {
		j := choose(i)
		if len(r.guards) == 0 || j < 0 || r.unique || r.digit != nil {
			return j
		}
		n := r.table.totalRows()
		h := randomAt(r.seed, i)
		for k := range n + 32 {
			if !slices.ContainsFunc(r.guards, func(ok func(int64) bool) bool { return !ok(j) }) {
				return j
			}
			if h = mixBits(h); k < 32 {
				j = reduceTo(h, n)
			} else {
				j = (j + 1) % n
			}
		}
		return j
	}
}

// buildRefColumn builds the generator of a column that a foreign key determines.
func (f *filler) buildRefColumn(t *table, c *column) error {
	r := c.ref
	target := r.target[slices.Index(r.columns, c.index)]
	nullable := !c.notNull && !c.noNull
	often := nullable && !c.full && r.digit == nil && !r.unique && !(r.full && len(r.shared) > 0)
	c.escape = true
	if target < len(r.table.columns) && r.table != t {
		c.escape = r.table.columns[target].escape || len(r.table.existing) > 0
	}
	to, nullSeed := r.table, r.seed^0x5bd1e995
	c.value = func(b []byte, i int64) ([]byte, bool) {
		if often && randomAt(nullSeed, i)%20 == 0 {
			return b, false
		}
		j := r.pick(i)
		if j < 0 {
			return b, false
		}
		return to.appendKeyValue(b, target, j)
	}
	return nil
}

// golden is 2^64 divided by the golden ratio, the increment of SplitMix64.
const golden = 0x9E3779B97F4A7C15

// mixBits is the finalizer of SplitMix64: every bit of the result depends on every
// bit of x.
func mixBits(x uint64) uint64 {
	x += golden
	x = (x ^ (x >> 30)) * 0xBF58476D1CE4E5B9
	x = (x ^ (x >> 27)) * 0x94D049BB133111EB
	return x ^ (x >> 31)
}

// seedOf returns the seed of a column. It depends on names alone, so that a
// table keeps its rows when another table is added.
func seedOf(seed uint64, names ...string) uint64 {
	h := fnv.New64a()
	h.Write([]byte(strconv.FormatUint(seed, 10)))
	for _, n := range names {
		h.Write([]byte{0})
		h.Write([]byte(n))
	}
	return mixBits(h.Sum64())
}

// randomAt returns the random number of a row.
func randomAt(seed uint64, i int64) uint64 { return mixBits(seed ^ uint64(i)*golden) }

// reduceTo maps a random number to [0, n).
func reduceTo(h uint64, n int64) int64 {
	if n <= 1 {
		return 0
	}
	hi, _ := bits.Mul64(h, uint64(n))
	return int64(hi)
}

// reduceSkewed maps a random number to [0, n), low ones more often: the first tenth
// gets almost half of all.
func reduceSkewed(h uint64, n int64) int64 {
	if n <= 1 {
		return 0
	}
	u := float64(h>>11) / (1 << 53)
	return min(int64(u*u*u*float64(n)), n-1)
}

// permutation is a bijection of [0, n).
type permutation struct{ n, a, b uint64 }

func newPermutation(n int64, seed uint64) permutation {
	p := permutation{n: uint64(max(n, 1))}
	p.b = seed % p.n
	p.a = mixBits(seed)%p.n | 1
	for greatestDivisor(p.a, p.n) != 1 {
		p.a += 2
	}
	p.a %= p.n
	if p.n == 1 {
		p.a = 1
	}
	return p
}

func (p permutation) valueAt(i int64) int64 {
	hi, lo := bits.Mul64(p.a, uint64(i)%p.n)
	_, rem := bits.Div64(hi%p.n, lo, p.n)
	return int64((rem + p.b) % p.n)
}

func greatestDivisor(a, b uint64) uint64 {
	for b != 0 {
		a, b = b, a%b
	}
	return a
}
