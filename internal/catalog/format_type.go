package catalog

import "strings"

// formalNames are the types whose names in the server's messages (format_type) differ from
// pg_type.typname. The * marks the place of a length that is not at the end.
var formalNames = map[string]string{
	"int2": "smallint", "int4": "integer", "int8": "bigint", "float4": "real", "float8": "double precision",
	"bool": "boolean", "bpchar": "character", "varchar": "character varying", "varbit": "bit varying", "char": `"char"`,
	"time": "time* without time zone", "timetz": "time* with time zone",
	"timestamp": "timestamp* without time zone", "timestamptz": "timestamp* with time zone",
}

// FormatFull returns the type as the server's messages name it: "character varying(20)",
// "timestamp(3) with time zone".
func (t Type) FormatFull() string {
	name, found := formalNames[t.Name.Name]
	if !found || t.Name.Schema != "pg_catalog" {
		return t.String()
	}
	bare := t
	bare.Name, bare.Array = Name{"pg_catalog", "date"}, 0
	mods := strings.TrimPrefix(bare.String(), "date")
	if before, after, in := strings.Cut(name, "*"); in {
		name = before + mods + after
	} else {
		name += mods
	}
	if t.Array > 0 {
		name += "[]"
	}
	return name
}
