package effect

import (
	"github.com/onward-sql/onward/internal/catalog"
	"github.com/onward-sql/onward/internal/pgparse"
	"github.com/onward-sql/onward/internal/refuse"
)

// member is what an extension that comes with Postgres puts into a schema and
// that tables or statements may name.
type member struct {
	name  string
	since int // the first version of Postgres whose extension has it; 0: all
}

// extensionViews and extensionTypes list the members by extension.
var (
	extensionViews = map[string][]member{
		"pg_stat_statements": {{"pg_stat_statements", 0}, {"pg_stat_statements_info", 14}},
		"pg_buffercache":     {{"pg_buffercache", 0}},
	}
	extensionTypes = map[string][]string{
		"citext": {"citext"}, "hstore": {"hstore"}, "ltree": {"ltree", "lquery", "ltxtquery"}, "cube": {"cube"}, "seg": {"seg"},
		"isn": {"ean13", "isbn13", "ismn13", "issn13", "isbn", "ismn", "issn", "upc"}, "intarray": {"query_int"},
	}
)

// extensionRelations locks the views of an extension.
func (r *run) extensionRelations(name string, mark func(*Effect)) {
	o := r.c.Object("extension", catalog.Name{Name: name})
	for _, m := range extensionViews[name] {
		if o == nil || m.since > 0 && !r.v.AtLeast(m.since) {
			continue
		}
		e := r.lock(catalog.StandIn(catalog.Name{Schema: r.c.CreationSchema(), Name: m.name}, catalog.View, false), ael)
		if mark != nil {
			mark(e)
		}
	}
}

// dropExtension drops what an extension brought along, and with CASCADE the
// columns of its types.
func (r *run) dropExtension(name string, cascade bool) {
	r.extensionRelations(name, func(e *Effect) { e.Dropped = true })
	types := extensionTypes[name]
	if len(types) == 0 {
		if cascade && len(extensionViews[name]) == 0 && !contains(withoutTypes, name) {
			r.Unmodelled = "DROP EXTENSION … CASCADE: what depends on the extension is not known"
		}
		return
	}
	r.c.Types(func(u *catalog.UserType) bool {
		if base := u.Base.Name; u.Kind == catalog.Domain && base.Schema != "pg_catalog" && contains(types, base.Name) {
			if !cascade {
				r.refuse(refuse.HasDependents, "extension", name)
				return false
			}
			r.dropUserType(u, true, 0)
		}
		return true
	})
	r.c.Relations(func(rel *catalog.Relation) bool {
		if r.Refused != nil {
			return false
		}
		for _, col := range rel.Columns {
			if col.Type.Name.Schema == "pg_catalog" || !contains(types, col.Type.Name.Name) {
				continue
			}
			if !cascade {
				r.refuse(refuse.HasDependents, "extension", name)
				return false
			}
			r.lockFor(rel, ael, "its column "+col.Name+" has a type of the extension")
			r.dropColumnParts(rel, col, true, 0)
		}
		return true
	})
}

// withoutTypes are extensions that no table depends on.
var withoutTypes = []string{"plpgsql", "pgcrypto", "tablefunc", "dblink", "pgstattuple", "pg_prewarm", "pg_visibility", "pgrowlocks", "amcheck", "fuzzystrmatch", "pageinspect"}

// alterExtension is ALTER EXTENSION … ADD and DROP of a relation.
func (r *run) alterExtension(s *pgparse.AlterExtensionContentsStmt) {
	switch kind := s.GetObjtype(); kind {
	case pgparse.ObjectType_OBJECT_TABLE, pgparse.ObjectType_OBJECT_VIEW, pgparse.ObjectType_OBJECT_MATVIEW, pgparse.ObjectType_OBJECT_SEQUENCE,
		pgparse.ObjectType_OBJECT_FOREIGN_TABLE:
		schema, name := pgparse.SchemaAndName(s.GetObject().GetList().GetItems())
		if rel := r.find(schema, name, objectKind(kind), false); rel != nil {
			r.lock(rel, sue)
		}
	}
}

// small are further extensions that come with Postgres and bring no relation
// along.
var small = []string{"btree_gist", "btree_gin", "pg_trgm", "unaccent", "uuid-ossp", "bloom", "dict_int", "dict_xsyn", "earthdistance", "intagg", "lo", "sslinfo", "tcn", "tsm_system_rows", "tsm_system_time", "xml2", "postgres_fdw", "file_fdw", "autoinc", "insert_username", "moddatetime", "refint"}

// Whole reports whether a dump tells of every relation that there is: all of it
// was understood, and none of its extensions brings along tables, which a dump
// leaves out.
func Whole(c *catalog.Catalog) bool {
	if c.Unmodelled != nil {
		return false
	}
	whole := true
	c.Objects("extension", func(o *catalog.Object) bool {
		n := o.Name.Name
		whole = len(extensionViews[n]) > 0 || len(extensionTypes[n]) > 0 || contains(withoutTypes, n) || contains(small, n)
		return whole
	})
	return whole
}
