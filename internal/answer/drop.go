package answer

import (
	"slices"

	"github.com/onward-sql/onward/internal/catalog"
	"github.com/onward-sql/onward/internal/pgparse"
	"github.com/onward-sql/onward/internal/refuse"
)

// dropping is a DROP: with what it takes along, for what else it asks.
type dropping struct {
	*Question
	cascade bool
	gone    map[catalog.OID]bool
}

// drop is DROP of whatever the grammar treats alike.
func (q *Question) drop(s *pgparse.DropStmt) {
	d := &dropping{q, s.GetBehavior() == pgparse.DropBehavior_DROP_CASCADE, map[catalog.OID]bool{}}
	switch s.GetRemoveType() {
	case pgparse.ObjectType_OBJECT_TABLE, pgparse.ObjectType_OBJECT_FOREIGN_TABLE, pgparse.ObjectType_OBJECT_VIEW,
		pgparse.ObjectType_OBJECT_MATVIEW, pgparse.ObjectType_OBJECT_SEQUENCE, pgparse.ObjectType_OBJECT_INDEX:
		d.relations(s)
		return
	}
	for _, o := range s.GetObjects() {
		switch s.GetRemoveType() {
		case pgparse.ObjectType_OBJECT_TRIGGER, pgparse.ObjectType_OBJECT_RULE, pgparse.ObjectType_OBJECT_POLICY:
			q.dropFromTable(s, o.GetList().GetItems())
		case pgparse.ObjectType_OBJECT_SCHEMA:
			d.schema(pgparse.Text(o))
		case pgparse.ObjectType_OBJECT_TYPE, pgparse.ObjectType_OBJECT_DOMAIN:
			if u := q.C.Type(q.C.TypeOf(o.GetTypeName()).OID); u != nil {
				d.userType(u)
			}
		case pgparse.ObjectType_OBJECT_FUNCTION, pgparse.ObjectType_OBJECT_PROCEDURE, pgparse.ObjectType_OBJECT_ROUTINE, pgparse.ObjectType_OBJECT_AGGREGATE:
			f := o.GetObjectWithArgs()
			d.function(pgparse.Last(f.GetObjname()), q.C.Callers(f))
		case pgparse.ObjectType_OBJECT_EXTENSION:
			d.extension(pgparse.Text(o))
		}
	}
}

func (d *dropping) relations(s *pgparse.DropStmt) {
	if s.GetConcurrent() {
		switch {
		case len(s.GetObjects()) > 1:
			d.Refuse(refuse.DropConcurrentlyMany)
			return
		case d.cascade:
			d.Refuse(refuse.DropConcurrentlyCascade)
			return
		}
	}
	kind := Kind(s.GetRemoveType())
	var named []*catalog.Relation
	for _, o := range s.GetObjects() {
		schema, name := pgparse.SchemaAndName(o.GetList().GetItems())
		if rel := d.Find(schema, name, kind, s.GetMissingOk()); rel != nil {
			named = append(named, rel)
			d.gone[rel.OID] = rel.OID != 0
		}
	}
	for _, rel := range named {
		if kind == catalog.Index {
			d.index(rel, s.GetConcurrent())
		} else {
			d.relation(rel, 0)
		}
	}
}

// relation asks what depends on a table, view or sequence.
func (d *dropping) relation(rel *catalog.Relation, depth int) {
	if rel.Kind == catalog.Sequence {
		d.sequence(rel)
		return
	}
	if d.cascade || depth > maxDepth {
		return
	}
	if rel.Kind != catalog.View && rel.Kind != catalog.MaterializedView {
		d.tableParts(rel, depth)
	}
	if d.ReadElsewhere(rel, 0, d.goesToo) || slices.ContainsFunc(d.C.Rels(rel.Dependents), func(v *catalog.Relation) bool { return !d.gone[v.OID] }) {
		d.Refuse(refuse.HasDependents, rel.Kind.String(), rel.Name.Name)
	}
}

func (d *dropping) tableParts(rel *catalog.Relation, depth int) {
	no := func() { d.Refuse(refuse.HasDependents, "table", rel.Name.Name) }
	for _, ref := range d.C.References(rel, true) {
		if ref.From == rel || d.gone[ref.From.OID] {
			continue
		}
		// The key may point to what this is a partition of.
		if target := d.C.Relation(ref.Con.Ref); target != rel && !d.goesToo(target) || !d.goesToo(ref.From) {
			no()
		}
	}
	for _, s := range d.C.SequencesOf(rel) {
		d.gone[s.OID] = true
		if d.Taken(s, "", d.goesToo) {
			no()
		}
	}
	for _, k := range d.C.Rels(rel.Partitions) {
		if !d.gone[k.OID] {
			d.gone[k.OID] = true
			d.relation(k, depth+1)
		}
	}
	for _, k := range d.C.Rels(rel.Children) {
		if !d.gone[k.OID] {
			no()
		}
	}
}

// ReadElsewhere reports whether a policy, a rule or the body of a function reads
// a relation (a column of it, unless column is 0), so that it cannot be dropped
// without CASCADE; goes tells of which tables that does not matter.
func (q *Question) ReadElsewhere(rel *catalog.Relation, column int16, goes func(*catalog.Relation) bool) bool {
	return slices.ContainsFunc(q.C.PoliciesOver(rel.OID, column), func(x catalog.PolicyOn) bool { return !goes(x.Table) }) ||
		slices.ContainsFunc(q.C.RulesOver(rel.OID, column), func(x catalog.RuleOn) bool { return !goes(x.Table) }) ||
		len(q.C.BodiesOver(rel.OID, column)) > 0
}

// Taken reports whether a default takes numbers from a sequence that its column
// does not own, so that the sequence cannot be dropped without CASCADE. with is
// the column that is dropped with it, "" for none: those that inherit it go too.
func (q *Question) Taken(seq *catalog.Relation, with string, goes func(*catalog.Relation) bool) bool {
	return slices.ContainsFunc(q.C.TakersOf(seq.OID), func(t *catalog.Relation) bool {
		c := t.Column(with)
		return !goes(t) && (c == nil || !c.Inherited)
	})
}

// goesToo reports whether a table is dropped, or what it is a partition of.
func (d *dropping) goesToo(rel *catalog.Relation) bool {
	for n := 0; rel != nil && n < maxDepth; n++ {
		if d.gone[rel.OID] {
			return true
		}
		rel = d.C.Relation(rel.Parent)
	}
	return false
}

func (d *dropping) sequence(seq *catalog.Relation) {
	if !d.cascade && d.Taken(seq, "", d.goesToo) {
		d.Refuse(refuse.HasDependents, "sequence", seq.Name.Name)
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
		d.Refuse(refuse.Required, "sequence", seq.Name.Name, "column "+col.Name+" of table "+table.Name.Name)
	case col.Default != nil && !d.cascade:
		d.Refuse(refuse.HasDependents, "sequence", seq.Name.Name)
	}
}

func (d *dropping) index(index *catalog.Relation, concurrent bool) {
	table := d.C.TableOf(index)
	switch parent := d.C.ParentIndex(index); {
	case index.Index != nil && index.Index.Constraint != "" && table != nil:
		d.Refuse(refuse.Required, "index", index.Name.Name, "constraint "+index.Index.Constraint+" on table "+table.Name.Name)
	case parent != nil:
		d.Refuse(refuse.Required, "index", index.Name.Name, "index "+parent.Name.Name)
	case index.Index != nil && !d.cascade && len(d.C.IndexUsers(index)) > 0:
		d.Refuse(refuse.HasDependents, "index", index.Name.Name)
	case concurrent && index.Kind == catalog.PartitionedIndex:
		d.Refuse(refuse.DropConcurrentlyPartitioned, index.Name.Name)
	}
}

// dropFromTable drops a trigger, rule or policy: name parts of the table, then
// the name.
func (q *Question) dropFromTable(s *pgparse.DropStmt, parts []*pgparse.Node) {
	if len(parts) < 2 {
		return
	}
	schema, name := pgparse.SchemaAndName(parts[:len(parts)-1])
	object := pgparse.Text(parts[len(parts)-1])
	rel := q.Find(schema, name, catalog.Table, s.GetMissingOk())
	if rel == nil || s.GetRemoveType() != pgparse.ObjectType_OBJECT_TRIGGER {
		return
	}
	switch t := rel.Trigger(object); {
	case t == nil && q.Whole(rel) && !s.GetMissingOk():
		q.Refuse(refuse.ObjectMissingOn, "trigger", object, rel.Name.Name)
	case t != nil && t.Parent:
		q.Refuse(refuse.TriggerRequired, object, rel.Name.Name)
	}
}
