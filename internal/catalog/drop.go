package catalog

import (
	"slices"
	"sync"

	"github.com/onward-sql/onward/internal/pgerror"
	"github.com/onward-sql/onward/internal/pgparse"
)

// foldDrop folds the grammar's DropStmt: DROP TABLE, VIEW, INDEX, TYPE, FUNCTION and
// others. DROP ROLE, DATABASE and SUBSCRIPTION have statements of their own.
func (f *fold) foldDrop(s *pgparse.DropStmt) {
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
			f.dropType(n.GetTypeName(), s.GetRemoveType() == pgparse.ObjectType_OBJECT_DOMAIN, cascade, s.GetMissingOk())
		}
	case pgparse.ObjectType_OBJECT_FUNCTION, pgparse.ObjectType_OBJECT_PROCEDURE, pgparse.ObjectType_OBJECT_ROUTINE, pgparse.ObjectType_OBJECT_AGGREGATE:
		for _, n := range s.GetObjects() {
			f.dropFunction(n.GetObjectWithArgs(), s.GetRemoveType(), cascade, s.GetMissingOk())
		}
	case pgparse.ObjectType_OBJECT_SCHEMA:
		for _, n := range s.GetObjects() {
			f.dropSchema(pgparse.StringText(n), cascade, s.GetMissingOk())
		}
	case pgparse.ObjectType_OBJECT_TRIGGER, pgparse.ObjectType_OBJECT_POLICY, pgparse.ObjectType_OBJECT_RULE:
		for _, n := range s.GetObjects() {
			f.dropTablePart(s.GetRemoveType(), pgparse.ListItems(n), s.GetMissingOk())
		}
	default:
		f.dropObjects(s, cascade)
	}
}

// dropRelations drops the named tables, views, sequences or indexes, and the objects
// that are dropped with them.
func (f *fold) dropRelations(s *pgparse.DropStmt, cascade bool, kinds ...Kind) {
	var roots []OID
	for _, n := range s.GetObjects() {
		schema, name := pgparse.SchemaAndName(pgparse.ListItems(n))
		found := f.ResolveName(schema, name)
		r := found.Relation
		if r == nil {
			switch {
			case found.IsMissing:
				if !s.GetMissingOk() {
					f.addMissingRelation(kinds[0], displayName(schema, name))
				}
				continue
			case s.GetMissingOk():
				f.markDropped("relation", found.Full)
				continue
			}
			// It must have been there, unseen.
			r = f.inferRelation(found.Full, kinds[0])
		}
		if !slices.Contains(kinds, r.Kind) {
			if r.Inferred {
				// Its kind was a guess.
				f.editRelation(r.OID).Kind = kinds[0]
			} else {
				f.addProblem(f.isHistoryComplete(), pgerror.NotA, r.Name.Name, withArticle(kinds[0]))
				if f.failed {
					return
				}
			}
		}
		if r.Extension != "" { // CASCADE changes nothing
			f.addConflict(true, pgerror.Required, r.Kind.ForMessages(), r.Name.String(), "extension "+r.Extension)
		}
		roots = append(roots, r.OID)
	}
	if f.failed {
		return
	}
	doomed := f.withPartitions(roots)
	all := sync.OnceValue(func() bool { return !cascade && f.haveDependents(doomed) })
	for _, oid := range roots {
		if no := f.checkDroppable(f.Relation(oid), doomed, cascade, all); no != nil {
			f.addConflictRefusal(true, no)
			if f.failed {
				return
			}
		}
	}
	for _, oid := range roots {
		f.dropWithRowType(oid)
	}
}

func (f *fold) addMissingRelation(kind Kind, name string) {
	if kind == Index {
		f.addProblem(true, pgerror.IndexMissing, name)
		return
	}
	f.addProblem(true, pgerror.RelationMissingAs, kind.String(), name)
}

func withArticle(k Kind) string {
	if k == Index {
		return "an index"
	}
	return "a " + k.String()
}

// withPartitions is a set of relations with all their partitions.
func (f *fold) withPartitions(roots []OID) map[OID]bool {
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

// checkDroppable returns the refusal of a DROP of a relation; nil if it is allowed. CASCADE
// drops what depends on it, but not what requires it. all reports whether something depends on the objects that are dropped together.
func (f *fold) checkDroppable(r *Relation, doomed map[OID]bool, cascade bool, all func() bool) *pgerror.Refusal {
	dependents := func() *pgerror.Refusal {
		return pgerror.HasDependents.NewRefusal(r.Kind.ForMessages(), r.Name.String())
	}
	required := func(dependent string) *pgerror.Refusal {
		return pgerror.Required.NewRefusal(r.Kind.ForMessages(), r.Name.String(), dependent)
	}
	if r.Index != nil {
		t := f.Relation(r.Index.Table)
		if r.Index.Constraint != "" && t != nil {
			return required("constraint " + r.Index.Constraint + " on table " + t.Name.String())
		}
		if p := f.Relation(r.Index.Parent); p != nil && !doomed[p.OID] {
			return required("index " + p.Name.String())
		}
		if !cascade && len(f.IndexUsers(r)) > 0 {
			return dependents()
		}
		return nil
	}
	isDoomed := func(t *Relation, _ *Column) bool { return doomed[t.OID] }
	if r.Seq != nil && !cascade && f.isSequenceUsed(r.OID, isDoomed) {
		return dependents()
	}
	if r.Seq != nil && r.Seq.OwnerTable != 0 {
		t := f.Relation(r.Seq.OwnerTable)
		if t == nil || doomed[t.OID] {
			return nil
		}
		c := t.Attr(r.Seq.OwnerColumn)
		if c == nil || c.Sequence != r.OID {
			return nil
		}
		if r.Seq.Identity {
			return required("column " + c.Name + " of table " + t.Name.String())
		}
		if c.Default != nil && !cascade {
			return dependents()
		}
		return nil
	}
	if all() {
		return dependents()
	}
	return nil
}

// haveDependents reports whether something depends on tables that are dropped at
// once, or on views.
func (f *fold) haveDependents(doomed map[OID]bool) bool {
	isDoomed := func(t *Relation, _ *Column) bool { return doomed[t.OID] }
	for oid := range doomed {
		d := f.Relation(oid)
		for _, c := range d.Columns {
			if f.isSequenceUsed(c.Sequence, isDoomed) {
				return true
			}
		}
		for _, v := range d.Dependents {
			if !doomed[v] && f.Relation(v) != nil {
				return true
			}
		}
		for _, x := range f.PoliciesOver(oid, 0) {
			if !doomed[x.Table.OID] {
				return true
			}
		}
		for _, x := range f.RulesOver(oid, 0) {
			if !doomed[x.Table.OID] {
				return true
			}
		}
		if len(f.BodiesOver(oid, 0)) > 0 {
			return true
		}
		if f.isReferenced(d, doomed) {
			return true
		}
		for _, o := range d.Children {
			if !doomed[o] && f.Relation(o) != nil {
				return true
			}
		}
		for _, o := range f.columnUsersOf(oid, oid) {
			if !doomed[o] {
				return true
			}
		}
		if len(f.FunctionsWith(oid)) > 0 {
			return true
		}
	}
	return false
}

// isReferenced reports whether a foreign key of a table that stays points to a relation, or to
// a table that stays of which it is a partition.
func (f *fold) isReferenced(r *Relation, doomed map[OID]bool) bool {
	for ancestor := r; ancestor != nil; ancestor = f.Relation(ancestor.Parent) {
		for _, o := range ancestor.ReferencedBy {
			if from := f.Relation(o); from != nil && !f.isDoomed(from, doomed) {
				return true
			}
		}
	}
	return false
}

// isDoomed reports whether a relation is dropped, or a table of which it is a partition.
func (f *fold) isDoomed(r *Relation, doomed map[OID]bool) bool {
	for ; r != nil; r = f.Relation(r.Parent) {
		if doomed[r.OID] {
			return true
		}
	}
	return false
}

// dropTablePart drops a trigger, policy or rule. names is the table's name followed by the
// object's.
func (f *fold) dropTablePart(kind pgparse.ObjectType, names []*pgparse.Node, missingOK bool) {
	if len(names) < 2 {
		return
	}
	schema, table := pgparse.SchemaAndName(names[:len(names)-1])
	name := clipName(pgparse.LastText(names))
	r := f.requireRelationNamed(schema, table, Table, missingOK)
	if r == nil {
		return
	}
	r = f.editRelation(r.OID)
	var n int
	var word string
	switch kind {
	case pgparse.ObjectType_OBJECT_TRIGGER:
		n, word = len(r.Triggers), "trigger"
		f.dropTrigger(r, name)
		n -= len(r.Triggers)
	case pgparse.ObjectType_OBJECT_POLICY:
		n, word = len(r.Policies), "policy"
		r.copyRare().Policies = slices.DeleteFunc(slices.Clone(r.Policies), func(p *Policy) bool { return p.Name == name })
		n -= len(r.Policies)
	default:
		n, word = len(r.Rules), "rule"
		r.copyRare().Rules = slices.DeleteFunc(slices.Clone(r.Rules), func(u *Rule) bool { return u.Name == name })
		n -= len(r.Rules)
	}
	if n == 0 && !missingOK && !r.Inferred && !r.Partial {
		if kind == pgparse.ObjectType_OBJECT_RULE {
			f.addProblem(f.isHistoryComplete(), pgerror.RuleMissing, name, r.Name.Name)
			return
		}
		f.addMissingPart(r, pgerror.ObjectMissingOn, word, name, r.Name.Name)
	}
}

// sortedRelations are the relations that keep holds for, oldest first.
func (c *Catalog) sortedRelations(keep func(*Relation) bool) []OID {
	var out []OID
	c.EachRelation(func(r *Relation) bool {
		if keep(r) {
			out = append(out, r.OID)
		}
		return true
	})
	return out
}
