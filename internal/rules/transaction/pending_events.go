package transaction

import (
	"slices"

	"github.com/onward-sql/onward/internal/catalog"
	"github.com/onward-sql/onward/internal/effect"
	"github.com/onward-sql/onward/internal/pgparse"
	"github.com/onward-sql/onward/internal/rule"
	"github.com/onward-sql/onward/onward"
)

// findSurestEvent is the event that is surest to be there, of those that match.
func (q *checks) findSurestEvent(match func(*event) bool) *event {
	var found *event
	for i := range q.list {
		if e := &q.list[i]; match(e) && (found == nil || e.sure && !found.sure) {
			found = e
		}
	}
	return found
}

// findTargetEvent is an event on what an ALTER TABLE or CREATE INDEX names, or on a
// partition or child to which it goes on.
func (q *checks) findTargetEvent(s *rule.Stmt, tree bool) *event {
	var rv *pgparse.RangeVar
	index := s.Node.GetIndexStmt()
	if index != nil {
		rv = index.GetRelation()
	} else {
		rv = s.Node.GetAlterTableStmt().GetRelation()
	}
	target, known := s.Before.Resolve(rv)
	if !known {
		return nil
	}
	kids := false
	if tree {
		for i := range s.Result.Effects {
			kids = kids || s.Result.Effects[i].Lock >= onward.ShareUpdateExclusiveLock && isDescendant(s.Before, s.Result.Effects[i].OID, target.OID)
		}
	}
	return q.findSurestEvent(func(e *event) bool {
		if e.table == target.OID {
			return !e.spread || kids
		}
		if !kids || e.spread && index != nil {
			return false
		}
		effectIndex := slices.IndexFunc(s.Result.Effects, func(x effect.Effect) bool { return x.OID == e.table })
		return effectIndex >= 0 && s.Result.Effects[effectIndex].Lock >= onward.ShareUpdateExclusiveLock && isDescendant(s.Before, e.table, target.OID)
	})
}

// isDescendant reports whether a relation is a partition or child of another one, at
// any level.
func isDescendant(c *catalog.Catalog, oid, top catalog.OID) bool {
	for range 64 {
		r := c.Relation(oid)
		switch {
		case r == nil || oid == top:
			return false
		case r.Parent != 0:
			oid = r.Parent
		case len(r.Inherits) > 0:
			oid = r.Inherits[0]
		default:
			return false
		}
		if oid == top {
			return true
		}
	}
	return false
}

// findReferencedEvent is an event on the table that a dropped foreign key refers to.
func (q *checks) findReferencedEvent(s *rule.Stmt, x *pgparse.AlterTableStmt) *event {
	for _, n := range x.GetCmds() {
		cmd := n.GetAlterTableCmd()
		if cmd.GetSubtype() != pgparse.AlterTableType_AT_DropConstraint {
			continue
		}
		if c := s.AlteredRelation().Constraint(cmd.GetName()); c != nil && c.Kind == catalog.ForeignKey {
			if e := q.findSurestEvent(func(e *event) bool { return e.table == c.Ref && !e.spread }); e != nil {
				return e
			}
		}
	}
	return nil
}

// findExclusiveEvent is an event on a table that the statement drops, or empties and
// sorts.
func (q *checks) findExclusiveEvent(s *rule.Stmt, dropped bool) *event {
	return q.findSurestEvent(func(e *event) bool {
		return slices.ContainsFunc(s.Result.Effects, func(x effect.Effect) bool {
			return x.OID == e.table && x.Lock == onward.AccessExclusiveLock && (x.Dropped || !dropped)
		})
	})
}
