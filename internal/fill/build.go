package fill

import (
	"context"
	"slices"
	"sort"

	"github.com/onward-sql/onward/internal/pgparse"
)

// keyDigit is one digit of a number in mixed radix: several columns or references
// together make the rows of a key unique, none of them alone. With 10 tenants and
// UNIQUE (tenant_id, n), tenant_id has the digit i % 10 and n has i / 10, for a permuted i.
type keyDigit struct {
	p           permutation
	below, size int64 // the product of the sizes of the lower digits, and its own size
}

func (d *keyDigit) valueAt(i int64) int64 { return d.p.valueAt(i) / d.below % d.size }

// buildGenerators decides for each column of a table which generator makes its values, from its type and constraints.
func (f *filler) buildGenerators(ctx context.Context, t *table) error {
	r := &reading{of: map[string]*facts{}}
	for _, c := range t.columns {
		c.seed = seedOf(f.plan.Seed, t.schema, t.rel, c.name)
		r.value = c.name
		f.readDomain(r, c.typ)
	}
	r.value = ""
	for _, c := range t.checks {
		if n := pgparse.ParseExpression(c.sql); n != nil {
			r.readCondition(n)
		}
	}
	f.addDomainChecks(t)
	t.addWishConstraints(r)
	for _, c := range t.columns {
		c.facts = r.factsOf(c.name)
		c.notNull = c.notNull || c.facts.notNull
		c.skip = c.generated != ""
	}
	f.readPartitionBounds(t, r)
	if !f.assignForeignKeys(t) {
		t.rows = 0
		return nil
	}
	for _, p := range r.before {
		a, b := t.findColumnByName(p[0]), t.findColumnByName(p[1])
		if a != nil && b != nil && a != b && a.ref == nil && b.ref == nil && b.above == nil && !isAbove(a, b) {
			b.above = a
		}
	}
	if err := f.readKeyBases(ctx, t); err != nil {
		return err
	}
	f.assignKeys(t)
	if t.rows == 0 {
		return nil
	}
	t.divideRows()
	for _, c := range t.columns {
		if err := f.buildColumn(ctx, t, c); err != nil {
			return err
		}
	}
	if t.rows == 0 {
		return nil
	}
	if err := f.repairBySample(ctx, t); err != nil {
		return err
	}
	t.breakDemands()
	return nil
}

// isAbove reports whether a is above b, directly or through other columns.
func isAbove(a, b *column) bool {
	for ; a != nil; a = a.above {
		if a == b {
			return true
		}
	}
	return false
}

func (t *table) findColumnByName(name string) *column {
	for _, c := range t.columns {
		if c.name == name {
			return c
		}
	}
	return nil
}

// addDomainChecks adds the conditions of domains to the table's conditions. A
// sample on the server shows which of them hold.
func (f *filler) addDomainChecks(t *table) {
	for _, c := range t.columns {
		for d := f.schema.types[c.typ]; d != nil && d.kind == 'd'; d = f.schema.types[d.base] {
			for _, def := range d.checks {
				t.checks = append(t.checks, &check{name: d.name, columns: []int{c.index},
					sql: "(SELECT " + unwrapCheck(def) + " FROM (SELECT " + quoteIdent(c.name) + " AS value) AS v)"})
			}
		}
	}
}

// readPartitionBounds reads the partition bounds.
func (f *filler) readPartitionBounds(t *table, base *reading) {
	hasOtherLeaves := slices.ContainsFunc(t.leaves, func(l *leaf) bool { return !l.isDefault })
	for _, l := range t.leaves {
		r := base.cloneReading()
		r.anyBranch = true
		l.facts = map[string]*facts{}
		if n := pgparse.ParseExpression(l.constraint); n != nil && l.constraint != "" {
			r.readCondition(n)
		}
		for name, x := range r.of {
			if o := base.of[name]; o == nil || x.lo != o.lo || x.hi != o.hi || x.null != o.null || len(x.in) != len(o.in) || !slices.Equal(x.in, o.in) {
				l.facts[name] = x
			}
		}
		l.rows = max(l.named, 0)
		if l.isDefault && hasOtherLeaves {
			l.facts, l.rows = nil, -1
		}
		for _, x := range l.facts {
			if x.null {
				l.facts, l.rows = nil, -1 // a partition whose rows have NULL in a column gets none
				break
			}
		}
		if l.rows >= 0 {
			for name, x := range r.of {
				if c := t.findColumnByName(name); c != nil && x.notNull {
					c.notNull = true
				}
			}
		}
	}
}

// divideRows divides the rows of a partitioned table among its partitions: as the
// plan names them, else evenly, up to the capacity of each.
func (t *table) divideRows() {
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

// openPartitions returns the partitions that get rows.
func (t *table) openPartitions() []*leaf {
	return slices.DeleteFunc(slices.Clone(t.leaves), func(l *leaf) bool { return l.rows < 0 })
}

// newRequest describes the values wanted for a column.
func (f *filler) newRequest(t *table, c *column) request {
	base, typmod := f.schema.resolveDomain(c.typ, c.typmod)
	if c.as != nil {
		base, typmod = c.as, c.asMod
	}
	return request{
		name:   c.name,
		typ:    base,
		typmod: typmod,
		facts:  c.facts,
		unique: c.unique || c.digit != nil,
		seed:   c.seed,
		base:   c.base,
		rows:   t.rows,
		step:   c.step,
	}
}

// buildColumn builds the generator of a column.
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
	r := f.newRequest(t, c)
	m := f.makeGenerator(r)
	if m == nil {
		var err error
		if m, err = f.tryCandidates(ctx, c, r); err != nil {
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
		f.addProblem(t, "column %s: no value of type %s is known that the server takes", c.name, c.typeText)
		t.rows = 0
		return nil
	}
	if lm := f.makeLeafKeyValues(t, c, r); lm != nil {
		m = lm
	}
	if c.above != nil && c.above.ord != nil && m.scalar != nil && !c.unique && c.digit == nil {
		m = makeGreaterValues(c, m)
	}
	c.ord, c.scalar, c.escape = m.ord, m.scalar, m.escape
	value, nullSeed, d := m.value, c.seed^0x5bd1e995, c.digit
	nullable = nullable && !c.full
	switch {
	case d != nil:
		c.value = func(b []byte, i int64) ([]byte, bool) { return value(b, d.valueAt(i)), true }
	case nullable:
		c.value = func(b []byte, i int64) ([]byte, bool) {
			if randomAt(nullSeed, i)%20 == 0 {
				return b, false
			}
			return value(b, i), true
		}
	default:
		c.value = func(b []byte, i int64) ([]byte, bool) { return value(b, i), true }
	}
	return nil
}

// makeGreaterValues makes the values of a column that must be greater than another
// column's.
func makeGreaterValues(c *column, m *generator) *generator {
	lower, sc, seed := c.above.ord, m.scalar, c.seed
	lo, hi := sc.allowedRange(c.facts)
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
		return from + reduceTo(randomAt(seed, i), steps)*sc.unit
	}
	out.value = func(b []byte, i int64) []byte { return sc.append(b, out.ord(i)) }
	return &out
}

// makeLeafKeyValues makes the values of a partition key column; nil if the column is none.
func (f *filler) makeLeafKeyValues(t *table, c *column, r request) *generator {
	open := t.openPartitions()
	if len(open) == 0 || c.digit != nil {
		return nil
	}
	decides := false
	makers := make([]*generator, len(open))
	escape := false
	for k, l := range open {
		lr := r
		if x := l.facts[c.name]; x != nil {
			decides = true
			lr.facts = x
		}
		lr.rows = l.rows
		if makers[k] = f.makeGenerator(lr); makers[k] == nil {
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
	m := &generator{escape: escape, scalar: makers[0].scalar}
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
