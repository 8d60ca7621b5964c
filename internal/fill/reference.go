package fill

import (
	"slices"
	"sort"
)

// total is how many rows a table has to refer to.
func (t *table) total() int64 { return int64(len(t.existing)) + t.rows }

// keyValue appends the value of a column in a row that others refer to: rows
// that were there come first.
func (t *table) keyValue(b []byte, column int, j int64) ([]byte, bool) {
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

// assignRefs says which foreign key makes which columns. The widest come first:
// what two have in common is then made by the one that knows more, and the
// other looks for rows that agree. false: the table cannot have rows.
func (f *filler) assignRefs(t *table) bool {
	refs := slices.Clone(t.refs)
	sort.SliceStable(refs, func(a, b int) bool {
		if len(refs[a].columns) != len(refs[b].columns) {
			return len(refs[a].columns) > len(refs[b].columns)
		}
		// A table's reference to itself follows what others decide.
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
		if !r.broken && r.table != t && r.table.total() == 0 {
			if !t.nullable(r) {
				f.problem(t, "it refers to %s, which has no rows", r.table.name())
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
		r.pick = f.picker(t, r)
		// The one that made what is shared must leave something to find.
		if len(shared) > 0 && !t.nullable(r) {
			first := t.columns[shared[0]].ref
			if first != nil && !slices.ContainsFunc(shared, func(i int) bool { return t.columns[i].ref != first }) && r.table != t {
				first.guards = append(first.guards, func(j int64) bool {
					var key []byte
					for _, i := range shared {
						key, _ = first.table.keyValue(key, first.target[slices.Index(first.columns, i)], j)
						key = append(key, 0)
					}
					return len(r.find(t, string(key))) > 0
				})
			}
		}
	}
	return true
}

// find lists the rows of the other table that agree in the shared columns.
func (r *ref) find(t *table, key string) []int32 {
	if r.index == nil {
		r.index = map[string][]int32{}
		var b []byte
		for j := range min(r.table.total(), 1<<31-1) {
			b = b[:0]
			for _, i := range r.shared {
				b, _ = r.table.keyValue(b, r.target[slices.Index(r.columns, i)], j)
				b = append(b, 0)
			}
			r.index[string(b)] = append(r.index[string(b)], int32(j))
		}
	}
	return r.index[key]
}

// picker chooses the row that a row refers to; -1: none fits.
func (f *filler) picker(t *table, r *ref) func(i int64) int64 {
	var p permutation
	choose := func(i int64) int64 {
		n := r.table.total()
		switch {
		case r.digit != nil:
			return r.digit.of(i)
		case r.table == t && r.unique:
			// A chain; its first row has none before it, or itself.
			if i == 0 && t.nullable(r) {
				return -1
			} else if t.nullable(r) {
				return int64(len(t.existing)) + i - 1
			}
			return int64(len(t.existing)) + i
		case r.unique:
			if p.n != uint64(n) {
				p = permute(n, r.seed)
			}
			if i >= n {
				return -1
			}
			return p.of(i)
		case r.table == t:
			// Earlier rows: a tree. Only where it cannot be NULL is the root its
			// own parent.
			before := int64(len(t.existing)) + i
			if before == 0 && t.nullable(r) {
				return -1
			}
			return below(at(r.seed, i), before)
		}
		return skewed(at(r.seed, i), n)
	}
	if len(r.shared) > 0 {
		return func(i int64) int64 {
			var key []byte
			for _, k := range r.shared {
				key, _ = t.columns[k].value(key, i)
				key = append(key, 0)
			}
			rows := r.find(t, string(key))
			if len(rows) == 0 {
				return -1
			}
			j := int64(rows[below(at(r.seed, i), int64(len(rows)))])
			if r.table == t && j == int64(len(t.existing))+i && t.nullable(r) {
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
		n := r.table.total()
		h := at(r.seed, i)
		for k := range n + 32 {
			if !slices.ContainsFunc(r.guards, func(ok func(int64) bool) bool { return !ok(j) }) {
				return j
			}
			if h = mix(h); k < 32 {
				j = below(h, n)
			} else {
				j = (j + 1) % n
			}
		}
		return j
	}
}

// buildRefColumn makes the values of a column that a foreign key decides.
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
		if often && at(nullSeed, i)%20 == 0 {
			return b, false
		}
		j := r.pick(i)
		if j < 0 {
			return b, false
		}
		return to.keyValue(b, target, j)
	}
	return nil
}
