package effect

import (
	"github.com/onward-sql/onward/internal/catalog"
	"github.com/onward-sql/onward/internal/pgparse"
	"github.com/onward-sql/onward/internal/refuse"
)

// publish locks the tables that a publication statement names; those that
// inherit come along, partitions do not.
func (r *run) publish(objects []*pgparse.Node) {
	for _, n := range objects {
		t := n.GetPublicationObjSpec().GetPubtable()
		if t == nil {
			continue
		}
		rel := r.table(t.GetRelation())
		if rel == nil {
			continue
		}
		r.lock(rel, sue)
		if r.No == nil && t.GetRelation().GetInh() && rel.Kind != catalog.PartitionedTable {
			r.below(rel, sue)
		}
	}
}

func (r *run) alterPublication(s *pgparse.AlterPublicationStmt) {
	if s.GetAction() == pgparse.AlterPublicationAction_AP_SetObjects {
		// Tables that leave the publication are locked too.
		if p := r.C.Object("publication", catalog.Name{Name: s.GetPubname()}); p != nil && len(s.GetPubobjects()) > 0 {
			for _, rel := range r.C.Rels(p.Tables) {
				r.lockFor(rel, sue, "leaves or stays in the publication")
			}
		}
	}
	r.publish(s.GetPubobjects())
}

// grant is GRANT and REVOKE: since 18 the relation is locked, weakly.
func (r *run) grant(s *pgparse.GrantStmt) {
	if s.GetObjtype() != pgparse.ObjectType_OBJECT_TABLE && s.GetObjtype() != pgparse.ObjectType_OBJECT_SEQUENCE {
		return
	}
	if s.GetTargtype() != pgparse.GrantTargetType_ACL_TARGET_OBJECT || !r.V.AtLeast(18) {
		return
	}
	for _, n := range s.GetObjects() {
		if rel := r.table(n.GetRangeVar()); rel != nil {
			r.lock(rel, as)
		}
	}
}

// published reports whether a publication lists a table.
func (r *run) published(rel *catalog.Relation) bool {
	found := false
	r.C.Objects("publication", func(o *catalog.Object) bool {
		found = found || contains(o.Tables, rel.OID)
		return !found
	})
	return found
}

// identifies refuses an UPDATE or DELETE of a table that is published and has no
// replica identity, whether or not there are rows; all says that it goes on to
// all partitions and children. A condition may leave one of those out.
// https://www.postgresql.org/docs/current/logical-replication-publication.html
func (r *run) identifies(action string, rv *pgparse.RangeVar, where *pgparse.Node, all bool) {
	if !r.C.Publishes() {
		return
	}
	rel := r.C.Lookup(rv.GetSchemaname(), rv.GetRelname())
	if rel == nil || !rel.Kind.IsTable() {
		return
	}
	for _, t := range r.C.Tree(rel, all && rv.GetInh() && where == nil) {
		if t.Kind == catalog.PartitionedTable || t.Identified() || len(t.Rules) > 0 || !r.Whole(t) || where != nil && len(t.Children) > 0 {
			continue
		}
		for _, p := range r.C.Publications(t) {
			if p.Sends(action) {
				kind := refuse.PublishesUpdates
				if action == "delete" {
					kind = refuse.PublishesDeletes
				}
				r.Refuse(kind, t.Name.Name)
				return
			}
		}
	}
}
