package refusal

import (
	"github.com/onward-sql/onward/internal/catalog"
	"github.com/onward-sql/onward/internal/pgerror"
)

// noDefaultFor are, for an access method, the built-in types without a default operator class.
var noDefaultFor = map[string][]string{
	"btree": {
		"json", "xml", "point", "line", "lseg", "box", "path", "polygon", "circle", "txid_snapshot", "pg_snapshot", "jsonpath",
		"aclitem", "xid", "cid",
	},
	"hash": {
		"json", "xml", "point", "line", "lseg", "box", "path", "polygon", "circle", "txid_snapshot", "pg_snapshot", "jsonpath",
		"bit", "varbit", "money", "tsvector", "tsquery",
	},
	"brin": {
		"json", "xml", "point", "line", "lseg", "path", "polygon", "circle", "txid_snapshot", "pg_snapshot", "jsonpath",
		"aclitem", "xid", "cid", "bool", "money", "tsvector", "tsquery", "jsonb",
	},
}

// onlyDefaults are, for the other access methods, the built-in types with a default operator class. Ranges have one, too.
var onlyDefaults = map[string][]string{
	"gin":  {"tsvector", "jsonb"},
	"gist": {"circle", "polygon", "point", "box", "tsvector", "tsquery"},
}

var ranges = []string{
	"int4range", "int8range", "numrange", "tsrange", "tstzrange", "daterange",
	"int4multirange", "int8multirange", "nummultirange", "tsmultirange", "tstzmultirange", "datemultirange",
}

// extensionsWithDefaults are the extensions that have default operator classes for built-in types.
var extensionsWithDefaults = []string{"btree_gin", "btree_gist", "intarray", "hstore", "ltree", "cube", "seg", "postgis", "vector", "rum"}

// typeOfOpclass has the types of operator classes that no type has by default: an index must name them. Classes
// that deployed schemas do not use are left out.
var typeOfOpclass = map[string]string{
	"text_pattern_ops": "text", "varchar_pattern_ops": "text", "varchar_ops": "text", "bpchar_pattern_ops": "bpchar",
	"gin_trgm_ops": "text", "gist_trgm_ops": "text",
	"jsonb_path_ops": "jsonb", "cidr_ops": "inet",
}

// coercibleTypes are the other types that an operator class for a type takes.
var coercibleTypes = map[string][]string{"text": {"varchar"}, "bpchar": {"text", "varchar"}, "inet": {"cidr"}}

// checkOperatorClass returns the refusal of an index's key that its operator class does not take; nil for one that
// fits, or if that is not known.
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
	want := typeOfOpclass[opclass]
	if opclass == "inet_ops" && method == "gist" { // the default of the other methods
		want = "inet"
	}
	if want != "" {
		if !enum && takesType(want, t) {
			return nil
		}
		return pgerror.IndexClassType.NewRefusal(opclass, t.FormatFull())
	}
	none := func() *pgerror.Refusal { return pgerror.IndexNoClass.NewRefusal(t.FormatFull(), method) }
	switch {
	case opclass != "":
		return nil
	case method == "btree" || method == "hash":
		if t.Array == 0 && !enum && contains(noDefaultFor[method], name) {
			return none()
		}
	case method == "brin":
		if t.Array > 0 || enum || contains(noDefaultFor[method], name) {
			return none()
		}
	case onlyDefaults[method] == nil || contains(ranges, name):
	case t.Array > 0:
		if method == "gist" && !q.hasExtension(extensionsWithDefaults) {
			return none()
		}
	case method == "gist" && (name == "inet" || name == "cidr") && q.V.AtLeast(19): // since then inet_ops is a default of GiST
	case !contains(onlyDefaults[method], name) && !q.hasExtension(extensionsWithDefaults):
		return none()
	}
	return nil
}

// takesType reports whether an operator class for a type takes another one.
func takesType(want string, t catalog.Type) bool {
	return t.Array == 0 && (t.Name.Name == want || contains(coercibleTypes[want], t.Name.Name))
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
