package refusal

import (
	"github.com/onward-sql/onward/internal/catalog"
	"github.com/onward-sql/onward/internal/pgerror"
	"github.com/onward-sql/onward/internal/pgparse"
)

func (q *Checker) checkCreatePublication(s *pgparse.CreatePublicationStmt) {
	switch {
	case !q.checkPublicationOptions(s.GetOptions()):
	case s.GetForAllTables():
		q.checkExcepted(s.GetPubobjects())
	default:
		q.checkPublished(s.GetPubobjects(), pgparse.BoolOption(s.GetOptions(), "publish_via_partition_root", false))
	}
}

func (q *Checker) checkAlterPublication(s *pgparse.AlterPublicationStmt) {
	if !q.checkPublicationOptions(s.GetOptions()) {
		return
	}
	o := q.C.Object("publication", catalog.Name{Name: s.GetPubname()})
	if o != nil && q.C.Unmodelled == nil && !q.checkListed(o, s) {
		return
	}
	if pgparse.SetsAll(s) {
		q.checkExcepted(s.GetPubobjects())
		return
	}
	// What was never seen created may send partitions as their root.
	q.checkPublished(s.GetPubobjects(), o == nil || o.ViaRoot || q.C.Unmodelled != nil)
}

// checkExcepted refuses relations that EXCEPT cannot leave out: what a publication never sends, and partitions.
func (q *Checker) checkExcepted(objects []*pgparse.Node) {
	for _, n := range objects {
		rel := q.FindTable(n.GetPublicationObjSpec().GetPubtable().GetRelation())
		if rel == nil || rel.Inferred {
			continue
		}
		if !rel.Kind.IsTable() || rel.Persistence != catalog.Permanent || rel.Parent != 0 {
			q.RecordRefusal(pgerror.PublicationExcept, rel.Name.Qualified())
			return
		}
	}
}

// checkPublished refuses tables that a publication cannot send, or not so.
func (q *Checker) checkPublished(objects []*pgparse.Node, viaRoot bool) {
	for _, n := range objects {
		o := n.GetPublicationObjSpec()
		t := o.GetPubtable()
		if t == nil {
			if !q.V.AtLeast(15) {
				q.RecordRefusal(pgerror.SyntaxAt, "TABLES")
			}
			q.RequireObject("schema", o.GetName())
			continue
		}
		if (len(t.GetColumns()) > 0 || t.GetWhereClause() != nil) && !q.V.AtLeast(15) {
			word := "("
			if len(t.GetColumns()) == 0 {
				word = "WHERE"
			}
			q.RecordRefusal(pgerror.SyntaxAt, word)
			return
		}
		if rel := q.FindTable(t.GetRelation()); rel != nil && !q.checkPublishedTable(rel, t, viaRoot) {
			return
		}
	}
}

func (q *Checker) checkPublishedTable(rel *catalog.Relation, t *pgparse.PublicationTable, viaRoot bool) bool {
	if !rel.Inferred && (!rel.Kind.IsTable() || rel.Persistence != catalog.Permanent) {
		q.RecordRefusal(pgerror.PublicationRelation, rel.Name.Name)
		return false
	}
	if !q.checkAnalyzedColumns(rel, t.GetColumns()) {
		return false
	}
	where := t.GetWhereClause()
	switch root := rel.Kind == catalog.PartitionedTable && !viaRoot; {
	case where != nil && !rel.Inferred && (!q.mayIndex(where, columnTypes(rel)) || q.checkVirtualExpr(catalog.Type{}, where) != nil):
		q.RecordRefusal(pgerror.PublicationWhere)
	case root && where != nil:
		q.RecordRefusal(pgerror.PublicationWhereHere, rel.Name.Name)
	case root && len(t.GetColumns()) > 0:
		q.RecordRefusal(pgerror.PublicationList, rel.Name.Name)
	default:
		return true
	}
	return false
}

// checkListed refuses to give tables to a publication of all, to make one of all of a list, to add a table to a publication that has it, or to take one
// away that it has not.
func (q *Checker) checkListed(o *catalog.Object, s *pgparse.AlterPublicationStmt) bool {
	if pgparse.SetsAll(s) {
		if len(o.Tables)+len(o.Schemas) > 0 {
			q.RecordRefusal(pgerror.PublicationSetsAll, s.GetPubname(), describeAll(s.GetForAllTables(), !s.GetForAllTables()))
			return false
		}
		return true
	}
	if (o.AllTables || o.AllSequences) && len(s.GetPubobjects()) > 0 {
		q.RecordRefusal(pgerror.PublicationAll, s.GetPubname(), describeAll(o.AllTables, o.AllSequences))
		return false
	}
	for _, n := range s.GetPubobjects() {
		rv := n.GetPublicationObjSpec().GetPubtable().GetRelation()
		rel := q.C.Lookup(rv.GetSchemaname(), rv.GetRelname())
		if rel == nil || rel.Inferred {
			continue
		}
		switch isListed := contains(o.Tables, rel.OID); {
		case isListed && s.GetAction() == pgparse.AlterPublicationAction_AP_AddObjects:
			q.RecordRefusal(pgerror.PublicationMember, rel.Name.Name, s.GetPubname())
			return false
		case !isListed && s.GetAction() == pgparse.AlterPublicationAction_AP_DropObjects:
			q.RecordRefusal(pgerror.PublicationNoMember, rel.Name.Name)
			return false
		}
	}
	return true
}

// describeAll names the kinds of objects that a publication has all of: "ALL TABLES, ALL SEQUENCES".
func describeAll(tables, sequences bool) string {
	switch {
	case tables && sequences:
		return "ALL TABLES, ALL SEQUENCES"
	case tables:
		return "ALL TABLES"
	}
	return "ALL SEQUENCES"
}

// checkGrant checks GRANT and REVOKE: since 18 the relation is looked up with a lock.
func (q *Checker) checkGrant(s *pgparse.GrantStmt) {
	q.checkGrantedPrivileges(s)
	if s.GetObjtype() != pgparse.ObjectType_OBJECT_TABLE && s.GetObjtype() != pgparse.ObjectType_OBJECT_SEQUENCE {
		return
	}
	if s.GetTargtype() != pgparse.GrantTargetType_ACL_TARGET_OBJECT || !q.V.AtLeast(18) {
		return
	}
	for _, n := range s.GetObjects() {
		q.FindTable(n.GetRangeVar())
	}
}
