package fill

import (
	"context"
	"fmt"
	"slices"

	"github.com/onward-sql/onward/internal/pgparse"
)

// assignedDemand is a demand that the rows of a table should meet, or that some of them should break.
type assignedDemand struct {
	*Demand
	broken bool
}

// assignDemands assigns the demands to their tables.
func (f *filler) assignDemands() {
	for _, d := range f.release.Keep {
		t, _ := f.schema.findTable(d.Table)
		if t == nil {
			continue
		}
		if d.Kind != Refers {
			t.wishes = append(t.wishes, assignedDemand{Demand: d})
			continue
		}
		to, _ := f.schema.findTable(d.Refers)
		columns, known := t.namedPositions(d.Columns)
		target, hasTarget := to.namedPositions(d.Target)
		if known && hasTarget {
			t.wishes = append(t.wishes, assignedDemand{Demand: d})
			t.refs = append(t.refs, &ref{name: d.Name, columns: columns, table: to, target: target, full: d.full, wish: d})
		}
	}
	for _, d := range f.release.Break {
		if t, _ := f.schema.findTable(d.Table); t != nil {
			t.wishes = append(t.wishes, assignedDemand{d, true})
		}
	}
}

// namedPositions returns the positions of columns, by name; known: all of them exist.
func (t *table) namedPositions(names []string) (out []int, known bool) {
	if t == nil {
		return nil, false
	}
	for _, n := range names {
		c := t.findColumnByName(n)
		if c == nil {
			return nil, false
		}
		out = append(out, c.index)
	}
	return out, true
}

// tableState is the state of a table before it was built.
type tableState struct {
	columns []column
	keys    []key
	refs    []ref
	leaves  []leaf
	list    []*key // the table's keys; a demand adds one
	checks  []*check
	rows    int64
	told    int // the number of reported problems
}

func (f *filler) saveState(t *table) *tableState {
	k := &tableState{list: slices.Clone(t.keys), checks: slices.Clone(t.checks), rows: t.rows, told: len(f.result.Problems)}
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

// restoreState resets the table for another attempt.
func (f *filler) restoreState(t *table, k *tableState) {
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

// buildTable decides how each value of a table is made. The rows meet all wishes or, if that
// would cost rows, as many of them as are compatible.
func (f *filler) buildTable(ctx context.Context, t *table) error {
	if len(t.wishes) == 0 {
		return f.buildGenerators(ctx, t)
	}
	savedState := f.saveState(t)
	least, most := savedState.rows, savedState.told
	attempt := func(wishes []assignedDemand) (good bool, err error) {
		f.restoreState(t, savedState)
		t.taken = wishes
		err = f.buildGenerators(ctx, t)
		return t.rows >= least && len(f.result.Problems) <= most, err
	}
	if good, err := attempt(t.wishes); good || err != nil {
		return err
	}
	if _, err := attempt(nil); err != nil {
		return err
	}
	least, most = t.rows, len(f.result.Problems)
	var acceptedDemands []assignedDemand
	var unmet []Unmet
	good := true
	for _, w := range t.wishes {
		var err error
		if good, err = attempt(append(slices.Clone(acceptedDemands), w)); err != nil {
			return err
		}
		switch problems := f.result.Problems; {
		case good:
			acceptedDemands = append(acceptedDemands, w)
		case w.broken:
		case len(problems) > most:
			unmet = append(unmet, Unmet{w.Demand, problems[len(problems)-1].Why})
		default:
			unmet = append(unmet, Unmet{w.Demand, "no rows are known that do"})
		}
	}
	f.result.Unmet = append(f.result.Unmet, unmet...)
	if good { // the last attempt is the one that is kept
		return nil
	}
	_, err := attempt(acceptedDemands)
	return err
}

// addWishConstraints adds the wishes to the constraints of the table.
func (t *table) addWishConstraints(r *reading) {
	for _, x := range t.refs {
		x.off = x.wish != nil && !slices.ContainsFunc(t.taken, func(w assignedDemand) bool { return w.Demand == x.wish })
	}
	for _, w := range t.taken {
		columns, known := t.namedPositions(w.Columns)
		if !known {
			continue
		}
		switch {
		case w.Kind == Holds && w.broken:
			t.checks = append(t.checks, &check{name: w.Name, sql: "(" + w.Condition + ") IS FALSE", columns: columns})
		case w.Kind == Holds:
			t.checks = append(t.checks, &check{name: w.Name, sql: w.Condition, columns: columns})
			if n := pgparse.ParseExpression(w.plain); n != nil {
				if w.value {
					r.value = w.Columns[0]
				}
				r.readCondition(n)
				r.value = ""
			}
		case w.Kind == Required && !w.broken:
			r.factsOf(w.Columns[0]).notNull = true
		case w.Kind == Differs && !w.broken:
			t.keys = append(t.keys, &key{name: w.Name, columns: columns, exclude: w.exclude, partial: w.partial, pairs: w.pairs})
		case w.Kind == Becomes:
			w.restrictType(t.columns[columns[0]], r.factsOf(w.Columns[0]))
		}
	}
}

// restrictType restricts the values of a column to those that its new type accepts, or does
// not accept.
func (w assignedDemand) restrictType(c *column, x *facts) {
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

// breakDemands breaks demands that a single value cannot break.
func (t *table) breakDemands() {
	for _, w := range t.taken {
		columns, known := t.namedPositions(w.Columns)
		if !known || !w.broken || w.Kind != Required && w.Kind != Differs {
			continue
		}
		if w.Kind == Differs && slices.ContainsFunc(t.keys, func(k *key) bool {
			return !k.partial && !k.exclude && !slices.ContainsFunc(k.columns, func(i int) bool { return !slices.Contains(columns, i) })
		}) {
			continue // no two rows have the same values in them
		}
		for _, i := range columns {
			c := t.columns[i]
			if originalValue := c.value; originalValue != nil && w.Kind == Differs {
				c.value = func(b []byte, i int64) ([]byte, bool) { return originalValue(b, i-i%2) }
			} else if originalValue != nil && !c.notNull {
				c.value = func(b []byte, i int64) ([]byte, bool) {
					if i%3 == 0 {
						return b, false
					}
					return originalValue(b, i)
				}
			}
		}
	}
}
