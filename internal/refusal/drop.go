package refusal

import (
	"slices"

	"github.com/onward-sql/onward/internal/catalog"
	"github.com/onward-sql/onward/internal/pgerror"
	"github.com/onward-sql/onward/internal/pgparse"
)

// dropChecker is a DROP: with what it takes along, for what else it asks.
type dropChecker struct {
	*Checker
	cascade bool
	gone    map[catalog.OID]bool
}

// dropObjects is DROP of whatever the grammar treats alike.
func (q *Checker) dropObjects(s *pgparse.DropStmt) {
	d := &dropChecker{q, s.GetBehavior() == pgparse.DropBehavior_DROP_CASCADE, map[catalog.OID]bool{}}
	switch s.GetRemoveType() {
	case pgparse.ObjectType_OBJECT_TABLE, pgparse.ObjectType_OBJECT_FOREIGN_TABLE, pgparse.ObjectType_OBJECT_VIEW,
		pgparse.ObjectType_OBJECT_MATVIEW, pgparse.ObjectType_OBJECT_SEQUENCE, pgparse.ObjectType_OBJECT_INDEX:
		d.dropRelations(s)
		return
	}
	for _, o := range s.GetObjects() {
		switch s.GetRemoveType() {
		case pgparse.ObjectType_OBJECT_TRIGGER, pgparse.ObjectType_OBJECT_RULE, pgparse.ObjectType_OBJECT_POLICY:
			q.dropFromTable(s, o.GetList().GetItems())
		case pgparse.ObjectType_OBJECT_SCHEMA:
			d.dropSchema(pgparse.StringText(o))
		case pgparse.ObjectType_OBJECT_TYPE, pgparse.ObjectType_OBJECT_DOMAIN:
			if u := q.C.Type(q.C.TypeOf(o.GetTypeName()).OID); u != nil {
				d.userType(u)
			}
		case pgparse.ObjectType_OBJECT_FUNCTION, pgparse.ObjectType_OBJECT_PROCEDURE, pgparse.ObjectType_OBJECT_ROUTINE, pgparse.ObjectType_OBJECT_AGGREGATE:
			f := o.GetObjectWithArgs()
			d.dropFunction(pgparse.LastText(f.GetObjname()), q.C.ListCallers(f))
		case pgparse.ObjectType_OBJECT_EXTENSION:
			d.dropExtension(pgparse.StringText(o))
		}
	}
}

func (d *dropChecker) dropRelations(s *pgparse.DropStmt) {
	if s.GetConcurrent() {
		switch {
		case len(s.GetObjects()) > 1:
			d.RecordRefusal(pgerror.DropConcurrentlyMany)
			return
		case d.cascade:
			d.RecordRefusal(pgerror.DropConcurrentlyCascade)
			return
		}
	}
	kind := Kind(s.GetRemoveType())
	var named []*catalog.Relation
	for _, o := range s.GetObjects() {
		schema, name := pgparse.SchemaAndName(o.GetList().GetItems())
		if rel := d.FindRelation(schema, name, kind, s.GetMissingOk()); rel != nil {
			named = append(named, rel)
			d.gone[rel.OID] = rel.OID != 0
		}
	}
	for _, rel := range named {
		if kind == catalog.Index {
			d.dropIndex(rel, s.GetConcurrent())
		} else {
			d.checkMember(rel)
			d.dropRelation(rel, 0)
		}
	}
}

// checkMember refuses to drop a relation that is part of an extension, even with CASCADE.
func (d *dropChecker) checkMember(rel *catalog.Relation) {
	if rel.Extension != "" {
		d.RecordRefusal(pgerror.Required, rel.Kind.ForMessages(), rel.Name.Name, "extension "+rel.Extension)
	}
}

// dropRelation asks what depends on a table, view or sequence.
func (d *dropChecker) dropRelation(rel *catalog.Relation, depth int) {
	if rel.Kind == catalog.Sequence {
		d.dropSequence(rel)
		return
	}
	if d.cascade || depth > maxDepth {
		return
	}
	if rel.Kind != catalog.View && rel.Kind != catalog.MaterializedView {
		d.tableParts(rel, depth)
	}
	isKept := func(v *catalog.Relation) bool { return !d.gone[v.OID] }
	if d.ReadElsewhere(rel, 0, d.isDroppedAlong) || slices.ContainsFunc(d.C.RelationsByOID(rel.Dependents), isKept) {
		d.RecordRefusal(pgerror.HasDependents, rel.Kind.String(), rel.Name.Name)
	}
}

func (d *dropChecker) tableParts(rel *catalog.Relation, depth int) {
	no := func() { d.RecordRefusal(pgerror.HasDependents, "table", rel.Name.Name) }
	for _, ref := range d.C.ListReferences(rel, true) {
		if ref.From == rel || d.gone[ref.From.OID] {
			continue
		}
		// The key may point to what this is a partition of.
		if target := d.C.Relation(ref.Con.Ref); target != rel && !d.isDroppedAlong(target) || !d.isDroppedAlong(ref.From) {
			no()
		}
	}
	for _, s := range d.C.SequencesOf(rel) {
		d.gone[s.OID] = true
		if d.IsSequenceTaken(s, "", d.isDroppedAlong) {
			no()
		}
	}
	for _, k := range d.C.RelationsByOID(rel.Partitions) {
		if !d.gone[k.OID] {
			d.gone[k.OID] = true
			d.dropRelation(k, depth+1)
		}
	}
	for _, k := range d.C.RelationsByOID(rel.Children) {
		if !d.gone[k.OID] {
			no()
		}
	}
	d.C.EachOfType(rel.OID, func(user *catalog.Relation, _ *catalog.Column) {
		if !d.isDroppedAlong(user) {
			no()
		}
	})
	if len(d.C.FunctionsWith(rel.OID)) > 0 {
		no()
	}
}

// ReadElsewhere reports whether a policy, a rule or the body of a function reads
// a relation (a column of it, unless column is 0), so that it cannot be dropped
// without CASCADE; goes tells of which tables that does not matter.
func (q *Checker) ReadElsewhere(rel *catalog.Relation, column int16, goes func(*catalog.Relation) bool) bool {
	return slices.ContainsFunc(q.C.PoliciesOver(rel.OID, column), func(x catalog.PolicyOn) bool { return !goes(x.Table) }) ||
		slices.ContainsFunc(q.C.RulesOver(rel.OID, column), func(x catalog.RuleOn) bool { return !goes(x.Table) }) ||
		len(q.C.BodiesOver(rel.OID, column)) > 0
}

// IsSequenceTaken reports whether a default takes numbers from a sequence that its column
// does not own, so that the sequence cannot be dropped without CASCADE. with is
// the column that is dropped with it, "" for none: those that inherit it go too.
func (q *Checker) IsSequenceTaken(seq *catalog.Relation, with string, goes func(*catalog.Relation) bool) bool {
	return slices.ContainsFunc(q.C.TakersOf(seq.OID), func(t *catalog.Relation) bool {
		c := t.Column(with)
		return !goes(t) && (c == nil || !c.Inherited)
	})
}

// isDroppedAlong reports whether a table is dropped, or what it is a partition of.
func (d *dropChecker) isDroppedAlong(rel *catalog.Relation) bool {
	for n := 0; rel != nil && n < maxDepth; n++ {
		if d.gone[rel.OID] {
			return true
		}
		rel = d.C.Relation(rel.Parent)
	}
	return false
}

func (d *dropChecker) dropSequence(seq *catalog.Relation) {
	if !d.cascade && d.IsSequenceTaken(seq, "", d.isDroppedAlong) {
		d.RecordRefusal(pgerror.HasDependents, "sequence", seq.Name.Name)
		return
	}
	if seq.Seq == nil || seq.Seq.OwnerTable == 0 {
		return
	}
	table := d.C.Relation(seq.Seq.OwnerTable)
	if table == nil || d.gone[table.OID] {
		return
	}
	switch col := table.Attr(seq.Seq.OwnerColumn); {
	case col == nil:
	case col.Identity != "":
		d.RecordRefusal(pgerror.Required, "sequence", seq.Name.Name, "column "+col.Name+" of table "+table.Name.Name)
	case col.Default != nil && !d.cascade:
		d.RecordRefusal(pgerror.HasDependents, "sequence", seq.Name.Name)
	}
}

func (d *dropChecker) dropIndex(index *catalog.Relation, concurrent bool) {
	table := d.C.TableOf(index)
	switch parent := d.C.ParentIndex(index); {
	case index.Index != nil && index.Index.Constraint != "" && table != nil:
		d.RecordRefusal(pgerror.Required, "index", index.Name.Name, "constraint "+index.Index.Constraint+" on table "+table.Name.Name)
	case parent != nil:
		d.RecordRefusal(pgerror.Required, "index", index.Name.Name, "index "+parent.Name.Name)
	case index.Index != nil && !d.cascade && len(d.C.IndexUsers(index)) > 0:
		d.RecordRefusal(pgerror.HasDependents, "index", index.Name.Name)
	case concurrent && index.Kind == catalog.PartitionedIndex:
		d.RecordRefusal(pgerror.DropConcurrentlyPartitioned, index.Name.Name)
	}
}

// dropFromTable drops a trigger, rule or policy: name parts of the table, then
// the name.
func (q *Checker) dropFromTable(s *pgparse.DropStmt, parts []*pgparse.Node) {
	if len(parts) < 2 {
		return
	}
	schema, name := pgparse.SchemaAndName(parts[:len(parts)-1])
	object := pgparse.StringText(parts[len(parts)-1])
	rel := q.FindRelation(schema, name, catalog.Table, s.GetMissingOk())
	if rel == nil || s.GetRemoveType() != pgparse.ObjectType_OBJECT_TRIGGER {
		return
	}
	switch t := rel.Trigger(object); {
	case t == nil && q.IsFullyKnown(rel) && !s.GetMissingOk():
		q.RecordRefusal(pgerror.ObjectMissingOn, "trigger", object, rel.Name.Name)
	case t != nil && t.Parent:
		q.RecordRefusal(pgerror.TriggerRequired, object, rel.Name.Name)
	}
}
