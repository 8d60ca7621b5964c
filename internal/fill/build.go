package fill

import (
	"context"
	"slices"
	"sort"
)

// digit is a part of a number in mixed radix: several columns or references
// together make the rows of a key differ, none of them alone.
type digit struct {
	p           permutation
	below, size int64
}

func (d *digit) of(i int64) int64 { return d.p.of(i) / d.below % d.size }

// construct makes the generators of a table.
func (f *filler) construct(ctx context.Context, t *table) error {
	r := &reading{of: map[string]*facts{}}
	for _, c := range t.columns {
		c.seed = seedOf(f.plan.Seed, t.schema, t.rel, c.name)
		r.value = c.name
		f.readDomain(r, c.typ)
	}
	r.value = ""
	for _, c := range t.checks {
		if n := parseExpression(c.sql); n != nil {
			r.read(n)
		}
	}
	f.domainChecks(t)
	t.take(r)
	for _, c := range t.columns {
		c.facts = r.facts(c.name)
		c.notNull = c.notNull || c.facts.notNull
		c.skip = c.generated != ""
	}
	f.readLeaves(t, r)
	if !f.assignRefs(t) {
		t.rows = 0
		return nil
	}
	for _, p := range r.before {
		a, b := t.column(p[0]), t.column(p[1])
		if a != nil && b != nil && a != b && a.ref == nil && b.ref == nil && b.above == nil && !above(a, b) {
			b.above = a
		}
	}
	if err := f.keyBases(ctx, t); err != nil {
		return err
	}
	f.assignKeys(t)
	if t.rows == 0 {
		return nil
	}
	t.spread()
	for _, c := range t.columns {
		if err := f.buildColumn(ctx, t, c); err != nil {
			return err
		}
	}
	if t.rows == 0 {
		return nil
	}
	if err := f.sample(ctx, t); err != nil {
		return err
	}
	t.spoil()
	return nil
}

// above reports whether a stands, by way of others, above b.
func above(a, b *column) bool {
	for ; a != nil; a = a.above {
		if a == b {
			return true
		}
	}
	return false
}

func (t *table) column(name string) *column {
	for _, c := range t.columns {
		if c.name == name {
			return c
		}
	}
	return nil
}

// domainChecks adds the conditions of domains to those of the table: the server
// says what they are worth there.
func (f *filler) domainChecks(t *table) {
	for _, c := range t.columns {
		for d := f.schema.types[c.typ]; d != nil && d.kind == 'd'; d = f.schema.types[d.base] {
			for _, def := range d.checks {
				t.checks = append(t.checks, &check{name: d.name, columns: []int{c.index},
					sql: "(SELECT " + checkExpression(def) + " FROM (SELECT " + quote(c.name) + " AS value) AS v)"})
			}
		}
	}
}

// readLeaves reads what each partition takes.
func (f *filler) readLeaves(t *table, base *reading) {
	others := slices.ContainsFunc(t.leaves, func(l *leaf) bool { return !l.isDefault })
	for _, l := range t.leaves {
		r := base.clone()
		r.anyBranch = true
		l.facts = map[string]*facts{}
		if n := parseExpression(l.constraint); n != nil && l.constraint != "" {
			r.read(n)
		}
		for name, x := range r.of {
			if o := base.of[name]; o == nil || x.lo != o.lo || x.hi != o.hi || x.null != o.null || len(x.in) != len(o.in) || !slices.Equal(x.in, o.in) {
				l.facts[name] = x
			}
		}
		l.rows = max(l.named, 0)
		if l.isDefault && others {
			l.facts, l.rows = nil, -1
		}
		for _, x := range l.facts {
			if x.null {
				l.facts, l.rows = nil, -1 // its rows have NULL in a column
				break
			}
		}
		if l.rows >= 0 {
			for name, x := range r.of {
				if c := t.column(name); c != nil && x.notNull {
					c.notNull = true
				}
			}
		}
	}
}

// spread divides the rows of a partitioned table among its partitions: as they
// were named, else evenly, and no more than one takes.
func (t *table) spread() {
	var open []*leaf
	var weights int64
	for _, l := range t.leaves {
		if l.rows >= 0 {
			open = append(open, l)
			weights += l.rows
		}
	}
	var from, sum int64
	for _, l := range open {
		w, total := int64(1), int64(len(open))
		if weights > 0 {
			w, total = l.rows, weights
		}
		sum += w
		l.from = from
		from = int64(float64(t.rows) * float64(sum) / float64(total))
		l.rows = from - l.from
	}
	if len(open) > 0 {
		last := open[len(open)-1]
		last.rows += t.rows - from
	}
}

// open are the partitions that get rows.
func (t *table) open() []*leaf {
	return slices.DeleteFunc(slices.Clone(t.leaves), func(l *leaf) bool { return l.rows < 0 })
}

// request is what is wanted of a column.
func (f *filler) request(t *table, c *column) request {
	base, typmod := f.schema.resolved(c.typ, c.typmod)
	if c.as != nil {
		base, typmod = c.as, c.asMod
	}
	return request{name: c.name, typ: base, typmod: typmod, facts: c.facts, unique: c.unique || c.digit != nil, seed: c.seed, base: c.base, rows: t.rows, step: c.step}
}

// buildColumn makes the generator of a column.
func (f *filler) buildColumn(ctx context.Context, t *table, c *column) error {
	if c.skip || c.value != nil {
		return nil
	}
	if c.ref != nil {
		return f.buildRefColumn(t, c)
	}
	if c.above != nil && c.above.value == nil {
		if err := f.buildColumn(ctx, t, c.above); err != nil {
			return err
		}
	}
	r := f.request(t, c)
	m := f.make(r)
	if m == nil {
		var err error
		if m, err = f.tried(ctx, c, r); err != nil {
			return err
		}
	}
	nullable := !c.notNull && !c.noNull
	switch {
	case m == nil && c.hasDef:
		c.skip = true
		return nil
	case m == nil && nullable || c.facts.null && !c.notNull:
		c.value = func(b []byte, _ int64) ([]byte, bool) { return b, false }
		return nil
	case m == nil:
		f.problem(t, "column %s: no value of type %s is known that the server takes", c.name, c.typeText)
		t.rows = 0
		return nil
	}
	if lm := f.byLeaf(t, c, r); lm != nil {
		m = lm
	}
	if c.above != nil && c.above.ord != nil && m.scalar != nil && !c.unique && c.digit == nil {
		m = after(c, m)
	}
	c.ord, c.scalar, c.escape = m.ord, m.scalar, m.escape
	value, nullSeed, d := m.value, c.seed^0x5bd1e995, c.digit
	nullable = nullable && !c.full
	switch {
	case d != nil:
		c.value = func(b []byte, i int64) ([]byte, bool) { return value(b, d.of(i)), true }
	case nullable:
		c.value = func(b []byte, i int64) ([]byte, bool) {
			if at(nullSeed, i)%20 == 0 {
				return b, false
			}
			return value(b, i), true
		}
	default:
		c.value = func(b []byte, i int64) ([]byte, bool) { return value(b, i), true }
	}
	return nil
}

// after makes the values of a column that must lie above another one's.
func after(c *column, m *made) *made {
	lower, sc, seed := c.above.ord, m.scalar, c.seed
	lo, hi := sc.span(c.facts)
	if c.facts.hi == "" {
		hi = sc.hi
	}
	width := max((sc.usualHi-sc.usualLo)/100, sc.unit*10)
	if c.slot && c.above.step > 0 {
		width = c.above.step - 2*sc.unit
	}
	out := *m
	out.ord = func(i int64) int64 {
		from := lower(i) + sc.unit
		if !c.slot && c.facts.lo != "" {
			from = max(from, lo)
		}
		steps := max(min(width, hi-from)/sc.unit, 1)
		return from + below(at(seed, i), steps)*sc.unit
	}
	out.value = func(b []byte, i int64) []byte { return sc.append(b, out.ord(i)) }
	return &out
}

// byLeaf makes the values of a column that decides about the partition; nil
// when it does not.
func (f *filler) byLeaf(t *table, c *column, r request) *made {
	open := t.open()
	if len(open) == 0 || c.digit != nil {
		return nil
	}
	decides := false
	makers := make([]*made, len(open))
	escape := false
	for k, l := range open {
		lr := r
		if x := l.facts[c.name]; x != nil {
			decides = true
			lr.facts = x
		}
		lr.rows = l.rows
		if makers[k] = f.make(lr); makers[k] == nil {
			return nil
		}
		escape = escape || makers[k].escape
	}
	if !decides {
		return nil
	}
	leaf := func(i int64) int {
		return sort.Search(len(open), func(k int) bool { return open[k].from+open[k].rows > i })
	}
	m := &made{escape: escape, scalar: makers[0].scalar}
	m.value = func(b []byte, i int64) []byte {
		k := min(leaf(i), len(open)-1)
		return makers[k].value(b, i-open[k].from)
	}
	if m.scalar != nil {
		m.ord = func(i int64) int64 {
			k := min(leaf(i), len(open)-1)
			return makers[k].ord(i - open[k].from)
		}
	}
	return m
}
