package recipe

import (
	"slices"
	"strings"

	"github.com/onward-sql/onward/internal/catalog"
	"github.com/onward-sql/onward/onward"
)

// columnFamily is a set of columns whose replacements take their places in one transaction, because
// foreign keys, keys, indexes or a type connect them.
//
// The alternative is a step for each column. Between two such steps a foreign key refers to the new
// column of the one table, while the trigger of the other table still copies from the old column. The
// trigger then undoes ON DELETE SET NULL and ON UPDATE CASCADE. New code also writes values that only
// the new type can hold, and the other table refuses them. One transaction has no such moment.
type columnFamily struct {
	replacements []*replacement
	pending      int // replacements whose completePart was not called yet
	parts        []*columnSwap
}

// columnSwap is the part of one column in the last step of its family.
type columnSwap struct {
	replacement *replacement
	check       string
	marks       *rowMarks // nil for none
	backfill    *onward.PlannedBackfill
}

// groupReplacements finds the families.
func (r *Release) groupReplacements() {
	for _, change := range r.columnOrder {
		if change.replacement != nil {
			change.replacement.family = &columnFamily{replacements: []*replacement{change.replacement}, pending: 1}
		}
	}
	for _, change := range r.columnOrder {
		if change.replacement == nil {
			continue
		}
		for table, c := range map[*catalog.Relation]*catalog.Catalog{change.replacement.t: r.Deployed, change.replacement.head: r.head} {
			for _, con := range table.Constraints {
				r.uniteReplacements(columnsOfConstraint(table, con))
			}
			for _, x := range c.IndexesOf(table) {
				r.uniteReplacements(r.columnsOfIndex(x))
			}
		}
	}
}

// uniteReplacements makes one family of all columns that an object connects.
func (r *Release) uniteReplacements(columns []columnID) {
	var f *columnFamily
	for _, id := range columns {
		change := r.columnChanges[id]
		if change == nil || change.replacement == nil || change.replacement.family == f {
			continue
		}
		if f == nil {
			f = change.replacement.family
			continue
		}
		other := change.replacement.family
		f.replacements, f.pending = append(f.replacements, other.replacements...), f.pending+other.pending
		for _, joined := range other.replacements {
			joined.family = f
		}
	}
}

// completePart adds a column's part, nil if it has none. The last part adds the step of all.
func (f *columnFamily) completePart(m *Steps, part *columnSwap) {
	f.pending--
	if part != nil {
		f.parts = append(f.parts, part)
	}
	if f.pending > 0 || len(f.parts) == 0 {
		return
	}
	// The statements of the step for all columns, in this order.
	var dropTriggers, beforeDrop, drop, finalStatements, afterDrop []string
	var checks, names []string
	var backfills []*onward.PlannedBackfill
	var marks []onward.PlanMarks
	for _, p := range f.parts {
		w := p.replacement
		alter := "ALTER TABLE " + tableName(w.t) + " "
		if p.marks != nil {
			dropTriggers, marks = append(dropTriggers, p.marks.dropStatements()...), append(marks, p.marks.planMarks())
		}
		dropTriggers = append(dropTriggers, w.dropTriggerStatements()...)
		beforeDrop = append(beforeDrop, w.beforeDrop...)
		drop = append(drop, alter+"DROP COLUMN "+quoteIdent(w.old.Name))
		finalStatements = append(finalStatements, w.finalStatements(alter)...)
		afterDrop = append(afterDrop, w.afterDrop...)
		checks, names, backfills = append(checks, p.check), append(names, w.old.Name), append(backfills, p.backfill)
	}
	reason, check := "drop "+names[0]+", which no code uses any more", checks[0]
	if len(f.parts) > 1 {
		reason = "drop the old columns, which no code uses any more (" + strings.Join(names, ", ") +
			"): foreign keys, keys, indexes or a type connect them, so all change over in one transaction"
		check = "(" + strings.Join(checks, ") UNION ALL (") + ")"
	}
	s := m.addStep(onward.Contract, onward.StepDDL, reason,
		slices.Concat(f.lockStatements(), dropTriggers, beforeDrop, drop, finalStatements, afterDrop)...)
	s.Check, s.Marks, s.AfterBackfills = check, marks, backfills
	for _, p := range f.parts {
		s.Replaces = append(s.Replaces, p.replacement.planReplacements()...)
	}
}

// reportIncomplete names columns whose last step waits for a column that has no plan.
func (r *Release) reportIncomplete(m *Steps) {
	for _, change := range r.columnOrder {
		if change.replacement == nil || change.replacement.family.pending == 0 ||
			!slices.ContainsFunc(change.replacement.family.parts, func(p *columnSwap) bool { return p.replacement == change.replacement }) {
			continue
		}
		m.addMissing("%s of %s has no last step: it must change over together with a column of another table that has no plan",
			change.old.Name, change.replacement.t.Name)
	}
}

// lockStatements returns the statement that takes the locks of all tables of the step in one statement, so that the timeout bounds the
// wait for all of them. A table comes before the tables that it refers to: inserting a row takes
// its locks in this order, and writes to referring tables are the most frequent.
func (f *columnFamily) lockStatements() []string {
	var tables []*catalog.Relation
	add := func(t *catalog.Relation) {
		if t != nil && !slices.ContainsFunc(tables, func(o *catalog.Relation) bool { return o.OID == t.OID }) {
			tables = append(tables, t)
		}
	}
	for _, p := range f.parts {
		for _, t := range p.replacement.referring {
			add(t)
		}
		add(p.replacement.t)
	}
	for _, p := range f.parts {
		for _, con := range p.replacement.t.Constraints {
			if con.Kind == catalog.ForeignKey && slices.Contains(con.Columns, p.replacement.old.Attnum) {
				add(p.replacement.c.Release.Deployed.Relation(con.Ref))
			}
		}
	}
	if len(tables) < 2 {
		return nil
	}
	var names []string
	for len(tables) > 0 {
		next := max(0, slices.IndexFunc(tables, func(t *catalog.Relation) bool { return !isReferencedBy(t, tables) }))
		names = append(names, tableName(f.headRelation(tables[next])))
		tables = slices.Delete(tables, next, next+1)
	}
	return []string{"LOCK TABLE " + strings.Join(names, ", ") + " IN ACCESS EXCLUSIVE MODE"}
}

// headRelation returns a table as it is after the release: it may have another name by then.
func (f *columnFamily) headRelation(t *catalog.Relation) *catalog.Relation {
	if head := f.parts[0].replacement.c.Release.head.Relation(t.OID); head != nil {
		return head
	}
	return t
}

// isReferencedBy reports whether another one of the tables has a foreign key to a table.
func isReferencedBy(t *catalog.Relation, tables []*catalog.Relation) bool {
	return slices.ContainsFunc(tables, func(o *catalog.Relation) bool { return o.OID != t.OID && slices.Contains(t.ReferencedBy, o.OID) })
}
