package catalog

import "slices"

// Member is an object of an extension that comes with Postgres. Tables or statements may name
// it.
type Member struct {
	Name  string
	Since int // the first version of Postgres whose extension has it; 0: all
}

// ExtensionViews and ExtensionTypes list the members by extension.
var (
	ExtensionViews = map[string][]Member{
		"pg_stat_statements": {{"pg_stat_statements", 0}, {"pg_stat_statements_info", 14}},
		"pg_buffercache":     {{"pg_buffercache", 0}},
	}
	ExtensionTypes = map[string][]string{
		"citext": {"citext"}, "hstore": {"hstore"}, "ltree": {"ltree", "lquery", "ltxtquery"}, "cube": {"cube"}, "seg": {"seg"},
		"isn": {"ean13", "isbn13", "ismn13", "issn13", "isbn", "ismn", "issn", "upc"}, "intarray": {"query_int"},
	}
)

// WithoutTypes are extensions of which a table needs functions at most.
var WithoutTypes = []string{
	"pgcrypto", "tablefunc", "dblink", "pgstattuple", "pg_prewarm", "pg_visibility", "pgrowlocks", "amcheck", "fuzzystrmatch", "pageinspect",
	"uuid-ossp", "moddatetime", "autoinc", "insert_username", "refint", "tcn", "sslinfo", "xml2", "intagg", "tsm_system_rows", "tsm_system_time",
}

// small are further extensions that come with Postgres and have no relation.
var small = []string{
	"plpgsql", "btree_gist", "btree_gin", "pg_trgm", "unaccent", "bloom", "dict_int", "dict_xsyn", "earthdistance", "lo", "postgres_fdw", "file_fdw",
}

// usesExtensionTypes reports whether a domain or a column has a type of an extension.
func (c *Catalog) usesExtensionTypes(extension string) bool {
	types := ExtensionTypes[extension]
	if len(types) == 0 {
		return false
	}
	isExtensionType := func(t Type) bool { return t.Name.Schema != "pg_catalog" && slices.Contains(types, t.Name.Name) }
	used := false
	c.EachType(func(u *UserType) bool {
		used = u.Kind == Domain && isExtensionType(u.Base)
		return !used
	})
	if !used {
		c.EachRelation(func(r *Relation) bool {
			used = slices.ContainsFunc(r.Columns, func(col *Column) bool { return isExtensionType(col.Type) })
			return !used
		})
	}
	return used
}

// BringsNoTable reports whether an extension is known, and creates no table that is
// missing here.
func BringsNoTable(name string) bool {
	return len(ExtensionViews[name]) > 0 || len(ExtensionTypes[name]) > 0 || slices.Contains(WithoutTypes, name) || slices.Contains(small, name)
}
