package effect

import (
	"strings"

	"github.com/onward-sql/onward/internal/catalog"
	"github.com/onward-sql/onward/internal/pgparse"
	"github.com/onward-sql/onward/internal/refuse"
)

// rename is ALTER … RENAME.
func (r *run) rename(s *pgparse.RenameStmt) {
	rv := s.GetRelation()
	switch s.GetRenameType() {
	case pgparse.ObjectType_OBJECT_TABLE, pgparse.ObjectType_OBJECT_VIEW, pgparse.ObjectType_OBJECT_MATVIEW,
		pgparse.ObjectType_OBJECT_SEQUENCE, pgparse.ObjectType_OBJECT_FOREIGN_TABLE, pgparse.ObjectType_OBJECT_INDEX:
		kind := objectKind(s.GetRenameType())
		rel := r.find(rv.GetSchemaname(), rv.GetRelname(), kind, s.GetMissingOk())
		if rel == nil {
			return
		}
		if (kind == catalog.View || kind == catalog.MaterializedView || kind == catalog.Sequence) && rel.Kind != kind && !rel.Inferred {
			r.refuse(refuse.NotA, rel.Name.Name, "a "+kind.String())
			return
		}
		mode := ael
		if kind == catalog.Index && (rel.Kind == catalog.Index || rel.Kind == catalog.PartitionedIndex) {
			mode = sue
		}
		r.lock(rel, mode)
	case pgparse.ObjectType_OBJECT_COLUMN, pgparse.ObjectType_OBJECT_ATTRIBUTE:
		rel := r.find(rv.GetSchemaname(), rv.GetRelname(), objectKind(s.GetRelationType()), s.GetMissingOk())
		if rel == nil {
			return
		}
		r.lock(rel, ael)
		if rel.OfType != 0 {
			r.refuse(refuse.RenameOfTyped)
			return
		}
		if systemColumn(s.GetNewname()) && (rel.Kind.IsTable() || rel.Kind == catalog.ForeignTable) {
			r.refuse(refuse.ColumnSystemName, s.GetNewname())
			return
		}
		if rel.Kind == catalog.CompositeType {
			a := alter{run: r, rel: rel, mode: ael}
			a.typedTables(s.GetBehavior(), nil)
			return
		}
		if rv.GetInh() {
			r.below(rel, ael)
		} else if rel.HasKids() {
			r.refuse(refuse.RenameOnlyHere, s.GetSubname())
		}
	case pgparse.ObjectType_OBJECT_TABCONSTRAINT:
		r.renameConstraint(s)
	case pgparse.ObjectType_OBJECT_TRIGGER:
		if rel := r.table(rv); rel != nil {
			r.lock(rel, ael)
			if t := rel.Trigger(s.GetSubname()); t != nil && t.Parent && r.v.AtLeast(15) {
				r.refuse(refuse.TriggerRenamed, t.Name, rel.Name.Name)
			} else if rel.Kind == catalog.PartitionedTable && (t == nil || t.Row) && r.v.AtLeast(15) {
				r.below(rel, ael)
			}
		}
	case pgparse.ObjectType_OBJECT_POLICY, pgparse.ObjectType_OBJECT_RULE:
		rel := r.find(rv.GetSchemaname(), rv.GetRelname(), catalog.Table, s.GetMissingOk())
		if rel != nil {
			r.lock(rel, ael)
		}
	case pgparse.ObjectType_OBJECT_TYPE:
		schema, name := pgparse.SchemaAndName(s.GetObject().GetList().GetItems())
		if rel := r.typeRelation(schema, name); rel != nil {
			r.lock(rel, ael)
		}
	}
}

// systemColumn reports whether every table has a column of that name already.
func systemColumn(name string) bool {
	return contains([]string{"tableoid", "xmin", "cmin", "xmax", "cmax", "ctid"}, name)
}

// typeRelation is the relation of a composite type.
func (r *run) typeRelation(schema, name string) *catalog.Relation {
	if u := r.c.LookupType(schema, name); u != nil {
		return r.c.Relation(u.Relation)
	}
	return nil
}

func (r *run) renameConstraint(s *pgparse.RenameStmt) {
	rv := s.GetRelation()
	rel := r.find(rv.GetSchemaname(), rv.GetRelname(), catalog.Table, s.GetMissingOk())
	if rel == nil {
		return
	}
	r.lock(rel, ael)
	con := rel.Constraint(s.GetSubname())
	if con == nil {
		if _, implied := impliedNotNull(rel, s.GetSubname()); implied && r.v.AtLeast(18) {
			if rv.GetInh() {
				r.below(rel, ael)
			}
			return
		}
		if r.whole(rel) {
			r.refuse(refuse.ConstraintMissingFor, s.GetSubname(), rel.Name.Name)
		}
		return
	}
	if index := r.c.Relation(con.Index); index != nil {
		r.lockFor(index, sue, "index of the constraint "+con.Name)
	}
	if con.Kind != catalog.Check && con.Kind != catalog.NotNullConstraint || con.NoInherit {
		return
	}
	switch {
	case rv.GetInh():
		r.below(rel, ael)
	case rel.HasKids():
		r.refuse(refuse.ConstraintRenamedHere, con.Name)
	}
	if con.Parent {
		r.refuse(refuse.ConstraintRenamed, con.Name)
	}
}

// setSchema is ALTER … SET SCHEMA: owned sequences move along.
func (r *run) setSchema(s *pgparse.AlterObjectSchemaStmt) {
	named := s.GetRelation() != nil
	if !named && !r.present("schema", s.GetNewschema()) {
		return
	}
	if s.GetObjectType() == pgparse.ObjectType_OBJECT_EXTENSION {
		r.extensionRelations(pgparse.Text(s.GetObject()), nil)
		return
	}
	switch s.GetObjectType() {
	case pgparse.ObjectType_OBJECT_TABLE, pgparse.ObjectType_OBJECT_VIEW, pgparse.ObjectType_OBJECT_MATVIEW,
		pgparse.ObjectType_OBJECT_SEQUENCE, pgparse.ObjectType_OBJECT_FOREIGN_TABLE:
		rv := s.GetRelation()
		rel := r.find(rv.GetSchemaname(), rv.GetRelname(), objectKind(s.GetObjectType()), s.GetMissingOk())
		if rel == nil {
			return
		}
		if !r.present("schema", s.GetNewschema()) {
			return
		}
		if strings.HasPrefix(s.GetNewschema(), "pg_temp") && rel.Persistence != catalog.Temporary {
			r.refuse(refuse.TemporarySchema)
			return
		}
		r.lock(rel, ael)
		if rel.Seq != nil && rel.Seq.OwnerTable != 0 && s.GetNewschema() != rel.Name.Schema {
			r.refuse(refuse.SequenceMoved)
			return
		}
		for _, q := range r.c.SequencesOf(rel) {
			r.lockFor(q, ael, "owned by "+rel.Name.String())
		}
	}
}

// comment is COMMENT ON and SECURITY LABEL.
func (r *run) comment(kind pgparse.ObjectType, object *pgparse.Node) {
	parts := object.GetList().GetItems()
	switch kind {
	case pgparse.ObjectType_OBJECT_TABLE, pgparse.ObjectType_OBJECT_VIEW, pgparse.ObjectType_OBJECT_MATVIEW, pgparse.ObjectType_OBJECT_INDEX,
		pgparse.ObjectType_OBJECT_SEQUENCE, pgparse.ObjectType_OBJECT_FOREIGN_TABLE:
		schema, name := pgparse.SchemaAndName(parts)
		if rel := r.find(schema, name, objectKind(kind), false); rel != nil {
			r.lock(rel, sue)
		}
	case pgparse.ObjectType_OBJECT_COLUMN:
		if len(parts) < 2 {
			return
		}
		schema, name := pgparse.SchemaAndName(parts[:len(parts)-1])
		if rel := r.find(schema, name, catalog.Table, false); rel != nil {
			r.lock(rel, sue)
		}
	case pgparse.ObjectType_OBJECT_TABCONSTRAINT, pgparse.ObjectType_OBJECT_TRIGGER, pgparse.ObjectType_OBJECT_RULE, pgparse.ObjectType_OBJECT_POLICY:
		if len(parts) < 2 {
			return
		}
		schema, name := pgparse.SchemaAndName(parts[:len(parts)-1])
		if rel := r.find(schema, name, catalog.Table, false); rel != nil {
			r.lock(rel, as)
		}
	}
}
