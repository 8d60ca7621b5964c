package refusal

import (
	"strings"

	"github.com/onward-sql/onward/internal/catalog"
	"github.com/onward-sql/onward/internal/pgerror"
	"github.com/onward-sql/onward/internal/pgparse"
)

// checkRename checks ALTER … RENAME.
func (q *Checker) checkRename(s *pgparse.RenameStmt) {
	rv := s.GetRelation()
	switch s.GetRenameType() {
	case pgparse.ObjectType_OBJECT_TABLE, pgparse.ObjectType_OBJECT_VIEW, pgparse.ObjectType_OBJECT_MATVIEW,
		pgparse.ObjectType_OBJECT_SEQUENCE, pgparse.ObjectType_OBJECT_FOREIGN_TABLE, pgparse.ObjectType_OBJECT_INDEX:
		kind := catalog.KindOfObject(s.GetRenameType())
		rel := q.FindRelation(rv.GetSchemaname(), rv.GetRelname(), kind, s.GetMissingOk())
		if rel != nil && (kind == catalog.View || kind == catalog.MaterializedView || kind == catalog.Sequence) && rel.Kind != kind && !rel.Inferred {
			q.RecordRefusal(pgerror.NotA, rel.Name.Name, "a "+kind.String())
		}
	case pgparse.ObjectType_OBJECT_COLUMN, pgparse.ObjectType_OBJECT_ATTRIBUTE:
		q.checkRenameColumn(s)
	case pgparse.ObjectType_OBJECT_TABCONSTRAINT:
		q.checkRenameConstraint(s)
	case pgparse.ObjectType_OBJECT_TRIGGER:
		if rel := q.FindTable(rv); rel != nil {
			if t := rel.Trigger(s.GetSubname()); t != nil && t.Parent && q.V.AtLeast(15) {
				q.RecordRefusal(pgerror.TriggerRenamed, t.Name, rel.Name.Name)
			}
		}
	case pgparse.ObjectType_OBJECT_POLICY, pgparse.ObjectType_OBJECT_RULE:
		q.FindRelation(rv.GetSchemaname(), rv.GetRelname(), catalog.Table, s.GetMissingOk())
	}
}

func (q *Checker) checkRenameColumn(s *pgparse.RenameStmt) {
	rv := s.GetRelation()
	rel := q.FindRelation(rv.GetSchemaname(), rv.GetRelname(), catalog.KindOfObject(s.GetRelationType()), s.GetMissingOk())
	switch {
	case rel == nil:
	case rel.OfType != 0:
		q.RecordRefusal(pgerror.RenameOfTyped)
	case isSystemColumn(s.GetNewname()) && (rel.Kind.IsTable() || rel.Kind == catalog.ForeignTable):
		q.RecordRefusal(pgerror.ColumnSystemName, s.GetNewname())
	case rel.Kind == catalog.CompositeType:
		q.requireNoTypedTables(rel, s.GetBehavior())
	case !rv.GetInh() && rel.HasKids():
		q.RecordRefusal(pgerror.RenameOnlyHere, s.GetSubname())
	}
}

// requireNoTypedTables refuses to change a type of which there are tables, without CASCADE.
func (q *Checker) requireNoTypedTables(composite *catalog.Relation, behavior pgparse.DropBehavior) bool {
	if u := q.C.CompositeOf(composite); u != nil && behavior != pgparse.DropBehavior_DROP_CASCADE && len(q.TablesOf(u)) > 0 {
		q.RecordRefusal(pgerror.TypeOfTable, u.Name.Name)
		return false
	}
	return true
}

// isSystemColumn reports whether every table has a column of that name already.
func isSystemColumn(name string) bool {
	return contains([]string{"tableoid", "xmin", "cmin", "xmax", "cmax", "ctid"}, name)
}

func (q *Checker) checkRenameConstraint(s *pgparse.RenameStmt) {
	rv := s.GetRelation()
	rel := q.FindRelation(rv.GetSchemaname(), rv.GetRelname(), catalog.Table, s.GetMissingOk())
	if rel == nil {
		return
	}
	con := rel.Constraint(s.GetSubname())
	if con == nil {
		if _, implied := ImpliedNotNull(rel, s.GetSubname()); implied && q.V.AtLeast(18) {
			return
		}
		if q.IsFullyKnown(rel) {
			q.RecordRefusal(pgerror.ConstraintMissingFor, s.GetSubname(), rel.Name.Name)
		}
		return
	}
	if con.Kind != catalog.Check && con.Kind != catalog.NotNullConstraint || con.NoInherit {
		return
	}
	if !rv.GetInh() && rel.HasKids() {
		q.RecordRefusal(pgerror.ConstraintRenamedHere, con.Name)
	}
	if con.Parent {
		q.RecordRefusal(pgerror.ConstraintRenamed, con.Name)
	}
}

// ImpliedNotNull returns the column whose NOT NULL has the name that 18 gives it
// when the author gives none.
func ImpliedNotNull(rel *catalog.Relation, name string) (column string, ok bool) {
	for _, c := range rel.Columns {
		if c.NotNull && catalog.ObjectName(rel.Name.Name, c.Name, "not_null") == name {
			return c.Name, true
		}
	}
	return "", false
}

// checkSetSchema checks ALTER … SET SCHEMA.
func (q *Checker) checkSetSchema(s *pgparse.AlterObjectSchemaStmt) {
	if s.GetRelation() == nil && !q.RequireObject("schema", s.GetNewschema()) {
		return
	}
	switch s.GetObjectType() {
	case pgparse.ObjectType_OBJECT_TABLE, pgparse.ObjectType_OBJECT_VIEW, pgparse.ObjectType_OBJECT_MATVIEW,
		pgparse.ObjectType_OBJECT_SEQUENCE, pgparse.ObjectType_OBJECT_FOREIGN_TABLE:
		rv := s.GetRelation()
		rel := q.FindRelation(rv.GetSchemaname(), rv.GetRelname(), catalog.KindOfObject(s.GetObjectType()), s.GetMissingOk())
		switch {
		case rel == nil || !q.RequireObject("schema", s.GetNewschema()):
		case strings.HasPrefix(s.GetNewschema(), "pg_temp") && rel.Persistence != catalog.Temporary:
			q.RecordRefusal(pgerror.TemporarySchema)
		case rel.Seq != nil && rel.Seq.OwnerTable != 0 && s.GetNewschema() != rel.Name.Schema:
			q.RecordRefusal(pgerror.SequenceMoved)
		}
	}
}

// checkComment checks COMMENT ON and SECURITY LABEL.
func (q *Checker) checkComment(kind pgparse.ObjectType, object *pgparse.Node) {
	parts := object.GetList().GetItems()
	switch kind {
	case pgparse.ObjectType_OBJECT_TABLE, pgparse.ObjectType_OBJECT_VIEW, pgparse.ObjectType_OBJECT_MATVIEW, pgparse.ObjectType_OBJECT_INDEX,
		pgparse.ObjectType_OBJECT_SEQUENCE, pgparse.ObjectType_OBJECT_FOREIGN_TABLE:
		schema, name := pgparse.SchemaAndName(parts)
		q.FindRelation(schema, name, catalog.KindOfObject(kind), false)
	case pgparse.ObjectType_OBJECT_COLUMN,
		pgparse.ObjectType_OBJECT_TABCONSTRAINT, pgparse.ObjectType_OBJECT_TRIGGER, pgparse.ObjectType_OBJECT_RULE, pgparse.ObjectType_OBJECT_POLICY:
		if len(parts) > 1 {
			schema, name := pgparse.SchemaAndName(parts[:len(parts)-1])
			q.FindRelation(schema, name, catalog.Table, false)
		}
	}
}
