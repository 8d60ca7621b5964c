package catalog

import (
	"slices"

	"github.com/onward-sql/onward/internal/pgparse"
)

// https://www.postgresql.org/docs/current/sql-createpublication.html
func (f *fold) createPublication(s *pgparse.CreatePublicationStmt) {
	o := &Object{Kind: "publication", Name: Name{"", clip(s.GetPubname())}, AllTables: s.GetForAllTables()}
	if f.Object(o.Kind, o.Name) != nil {
		f.fail(f.sure(), "42710", "publication %q already exists", o.Name.Name)
		return
	}
	o.Tables, o.Detail = f.publicationTables(s.GetPubobjects())
	f.putObject(o)
}

// publicationTables are the tables of a publication, and its schemas in words.
func (f *fold) publicationTables(list []*pgparse.Node) (tables []OID, schemas string) {
	for _, n := range list {
		spec := n.GetPublicationObjSpec()
		switch spec.GetPubobjtype() {
		case pgparse.PublicationObjSpecType_PUBLICATIONOBJ_TABLES_IN_SCHEMA:
			schemas += "schema " + spec.GetName() + " "
		case pgparse.PublicationObjSpecType_PUBLICATIONOBJ_TABLES_IN_CUR_SCHEMA:
			schemas += "schema " + f.CreationSchema() + " "
		default:
			if t := f.relation(spec.GetPubtable().GetRelation(), Table, false); t != nil {
				tables = append(tables, t.OID)
			}
		}
	}
	return tables, schemas
}

// https://www.postgresql.org/docs/current/sql-alterpublication.html
func (f *fold) alterPublication(s *pgparse.AlterPublicationStmt) {
	name := Name{"", clip(s.GetPubname())}
	o := f.Object("publication", name)
	if o == nil {
		if f.missing("publication", name) {
			f.fail(true, "42704", "publication %q does not exist", name.Name)
			return
		}
		o = &Object{Kind: "publication", Name: name}
	}
	next := *o
	tables, schemas := f.publicationTables(s.GetPubobjects())
	if len(s.GetPubobjects()) > 0 {
		switch s.GetAction() {
		case pgparse.AlterPublicationAction_AP_AddObjects:
			next.Tables = append(slices.Clone(o.Tables), tables...)
			next.Detail += schemas
		case pgparse.AlterPublicationAction_AP_DropObjects:
			next.Tables = slices.DeleteFunc(slices.Clone(o.Tables), func(oid OID) bool { return slices.Contains(tables, oid) })
		case pgparse.AlterPublicationAction_AP_SetObjects:
			next.Tables, next.Detail = tables, schemas
		}
	} else {
		next.Detail += "options "
	}
	f.putObject(&next)
}

// leavePublications takes a dropped table out of the publications that list
// it.
func (f *fold) leavePublications(oid OID) {
	if !f.published {
		return
	}
	var list []*Object
	f.Objects("publication", func(o *Object) bool {
		if slices.Contains(o.Tables, oid) {
			list = append(list, o)
		}
		return true
	})
	slices.SortFunc(list, func(a, b *Object) int { return compareNames(a.Name, b.Name) })
	for _, o := range list {
		next := *o
		next.Tables = without(o.Tables, oid)
		f.putObject(&next)
	}
}
