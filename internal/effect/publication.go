package effect

import (
	"github.com/onward-sql/onward/internal/catalog"
	"github.com/onward-sql/onward/internal/pgparse"
)

// lockPublishedTables locks the tables that a publication statement names; those that
// inherit come along, partitions do not.
func (r *run) lockPublishedTables(objects []*pgparse.Node) {
	for _, n := range objects {
		t := n.GetPublicationObjSpec().GetPubtable()
		if t == nil {
			continue
		}
		rel := r.findTable(t.GetRelation())
		if rel == nil {
			continue
		}
		r.lockRelation(rel, sue)
		if r.Refusal == nil && t.GetRelation().GetInh() && rel.Kind != catalog.PartitionedTable {
			r.lockDescendants(rel, sue)
		}
	}
}

func (r *run) alterPublication(s *pgparse.AlterPublicationStmt) {
	if s.GetAction() == pgparse.AlterPublicationAction_AP_SetObjects {
		// Tables that leave the publication are locked too.
		p := r.C.Object("publication", catalog.Name{Name: s.GetPubname()})
		switch {
		case p == nil:
		case pgparse.SetsAll(s):
			for _, rel := range r.C.RelationsByOID(p.Except) {
				r.lockWithReason(rel, sue, "leaves or stays in EXCEPT of the publication")
			}
		case len(s.GetPubobjects()) > 0:
			for _, rel := range r.C.RelationsByOID(p.Tables) {
				r.lockWithReason(rel, sue, "leaves or stays in the publication")
			}
		}
	}
	r.lockPublishedTables(s.GetPubobjects())
}

// grantPrivileges is GRANT and REVOKE: since 18 the relation is locked, weakly.
func (r *run) grantPrivileges(s *pgparse.GrantStmt) {
	if s.GetObjtype() != pgparse.ObjectType_OBJECT_TABLE && s.GetObjtype() != pgparse.ObjectType_OBJECT_SEQUENCE {
		return
	}
	if s.GetTargtype() != pgparse.GrantTargetType_ACL_TARGET_OBJECT || !r.V.AtLeast(18) {
		return
	}
	for _, n := range s.GetObjects() {
		if rel := r.findTable(n.GetRangeVar()); rel != nil {
			r.lockRelation(rel, as)
		}
	}
}
