package effect

import (
	"github.com/onward-sql/onward/internal/catalog"
	"github.com/onward-sql/onward/internal/pgparse"
	"github.com/onward-sql/onward/internal/refusal"
)

// renameObject is ALTER … RENAME.
func (r *run) renameObject(s *pgparse.RenameStmt) {
	rv := s.GetRelation()
	switch s.GetRenameType() {
	case pgparse.ObjectType_OBJECT_TABLE, pgparse.ObjectType_OBJECT_VIEW, pgparse.ObjectType_OBJECT_MATVIEW,
		pgparse.ObjectType_OBJECT_SEQUENCE, pgparse.ObjectType_OBJECT_FOREIGN_TABLE, pgparse.ObjectType_OBJECT_INDEX:
		kind := catalog.KindOfObject(s.GetRenameType())
		rel := r.FindRelation(rv.GetSchemaname(), rv.GetRelname(), kind, s.GetMissingOk())
		if rel == nil {
			return
		}
		if r.Refusal != nil {
			return
		}
		mode := accessExclusive
		if kind == catalog.Index && (rel.Kind == catalog.Index || rel.Kind == catalog.PartitionedIndex) {
			mode = sue
		}
		r.lockRelation(rel, mode)
	case pgparse.ObjectType_OBJECT_COLUMN, pgparse.ObjectType_OBJECT_ATTRIBUTE:
		rel := r.FindRelation(rv.GetSchemaname(), rv.GetRelname(), catalog.KindOfObject(s.GetRelationType()), s.GetMissingOk())
		if rel == nil {
			return
		}
		r.lockRelation(rel, accessExclusive)
		switch {
		case r.Refusal != nil:
		case rel.Kind == catalog.CompositeType:
			if u := r.C.CompositeOf(rel); u != nil {
				for _, t := range r.TablesOf(u) {
					r.lockWithReason(t, accessExclusive, "a table of the type "+u.Name.String())
				}
			}
		case rv.GetInh():
			r.lockDescendants(rel, accessExclusive)
		}
	case pgparse.ObjectType_OBJECT_TABCONSTRAINT:
		r.renameConstraint(s)
	case pgparse.ObjectType_OBJECT_TRIGGER:
		if rel := r.findTable(rv); rel != nil {
			r.lockRelation(rel, accessExclusive)
			if t := rel.Trigger(s.GetSubname()); r.Refusal == nil && rel.Kind == catalog.PartitionedTable && (t == nil || t.Row) && r.V.AtLeast(15) {
				r.lockDescendants(rel, accessExclusive)
			}
		}
	case pgparse.ObjectType_OBJECT_POLICY, pgparse.ObjectType_OBJECT_RULE:
		rel := r.FindRelation(rv.GetSchemaname(), rv.GetRelname(), catalog.Table, s.GetMissingOk())
		if rel != nil {
			r.lockRelation(rel, accessExclusive)
		}
	case pgparse.ObjectType_OBJECT_TYPE:
		schema, name := pgparse.SchemaAndName(s.GetObject().GetList().GetItems())
		if rel := r.typeRelation(schema, name); rel != nil {
			r.lockRelation(rel, accessExclusive)
		}
	}
}

// typeRelation is the relation of a composite type.
func (r *run) typeRelation(schema, name string) *catalog.Relation {
	if u := r.C.LookupType(schema, name); u != nil {
		return r.C.Relation(u.Relation)
	}
	return nil
}

func (r *run) renameConstraint(s *pgparse.RenameStmt) {
	rv := s.GetRelation()
	rel := r.FindRelation(rv.GetSchemaname(), rv.GetRelname(), catalog.Table, s.GetMissingOk())
	if rel == nil {
		return
	}
	r.lockRelation(rel, accessExclusive)
	con := rel.Constraint(s.GetSubname())
	if con == nil {
		if _, implied := refusal.ImpliedNotNull(rel, s.GetSubname()); implied && rv.GetInh() && r.V.AtLeast(18) {
			r.lockDescendants(rel, accessExclusive)
		}
		return
	}
	if index := r.C.Relation(con.Index); index != nil {
		r.lockWithReason(index, sue, "index of the constraint "+con.Name)
	}
	if (con.Kind == catalog.Check || con.Kind == catalog.NotNullConstraint) && !con.NoInherit && rv.GetInh() {
		r.lockDescendants(rel, accessExclusive)
	}
}

// setSchema is ALTER … SET SCHEMA: owned sequences move along.
func (r *run) setSchema(s *pgparse.AlterObjectSchemaStmt) {
	if s.GetObjectType() == pgparse.ObjectType_OBJECT_EXTENSION {
		r.lockExtensionViews(pgparse.StringText(s.GetObject()), nil)
		return
	}
	switch s.GetObjectType() {
	case pgparse.ObjectType_OBJECT_TABLE, pgparse.ObjectType_OBJECT_VIEW, pgparse.ObjectType_OBJECT_MATVIEW,
		pgparse.ObjectType_OBJECT_SEQUENCE, pgparse.ObjectType_OBJECT_FOREIGN_TABLE:
		rv := s.GetRelation()
		rel := r.FindRelation(rv.GetSchemaname(), rv.GetRelname(), catalog.KindOfObject(s.GetObjectType()), s.GetMissingOk())
		if rel == nil {
			return
		}
		r.lockRelation(rel, accessExclusive)
		if r.Refusal != nil {
			return
		}
		for _, q := range r.C.SequencesOf(rel) {
			r.lockWithReason(q, accessExclusive, "owned by "+rel.Name.String())
		}
	}
}

// commentOn is COMMENT ON and SECURITY LABEL.
func (r *run) commentOn(kind pgparse.ObjectType, object *pgparse.Node) {
	parts := object.GetList().GetItems()
	switch kind {
	case pgparse.ObjectType_OBJECT_TABLE, pgparse.ObjectType_OBJECT_VIEW, pgparse.ObjectType_OBJECT_MATVIEW, pgparse.ObjectType_OBJECT_INDEX,
		pgparse.ObjectType_OBJECT_SEQUENCE, pgparse.ObjectType_OBJECT_FOREIGN_TABLE:
		schema, name := pgparse.SchemaAndName(parts)
		if rel := r.FindRelation(schema, name, catalog.KindOfObject(kind), false); rel != nil {
			r.lockRelation(rel, sue)
		}
	case pgparse.ObjectType_OBJECT_COLUMN:
		if len(parts) < 2 {
			return
		}
		schema, name := pgparse.SchemaAndName(parts[:len(parts)-1])
		if rel := r.FindRelation(schema, name, catalog.Table, false); rel != nil {
			r.lockRelation(rel, sue)
		}
	case pgparse.ObjectType_OBJECT_TABCONSTRAINT, pgparse.ObjectType_OBJECT_TRIGGER, pgparse.ObjectType_OBJECT_RULE, pgparse.ObjectType_OBJECT_POLICY:
		if len(parts) < 2 {
			return
		}
		schema, name := pgparse.SchemaAndName(parts[:len(parts)-1])
		if rel := r.FindRelation(schema, name, catalog.Table, false); rel != nil {
			r.lockRelation(rel, as)
		}
	}
}
