package refusal

import (
	"slices"

	"github.com/onward-sql/onward/internal/catalog"
	"github.com/onward-sql/onward/internal/pgerror"
	"github.com/onward-sql/onward/internal/pgparse"
)

// checkDrop checks DROP. The catalog finds what is missing and what depends on the objects.
func (q *Checker) checkDrop(s *pgparse.DropStmt) {
	switch s.GetRemoveType() {
	case pgparse.ObjectType_OBJECT_INDEX:
		if s.GetConcurrent() {
			q.checkDropConcurrently(s)
		}
	case pgparse.ObjectType_OBJECT_TRIGGER:
		for _, o := range s.GetObjects() {
			q.checkDropTrigger(o.GetList().GetItems())
		}
	}
}

// checkDropConcurrently checks DROP INDEX CONCURRENTLY.
func (q *Checker) checkDropConcurrently(s *pgparse.DropStmt) {
	switch {
	case len(s.GetObjects()) > 1:
		q.RecordRefusal(pgerror.DropConcurrentlyMany)
	case s.GetBehavior() == pgparse.DropBehavior_DROP_CASCADE:
		q.RecordRefusal(pgerror.DropConcurrentlyCascade)
	default:
		for _, o := range s.GetObjects() {
			schema, name := pgparse.SchemaAndName(o.GetList().GetItems())
			index := q.FindRelation(schema, name, catalog.Index, true)
			if index != nil && index.Kind == catalog.PartitionedIndex && index.Index.Constraint == "" && q.C.ParentIndex(index) == nil {
				q.RecordRefusal(pgerror.DropConcurrentlyPartitioned, index.Name.Name)
			}
		}
	}
}

// ReadElsewhere reports whether a policy, a rule or the body of a function reads
// a relation (a column of it, unless column is 0), so that it cannot be dropped
// without CASCADE. goes reports whether a table is dropped too, so that its policies
// and rules do not matter.
func (q *Checker) ReadElsewhere(rel *catalog.Relation, column int16, goes func(*catalog.Relation) bool) bool {
	return slices.ContainsFunc(q.C.PoliciesOver(rel.OID, column), func(x catalog.PolicyOn) bool { return !goes(x.Table) }) ||
		slices.ContainsFunc(q.C.RulesOver(rel.OID, column), func(x catalog.RuleOn) bool { return !goes(x.Table) }) ||
		len(q.C.BodiesOver(rel.OID, column)) > 0
}

// IsSequenceTaken reports whether a default takes numbers from a sequence that its column
// does not own, so that the sequence cannot be dropped without CASCADE. column is
// the column that is dropped with it, "" for none: columns that inherit it go too.
func (q *Checker) IsSequenceTaken(seq *catalog.Relation, column string, goes func(*catalog.Relation) bool) bool {
	return slices.ContainsFunc(q.C.TakersOf(seq.OID), func(t *catalog.Relation) bool {
		c := t.Column(column)
		return !goes(t) && (c == nil || !c.Inherited)
	})
}

// checkDropTrigger checks the drop of a trigger. parts are the parts of the table's name, then the trigger's.
func (q *Checker) checkDropTrigger(parts []*pgparse.Node) {
	if len(parts) < 2 {
		return
	}
	schema, table := pgparse.SchemaAndName(parts[:len(parts)-1])
	rel := q.FindRelation(schema, table, catalog.Table, true)
	if rel == nil {
		return
	}
	if t := rel.Trigger(pgparse.LastText(parts)); t != nil && t.Parent {
		q.RecordRefusal(pgerror.TriggerRequired, t.Name, rel.Name.Name)
	}
}
