package catalog

import (
	"slices"

	"github.com/onward-sql/onward/internal/pgerror"
)

// dropColumn is DROP COLUMN, with the constraints and indexes that use the
// column, on the children too.
func (f *fold) dropColumn(t *Relation, name string, cascade, missingOK, only bool) {
	c := t.Column(name)
	if c == nil {
		if c = f.requireColumn(t.OID, name, missingOK); c == nil {
			return
		}
	}
	if f.depth > maxDepth {
		return
	}
	if f.depth == 0 && c.Inherited && !t.Inferred {
		f.addConflict(true, pgerror.DropInherited, name)
		if f.failed {
			return
		}
	}
	if slices.ContainsFunc(t.PartitionKey, func(k IndexKey) bool { return slices.Contains(k.Columns, c.Attnum) }) {
		f.addConflict(true, pgerror.DropPartitionKey, name, t.Name.Name)
		if f.failed {
			return
		}
	}
	if dependent, generated := f.findColumnDependent(t, c); dependent != "" && !cascade {
		f.addConflict(!c.Inferred, pgerror.ColumnHasDependents, name, t.Name.String())
		f.markGeneratedOnly(generated)
		if x := &f.problems[len(f.problems)-1]; generated == "" {
			x.InTheWay, x.Held = f.findViewUsing(t, c.Attnum), dependent
		}
		if f.failed {
			return
		}
	}
	f.dropColumnUsers(t, c)
	t.Columns = slices.DeleteFunc(slices.Clone(t.Columns), func(o *Column) bool { return o.Attnum == c.Attnum })
	t.recordDroppedColumn(f, name)
	for _, list := range [][]OID{t.Partitions, t.Children} {
		for _, oid := range list {
			child := f.editRelation(oid)
			if child == nil {
				continue
			}
			have := child.Column(name)
			if have == nil || !have.Inherited {
				continue
			}
			if only || have.Local {
				e := child.editColumn(have.Attnum)
				e.Inherited, e.Local = false, true
				continue
			}
			f.depth++
			f.dropColumn(child, name, true, true, false)
			f.depth--
		}
	}
	if t.Kind == CompositeType {
		f.eachTypedTable(t, func(table *Relation) { f.dropColumn(table, name, true, true, true) })
	}
}

// generatedSince is the first version for which a generated column depends on
// what it is computed from: those before drop it without a word.
const generatedSince = 15

// markGeneratedOnly notes that the last problem is one of generated columns only.
func (f *fold) markGeneratedOnly(generated string) {
	if last := &f.problems[len(f.problems)-1]; generated != "" {
		last.Since, last.Lost = generatedSince, generated
	}
}

// findColumnDependent returns the object, other than the table's own constraints and indexes, that
// needs a column; "" for none. It also returns the generated column if that is the only
// one.
func (f *fold) findColumnDependent(t *Relation, c *Column) (dependent, generated string) {
	if dependent := f.findDependentOnAllVersions(t, c); dependent != "" {
		return dependent, ""
	}
	for _, o := range t.Columns {
		if o != c && slices.Contains(o.GeneratedFrom, c.Attnum) {
			generatedColumn := "column " + o.Name + " of " + t.Name.String()
			return generatedColumn, generatedColumn
		}
	}
	return "", ""
}

func (f *fold) findDependentOnAllVersions(t *Relation, c *Column) string {
	// What children inherit goes with it.
	if r := f.findSequenceUser(c.Sequence, func(_ *Relation, o *Column) bool { return o.Inherited && o.Name == c.Name }); r != nil {
		return "a default of " + r.Name.String()
	}
	if v := f.findViewUsing(t, c.Attnum); v != nil {
		return v.Kind.String() + " " + v.Name.String()
	}
	if o := f.findListingPublication(t, c.Attnum); o != nil {
		return o.Kind + " " + o.Name.String()
	}
	for _, p := range t.Policies {
		if slices.Contains(p.Uses, c.Attnum) {
			return "policy " + p.Name + " of " + t.Name.String()
		}
	}
	for _, x := range f.PoliciesOver(t.OID, c.Attnum) {
		return "policy " + x.Policy.Name + " of " + x.Table.Name.String()
	}
	for _, x := range f.RulesOver(t.OID, c.Attnum) {
		return "rule " + x.Rule.Name + " of " + x.Table.Name.String()
	}
	for _, fn := range f.BodiesOver(t.OID, c.Attnum) {
		return fn.Kind + " " + fn.Name.String()
	}
	for _, trig := range t.Triggers {
		if slices.Contains(trig.Columns, c.Attnum) || slices.Contains(trig.Uses, c.Attnum) {
			return "trigger " + trig.Name + " of " + t.Name.String()
		}
	}
	for _, oid := range t.ReferencedBy {
		if oid == t.OID {
			continue
		}
		if o := f.Relation(oid); o != nil {
			for _, fk := range o.Constraints {
				if fk.Kind == ForeignKey && fk.Ref == t.OID && slices.Contains(fk.RefColumns, c.Attnum) {
					return "foreign key " + fk.Name + " of " + o.Name.String()
				}
			}
		}
	}
	return ""
}

// findViewUsing finds a view that reads a column.
func (f *fold) findViewUsing(t *Relation, attnum int16) *Relation {
	for _, oid := range t.Dependents {
		if v := f.Relation(oid); v != nil && v.View != nil && slices.Contains(v.View.Columns[t.OID], attnum) {
			return v
		}
	}
	return nil
}

// dropColumnUsers drops what cannot be without a column.
func (f *fold) dropColumnUsers(t *Relation, c *Column) {
	for _, oid := range slices.Clone(t.Dependents) {
		if v := f.Relation(oid); v != nil && v.View != nil && slices.Contains(v.View.Columns[t.OID], c.Attnum) {
			f.dropRelation(oid)
		}
	}
	for o := f.findListingPublication(t, c.Attnum); o != nil; o = f.findListingPublication(t, c.Attnum) {
		next := *o
		next.Tables, next.Lists = removeValue(o.Tables, t.OID), withoutTables(o.Lists, t.OID)
		f.storeObject(&next)
	}
	for _, oid := range slices.Clone(t.ReferencedBy) {
		o := f.Relation(oid)
		if o == nil {
			continue
		}
		for _, fk := range o.Constraints {
			if fk.Kind == ForeignKey && fk.Ref == t.OID && slices.Contains(fk.RefColumns, c.Attnum) {
				f.forgetConstraint(f.editRelation(oid), fk)
			}
		}
	}
	for _, k := range t.Constraints {
		if slices.Contains(k.Columns, c.Attnum) {
			f.forgetConstraint(t, k)
		}
	}
	for _, oid := range t.Indexes {
		if idx := f.Relation(oid); idx != nil && idx.Index.UsesColumn(c.Attnum) {
			f.forgetIndex(oid)
		}
	}
	for _, o := range slices.Clone(t.Columns) {
		if o.Attnum != c.Attnum && slices.Contains(o.GeneratedFrom, c.Attnum) && f.depth < maxDepth {
			f.depth++
			f.dropColumn(t, o.Name, true, true, false)
			f.depth--
		}
	}
	for _, name := range t.Statistics {
		if o := f.Object("statistics object", name); o != nil && slices.Contains(o.Columns, c.Attnum) {
			f.removeObject("statistics object", name)
			t.copyRare().Statistics = removeValue(t.Statistics, name)
		}
	}
	uses := func(list []int16) bool { return slices.Contains(list, c.Attnum) }
	if slices.ContainsFunc(t.Policies, func(p *Policy) bool { return uses(p.Uses) }) {
		t.copyRare().Policies = slices.DeleteFunc(slices.Clone(t.Policies), func(p *Policy) bool { return uses(p.Uses) })
	}
	f.dropPoliciesOver(t.OID, c.Attnum)
	f.dropRulesOver(t.OID, c.Attnum)
	f.dropBodiesOver(t.OID, c.Attnum)
	if slices.ContainsFunc(t.Triggers, func(g *Trigger) bool { return uses(g.Columns) || uses(g.Uses) }) {
		t.Triggers = slices.DeleteFunc(slices.Clone(t.Triggers), func(g *Trigger) bool { return uses(g.Columns) || uses(g.Uses) })
	}
	if c.Sequence != 0 && f.Relation(c.Sequence) != nil {
		f.removeSequence(c.Sequence)
	}
}

// UsesColumn reports whether an index has anything to do with a column; nil is no index.
func (i *IndexInfo) UsesColumn(attnum int16) bool {
	if i == nil {
		return false
	}
	for _, k := range i.Keys {
		if k.Column == attnum || slices.Contains(k.Columns, attnum) {
			return true
		}
	}
	return slices.Contains(i.Include, attnum) || slices.Contains(i.PredicateColumns, attnum)
}

// recordDroppedColumn notes the name of a column that went. Of a table whose columns go on
// and on, those that went last are known: it has room for so many.
func (r *Relation) recordDroppedColumn(f *fold, name string) {
	if slices.Contains(r.DroppedColumns, name) {
		return
	}
	list := r.DroppedColumns
	if n := len(list); n >= 2*maxColumns {
		list = list[n-maxColumns:] // the list is copied then, so not for each name
	}
	r.copyRare().DroppedColumns = appendShared(f, list, name)
}
