package fill

import "github.com/onward-sql/onward/internal/pgparse"

// makeRanges makes values of a range type, such as int4range or tstzrange; unique ones do not overlap.
func (f *filler) makeRanges(r request) *generator {
	sub, typmod := f.schema.resolveDomain(r.typ.subtype, -1)
	if sub == nil {
		return nil
	}
	sc := scalarOf(sub.name, typmod)
	if sc == nil {
		return nil
	}
	width := sc.unit * 10
	if sc.usualHi > day {
		width = 3600 * second
	}
	start := max(sc.usualLo, 0)
	m := &generator{capacity: (sc.hi - start) / width}
	if r.unique && r.base > 0 { // begins after the numbers of existing rows
		start += r.base * width
	}
	m.value = func(b []byte, i int64) []byte {
		h := randomAt(r.seed, i)
		lo := start + i*width
		if !r.unique {
			lo = start + reduceTo(h, 100_000)*width
		}
		b = sc.appendQuoted(append(b, '['), lo)
		b = sc.appendQuoted(append(b, ','), lo+sc.unit*(1+reduceTo(h>>8, max(width/sc.unit-1, 1))))
		return append(b, ')')
	}
	return m
}

// appendQuoted writes a bound of a range.
func (s *scalar) appendQuoted(b []byte, v int64) []byte {
	return append(s.append(append(b, '"'), v), '"')
}

// makeArrays makes arrays of none to four elements.
func (f *filler) makeArrays(r request) *generator {
	elem, typmod := f.schema.resolveDomain(r.typ.elem, r.typmod)
	inner := r
	inner.typ, inner.typmod, inner.facts, inner.depth, inner.seed = elem, typmod, f.domainFacts(r.name, r.typ.elem), r.depth+1, r.seed+1
	e := f.makeGenerator(inner)
	if e == nil {
		return nil
	}
	least, most := r.facts.minItems, 4
	if r.facts.maxItems > 0 {
		most = min(most, r.facts.maxItems)
	}
	most = max(most, least)
	delimiter := byte(',')
	if elem.name == "box" {
		delimiter = ';'
	}
	return &generator{capacity: e.capacity, escape: true, value: func(b []byte, i int64) []byte {
		n := int64(least) + reduceTo(randomAt(r.seed, i), int64(most-least)+1)
		if r.unique {
			n = max(n, 1)
		}
		b = append(b, '{')
		var room [64]byte
		for k := range n {
			if k > 0 {
				b = append(b, delimiter)
			}
			row := i*8 + k
			if r.unique {
				row = i
			}
			b = appendQuoted(b, e.value(room[:0], row))
		}
		return append(b, '}')
	}}
}

// appendQuoted writes an element of an array or a composite value.
func appendQuoted(b, v []byte) []byte {
	b = append(b, '"')
	for _, c := range v {
		if c == '"' || c == '\\' {
			b = append(b, '\\')
		}
		b = append(b, c)
	}
	return append(b, '"')
}

func (f *filler) makeComposites(r request) *generator {
	var parts []*generator
	for k, a := range r.typ.attributes {
		inner := request{name: a.name, unique: r.unique, seed: r.seed + uint64(k) + 1, depth: r.depth + 1, rows: r.rows, base: r.base}
		inner.typ, inner.typmod = f.schema.resolveDomain(a.typ, a.typmod)
		inner.facts = f.domainFacts(a.name, a.typ)
		p := f.makeGenerator(inner)
		if p == nil {
			// An attribute may always be NULL, unless its domain forbids that.
			p = &generator{value: func(b []byte, _ int64) []byte { return nil }}
		}
		parts = append(parts, p)
	}
	m := &generator{escape: true, value: func(b []byte, i int64) []byte {
		b = append(b, '(')
		var room [64]byte
		for k, p := range parts {
			if k > 0 {
				b = append(b, ',')
			}
			if v := p.value(room[:0], i); v != nil {
				b = appendQuoted(b, v)
			}
		}
		return append(b, ')')
	}}
	for _, p := range parts {
		m.capacity = max(m.capacity, p.capacity)
	}
	return m
}

// domainFacts returns the facts from the conditions of a domain.
func (f *filler) domainFacts(column string, oid uint32) *facts {
	r := &reading{of: map[string]*facts{}, value: column}
	f.readDomain(r, oid)
	return r.factsOf(column)
}

func (f *filler) readDomain(r *reading, oid uint32) {
	for t := f.schema.types[oid]; t != nil && t.kind == 'd'; t = f.schema.types[t.base] {
		for _, c := range t.checks {
			if n := pgparse.ParseExpression(unwrapCheck(c)); n != nil {
				r.readCondition(n)
			}
		}
		if t.notNull {
			r.factsOf(r.value).notNull = true
		}
	}
}
