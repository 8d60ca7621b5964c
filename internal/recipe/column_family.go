package recipe

import (
	"slices"
	"strings"

	"github.com/onward-sql/onward/internal/catalog"
	"github.com/onward-sql/onward/onward"
)

// columnFamily is a set of columns whose replacements take their places in one transaction, because
// foreign keys, keys or indexes connect them.
//
// The alternative is a step for each column. Between two such steps a foreign key refers to the new
// column of the one table, while the trigger of the other table still copies from the old column. The
// trigger then undoes ON DELETE SET NULL and ON UPDATE CASCADE. New code also writes values that only
// the new type can hold, and the other table refuses them. One transaction has no such moment.
type columnFamily struct {
	twins   []*twin
	pending int // twins without a plan yet
	parts   []*changeOver
}

// changeOver is the part of one column in the last step of its family.
type changeOver struct {
	twin     *twin
	check    string
	backfill *onward.PlannedBackfill
}

// groupTwins finds the families.
func (r *Release) groupTwins() {
	for _, is := range r.order {
		if is.twin != nil {
			is.twin.family = &columnFamily{twins: []*twin{is.twin}, pending: 1}
		}
	}
	for _, is := range r.order {
		if is.twin == nil {
			continue
		}
		for at, c := range map[*catalog.Relation]*catalog.Catalog{is.twin.t: r.Deployed, is.twin.head: r.head} {
			for _, con := range at.Constraints {
				r.uniteTwins(ofConstraint(at, con))
			}
			for _, x := range c.IndexesOf(at) {
				r.uniteTwins(r.ofIndex(x))
			}
		}
	}
}

// uniteTwins makes one family of all columns that an object connects.
func (r *Release) uniteTwins(about []place) {
	var f *columnFamily
	for _, at := range about {
		is := r.courses[at]
		if is == nil || is.twin == nil || is.twin.family == f {
			continue
		}
		if f == nil {
			f = is.twin.family
			continue
		}
		other := is.twin.family
		f.twins, f.pending = append(f.twins, other.twins...), f.pending+other.pending
		for _, w := range other.twins {
			w.family = f
		}
	}
}

// complete adds a column's part, nil if it has none. The last part adds the step of all.
func (f *columnFamily) complete(m *Made, part *changeOver) {
	f.pending--
	if part != nil {
		f.parts = append(f.parts, part)
	}
	if f.pending > 0 || len(f.parts) == 0 {
		return
	}
	var stop, prepare, drop, settle, finish, checks, names []string
	var backfills []*onward.PlannedBackfill
	for _, p := range f.parts {
		w := p.twin
		alter := "ALTER TABLE " + name(w.t) + " "
		stop = append(stop, removed(w.t, w.trigger)...)
		prepare = append(prepare, w.before...)
		drop = append(drop, alter+"DROP COLUMN "+quote(w.old.Name))
		settle = append(settle, w.settled(alter)...)
		finish = append(finish, w.finishes...)
		checks, names, backfills = append(checks, p.check), append(names, w.old.Name), append(backfills, p.backfill)
	}
	why, check := "nobody uses "+names[0]+" any more", checks[0]
	if len(f.parts) > 1 {
		why = "nobody uses the old columns any more (" + strings.Join(names, ", ") + "). Foreign keys, keys or indexes connect them, so they change over together"
		check = "(" + strings.Join(checks, ") UNION ALL (") + ")"
	}
	s := m.add(onward.Contract, onward.StepDDL, why, slices.Concat(f.locks(), stop, prepare, drop, settle, finish)...)
	s.Check, s.Behind = check, backfills
	for _, p := range f.parts {
		s.Replaces = append(s.Replaces, p.twin.replacements()...)
	}
}

// reportIncomplete names columns whose last step waits for a column that has no plan.
func (r *Release) reportIncomplete(m *Made) {
	for _, is := range r.order {
		if is.twin == nil || is.twin.family.pending == 0 || !slices.ContainsFunc(is.twin.family.parts, func(p *changeOver) bool { return p.twin == is.twin }) {
			continue
		}
		m.missing("%s of %s has no last step: it must change over together with a column of another table that has no plan", is.old.Name, is.twin.t.Name)
	}
}

// locks takes the locks of all tables of the step in one statement, so that the timeout bounds the
// wait for all of them. A table comes before the tables that it refers to: inserting a row takes
// its locks in this order, and writes to referring tables are the most frequent.
func (f *columnFamily) locks() []string {
	var tables []*catalog.Relation
	add := func(t *catalog.Relation) {
		if t != nil && !slices.ContainsFunc(tables, func(o *catalog.Relation) bool { return o.OID == t.OID }) {
			tables = append(tables, t)
		}
	}
	for _, p := range f.parts {
		for _, t := range p.twin.referring {
			add(t)
		}
		add(p.twin.t)
	}
	for _, p := range f.parts {
		for _, con := range p.twin.t.Constraints {
			if con.Kind == catalog.ForeignKey && slices.Contains(con.Columns, p.twin.old.Attnum) {
				add(p.twin.c.Release.Deployed.Relation(con.Ref))
			}
		}
	}
	if len(tables) < 2 {
		return nil
	}
	var names []string
	for len(tables) > 0 {
		next := max(0, slices.IndexFunc(tables, func(t *catalog.Relation) bool { return !isReferred(t, tables) }))
		names = append(names, name(tables[next]))
		tables = slices.Delete(tables, next, next+1)
	}
	return []string{"LOCK TABLE " + strings.Join(names, ", ") + " IN ACCESS EXCLUSIVE MODE"}
}

// isReferred reports whether another one of the tables has a foreign key to a table.
func isReferred(t *catalog.Relation, tables []*catalog.Relation) bool {
	return slices.ContainsFunc(tables, func(o *catalog.Relation) bool { return o.OID != t.OID && slices.Contains(t.ReferencedBy, o.OID) })
}
