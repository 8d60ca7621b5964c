package fill

import (
	"math"
	"slices"
	"strings"
)

// group has the tables that are loaded in one transaction: one table, or several with a cycle
// of deferrable foreign keys.
type group struct{ tables []*table }

// findTable returns the table that a plan names, by its qualified or its plain name. If
// several schemas have a table of that name, it takes public's, else the first.
func (s *schema) findTable(name string) (t *table, l *leaf) {
	match := func(schema, rel string) int {
		switch {
		case name == schema+"."+rel:
			return 3
		case name == rel && schema == "public":
			return 2
		case name == rel:
			return 1
		}
		return 0
	}
	best := 0
	for _, x := range s.tables {
		if m := match(x.schema, x.rel); m > best {
			best, t, l = m, x, nil
		}
		for _, p := range x.leaves {
			if m := match(p.schema, p.rel); m > best {
				best, t, l = m, x, p
			}
		}
	}
	return t, l
}

// assignRowCounts gives each table the number of rows from the plan.
func (f *filler) assignRowCounts() {
	for _, t := range f.schema.tables {
		t.rows = f.plan.All
	}
	if f.plan.Touched > 0 {
		for _, name := range f.release.Touches {
			if t, _ := f.schema.findTable(name); t != nil {
				t.rows = f.plan.Touched
			}
		}
	}
	leaves := map[*table]int64{}
	names := make([]string, 0, len(f.plan.Rows))
	for n := range f.plan.Rows {
		names = append(names, n)
	}
	slices.Sort(names)
	roots := map[*table]bool{}
	for _, n := range names {
		t, l := f.schema.findTable(n)
		switch {
		case t == nil:
			f.result.Problems = append(f.result.Problems, Problem{n, "the base schema has no such table"})
		case l != nil:
			l.named = f.plan.Rows[n]
			leaves[t] += l.named
		default:
			t.rows, roots[t] = f.plan.Rows[n], true
		}
	}
	for t, n := range leaves {
		if !roots[t] {
			t.rows = n
		}
	}
	for _, t := range f.schema.tables {
		t.rows = min(max(t.rows, 0), mostRows)
		if t.partitioned && len(t.leaves) == 0 && t.rows > 0 {
			f.addProblem(t, "it has no partition that could hold rows")
			t.rows = 0
		}
	}
}

// isNullable reports whether a reference can be left NULL.
func (t *table) isNullable(r *ref) bool {
	return slices.ContainsFunc(r.columns, func(i int) bool { return i >= 0 && !t.columns[i].notNull && t.columns[i].generated == "" })
}

// orderTables sorts the tables so that referenced tables come first. In a cycle, a nullable
// reference is left NULL. If there is none, deferrable references put the cycle into one
// transaction.
func (f *filler) orderTables() []group {
	tables := slices.Clone(f.schema.tables)
	done := map[*table]bool{}
	var out []group
	missing := func(t *table, open map[*table]bool) []*ref {
		var m []*ref
		for _, r := range t.refs {
			if r.table != t && !r.broken && !done[r.table] && (open == nil || !open[r.table]) {
				m = append(m, r)
			}
		}
		return m
	}
	for len(tables) > 0 {
		k := slices.IndexFunc(tables, func(t *table) bool { return len(missing(t, nil)) == 0 })
		if k >= 0 {
			done[tables[k]] = true
			out = append(out, group{[]*table{tables[k]}})
			tables = slices.Delete(tables, k, k+1)
			continue
		}
		// Every table that is left waits for a cycle. Only references within the cycle
		// are cut.
		circle := f.findCycle(tables, func(t *table) []*ref { return missing(t, nil) })
		cut := false
		for _, t := range circle {
			refs := slices.DeleteFunc(missing(t, nil), func(r *ref) bool { return !slices.Contains(circle, r.table) })
			if len(refs) > 0 && !slices.ContainsFunc(refs, func(r *ref) bool { return !t.isNullable(r) }) {
				for _, r := range refs {
					r.broken = true
				}
				cut = true
				break
			}
		}
		if !cut {
			for _, t := range circle { // one of several references may be enough
				for _, r := range missing(t, nil) {
					if !cut && slices.Contains(circle, r.table) && t.isNullable(r) {
						r.broken, cut = true, true
					}
				}
			}
		}
		if cut {
			continue
		}
		// All references of the cycle are deferrable, or the server reports the one at
		// which it fails.
		for _, t := range circle {
			done[t] = true
		}
		out = append(out, group{orderCycle(circle)})
		tables = slices.DeleteFunc(tables, func(t *table) bool { return done[t] })
	}
	return out
}

// orderCycle sorts a cycle so that every non-deferrable reference finds its rows, if there
// is such an order.
func orderCycle(circle []*table) []*table {
	var out []*table
	rest := slices.Clone(circle)
	for len(rest) > 0 {
		k := max(0, slices.IndexFunc(rest, func(t *table) bool {
			return !slices.ContainsFunc(t.refs, func(r *ref) bool { return !r.deferrable && !r.broken && r.table != t && slices.Contains(rest, r.table) })
		}))
		out = append(out, rest[k])
		rest = slices.Delete(rest, k, k+1)
	}
	return out
}

// findCycle returns the first strongly connected component of several tables, in the order
// of their names, that depends on nothing outside itself.
func (f *filler) findCycle(tables []*table, refs func(*table) []*ref) []*table {
	reach := map[*table]map[*table]bool{}
	for _, t := range tables {
		seen := map[*table]bool{}
		stack := []*table{t}
		for len(stack) > 0 {
			x := stack[len(stack)-1]
			stack = stack[:len(stack)-1]
			for _, r := range refs(x) {
				if !seen[r.table] {
					seen[r.table] = true
					stack = append(stack, r.table)
				}
			}
		}
		reach[t] = seen
	}
	var best []*table
	for _, t := range tables {
		if !reach[t][t] {
			continue
		}
		alone := true
		for x := range reach[t] {
			alone = alone && reach[x][t]
		}
		if !alone {
			continue
		}
		for x := range reach[t] {
			best = append(best, x)
		}
		slices.SortFunc(best, func(a, b *table) int { return strings.Compare(a.name(), b.name()) })
		return best
	}
	return tables
}

// assignNeededRows gives referenced tables without a number of their own a reasonably small number
// of rows.
func (f *filler) assignNeededRows(order []group) {
	for k := len(order) - 1; k >= 0; k-- {
		for _, t := range order[k].tables {
			if t.rows == 0 && t.had == 0 {
				t.rows = t.want
			}
			if t.rows == 0 {
				continue
			}
			for _, r := range t.refs {
				if r.table == t || r.broken || r.table.rows > 0 || r.table.had > 0 {
					continue
				}
				need := min(max(10, t.rows/20), 10_000)
				for _, key := range t.keys {
					// The number of units that share the work of making the rows of a key
					// unique.
					if !slices.Contains(key.columns, r.columns[0]) || key.partial {
						continue
					}
					units := 0
					for _, c := range key.columns {
						if !slices.ContainsFunc(t.refs, func(o *ref) bool { return slices.Contains(o.columns, c) && !o.broken }) {
							units = 0
							break
						}
						units++
					}
					if units == 1 && !t.columns[key.columns[0]].notNull {
						continue // without a partner it is NULL
					}
					if units > 0 {
						need = max(need, int64(math.Ceil(1.5*math.Pow(float64(t.rows), 1/float64(units)))))
					}
				}
				r.table.want = max(r.table.want, min(need, max(t.rows, 1)*2)) // several tables may need rows of it
			}
		}
	}
}
