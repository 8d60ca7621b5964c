package catalog

import (
	"slices"

	"github.com/onward-sql/onward/internal/pgerror"
	"github.com/onward-sql/onward/internal/pgparse"
)

// foldRename folds ALTER … RENAME of everything.
func (f *fold) foldRename(s *pgparse.RenameStmt) {
	to := clipName(s.GetNewname())
	switch s.GetRenameType() {
	case pgparse.ObjectType_OBJECT_TABLE, pgparse.ObjectType_OBJECT_VIEW, pgparse.ObjectType_OBJECT_MATVIEW, pgparse.ObjectType_OBJECT_INDEX,
		pgparse.ObjectType_OBJECT_SEQUENCE, pgparse.ObjectType_OBJECT_FOREIGN_TABLE:
		f.renameRelation(s, to)
	case pgparse.ObjectType_OBJECT_COLUMN, pgparse.ObjectType_OBJECT_ATTRIBUTE:
		f.renameColumn(s, to)
	case pgparse.ObjectType_OBJECT_TABCONSTRAINT:
		f.renameConstraint(s, to)
	case pgparse.ObjectType_OBJECT_DOMCONSTRAINT:
		f.renameDomainConstraint(s, to)
	case pgparse.ObjectType_OBJECT_TRIGGER, pgparse.ObjectType_OBJECT_POLICY, pgparse.ObjectType_OBJECT_RULE:
		f.renameTablePart(s, to)
	case pgparse.ObjectType_OBJECT_TYPE, pgparse.ObjectType_OBJECT_DOMAIN:
		f.renameType(pgparse.ListItems(s.GetObject()), to)
	case pgparse.ObjectType_OBJECT_FUNCTION, pgparse.ObjectType_OBJECT_PROCEDURE, pgparse.ObjectType_OBJECT_ROUTINE, pgparse.ObjectType_OBJECT_AGGREGATE:
		f.renameFunction(s.GetObject().GetObjectWithArgs(), to)
	case pgparse.ObjectType_OBJECT_SCHEMA:
		f.renameSchema(s.GetSubname(), to)
	default:
		f.renameObject(s, to)
	}
}

// KindOfObject returns the kind of relation that a statement names by a type of object.
func KindOfObject(t pgparse.ObjectType) Kind {
	switch t {
	case pgparse.ObjectType_OBJECT_VIEW:
		return View
	case pgparse.ObjectType_OBJECT_MATVIEW:
		return MaterializedView
	case pgparse.ObjectType_OBJECT_INDEX:
		return Index
	case pgparse.ObjectType_OBJECT_SEQUENCE:
		return Sequence
	case pgparse.ObjectType_OBJECT_FOREIGN_TABLE:
		return ForeignTable
	case pgparse.ObjectType_OBJECT_TYPE, pgparse.ObjectType_OBJECT_ATTRIBUTE:
		return CompositeType
	}
	return Table
}

func (f *fold) renameRelation(s *pgparse.RenameStmt, to string) {
	if s.GetMissingOk() && f.isAlreadyRenamed(s.GetRelation(), to) {
		return
	}
	r := f.requireRelation(s.GetRelation(), KindOfObject(s.GetRenameType()), s.GetMissingOk())
	if r == nil {
		return
	}
	name := Name{r.Name.Schema, to}
	if !f.makeNameFree(r.OID, name) {
		return
	}
	f.setRelationName(r.OID, name)
	if r.Kind.IsTable() {
		f.renamed = f.renamed.insertKey(f.own, r.OID, struct{}{})
	}
	if r.Detached {
		f.editRelation(r.OID).copyRare().Detached = false
	}
	// The constraint that uses an index is renamed with it.
	if r.Index != nil && r.Index.Constraint != "" {
		if t := f.editRelation(r.Index.Table); t != nil {
			if c := t.Constraint(r.Index.Constraint); c != nil {
				t.editConstraint(c.ID).Name = to
			}
		}
		e := f.editRelation(r.OID)
		info := *e.Index
		info.Constraint = to
		e.Index = &info
	}
}

// isAlreadyRenamed says that nothing of the name is known, and that something has
// the new one: with IF EXISTS the statement is there for databases of another
// past, and does nothing in the one that is known.
func (f *fold) isAlreadyRenamed(rv *pgparse.RangeVar, to string) bool {
	schema, name := pgparse.RangeName(rv)
	if f.findRelation(schema, name) != nil {
		return false
	}
	full := f.fullNameForCreate(schema, name)
	oid, exists := f.names.get(Name{full.Schema, to})
	return exists && !f.Relation(oid).Inferred
}

// makeNameFree handles the object that already has the name that the relation oid, or an
// index of it, will get; false if that is a problem. If that object must have been
// dropped unseen, it is removed. This may remove the relation itself, as an index is
// dropped with its table; nothing is left to rename then.
func (f *fold) makeNameFree(oid OID, name Name) bool {
	holder, exists := f.names.get(name)
	if !exists {
		return true
	}
	if old := f.Relation(holder); holder == oid || !old.Inferred {
		f.addProblem(f.isHistoryComplete(), pgerror.RelationExists, name.Name)
		if f.failed || holder == oid {
			return false
		}
	}
	f.dropRelation(holder)
	return f.Relation(oid) != nil
}

func (f *fold) renameColumn(s *pgparse.RenameStmt, to string) {
	r := f.requireRelation(s.GetRelation(), KindOfObject(s.GetRelationType()), s.GetMissingOk())
	if r == nil {
		return
	}
	r = f.editRelation(r.OID)
	from := clipName(s.GetSubname())
	c := f.requireColumnOrRefuse(r.OID, from, &pgerror.ColumnMissingAlone)
	if c == nil {
		return
	}
	if c.Inherited && !r.Inferred {
		f.addProblem(f.isHistoryComplete(), pgerror.RenameInherited, from)
		if f.failed {
			return
		}
	}
	if other := r.Column(to); other != nil {
		f.addProblem(f.isHistoryComplete() && (!other.Inferred || from == to), pgerror.ColumnExists, to, r.Name.Name)
		if f.failed || from == to {
			return
		}
		f.dropColumn(r, to, true, true, true)
		if r.Attr(c.Attnum) == nil {
			return // it was generated from that one
		}
	}
	f.renameAttribute(r, c.Attnum, from, to)
	if s.GetRelation().GetInh() || r.Kind == CompositeType {
		f.eachChild(r, func(child *Relation) {
			if have := child.Column(from); have != nil && child.Column(to) == nil {
				f.renameAttribute(child, have.Attnum, from, to)
			}
		})
	}
	if r.Kind == CompositeType {
		f.eachTypedTable(r, func(table *Relation) {
			if have := table.Column(from); have != nil && table.Column(to) == nil {
				f.renameAttribute(table, have.Attnum, from, to)
			}
		})
	}
}

func (f *fold) renameAttribute(r *Relation, attnum int16, from, to string) {
	r.editColumn(attnum).Name = to
	r.copyRare().DroppedColumns = removeValue(r.DroppedColumns, to)
	r.recordDroppedColumn(f, from)
	f.renameInExpressions(r, attnum, from, to)
}

func (f *fold) renameConstraint(s *pgparse.RenameStmt, to string) {
	r := f.requireRelation(s.GetRelation(), Table, s.GetMissingOk())
	if r == nil {
		return
	}
	r = f.editRelation(r.OID)
	from := clipName(s.GetSubname())
	c := r.Constraint(from)
	if c == nil {
		if col := f.notNullNamed(r, from); col != nil {
			// From now on it has a name of its own.
			f.attachConstraint(r, &Constraint{Kind: NotNullConstraint, Name: to, Columns: []int16{col.Attnum}, Valid: !col.NotNullInvalid, Enforced: true, Named: true})
		} else if !r.Inferred && !r.Partial {
			f.addProblem(f.isHistoryComplete(), pgerror.ConstraintMissingFor, from, r.Name.Name)
		}
		return
	}
	if r.Constraint(to) != nil {
		f.refuseDuplicateConstraint(r, to)
		return
	}
	if c.Index != 0 && !f.makeNameFree(c.Index, Name{r.Name.Schema, to}) {
		return
	}
	r.editConstraint(c.ID).Name = to
	if idx := f.editRelation(c.Index); idx != nil {
		f.setRelationName(idx.OID, Name{idx.Name.Schema, to})
		info := *idx.Index
		info.Constraint = to
		idx.Index = &info
	}
	if c.Kind != Check {
		return
	}
	f.eachChild(r, func(child *Relation) {
		if have := child.Constraint(from); have != nil && have.Parent && have.Kind == Check {
			child.editConstraint(have.ID).Name = to
		}
	})
}

// notNullNamed finds the column whose unnamed NOT NULL constraint has, on
// Postgres 18, this name.
func (f *fold) notNullNamed(r *Relation, name string) *Column {
	for _, c := range r.Columns {
		if c.NotNull && objectName(r.Name.Name, c.Name, "not_null") == name {
			return c
		}
	}
	return nil
}

// renameTablePart renames a trigger, policy or rule.
func (f *fold) renameTablePart(s *pgparse.RenameStmt, to string) {
	r := f.requireRelation(s.GetRelation(), Table, s.GetMissingOk())
	if r == nil {
		return
	}
	r = f.editRelation(r.OID)
	from := clipName(s.GetSubname())
	done := false
	switch s.GetRenameType() {
	case pgparse.ObjectType_OBJECT_TRIGGER:
		for i, t := range r.Triggers {
			if t.Name == from {
				next := *t
				next.Name = to
				r.Triggers = slices.Clone(r.Triggers)
				r.Triggers[i], done = &next, true
			}
		}
		f.eachChild(r, func(child *Relation) {
			for i, t := range child.Triggers {
				if t.Name == from && t.Parent {
					next := *t
					next.Name = to
					child.Triggers = slices.Clone(child.Triggers)
					child.Triggers[i] = &next
				}
			}
		})
	case pgparse.ObjectType_OBJECT_POLICY:
		for i, p := range r.Policies {
			if p.Name == from {
				next := *p
				next.Name = to
				r.copyRare().Policies = slices.Clone(r.Policies)
				r.Policies[i], done = &next, true
			}
		}
	default:
		if old := r.FindRule(from); old != nil {
			now := *old
			now.Name, done = to, true
			f.replaceRule(r, old, &now)
		}
	}
	if !done && !r.Inferred && !r.Partial {
		f.addProblem(f.isHistoryComplete(), pgerror.ObjectMissingOn, ObjectWord(s.GetRenameType()), from, r.Name.Name)
	}
}
