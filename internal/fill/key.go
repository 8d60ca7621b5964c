package fill

import (
	"context"
	"fmt"
	"slices"
	"sort"

	"github.com/jackc/pgx/v5"
)

// unit is what can make rows differ in a key: a column, or a foreign key with
// all of its columns.
type unit struct {
	column *column
	ref    *ref
	size   int64
	rank   int
}

func (u unit) free() bool {
	if u.ref != nil {
		return !u.ref.unique && u.ref.digit == nil && len(u.ref.shared) == 0
	}
	return !u.column.unique && u.column.digit == nil && u.column.above == nil
}

func (u unit) set(d *digit) {
	if u.ref != nil {
		u.ref.digit, u.ref.unique = d, d == nil
		return
	}
	u.column.digit, u.column.unique, u.column.noNull = d, d == nil, true
}

// alone reports whether the unit already makes every row differ.
func (u unit) alone() bool {
	if u.ref != nil {
		return u.ref.unique
	}
	return u.column.unique
}

// units of a key, those that make every row differ by themselves first.
func (f *filler) units(t *table, k *key) []unit {
	var out []unit
	for _, i := range k.columns {
		if i < 0 {
			continue
		}
		c := t.columns[i]
		if c.generated != "" {
			continue
		}
		if c.facts.null && c.ref == nil {
			continue
		}
		if r := c.ref; r != nil {
			whole := !slices.ContainsFunc(r.columns, func(o int) bool { return !slices.Contains(k.columns, o) })
			if whole && !slices.ContainsFunc(out, func(u unit) bool { return u.ref == r }) {
				out = append(out, unit{ref: r, size: r.table.total(), rank: 50})
			}
			continue
		}
		r := f.request(t, c)
		r.unique, r.base = true, c.base
		m := f.make(r)
		if m == nil {
			continue
		}
		u := unit{column: c, size: m.capacity, rank: 4}
		if open := t.open(); len(open) > 0 {
			if x := f.leafCapacity(t, c, r, open); x >= 0 {
				u.size, u.rank = x, 20
			}
		}
		switch {
		case r.typ.subtype != 0:
			u.rank += 10
			if k.exclude {
				u.rank = -1
			}
		case c.identity || c.sequence != "":
			u.rank -= 4
		case r.typ.name == "uuid":
			u.rank -= 3
		case m.scalar != nil && m.scalar.usualHi > day/second:
			u.rank -= 2
		case m.scalar != nil:
			u.rank += 2 // dates and numbers with a point
		}
		out = append(out, u)
	}
	sort.SliceStable(out, func(a, b int) bool { return out[a].rank < out[b].rank })
	return out
}

// leafCapacity is how many different values a column has over all partitions
// with the rows as they are spread; -1: it does not decide about the partition.
func (f *filler) leafCapacity(t *table, c *column, r request, open []*leaf) int64 {
	decides := false
	least := endless
	for _, l := range open {
		lr := r
		if x := l.facts[c.name]; x != nil {
			decides = true
			lr.facts = x
		}
		if m := f.make(lr); m != nil {
			least = min(least, m.capacity)
		}
	}
	if !decides {
		return -1
	}
	if least > endless/int64(len(open)) {
		return endless
	}
	return least * int64(len(open))
}

// assignKeys makes the rows of every key differ.
func (f *filler) assignKeys(t *table) {
	keys := slices.Clone(t.keys)
	sort.SliceStable(keys, func(a, b int) bool {
		if len(keys[a].columns) != len(keys[b].columns) {
			return len(keys[a].columns) < len(keys[b].columns)
		}
		return keys[a].primary && !keys[b].primary
	})
	for _, k := range keys {
		if k.exclude && f.slots(t, k) {
			continue
		}
		f.assignKey(t, k)
	}
}

// slots gives an exclusion over range(start, end) its own stretch of time for
// every row.
func (f *filler) slots(t *table, k *key) bool {
	for _, p := range k.pairs {
		a, b := t.column(p[0]), t.column(p[1])
		if a == nil || b == nil || a.ref != nil || b.ref != nil || a.unique {
			continue
		}
		base, typmod := f.schema.resolved(a.typ, a.typmod)
		sc := scalarOf(base.name, typmod)
		if sc == nil {
			continue
		}
		a.step = sc.unit * 10
		if sc.usualHi > day {
			a.step = 3600 * second
		}
		a.unique, a.noNull, b.noNull = true, true, true
		a.above, b.above, b.slot = nil, a, true
		return true
	}
	return false
}

func (f *filler) assignKey(t *table, k *key) {
	units := f.units(t, k)
	if len(units) == 0 || slices.ContainsFunc(units, unit.alone) {
		return
	}
	// Two keys may share their columns: the same digits serve both.
	for _, other := range t.keys {
		if other.radix != nil && !slices.ContainsFunc(other.radix, func(u unit) bool {
			return !slices.ContainsFunc(units, func(x unit) bool { return x.column == u.column && x.ref == u.ref })
		}) {
			return
		}
	}
	for _, u := range units {
		if u.column != nil && u.free() && u.size >= t.rows {
			u.set(nil)
			return
		}
	}
	units = slices.DeleteFunc(units, func(u unit) bool { return !u.free() || u.size == 0 })
	if len(units) == 0 {
		return
	}
	if k.partial {
		// Which rows it holds for is not known. Those that clash are left out
		// when the table is loaded, unless there are partners for all.
		if r := units[0].ref; len(units) == 1 && r != nil && r.table != t && (t.nullable(r) || r.table.total() >= t.rows) {
			r.unique = true
		}
		return
	}
	if len(units) == 1 && units[0].ref != nil {
		r := units[0].ref
		r.unique = true
		if r.table == t {
			return
		}
		if n := r.table.total(); n < t.rows && !t.nullable(r) {
			f.cap(t, n, k)
		}
		return
	}
	f.combine(t, k, units)
}

// combine makes a key of few values of many columns: of as many as it takes.
func (f *filler) combine(t *table, k *key, units []unit) {
	sort.SliceStable(units, func(a, b int) bool { return units[a].rank > units[b].rank })
	product := int64(1)
	var used []unit
	for _, u := range units {
		if product >= t.rows*2 {
			break
		}
		if u.size > t.rows*4/product+1 && u.ref == nil {
			u.size = t.rows*4/product + 1
		}
		used = append(used, u)
		if u.size > endless/product {
			u.size = endless / product
		}
		product *= u.size
	}
	if product < t.rows {
		f.cap(t, product, k)
	}
	p := permute(product, seedOf(f.plan.Seed, t.schema, t.rel, k.name))
	below := int64(1)
	for _, u := range used {
		u.set(&digit{p: p, below: below, size: u.size})
		if u.ref != nil {
			for _, i := range u.ref.own {
				t.columns[i].noNull = true
			}
		}
		below *= u.size
	}
	k.radix = used
}

func (f *filler) cap(t *table, n int64, k *key) {
	if t.capped == 0 {
		t.capped = t.rows
	}
	f.problem(t, "%d rows instead of %d: no more differ in %s", n, t.rows, k.name)
	t.rows = n
}

// keyBases finds where the numbers of rows that were there end.
func (f *filler) keyBases(ctx context.Context, t *table) error {
	if t.had == 0 {
		return nil
	}
	for _, k := range t.keys {
		for _, i := range k.columns {
			if i < 0 || t.columns[i].base > 0 {
				continue
			}
			c := t.columns[i]
			base, typmod := f.schema.resolved(c.typ, c.typmod)
			sc := scalarOf(base.name, typmod)
			if sc == nil || base.schema != "pg_catalog" {
				c.base = t.had
				continue
			}
			var most string
			sql := fmt.Sprintf("SELECT COALESCE(pg_catalog.max(%s)::pg_catalog.text, '') FROM %s", quote(c.name), t.quoted())
			if base.name == "xid" || base.name == "cid" {
				continue
			}
			if err := f.conn.QueryRow(ctx, sql).Scan(&most); err != nil {
				return fmt.Errorf("read the keys of %s: %w", t.name(), err)
			}
			if v, _, ok := sc.parse(most); ok {
				c.base = max(v, 0)
			}
		}
	}
	return nil
}

func quote(name string) string { return pgx.Identifier{name}.Sanitize() }
