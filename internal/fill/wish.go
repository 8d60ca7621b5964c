package fill

import (
	"context"
	"fmt"
	"slices"
)

// wish is a demand that rows are to meet, or to break.
type wish struct {
	*Demand
	broken bool
}

// demands hands each table what the plan says of its rows.
func (f *filler) demands() {
	for _, d := range f.release.Keep {
		t, _ := f.schema.find(d.Table)
		if t == nil {
			continue
		}
		if d.Kind != Refers {
			t.wishes = append(t.wishes, wish{Demand: d})
			continue
		}
		to, _ := f.schema.find(d.Refers)
		columns, known := t.positions(d.Columns)
		target, there := to.positions(d.Target)
		if known && there {
			t.wishes = append(t.wishes, wish{Demand: d})
			t.refs = append(t.refs, &ref{name: d.Name, columns: columns, table: to, target: target, full: d.full, wish: d})
		}
	}
	for _, d := range f.release.Break {
		if t, _ := f.schema.find(d.Table); t != nil {
			t.wishes = append(t.wishes, wish{d, true})
		}
	}
}

// positions are those of columns, by their names; known: all are there.
func (t *table) positions(names []string) (out []int, known bool) {
	if t == nil {
		return nil, false
	}
	for _, n := range names {
		c := t.column(n)
		if c == nil {
			return nil, false
		}
		out = append(out, c.index)
	}
	return out, true
}

// kept is what a table was before it was built.
type kept struct {
	columns []column
	keys    []key
	refs    []ref
	leaves  []leaf
	list    []*key
	checks  []*check
	rows    int64
	told    int
}

func (f *filler) keep(t *table) *kept {
	k := &kept{list: slices.Clone(t.keys), checks: slices.Clone(t.checks), rows: t.rows, told: len(f.result.Problems)}
	for _, c := range t.columns {
		k.columns = append(k.columns, *c)
	}
	for _, x := range t.keys {
		k.keys = append(k.keys, *x)
	}
	for _, r := range t.refs {
		k.refs = append(k.refs, *r)
	}
	for _, l := range t.leaves {
		k.leaves = append(k.leaves, *l)
	}
	return k
}

// restore makes the table what it was, for another attempt.
func (f *filler) restore(t *table, k *kept) {
	t.keys, t.checks, t.rows, t.capped, t.surplus = slices.Clone(k.list), slices.Clone(k.checks), k.rows, 0, 0
	for i, c := range t.columns {
		*c = k.columns[i]
	}
	for i, x := range t.keys {
		*x = k.keys[i]
	}
	for i, r := range t.refs {
		*r = k.refs[i]
	}
	for i, l := range t.leaves {
		*l = k.leaves[i]
	}
	f.result.Problems = f.result.Problems[:k.told]
}

// build decides how each value of a table is made: so that its rows meet all that
// is wished, or else as much of it as goes together without costing rows.
func (f *filler) build(ctx context.Context, t *table) error {
	if len(t.wishes) == 0 {
		return f.construct(ctx, t)
	}
	was := f.keep(t)
	least, most := was.rows, was.told
	attempt := func(wishes []wish) (good bool, err error) {
		f.restore(t, was)
		t.taken = wishes
		err = f.construct(ctx, t)
		return t.rows >= least && len(f.result.Problems) <= most, err
	}
	if good, err := attempt(t.wishes); good || err != nil {
		return err
	}
	if _, err := attempt(nil); err != nil {
		return err
	}
	least, most = t.rows, len(f.result.Problems)
	var taken []wish
	var unmet []Unmet
	good := true
	for _, w := range t.wishes {
		var err error
		if good, err = attempt(append(slices.Clone(taken), w)); err != nil {
			return err
		}
		switch told := f.result.Problems; {
		case good:
			taken = append(taken, w)
		case w.broken:
		case len(told) > most:
			unmet = append(unmet, Unmet{w.Demand, told[len(told)-1].Why})
		default:
			unmet = append(unmet, Unmet{w.Demand, "no rows are known that do"})
		}
	}
	f.result.Unmet = append(f.result.Unmet, unmet...)
	if good { // the last attempt is the one that stands
		return nil
	}
	_, err := attempt(taken)
	return err
}

// take adds what is wished to what the table asks for.
func (t *table) take(r *reading) {
	for _, x := range t.refs {
		x.off = x.wish != nil && !slices.ContainsFunc(t.taken, func(w wish) bool { return w.Demand == x.wish })
	}
	for _, w := range t.taken {
		columns, known := t.positions(w.Columns)
		if !known {
			continue
		}
		switch {
		case w.Kind == Holds && w.broken:
			t.checks = append(t.checks, &check{name: w.Name, sql: "(" + w.Condition + ") IS FALSE", columns: columns})
		case w.Kind == Holds:
			t.checks = append(t.checks, &check{name: w.Name, sql: w.Condition, columns: columns})
			if n := parseExpression(w.plain); n != nil {
				if w.value {
					r.value = w.Columns[0]
				}
				r.read(n)
				r.value = ""
			}
		case w.Kind == Required && !w.broken:
			r.facts(w.Columns[0]).notNull = true
		case w.Kind == Differs && !w.broken:
			t.keys = append(t.keys, &key{name: w.Name, columns: columns, exclude: w.exclude, partial: w.partial, pairs: w.pairs})
		case w.Kind == Becomes:
			w.become(t.columns[columns[0]], r.facts(w.Columns[0]))
		}
	}
}

// become makes the values of a column those that its type to be has as well, or has not.
func (w wish) become(c *column, x *facts) {
	switch {
	case w.broken && w.Most > 0:
		x.minLen = max(x.minLen, w.Most+1)
	case w.broken && w.High > 0:
		x.lo, x.loOpen = fmt.Sprint(w.High), true
	case w.broken && w.as == nil:
		x.not = append(x.not, w.Labels...)
	case w.broken:
	case w.as == nil:
		x.in = w.Labels
	default:
		c.as, c.asMod = w.as, w.typmod
	}
}

// spoil breaks what a value for itself cannot.
func (t *table) spoil() {
	for _, w := range t.taken {
		columns, known := t.positions(w.Columns)
		if !known || !w.broken || w.Kind != Required && w.Kind != Differs {
			continue
		}
		if w.Kind == Differs && slices.ContainsFunc(t.keys, func(k *key) bool {
			return !k.partial && !k.exclude && !slices.ContainsFunc(k.columns, func(i int) bool { return !slices.Contains(columns, i) })
		}) {
			continue // no two rows agree in them
		}
		for _, i := range columns {
			c := t.columns[i]
			if own := c.value; own != nil && w.Kind == Differs {
				c.value = func(b []byte, i int64) ([]byte, bool) { return own(b, i-i%2) }
			} else if own != nil && !c.notNull {
				c.value = func(b []byte, i int64) ([]byte, bool) {
					if i%3 == 0 {
						return b, false
					}
					return own(b, i)
				}
			}
		}
	}
}
