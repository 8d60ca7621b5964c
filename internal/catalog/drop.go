package catalog

import (
	"slices"
	"sync"

	"github.com/onward-sql/onward/internal/pgparse"
	"github.com/onward-sql/onward/internal/refuse"
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
			f.dropType(n.GetTypeName(), s.GetRemoveType() == pgparse.ObjectType_OBJECT_DOMAIN, cascade, s.GetMissingOk())
		}
	case pgparse.ObjectType_OBJECT_FUNCTION, pgparse.ObjectType_OBJECT_PROCEDURE, pgparse.ObjectType_OBJECT_ROUTINE, pgparse.ObjectType_OBJECT_AGGREGATE:
		for _, n := range s.GetObjects() {
			f.dropFunction(n.GetObjectWithArgs(), s.GetRemoveType(), cascade, s.GetMissingOk())
		}
	case pgparse.ObjectType_OBJECT_SCHEMA:
		for _, n := range s.GetObjects() {
			f.dropSchema(pgparse.Text(n), cascade, s.GetMissingOk())
		}
	case pgparse.ObjectType_OBJECT_TRIGGER, pgparse.ObjectType_OBJECT_POLICY, pgparse.ObjectType_OBJECT_RULE:
		for _, n := range s.GetObjects() {
			f.dropOnTable(s.GetRemoveType(), pgparse.Items(n), s.GetMissingOk())
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
		schema, name := pgparse.SchemaAndName(pgparse.Items(n))
		r := f.find(schema, name)
		if r == nil {
			full := f.meant(schema, name)
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
				f.fail(f.sure(), refuse.NotA, r.Name.Name, article(kinds[0]))
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
		all := sync.OnceValue(func() bool { return f.heldTogether(doomed) })
		for _, oid := range roots {
			r := f.Relation(oid)
			if no := f.held(r, doomed, all); no != nil {
				f.deny(f.sure(), no)
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
	if kind == Index {
		f.fail(true, refuse.IndexMissing, name)
		return
	}
	f.fail(true, refuse.RelationMissingAs, kind.String(), name)
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

// held says why a relation cannot be dropped without CASCADE; nil when it can. all
// tells whether something depends on what is dropped together.
func (f *fold) held(r *Relation, doomed map[OID]bool, all func() bool) *refuse.Refusal {
	dependents := func() *refuse.Refusal { return refuse.HasDependents.Of(plainKind(r), r.Name.String()) }
	required := func(by string) *refuse.Refusal { return refuse.Required.Of(plainKind(r), r.Name.String(), by) }
	if r.Index != nil {
		t := f.Relation(r.Index.Table)
		if r.Index.Constraint != "" && t != nil {
			return required("constraint " + r.Index.Constraint + " on table " + t.Name.String())
		}
		if p := f.Relation(r.Index.Parent); p != nil && !doomed[p.OID] {
			return required("index " + p.Name.String())
		}
		if len(f.IndexUsers(r)) > 0 {
			return dependents()
		}
		return nil
	}
	gone := func(t *Relation, _ *Column) bool { return doomed[t.OID] }
	if r.Seq != nil && f.taken(r.OID, gone) {
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
		if c.Default != nil {
			return dependents()
		}
		return nil
	}
	if all() {
		return dependents()
	}
	return nil
}

// heldTogether reports whether something depends on tables that are dropped at
// once, or on views.
func (f *fold) heldTogether(doomed map[OID]bool) bool {
	gone := func(t *Relation, _ *Column) bool { return doomed[t.OID] }
	for oid := range doomed {
		d := f.Relation(oid)
		for _, c := range d.Columns {
			if f.taken(c.Sequence, gone) {
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
		for _, o := range d.ReferencedBy {
			if !doomed[o] && f.Relation(o) != nil {
				return true
			}
		}
		for _, o := range d.Children {
			if !doomed[o] && f.Relation(o) != nil {
				return true
			}
		}
	}
	return false
}

// dropOnTable drops a trigger, policy or rule: the name is the table's with
// the object's behind.
func (f *fold) dropOnTable(kind pgparse.ObjectType, names []*pgparse.Node, missingOK bool) {
	if len(names) < 2 {
		return
	}
	schema, table := pgparse.SchemaAndName(names[:len(names)-1])
	name := clip(pgparse.Last(names))
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
		r.own().Policies = slices.DeleteFunc(slices.Clone(r.Policies), func(p *Policy) bool { return p.Name == name })
		n -= len(r.Policies)
	default:
		n, word = len(r.Rules), "rule"
		r.own().Rules = slices.DeleteFunc(slices.Clone(r.Rules), func(u *Rule) bool { return u.Name == name })
		n -= len(r.Rules)
	}
	if n == 0 && !missingOK && !r.Inferred && !r.Partial {
		if kind == pgparse.ObjectType_OBJECT_RULE {
			f.fail(f.sure(), refuse.RuleMissing, name, r.Name.Name)
			return
		}
		f.fail(f.sure(), refuse.ObjectMissingOn, word, name, r.Name.Name)
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
