package refusal

import (
	"github.com/onward-sql/onward/internal/catalog"
	"github.com/onward-sql/onward/internal/pgerror"
)

// unsortable are the built-in types without a default B-tree operator class.
var unsortable = []string{
	"json", "xml", "point", "line", "lseg", "box", "path", "polygon", "circle", "txid_snapshot", "pg_snapshot",
	"jsonpath", "aclitem", "xid", "cid",
}

// notDefault are the operator classes that an index must name, with the type
// that they are for, as far as deployed schemas have them.
var notDefault = map[string]string{
	"text_pattern_ops": "text", "varchar_pattern_ops": "text", "varchar_ops": "text", "bpchar_pattern_ops": "bpchar",
	"gin_trgm_ops": "text", "gist_trgm_ops": "text",
	"jsonb_path_ops": "jsonb", "cidr_ops": "inet",
}

// sortless are the types that have a default operator class for B-tree, but not for
// another access method.
var sortless = map[string][]string{
	"hash": {"bit", "varbit", "money", "tsvector", "tsquery"},
	"brin": {"bool", "money", "tsvector", "tsquery", "jsonb"},
}

// defaults of the methods that have one for few types. Extensions bring more.
var defaultsOf = map[string][]string{
	"gin":  {"tsvector", "jsonb"},
	"gist": {"circle", "polygon", "point", "box", "tsvector", "tsquery"},
}

// moreDefaults are the extensions that have default operator classes for plain
// types.
var moreDefaults = []string{"btree_gin", "btree_gist", "intarray", "hstore", "ltree", "cube", "seg", "postgis", "vector", "rum"}

// checkOperatorClass is the refusal of a key of an index that its operator class
// does not take; "" for one that fits, or of which that is not known.
// https://www.postgresql.org/docs/current/indexes-opclass.html
func (q *Checker) checkOperatorClass(method, opclass string, t catalog.Type) *pgerror.Refusal {
	t = q.BaseType(t)
	if method == "" {
		method = "btree"
	}
	enum := q.IsEnum(t)
	if t.Name.Schema != "pg_catalog" && !enum || !t.IsKnown() {
		return nil
	}
	name := t.Name.Name
	if want := notDefault[opclass]; want != "" || opclass == "inet_ops" && method == "gist" {
		if want == "" {
			want = "inet"
		}
		if t.Array == 0 && !enum && (name == want || want == "text" && name == "varchar" || want == "bpchar" && (name == "text" || name == "varchar") ||
			want == "inet" && name == "cidr") {
			return nil
		}
		return pgerror.IndexClassType.NewRefusal(opclass, t.FormatFull())
	}
	none := func() *pgerror.Refusal { return pgerror.IndexNoClass.NewRefusal(t.FormatFull(), method) }
	switch {
	case opclass != "":
		return nil
	case method == "btree" || method == "hash":
		if t.Array > 0 || enum {
			return nil
		}
		if contains(unsortable, name) && (method == "btree" || name != "aclitem" && name != "xid" && name != "cid") || contains(sortless[method], name) {
			return none()
		}
	case method == "brin":
		if t.Array > 0 || enum || contains(unsortable, name) && name != "box" || contains(sortless[method], name) {
			return none()
		}
	case defaultsOf[method] == nil || contains(ranges, name):
	case t.Array > 0:
		if method == "gist" && !q.hasExtension(moreDefaults) {
			return none()
		}
	case method == "gist" && (name == "inet" || name == "cidr") && q.V.AtLeast(19):
	case !contains(defaultsOf[method], name) && !q.hasExtension(moreDefaults):
		return none()
	}
	return nil
}

var ranges = []string{
	"int4range", "int8range", "numrange", "tsrange", "tstzrange", "daterange",
	"int4multirange", "int8multirange", "nummultirange", "tsmultirange", "tstzmultirange", "datemultirange",
}

// hasExtension reports whether one of some extensions was seen created.
func (q *Checker) hasExtension(names []string) bool {
	found := false
	q.C.EachObject("extension", func(o *catalog.Object) bool {
		found = contains(names, o.Name.Name)
		return !found
	})
	return found
}
