package catalog

import (
	"cmp"
	"slices"
	"strings"

	"github.com/onward-sql/onward/internal/pgerror"
	"github.com/onward-sql/onward/internal/pgparse"
)

// https://www.postgresql.org/docs/current/sql-createpublication.html
func (f *fold) createPublication(s *pgparse.CreatePublicationStmt) {
	o := &Object{Kind: "publication", Name: Name{"", clipName(s.GetPubname())}, AllTables: s.GetForAllTables()}
	if f.Object(o.Kind, o.Name) != nil {
		f.addProblem(f.isHistoryComplete(), pgerror.ObjectExists, "publication", o.Name.Name)
		return
	}
	o.AllSequences = pgparse.PublishesSequences(s.GetOptions())
	if o.AllTables {
		o.Except, _, _ = f.publicationTables(s.GetPubobjects())
	} else {
		o.Tables, o.Schemas, o.Lists = f.publicationTables(s.GetPubobjects())
	}
	o.setPublishOptions(s.GetOptions())
	f.storeObject(o)
}

// noAction is the value for a publication with an empty option publish, and for one whose
// creation is unknown.
const noAction = "nothing"

// setPublishOptions sets what the options of a publication say: publish, publish_via_partition_root and publish_generated_columns.
func (o *Object) setPublishOptions(options []*pgparse.Node) {
	if d := findOption(options, "publish"); d != nil {
		o.Actions = cmp.Or(strings.ToLower(strings.TrimSpace(pgparse.StringText(d.GetArg()))), noAction)
	}
	if findOption(options, "publish_via_partition_root") != nil {
		o.ViaRoot = isOptionTrue(options, "publish_via_partition_root")
	}
	if d := findOption(options, "publish_generated_columns"); d != nil {
		o.SendsStored = strings.EqualFold(constText(d.GetArg()), "stored")
	}
}

// publicationTables are the tables and the schemas of a publication. The
// children of a table are published by themselves, unless it says ONLY.
func (f *fold) publicationTables(list []*pgparse.Node) (tables []OID, schemas []string, lists []PublishedList) {
	for _, n := range list {
		spec := n.GetPublicationObjSpec()
		switch spec.GetPubobjtype() {
		case pgparse.PublicationObjSpecType_PUBLICATIONOBJ_TABLES_IN_SCHEMA:
			schemas = append(schemas, spec.GetName())
		case pgparse.PublicationObjSpecType_PUBLICATIONOBJ_TABLES_IN_CUR_SCHEMA:
			schemas = append(schemas, f.CreationSchema())
		default:
			t := f.requireRelation(spec.GetPubtable().GetRelation(), Table, false)
			if t == nil {
				continue
			}
			for _, r := range f.ListTree(t, spec.GetPubtable().GetRelation().GetInh() && t.Kind != PartitionedTable) {
				if slices.Contains(tables, r.OID) {
					continue
				}
				tables = append(tables, r.OID)
				if l := newPublishedList(r, spec.GetPubtable()); l.Columns != nil || l.Filter != nil {
					lists = append(lists, l)
				}
			}
		}
	}
	return tables, schemas, lists
}

// newPublishedList is the list of columns of a table in a publication, and what its
// condition reads.
func newPublishedList(t *Relation, s *pgparse.PublicationTable) PublishedList {
	l := PublishedList{Table: t.OID}
	for _, n := range s.GetColumns() {
		if c := t.Column(pgparse.StringText(n)); c != nil {
			l.Columns = append(l.Columns, c.Attnum)
		}
	}
	l.Filter = t.attnumsIn(s.GetWhereClause())
	return l
}

// findListingPublication finds the publication whose list of columns or condition names a
// column: it depends on the column.
func (f *fold) findListingPublication(t *Relation, attnum int16) *Object {
	if !f.published {
		return nil
	}
	var found *Object
	f.EachObject("publication", func(o *Object) bool {
		if l := o.ListFor(t.OID); l != nil && l.Names(attnum) && (found == nil || compareNames(o.Name, found.Name) < 0) {
			found = o
		}
		return true
	})
	return found
}

// Names reports whether a list or its row filter names a column.
func (l *PublishedList) Names(attnum int16) bool {
	return slices.Contains(l.Columns, attnum) || slices.Contains(l.Filter, attnum)
}

// ListFor returns the columns and the row filter that a publication sends of a table; nil if
// it sends all.
func (o *Object) ListFor(table OID) *PublishedList {
	if i := slices.IndexFunc(o.Lists, func(l PublishedList) bool { return l.Table == table }); i >= 0 {
		return &o.Lists[i]
	}
	return nil
}

// withoutTables is a list without what it says of some tables.
func withoutTables(lists []PublishedList, tables ...OID) []PublishedList {
	return slices.DeleteFunc(slices.Clone(lists), func(l PublishedList) bool { return slices.Contains(tables, l.Table) })
}

// https://www.postgresql.org/docs/current/sql-alterpublication.html
func (f *fold) alterPublication(s *pgparse.AlterPublicationStmt) {
	name := Name{"", clipName(s.GetPubname())}
	o := f.Object("publication", name)
	if o == nil {
		if f.isMissing("publication", name) {
			f.addProblem(true, pgerror.ObjectMissing, "publication", name.Name)
			return
		}
		o = &Object{Kind: "publication", Name: name, Actions: noAction, ViaRoot: true} // for all that is known
	}
	next := *o
	tables, schemas, lists := f.publicationTables(s.GetPubobjects())
	if len(s.GetPubobjects()) > 0 && !pgparse.SetsAll(s) {
		switch s.GetAction() {
		case pgparse.AlterPublicationAction_AP_AddObjects:
			next.Tables = appendShared(f, o.Tables, tables...)
			next.Schemas = appendShared(f, o.Schemas, schemas...)
			next.Lists = appendShared(f, o.Lists, lists...)
		case pgparse.AlterPublicationAction_AP_DropObjects:
			next.Tables = slices.DeleteFunc(slices.Clone(o.Tables), func(oid OID) bool { return slices.Contains(tables, oid) })
			next.Schemas = slices.DeleteFunc(slices.Clone(o.Schemas), func(name string) bool { return slices.Contains(schemas, name) })
			next.Lists = withoutTables(o.Lists, tables...)
		case pgparse.AlterPublicationAction_AP_SetObjects:
			next.Tables, next.Schemas, next.Lists = tables, schemas, lists
		}
	} else if pgparse.SetsAll(s) {
		next.AllTables, next.AllSequences, next.Except = s.GetForAllTables(), pgparse.PublishesSequences(s.GetOptions()), tables
	} else {
		next.Detail += "options "
		next.setPublishOptions(s.GetOptions())
	}
	f.storeObject(&next)
}

// SendsAction reports whether a publication sends what an action does: "insert",
// "update", "delete", "truncate".
func (o *Object) SendsAction(action string) bool {
	if o.Actions == "" {
		return true
	}
	for a := range strings.SplitSeq(o.Actions, ",") {
		if strings.TrimSpace(a) == action {
			return true
		}
	}
	return false
}

// ListPublications are those that have a table, by name: listed, through its
// schema, or through a table that it is a partition of.
func (c *Catalog) ListPublications(r *Relation) []*Object {
	if !c.published || !r.Kind.IsTable() || r.Persistence != Permanent {
		return nil
	}
	var out []*Object
	c.EachObject("publication", func(o *Object) bool {
		if o.AllTables {
			if !c.isExcepted(o, r) {
				out = append(out, o)
			}
			return true
		}
		for ancestor, depth := r, 0; ancestor != nil && depth < maxDepth; ancestor, depth = c.Relation(ancestor.Parent), depth+1 {
			if slices.Contains(o.Tables, ancestor.OID) || slices.Contains(o.Schemas, ancestor.Name.Schema) {
				out = append(out, o)
				break
			}
		}
		return true
	})
	slices.SortFunc(out, func(a, b *Object) int { return compareNames(a.Name, b.Name) })
	return out
}

// ListExceptions are the publications of all tables that leave out a table, or one that it is a partition of, by name.
func (c *Catalog) ListExceptions(r *Relation) []*Object {
	var out []*Object
	if !c.published {
		return nil
	}
	c.EachObject("publication", func(o *Object) bool {
		if c.isExcepted(o, r) {
			out = append(out, o)
		}
		return true
	})
	slices.SortFunc(out, func(a, b *Object) int { return compareNames(a.Name, b.Name) })
	return out
}

// isExcepted reports whether EXCEPT of a publication leaves out a table, or one that it is a partition of.
func (c *Catalog) isExcepted(o *Object, r *Relation) bool {
	for depth := 0; r != nil && depth < maxDepth; r, depth = c.Relation(r.Parent), depth+1 {
		if slices.Contains(o.Except, r.OID) {
			return true
		}
	}
	return false
}

// HasPublications reports whether there may be publications at all.
func (c *Catalog) HasPublications() bool { return c.published }

// HasReplicaIdentity reports whether a table has a replica identity, by which UPDATE and DELETE
// are published. The partitions of a partitioned table do not share its identity, except
// for its primary key.
func (r *Relation) HasReplicaIdentity() bool {
	switch {
	case r.Inferred || r.Partial:
		return true // as far as known
	case r.Kind == PartitionedTable || r.ReplicaIdentity == "" || r.ReplicaIdentity == "default":
		return slices.ContainsFunc(r.Constraints, func(c *Constraint) bool { return c.Kind == PrimaryKey && !c.Deferrable })
	}
	return r.ReplicaIdentity != "nothing"
}

// removeFromPublications takes a dropped table out of the publications that list or except
// it.
func (f *fold) removeFromPublications(oid OID) {
	if !f.published {
		return
	}
	var list []*Object
	f.EachObject("publication", func(o *Object) bool {
		if slices.Contains(o.Tables, oid) || slices.Contains(o.Except, oid) {
			list = append(list, o)
		}
		return true
	})
	slices.SortFunc(list, func(a, b *Object) int { return compareNames(a.Name, b.Name) })
	for _, o := range list {
		next := *o
		next.Tables, next.Except, next.Lists = removeValue(o.Tables, oid), removeValue(o.Except, oid), withoutTables(o.Lists, oid)
		f.storeObject(&next)
	}
}
