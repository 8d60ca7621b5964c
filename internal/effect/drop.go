package effect

import (
	"github.com/onward-sql/onward/internal/catalog"
	"github.com/onward-sql/onward/internal/pgparse"
)

// dropObjects is the DROP of tables, views, indexes, types, schemas and all else that the grammar reads as one DropStmt.
func (r *run) dropObjects(s *pgparse.DropStmt) {
	cascade := s.GetBehavior() == pgparse.DropBehavior_DROP_CASCADE
	switch s.GetRemoveType() {
	case pgparse.ObjectType_OBJECT_TABLE, pgparse.ObjectType_OBJECT_FOREIGN_TABLE, pgparse.ObjectType_OBJECT_VIEW,
		pgparse.ObjectType_OBJECT_MATVIEW, pgparse.ObjectType_OBJECT_SEQUENCE, pgparse.ObjectType_OBJECT_INDEX:
		r.dropRelations(s, cascade)
	case pgparse.ObjectType_OBJECT_TRIGGER, pgparse.ObjectType_OBJECT_RULE, pgparse.ObjectType_OBJECT_POLICY:
		for _, o := range s.GetObjects() {
			r.dropFromTable(s, o.GetList().GetItems())
		}
	case pgparse.ObjectType_OBJECT_STATISTIC_EXT:
		for _, o := range s.GetObjects() {
			r.dropStatistics(o.GetList().GetItems(), s.GetMissingOk())
		}
	case pgparse.ObjectType_OBJECT_SCHEMA:
		for _, o := range s.GetObjects() {
			r.dropSchema(pgparse.StringText(o), cascade, s.GetMissingOk())
		}
	case pgparse.ObjectType_OBJECT_TYPE, pgparse.ObjectType_OBJECT_DOMAIN:
		for _, o := range s.GetObjects() {
			r.dropType(o.GetTypeName(), cascade)
		}
	case pgparse.ObjectType_OBJECT_FUNCTION, pgparse.ObjectType_OBJECT_PROCEDURE, pgparse.ObjectType_OBJECT_ROUTINE, pgparse.ObjectType_OBJECT_AGGREGATE:
		for _, o := range s.GetObjects() {
			r.dropFunctionUsers(r.C.ListFunctionUsers(o.GetObjectWithArgs()), cascade)
		}
	case pgparse.ObjectType_OBJECT_EXTENSION:
		for _, o := range s.GetObjects() {
			r.dropExtension(pgparse.StringText(o), cascade)
		}
	default:
		// Operators, collations, servers, …: no relation is locked,
		// unless CASCADE reaches one.
		if cascade {
			r.Unmodelled = "DROP … CASCADE of an object that is no relation, type, function or schema"
		}
	}
}

func (r *run) dropRelations(s *pgparse.DropStmt, cascade bool) {
	kind := catalog.KindOfObject(s.GetRemoveType())
	if s.GetConcurrent() {
		r.NoTransaction = "DROP INDEX CONCURRENTLY"
		if len(s.GetObjects()) > 1 || cascade {
			return // refused
		}
	}
	var targets []*catalog.Relation
	for _, o := range s.GetObjects() {
		schema, name := pgparse.SchemaAndName(o.GetList().GetItems())
		if rel := r.FindRelation(schema, name, kind, s.GetMissingOk()); rel != nil {
			targets = append(targets, rel)
		}
	}
	for _, rel := range targets {
		e := r.lockRelation(rel, accessExclusive)
		if s.GetConcurrent() {
			e.Lock = 0
		}
		e.Dropped = true
		if s.GetMissingOk() && rel.Inferred && rel.OID == 0 {
			e.Unsure, e.Why = true, "it may not exist"
		}
	}
	for _, rel := range targets {
		if kind == catalog.Index {
			r.dropIndex(rel, s.GetConcurrent())
			continue
		}
		r.dropRelation(rel, cascade, 0)
	}
}

// dropRelation locks a table, view or sequence that is dropped, with all that
// goes with it and all that loses something by it.
func (r *run) dropRelation(rel *catalog.Relation, cascade bool, depth int) {
	if depth > maxDepth {
		return
	}
	name := rel.Name.String()
	switch rel.Kind {
	case catalog.Sequence:
		r.dropSequence(rel, cascade)
		return
	case catalog.View, catalog.MaterializedView:
	default:
		r.lockTableParts(rel, cascade, depth)
	}
	for _, i := range r.C.IndexesOf(rel) {
		r.recordDropped(i, "index of "+name)
	}
	r.lockPolicyTables(rel, 0, cascade)
	for _, v := range r.C.RelationsByOID(rel.Dependents) {
		if !cascade || r.isDropped(v.OID) {
			continue
		}
		r.recordDropped(v, "reads "+name)
		r.dropRelation(v, true, depth+1)
	}
}

func (r *run) lockTableParts(rel *catalog.Relation, cascade bool, depth int) {
	name := rel.Name.String()
	if parent := r.C.Relation(rel.Parent); parent != nil {
		r.lockWithReason(parent, accessExclusive, name+" is its partition")
		if d := r.C.Relation(parent.Default); d != nil && d != rel {
			r.lockWithReason(d, accessExclusive, "default partition of "+parent.Name.String())
		}
	}
	for _, con := range rel.Constraints {
		// A partition's clone of its parent's key has no triggers over there.
		if con.Kind == catalog.ForeignKey && con.Ref != rel.OID && (!con.Parent || r.isDroppedWithParent(r.C.Relation(rel.Parent))) {
			r.dropForeignKey(con, true)
		}
	}
	for _, ref := range r.C.ListReferences(rel, true) {
		if ref.From == rel || r.isDropped(ref.From.OID) {
			continue
		}
		if target := r.C.Relation(ref.Con.Ref); target != rel && !r.isDroppedWithParent(target) {
			// The key points to what this is a partition of: it goes as a whole.
			if !cascade {
				continue
			}
			r.dropForeignKey(ref.Con, true)
		}
		if !cascade && !r.isDroppedWithParent(ref.From) {
			continue
		}
		for _, t := range r.C.ListTree(ref.From, ref.From.Kind == catalog.PartitionedTable) {
			r.lockWithReason(t, accessExclusive, "its foreign key "+ref.Con.Name+" is dropped")
		}
	}
	for _, s := range r.C.SequencesOf(rel) {
		r.recordDropped(s, "owned by "+name)
		r.lockSequenceTakers(s, "", cascade)
	}
	for _, k := range r.C.RelationsByOID(rel.Partitions) {
		if !r.isDropped(k.OID) {
			r.recordDropped(k, "partition of "+name)
			r.dropRelation(k, cascade, depth+1)
		}
	}
	for _, k := range r.C.RelationsByOID(rel.Children) {
		if !cascade || r.isDropped(k.OID) {
			continue
		}
		r.recordDropped(k, "inherits from "+name)
		r.dropRelation(k, true, depth+1)
	}
	if cascade {
		r.C.EachOfType(rel.OID, func(user *catalog.Relation, col *catalog.Column) {
			r.lockWithReason(user, accessExclusive, "its column "+col.Name+" has the row type of "+name)
			r.lockColumnParts(user, col, true, depth+1)
		})
	}
}

// lockPolicyTables locks the tables with a policy or a rule that reads a dropped
// relation, or a dropped column of it. Without CASCADE they forbid the drop, or a
// function does: then it is false.
func (r *run) lockPolicyTables(rel *catalog.Relation, column int16, cascade bool) bool {
	if !cascade {
		return !r.ReadElsewhere(rel, column, r.isDroppedWithParent)
	}
	for _, x := range r.C.PoliciesOver(rel.OID, column) {
		if !r.isDroppedWithParent(x.Table) {
			r.lockWithReason(x.Table, accessExclusive, "its policy "+x.Policy.Name+" reads "+rel.Name.String())
		}
	}
	for _, x := range r.C.RulesOver(rel.OID, column) {
		if !r.isDroppedWithParent(x.Table) {
			r.lockWithReason(x.Table, accessExclusive, "its rule "+x.Rule.Name+" uses "+rel.Name.String())
		}
	}
	return true
}

// isDroppedWithParent reports whether a table is dropped with what it is a partition of.
func (r *run) isDroppedWithParent(rel *catalog.Relation) bool {
	for n := 0; rel != nil && n < maxDepth; n++ {
		if r.isDropped(rel.OID) {
			return true
		}
		rel = r.C.Relation(rel.Parent)
	}
	return false
}

func (r *run) dropSequence(seq *catalog.Relation, cascade bool) {
	r.lockSequenceTakers(seq, "", cascade)
	if seq.Seq == nil || seq.Seq.OwnerTable == 0 {
		return
	}
	table := r.C.Relation(seq.Seq.OwnerTable)
	if table == nil {
		return
	}
	if col := table.Attr(seq.Seq.OwnerColumn); col != nil && col.Identity == "" && col.Default != nil && cascade && !r.isDropped(table.OID) {
		r.lockWithReason(table, accessExclusive, "the default of its column "+col.Name+" is dropped")
	}
}

// lockSequenceTakers locks the tables with a default that takes numbers from a dropped
// sequence which their columns do not own. Without CASCADE they forbid the drop:
// then it is false. column is the column that is dropped with the sequence, "" for none;
// the same column of inheriting tables is dropped, too.
func (r *run) lockSequenceTakers(seq *catalog.Relation, column string, cascade bool) bool {
	if !cascade {
		return !r.IsSequenceTaken(seq, column, r.isDroppedWithParent)
	}
	for _, t := range r.C.TakersOf(seq.OID) {
		if c := t.Column(column); !r.isDroppedWithParent(t) && (c == nil || !c.Inherited) {
			r.lockWithReason(t, accessExclusive, "a default of it takes numbers from "+seq.Name.String())
		}
	}
	return true
}

// dropFromTable drops a trigger, rule or policy: name parts of the table, then
// the name.
func (r *run) dropFromTable(s *pgparse.DropStmt, parts []*pgparse.Node) {
	if len(parts) < 2 {
		return
	}
	schema, name := pgparse.SchemaAndName(parts[:len(parts)-1])
	object := pgparse.StringText(parts[len(parts)-1])
	rel := r.FindRelation(schema, name, catalog.Table, s.GetMissingOk())
	if rel == nil {
		return
	}
	if s.GetRemoveType() != pgparse.ObjectType_OBJECT_TRIGGER {
		if s.GetMissingOk() && !r.hasObject(rel, s.GetRemoveType(), object) {
			return
		}
		r.lockRelation(rel, accessExclusive)
		return
	}
	t := rel.Trigger(object)
	if r.Refusal != nil || t == nil && r.IsFullyKnown(rel) {
		return
	}
	r.lockRelation(rel, accessExclusive)
	if rel.Kind == catalog.PartitionedTable && (t == nil || t.Row) {
		r.lockDescendants(rel, accessExclusive)
	}
}

func (r *run) hasObject(rel *catalog.Relation, kind pgparse.ObjectType, name string) bool {
	if !r.IsFullyKnown(rel) {
		return true
	}
	if kind == pgparse.ObjectType_OBJECT_RULE {
		return rel.FindRule(name) != nil
	}
	for _, p := range rel.Policies {
		if p.Name == name {
			return true
		}
	}
	return false
}

func (r *run) dropStatistics(parts []*pgparse.Node, missingOK bool) {
	if rel := r.statisticsTable(parts); rel != nil {
		r.lockWithReason(rel, sue, "its statistics object is dropped")
	}
}

// statisticsTable is the table of an extended statistics object.
func (r *run) statisticsTable(parts []*pgparse.Node) *catalog.Relation {
	schema, name := pgparse.SchemaAndName(parts)
	if schema == "" {
		schema = r.C.CreationSchema()
	}
	if o := r.C.Object("statistics object", catalog.Name{Schema: schema, Name: name}); o != nil {
		return r.C.Relation(o.Table)
	}
	return nil
}
