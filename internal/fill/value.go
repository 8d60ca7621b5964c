package fill

import (
	"slices"
)

// request says which values are wanted.
type request struct {
	name   string // of the column
	typ    *typ
	typmod int32
	facts  *facts
	unique bool
	seed   uint64
	base   int64 // unique numbers begin after it
	depth  int
	rows   int64 // how many there will be, so that distances can be chosen
	step   int64 // the distance of unique numbers; 0: chosen
}

// made are values: of a row, never NULL.
type made struct {
	value func(b []byte, i int64) []byte
	// capacity is how many different ones there are, if unique was asked for.
	capacity int64
	escape   bool
	// ord and scalar are there for values that are numbered.
	ord    func(i int64) int64
	scalar *scalar
}

const endless = int64(1) << 62

// resolved is the type below domains and its modifier.
func (s *schema) resolved(oid uint32, typmod int32) (*typ, int32) {
	t := s.types[oid]
	for t != nil && t.kind == 'd' {
		if t.typmod >= 0 {
			typmod = t.typmod
		}
		t = s.types[t.base]
	}
	return t, typmod
}

// make finds a way to make values of a type; nil: there is none here.
func (f *filler) make(r request) *made {
	t := r.typ
	if t == nil || r.depth > 4 {
		return nil
	}
	if r.facts == nil {
		r.facts = &facts{}
	}
	if list := r.choices(); list != nil {
		return choose(list, r)
	}
	if sc := scalarOf(t.name, r.typmod); sc != nil && t.schema == "pg_catalog" {
		return number(sc, r)
	}
	switch {
	case t.kind == 'r' && t.subtype != 0:
		return f.rangeOf(r)
	case t.kind == 'm' && t.category == 'R': // a multirange: the empty one, and all that is known of it
		return fixed("{}")
	case t.kind == 'c':
		return f.compositeOf(r)
	case t.elem != 0 && t.category == 'A':
		return f.arrayOf(r)
	case t.kind == 'd':
		return nil
	}
	if t.name == "varchar" || t.name == "bpchar" || t.name == "text" || t.name == "citext" || t.name == "name" {
		most := 0
		if r.typmod >= 4 && t.name != "text" {
			most = int(r.typmod) - 4
		}
		if t.name == "name" {
			most = 63
		}
		value, capacity := textValue(r.name, r.facts, most, r.unique, r.seed, r.base)
		// What a pattern makes may hold anything.
		return &made{value: value, capacity: capacity, escape: len(r.facts.patterns)+len(r.facts.likes) > 0}
	}
	return builtin(t.name, r)
}

// choices is the list of the only values, when there is one.
func (r request) choices() []string {
	var list []string
	switch {
	case r.facts.in != nil:
		list = r.facts.in
	case r.typ.kind == 'e':
		list = r.typ.labels
	case r.typ.name == "bool" && r.typ.schema == "pg_catalog":
		list = []string{"f", "t"}
	default:
		return nil
	}
	if rest := slices.DeleteFunc(slices.Clone(list), func(v string) bool { return slices.Contains(r.facts.not, v) }); len(rest) > 0 {
		list = rest
	}
	return list
}

func choose(list []string, r request) *made {
	n := int64(len(list))
	return &made{capacity: n, escape: true, value: func(b []byte, i int64) []byte {
		if r.unique {
			return append(b, list[i%n]...)
		}
		return append(b, list[skewed(at(r.seed, i), n)]...)
	}}
}

func fixed(v string) *made {
	return &made{capacity: 1, escape: true, value: func(b []byte, _ int64) []byte { return append(b, v...) }}
}

// number makes values of a scalar type.
func number(sc *scalar, r request) *made {
	lo, hi := sc.span(r.facts)
	m := &made{scalar: sc}
	var forbidden []int64
	for _, v := range r.facts.not {
		if n, exact, ok := sc.parse(v); ok && exact {
			forbidden = append(forbidden, n)
		}
	}
	if r.unique {
		// Identifiers begin at 1, times follow each other in steps that can be
		// seen, and all of it ends where the type does.
		step := sc.unit
		if r.facts.lo == "" && lo == 0 {
			lo = max(1, r.base+1)
			lo = (lo + sc.unit - 1) / sc.unit * sc.unit
		} else if r.base >= lo {
			lo = r.base + 1
		}
		if r.facts.hi == "" {
			hi = sc.hi
		}
		if room := (hi - lo) / max(r.rows, 1); sc.unit < second && room > second && sc.usualHi > day {
			step = second
		}
		step = max(step, r.step)
		m.capacity = max(hi/step-lo/step+1, 0)
		for slices.ContainsFunc(forbidden, func(v int64) bool { return v >= lo && v-lo < r.rows*step }) && hi-slices.Max(forbidden) > r.rows {
			lo = slices.Max(forbidden) + 1
		}
		m.ord = func(i int64) int64 { return lo + i*step }
	} else {
		steps := max(hi/sc.unit-floorDiv(lo, sc.unit), 0) + 1
		start := lo
		if floorDiv(lo, sc.unit)*sc.unit != lo {
			start = (floorDiv(lo, sc.unit) + 1) * sc.unit
			steps = max(steps-1, 1)
		}
		even := sc.usualHi >= 3600 && sc.unit != 1 || sc.usualLo != 0
		m.ord = func(i int64) int64 {
			h := at(r.seed, i)
			for k := 0; ; k++ {
				v := start
				if even {
					v += below(h, steps) * sc.unit
				} else {
					v += skewed(h, steps) * sc.unit
				}
				if len(forbidden) == 0 || k == 16 || !slices.Contains(forbidden, v) {
					return v
				}
				h = mix(h)
			}
		}
	}
	m.value = func(b []byte, i int64) []byte { return sc.append(b, m.ord(i)) }
	return m
}

func appendHex(b []byte, v uint64, digits int) []byte {
	for k := digits - 1; k >= 0; k-- {
		b = append(b, "0123456789abcdef"[v>>(4*k)&15])
	}
	return b
}
