package effect

import (
	"github.com/onward-sql/onward/internal/catalog"
	"github.com/onward-sql/onward/internal/pgparse"
	"github.com/onward-sql/onward/internal/refuse"
)

// publish locks the tables that a publication statement names; those that
// inherit come along, partitions do not.
func (r *run) publish(objects []*pgparse.Node, viaRoot bool) {
	for _, n := range objects {
		o := n.GetPublicationObjSpec()
		t := o.GetPubtable()
		if t == nil {
			if !r.v.AtLeast(15) {
				r.refuse(refuse.SyntaxAt, "TABLES")
			}
			r.present("schema", o.GetName())
			continue
		}
		if (len(t.GetColumns()) > 0 || t.GetWhereClause() != nil) && !r.v.AtLeast(15) {
			word := "("
			if len(t.GetColumns()) == 0 {
				word = "WHERE"
			}
			r.refuse(refuse.SyntaxAt, word)
			return
		}
		rel := r.table(t.GetRelation())
		if rel == nil {
			continue
		}
		if !rel.Inferred && (!rel.Kind.IsTable() || rel.Persistence != catalog.Permanent) {
			r.refuse(refuse.PublicationRelation, rel.Name.Name)
			return
		}
		if !r.analyzed(rel, t.GetColumns()) {
			return
		}
		if w := t.GetWhereClause(); w != nil && !rel.Inferred && (!r.mayIndex(w, columnTypes(rel)) || r.foreign(catalog.Type{}, w) != nil) {
			r.refuse(refuse.PublicationWhere)
			return
		}
		if rel.Kind == catalog.PartitionedTable && !viaRoot {
			switch {
			case t.GetWhereClause() != nil:
				r.refuse(refuse.PublicationWhereHere, rel.Name.Name)
				return
			case len(t.GetColumns()) > 0:
				r.refuse(refuse.PublicationList, rel.Name.Name)
				return
			}
		}
		r.lock(rel, sue)
		if t.GetRelation().GetInh() && rel.Kind != catalog.PartitionedTable {
			r.below(rel, sue)
		}
	}
}

func (r *run) alterPublication(s *pgparse.AlterPublicationStmt) {
	if !r.publicationForm(s.GetOptions()) {
		return
	}
	if s.GetAction() == pgparse.AlterPublicationAction_AP_SetObjects {
		// Tables that leave the publication are locked too.
		if p := r.c.Object("publication", catalog.Name{Name: s.GetPubname()}); p != nil && len(s.GetPubobjects()) > 0 {
			for _, rel := range r.c.Rels(p.Tables) {
				r.lockFor(rel, sue, "leaves or stays in the publication")
			}
		}
	}
	o := r.c.Object("publication", catalog.Name{Name: s.GetPubname()})
	if o != nil && r.c.Unmodelled == nil && !r.listed(o, s) {
		return
	}
	// What was never seen created may send partitions as their root.
	r.publish(s.GetPubobjects(), o == nil || o.ViaRoot || r.c.Unmodelled != nil)
}

// listed refuses to give tables to a publication of all, to add a table to a publication that has it, or to take one
// away that it has not.
func (r *run) listed(o *catalog.Object, s *pgparse.AlterPublicationStmt) bool {
	if o.AllTables && len(s.GetPubobjects()) > 0 {
		r.refuse(refuse.PublicationAll, s.GetPubname())
		return false
	}
	for _, n := range s.GetPubobjects() {
		rv := n.GetPublicationObjSpec().GetPubtable().GetRelation()
		rel := r.c.Lookup(rv.GetSchemaname(), rv.GetRelname())
		if rel == nil || rel.Inferred {
			continue
		}
		switch has := contains(o.Tables, rel.OID); {
		case has && s.GetAction() == pgparse.AlterPublicationAction_AP_AddObjects:
			r.refuse(refuse.PublicationMember, rel.Name.Name, s.GetPubname())
			return false
		case !has && s.GetAction() == pgparse.AlterPublicationAction_AP_DropObjects:
			r.refuse(refuse.PublicationNoMember, rel.Name.Name)
			return false
		}
	}
	return true
}

// grant is GRANT and REVOKE: since 18 the relation is locked, weakly.
func (r *run) grant(s *pgparse.GrantStmt) {
	r.grantForm(s)
	if s.GetObjtype() != pgparse.ObjectType_OBJECT_TABLE && s.GetObjtype() != pgparse.ObjectType_OBJECT_SEQUENCE {
		return
	}
	if s.GetTargtype() != pgparse.GrantTargetType_ACL_TARGET_OBJECT || !r.v.AtLeast(18) {
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
	r.c.Objects("publication", func(o *catalog.Object) bool {
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
	if !r.c.Publishes() {
		return
	}
	rel := r.c.Lookup(rv.GetSchemaname(), rv.GetRelname())
	if rel == nil || !rel.Kind.IsTable() {
		return
	}
	for _, t := range r.c.Tree(rel, all && rv.GetInh() && where == nil) {
		if t.Kind == catalog.PartitionedTable || t.Identified() || len(t.Rules) > 0 || !r.whole(t) || where != nil && len(t.Children) > 0 {
			continue
		}
		for _, p := range r.c.Publications(t) {
			if p.Sends(action) {
				kind := refuse.PublishesUpdates
				if action == "delete" {
					kind = refuse.PublishesDeletes
				}
				r.refuse(kind, t.Name.Name)
				return
			}
		}
	}
}
