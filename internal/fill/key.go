package fill

import (
	"context"
	"fmt"
	"slices"
	"sort"

	"github.com/jackc/pgx/v5"
)

// unit is something that can make rows of a key unique: a column, or a foreign
// key with all of its columns.
type unit struct {
	column *column // nil for a foreign key
	ref    *ref    // nil for a column
	size   int64   // how many different values it has
	rank   int     // a unit with a lower rank is preferred to make the key unique alone
}

func (u unit) canTakeDigit() bool {
	if u.ref != nil {
		return !u.ref.unique && u.ref.digit == nil && len(u.ref.shared) == 0
	}
	return !u.column.unique && u.column.digit == nil && u.column.above == nil
}

func (u unit) setDigit(d *keyDigit) {
	if u.ref != nil {
		u.ref.digit, u.ref.unique = d, d == nil
		return
	}
	u.column.digit, u.column.unique, u.column.noNull = d, d == nil, true
}

// isUniqueAlone reports whether the unit by itself makes every row unique.
func (u unit) isUniqueAlone() bool {
	if u.ref != nil {
		return u.ref.unique
	}
	return u.column.unique
}

// keyUnits returns the units of a key, with those that are unique by themselves
// first.
func (f *filler) keyUnits(t *table, k *key) []unit {
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
				out = append(out, unit{ref: r, size: r.table.totalRows(), rank: 50})
			}
			continue
		}
		r := f.newRequest(t, c)
		r.unique, r.base = true, c.base
		m := f.makeGenerator(r)
		if m == nil {
			continue
		}
		u := unit{column: c, size: m.capacity, rank: 4}
		if open := t.openPartitions(); len(open) > 0 {
			if x := f.partitionKeyCapacity(c, r, open); x >= 0 {
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
			u.rank += 2 // dates and decimal numbers
		}
		out = append(out, u)
	}
	sort.SliceStable(out, func(a, b int) bool { return out[a].rank < out[b].rank })
	return out
}

// partitionKeyCapacity returns how many different values a column has over all
// partitions, given the distribution of rows; -1 if it is no partition key.
func (f *filler) partitionKeyCapacity(c *column, r request, open []*leaf) int64 {
	decides := false
	least := endless
	for _, l := range open {
		lr := r
		if x := l.facts[c.name]; x != nil {
			decides = true
			lr.facts = x
		}
		if m := f.makeGenerator(lr); m != nil {
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

// assignKeys makes the rows of every key unique.
func (f *filler) assignKeys(t *table) {
	keys := slices.Clone(t.keys)
	sort.SliceStable(keys, func(a, b int) bool {
		if len(keys[a].columns) != len(keys[b].columns) {
			return len(keys[a].columns) < len(keys[b].columns)
		}
		return keys[a].primary && !keys[b].primary
	})
	for _, k := range keys {
		if k.exclude && f.assignPeriods(t, k) {
			continue
		}
		f.assignKey(t, k)
	}
}

// assignPeriods gives every row a period of its own, for an exclusion constraint over
// range(start, end).
func (f *filler) assignPeriods(t *table, k *key) bool {
	for _, p := range k.pairs {
		a, b := t.findColumnByName(p[0]), t.findColumnByName(p[1])
		if a == nil || b == nil || a.ref != nil || b.ref != nil || a.unique {
			continue
		}
		base, typmod := f.schema.resolveDomain(a.typ, a.typmod)
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
	units := f.keyUnits(t, k)
	if len(units) == 0 || slices.ContainsFunc(units, unit.isUniqueAlone) {
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
		if u.column != nil && u.canTakeDigit() && u.size >= t.rows {
			u.setDigit(nil)
			return
		}
	}
	units = slices.DeleteFunc(units, func(u unit) bool { return !u.canTakeDigit() || u.size == 0 })
	if len(units) == 0 {
		return
	}
	if k.partial {
		// It is unknown for which rows the key applies. Conflicting rows are
		// skipped when the table is loaded, unless there are enough referenced
		// rows for all.
		if r := units[0].ref; len(units) == 1 && r != nil && r.table != t && (t.isNullable(r) || r.table.totalRows() >= t.rows) {
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
		if n := r.table.totalRows(); n < t.rows && !t.isNullable(r) {
			f.capRows(t, n, k)
		}
		return
	}
	f.combineUnits(t, k, units)
}

// combineUnits makes a key from columns with few values each: it uses as many
// columns as necessary.
func (f *filler) combineUnits(t *table, k *key, units []unit) {
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
		f.capRows(t, product, k)
	}
	p := newPermutation(product, seedOf(f.plan.Seed, t.schema, t.rel, k.name))
	weight := int64(1)
	for _, u := range used {
		u.setDigit(&keyDigit{p: p, below: weight, size: u.size})
		if u.ref != nil {
			for _, i := range u.ref.own {
				t.columns[i].noNull = true
			}
		}
		weight *= u.size
	}
	k.radix = used
}

func (f *filler) capRows(t *table, n int64, k *key) {
	if t.capped == 0 {
		t.capped = t.rows
	}
	f.addProblem(t, "%d rows instead of %d: no more differ in %s", n, t.rows, k.name)
	t.rows = n
}

// readKeyBases finds the largest numbers in existing rows.
func (f *filler) readKeyBases(ctx context.Context, t *table) error {
	if t.had == 0 {
		return nil
	}
	for _, k := range t.keys {
		for _, i := range k.columns {
			if i < 0 || t.columns[i].base > 0 {
				continue
			}
			c := t.columns[i]
			base, typmod := f.schema.resolveDomain(c.typ, c.typmod)
			sc := scalarOf(base.name, typmod)
			if sc == nil || base.schema != "pg_catalog" {
				c.base = t.had
				continue
			}
			var most string
			sql := fmt.Sprintf("SELECT COALESCE(pg_catalog.max(%s)::pg_catalog.text, '') FROM %s", quoteIdent(c.name), t.quotedName())
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

func quoteIdent(name string) string { return pgx.Identifier{name}.Sanitize() }
