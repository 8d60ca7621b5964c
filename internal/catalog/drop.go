package catalog

import (
	"slices"

	"github.com/onward-sql/onward/internal/pgparse"
)

// drop folds DROP of everything. What has a statement of its own (DROP ROLE,
// DATABASE, SUBSCRIPTION, …) is in object.go.
func (f *fold) drop(s *pgparse.DropStmt) {
	cascade := s.GetBehavior() == pgparse.DropBehavior_DROP_CASCADE
	switch s.GetRemoveType() {
	case pgparse.ObjectType_OBJECT_TABLE:
		f.dropRelations(s, cascade, Table, PartitionedTable)
	case pgparse.ObjectType_OBJECT_VIEW:
		f.dropRelations(s, cascade, View)
	case pgparse.ObjectType_OBJECT_MATVIEW:
		f.dropRelations(s, cascade, MaterializedView)
	case pgparse.ObjectType_OBJECT_SEQUENCE:
		f.dropRelations(s, cascade, Sequence)
	case pgparse.ObjectType_OBJECT_FOREIGN_TABLE:
		f.dropRelations(s, cascade, ForeignTable)
	case pgparse.ObjectType_OBJECT_INDEX:
		f.dropRelations(s, cascade, Index, PartitionedIndex)
	case pgparse.ObjectType_OBJECT_TYPE, pgparse.ObjectType_OBJECT_DOMAIN:
		for _, n := range s.GetObjects() {
			f.dropType(n.GetTypeName(), cascade, s.GetMissingOk())
		}
	case pgparse.ObjectType_OBJECT_FUNCTION, pgparse.ObjectType_OBJECT_PROCEDURE, pgparse.ObjectType_OBJECT_ROUTINE, pgparse.ObjectType_OBJECT_AGGREGATE:
		for _, n := range s.GetObjects() {
			f.dropFunction(n.GetObjectWithArgs(), s.GetRemoveType(), cascade, s.GetMissingOk())
		}
	case pgparse.ObjectType_OBJECT_SCHEMA:
		for _, n := range s.GetObjects() {
			f.dropSchema(str(n), cascade, s.GetMissingOk())
		}
	case pgparse.ObjectType_OBJECT_TRIGGER, pgparse.ObjectType_OBJECT_POLICY, pgparse.ObjectType_OBJECT_RULE:
		for _, n := range s.GetObjects() {
			f.dropOnTable(s.GetRemoveType(), items(n), s.GetMissingOk())
		}
	default:
		f.dropObjects(s, cascade)
	}
}

// dropRelations drops tables, views, sequences or indexes: those named, and
// what goes with them.
func (f *fold) dropRelations(s *pgparse.DropStmt, cascade bool, kinds ...Kind) {
	var roots []OID
	for _, n := range s.GetObjects() {
		schema, name := schemaAndName(items(n))
		r := f.find(schema, name)
		if r == nil {
			full := f.nameFor(schema, name)
			switch {
			case f.missing("relation", full):
				if !s.GetMissingOk() {
					f.missingRelation(kinds[0], displayName(schema, name))
				}
				continue
			case s.GetMissingOk():
				f.markGone("relation", full)
				continue
			}
			// It must have been there, unseen.
			r = f.infer(full, kinds[0])
		}
		if !slices.Contains(kinds, r.Kind) {
			if r.Inferred {
				// Its kind was a guess.
				f.edit(r.OID).Kind = kinds[0]
			} else {
				f.fail(f.sure(), "42809", "%q is not %s", r.Name.Name, article(kinds[0]))
				if f.failed {
					return
				}
			}
		}
		roots = append(roots, r.OID)
	}
	if f.failed {
		return
	}
	doomed := f.closure(roots)
	if !cascade {
		for _, oid := range roots {
			r := f.Relation(oid)
			if why := f.held(r, doomed); why != "" {
				f.fail(f.sure(), "2BP01", "cannot drop %s %s because %s", plainKind(r), r.Name.String(), why)
				if f.failed {
					return
				}
			}
		}
	}
	for _, oid := range roots {
		f.dropRelation(oid)
	}
}

func (f *fold) missingRelation(kind Kind, name string) {
	code := "42P01"
	if kind == Index {
		code = "42704"
	}
	f.fail(true, code, "%s %q does not exist", kind, name)
}

func article(k Kind) string {
	if k == Index {
		return "an index"
	}
	return "a " + k.String()
}

// plainKind is the kind as dependency messages call it: partitioned tables are
// tables there.
func plainKind(r *Relation) string {
	switch r.Kind {
	case PartitionedTable:
		return Table.String()
	case PartitionedIndex:
		return Index.String()
	}
	return r.Kind.String()
}

// closure is a set of relations with all their partitions.
func (f *fold) closure(roots []OID) map[OID]bool {
	set := make(map[OID]bool, len(roots))
	for _, oid := range roots {
		set[oid] = true
		if r := f.Relation(oid); r != nil && len(r.Partitions) > 0 {
			queue := slices.Clone(r.Partitions)
			for len(queue) > 0 {
				oid, queue = queue[0], queue[1:]
				if p := f.Relation(oid); p != nil && !set[oid] {
					set[oid] = true
					queue = append(queue, p.Partitions...)
				}
			}
		}
	}
	return set
}

const otherObjects = "other objects depend on it"

// held says why a relation cannot be dropped without CASCADE; "" when it can.
func (f *fold) held(r *Relation, doomed map[OID]bool) string {
	if r.Index != nil {
		t := f.Relation(r.Index.Table)
		if r.Index.Constraint != "" && t != nil {
			return "constraint " + r.Index.Constraint + " on table " + t.Name.String() + " requires it"
		}
		if p := f.Relation(r.Index.Parent); p != nil && !doomed[p.OID] {
			return "index " + p.Name.String() + " requires it"
		}
		return ""
	}
	if r.Seq != nil && r.Seq.OwnerTable != 0 {
		t := f.Relation(r.Seq.OwnerTable)
		if t == nil || doomed[t.OID] {
			return ""
		}
		c := t.Attr(r.Seq.OwnerColumn)
		if c == nil || c.Sequence != r.OID {
			return ""
		}
		if r.Seq.Identity {
			return "column " + c.Name + " of table " + t.Name.String() + " requires it"
		}
		if c.Default != nil {
			return otherObjects
		}
		return ""
	}
	for oid := range doomed {
		d := f.Relation(oid)
		for _, v := range d.Dependents {
			if !doomed[v] && f.Relation(v) != nil {
				return otherObjects
			}
		}
		for _, o := range d.ReferencedBy {
			if !doomed[o] && f.Relation(o) != nil {
				return otherObjects
			}
		}
		for _, o := range d.Children {
			if !doomed[o] && f.Relation(o) != nil {
				return otherObjects
			}
		}
	}
	return ""
}

// dropRelation drops a relation with all that depends on it.
func (f *fold) dropRelation(oid OID) {
	r := f.Relation(oid)
	if r == nil || f.depth > maxDepth {
		return
	}
	f.depth++
	defer func() { f.depth-- }()
	if r.Index != nil {
		f.dropIndex(r)
		return
	}
	f.remove(oid)
	for _, v := range r.Dependents {
		f.dropRelation(v)
	}
	for _, o := range r.ReferencedBy {
		other := f.edit(o)
		if other == nil {
			continue
		}
		other.Constraints = slices.DeleteFunc(slices.Clone(other.Constraints), func(c *Constraint) bool {
			return c.Kind == ForeignKey && c.Ref == oid
		})
	}
	for _, c := range r.Constraints {
		if ref := f.Relation(c.Ref); c.Kind == ForeignKey && ref != nil {
			ref = f.edit(ref.OID)
			ref.ReferencedBy = without(ref.ReferencedBy, oid)
		}
	}
	for _, list := range [][]OID{r.Partitions, r.Children} {
		for _, child := range list {
			f.dropRelation(child)
		}
	}
	for _, i := range r.Indexes {
		if idx := f.Relation(i); idx != nil {
			f.leavePartitionedIndex(idx)
			f.remove(i)
		}
	}
	for _, c := range r.Columns {
		if c.Sequence != 0 && f.Relation(c.Sequence) != nil {
			f.remove(c.Sequence)
		}
	}
	for _, name := range r.Statistics {
		f.removeObject("statistics object", name)
	}
	if p := f.edit(r.Parent); p != nil {
		p.Partitions = without(p.Partitions, oid)
		if p.Default == oid {
			p.Default = 0
		}
	}
	for _, o := range r.Inherits {
		if p := f.edit(o); p != nil {
			p.Children = without(p.Children, oid)
		}
	}
	if r.View != nil {
		f.unread(r)
	}
	if r.Seq != nil && r.Seq.OwnerTable != 0 {
		f.disownSequence(r)
	}
	f.leavePublications(oid)
	if r.Kind == CompositeType {
		if u := f.LookupType(r.Name.Schema, r.Name.Name); u != nil && u.Relation == oid {
			f.removeType(u.OID)
		}
	}
}

// unread takes a view out of the lists of what it reads.
func (f *fold) unread(v *Relation) {
	for _, oid := range v.View.Reads {
		if r := f.Relation(oid); r != nil && slices.Contains(r.Dependents, v.OID) {
			r = f.edit(oid)
			r.Dependents = without(r.Dependents, v.OID)
		}
	}
}

// disownSequence takes a dropped sequence, and the default that uses it, off
// its column.
func (f *fold) disownSequence(seq *Relation) {
	t := f.edit(seq.Seq.OwnerTable)
	if t == nil {
		return
	}
	if c := t.Attr(seq.Seq.OwnerColumn); c != nil && c.Sequence == seq.OID {
		e := t.editColumn(c.Attnum)
		e.Sequence = 0
		e.Default, e.DefaultText = nil, ""
	}
}

// dropIndex drops an index, with the constraint that it stands behind.
func (f *fold) dropIndex(idx *Relation) {
	if t := f.edit(idx.Index.Table); t != nil && idx.Index.Constraint != "" {
		if c := t.Constraint(idx.Index.Constraint); c != nil {
			f.forgetConstraint(t, c)
			return
		}
	}
	f.forgetIndex(idx.OID)
}

func (f *fold) leavePartitionedIndex(idx *Relation) {
	if p := f.Relation(idx.Index.Parent); p != nil {
		p = f.edit(p.OID)
		p.Partitions = without(p.Partitions, idx.OID)
	}
}

// dropColumn is DROP COLUMN, with the constraints and indexes that use the
// column, on the children too.
func (f *fold) dropColumn(t *Relation, name string, cascade, missingOK, only bool) {
	c := t.Column(name)
	if c == nil {
		if c = f.column(t.OID, name, missingOK); c == nil {
			return
		}
	}
	if f.depth > maxDepth {
		return
	}
	if f.depth == 0 && c.Inherited && !t.Inferred {
		f.fail(f.sure(), "42P16", "cannot drop inherited column %q", name)
		if f.failed {
			return
		}
	}
	if slices.ContainsFunc(t.PartitionKey, func(k IndexKey) bool { return slices.Contains(k.Columns, c.Attnum) }) {
		f.fail(f.sure(), "42P16", "cannot drop column %q because it is part of the partition key of relation %q", name, t.Name.Name)
		if f.failed {
			return
		}
	}
	if held, since := f.columnHeld(t, c); held && !cascade {
		f.fail(f.sure() && !c.Inferred, "2BP01", "cannot drop column %s of table %s because other objects depend on it", name, t.Name.String())
		f.problems[len(f.problems)-1].Since = since
		if f.failed {
			return
		}
	}
	f.dropColumnUsers(t, c)
	t.Columns = slices.DeleteFunc(slices.Clone(t.Columns), func(o *Column) bool { return o.Attnum == c.Attnum })
	if !slices.Contains(t.DroppedColumns, name) {
		t.DroppedColumns = with(t.DroppedColumns, name)
	}
	for _, list := range [][]OID{t.Partitions, t.Children} {
		for _, oid := range list {
			child := f.edit(oid)
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
		f.spreadAttribute(t, func(table *Relation) { f.dropColumn(table, name, true, true, true) })
	}
}

// columnHeld reports whether something other than the table's own constraints
// and indexes needs a column, and since which major version that matters (0:
// on all): up to 14 a column generated from it goes without a word.
func (f *fold) columnHeld(t *Relation, c *Column) (held bool, since int) {
	if f.columnHeldOnAll(t, c) {
		return true, 0
	}
	for _, o := range t.Columns {
		if o != c && slices.Contains(o.GeneratedFrom, c.Attnum) {
			return true, 15
		}
	}
	return false, 0
}

func (f *fold) columnHeldOnAll(t *Relation, c *Column) bool {
	if f.viewUsing(t, c.Attnum) != nil {
		return true
	}
	for _, p := range t.Policies {
		if slices.Contains(p.Uses, c.Attnum) {
			return true
		}
	}
	for _, trig := range t.Triggers {
		if slices.Contains(trig.Columns, c.Attnum) || slices.Contains(trig.Uses, c.Attnum) {
			return true
		}
	}
	for _, oid := range t.ReferencedBy {
		if oid == t.OID {
			continue
		}
		if o := f.Relation(oid); o != nil {
			for _, fk := range o.Constraints {
				if fk.Kind == ForeignKey && fk.Ref == t.OID && slices.Contains(fk.RefColumns, c.Attnum) {
					return true
				}
			}
		}
	}
	return false
}

// viewUsing finds a view that reads a column.
func (f *fold) viewUsing(t *Relation, attnum int16) *Relation {
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
	for _, oid := range slices.Clone(t.ReferencedBy) {
		o := f.Relation(oid)
		if o == nil {
			continue
		}
		for _, fk := range o.Constraints {
			if fk.Kind == ForeignKey && fk.Ref == t.OID && slices.Contains(fk.RefColumns, c.Attnum) {
				f.forgetConstraint(f.edit(oid), fk)
			}
		}
	}
	for _, k := range t.Constraints {
		if slices.Contains(k.Columns, c.Attnum) {
			f.forgetConstraint(t, k)
		}
	}
	for _, oid := range t.Indexes {
		if idx := f.Relation(oid); idx != nil && idx.Index.uses(c.Attnum) {
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
			t.Statistics = without(t.Statistics, name)
		}
	}
	uses := func(list []int16) bool { return slices.Contains(list, c.Attnum) }
	if slices.ContainsFunc(t.Policies, func(p *Policy) bool { return uses(p.Uses) }) {
		t.Policies = slices.DeleteFunc(slices.Clone(t.Policies), func(p *Policy) bool { return uses(p.Uses) })
	}
	if slices.ContainsFunc(t.Triggers, func(g *Trigger) bool { return uses(g.Columns) || uses(g.Uses) }) {
		t.Triggers = slices.DeleteFunc(slices.Clone(t.Triggers), func(g *Trigger) bool { return uses(g.Columns) || uses(g.Uses) })
	}
	if c.Sequence != 0 && f.Relation(c.Sequence) != nil {
		f.remove(c.Sequence)
	}
}

// uses reports whether an index has anything to do with a column.
func (i *IndexInfo) uses(attnum int16) bool {
	for _, k := range i.Keys {
		if slices.Contains(k.Columns, attnum) {
			return true
		}
	}
	return slices.Contains(i.Include, attnum) || slices.Contains(i.PredicateColumns, attnum)
}

// dropOnTable drops a trigger, policy or rule: the name is the table's with
// the object's behind.
func (f *fold) dropOnTable(kind pgparse.ObjectType, names []*pgparse.Node, missingOK bool) {
	if len(names) < 2 {
		return
	}
	schema, table := schemaAndName(names[:len(names)-1])
	name := clip(last(names))
	r := f.relationNamed(schema, table, Table, missingOK)
	if r == nil {
		return
	}
	r = f.edit(r.OID)
	var n int
	var word string
	switch kind {
	case pgparse.ObjectType_OBJECT_TRIGGER:
		n, word = len(r.Triggers), "trigger"
		f.dropTrigger(r, name)
		n -= len(r.Triggers)
	case pgparse.ObjectType_OBJECT_POLICY:
		n, word = len(r.Policies), "policy"
		r.Policies = slices.DeleteFunc(slices.Clone(r.Policies), func(p *Policy) bool { return p.Name == name })
		n -= len(r.Policies)
	default:
		n, word = len(r.Rules), "rule"
		r.Rules = without(r.Rules, name)
		n -= len(r.Rules)
	}
	if n == 0 && !missingOK && !r.Inferred && !r.Partial {
		if kind == pgparse.ObjectType_OBJECT_RULE {
			f.fail(f.sure(), "42704", "rule %q for relation %q does not exist", name, r.Name.Name)
			return
		}
		f.fail(f.sure(), "42704", "%s %q for table %q does not exist", word, name, r.Name.Name)
	}
}

// sortedRelations are the relations that keep holds for, oldest first.
func (c *Catalog) sortedRelations(keep func(*Relation) bool) []OID {
	var out []OID
	c.Relations(func(r *Relation) bool {
		if keep(r) {
			out = append(out, r.OID)
		}
		return true
	})
	return out
}
