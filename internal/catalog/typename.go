package catalog

import (
	"strings"

	"github.com/onward-sql/onward/internal/catalog/builtin"
	"github.com/onward-sql/onward/internal/pgparse"
)

// serialTypes are the column types that make a sequence, with the type that
// the column gets.
var serialTypes = map[string]string{
	"smallserial": "int2", "serial2": "int2", "serial": "int4", "serial4": "int4", "bigserial": "int8", "serial8": "int8",
}

// serialBase returns the integer type of serial, bigserial and smallserial; "" for any other
// type.
func serialBase(tn *pgparse.TypeName) string {
	names := tn.GetNames()
	if len(names) != 1 || len(tn.GetArrayBounds()) > 0 {
		return ""
	}
	return serialTypes[pgparse.StringText(names[0])]
}

// TypeOf resolves the name of a type. A type that the catalog does not hold and
// that is not built in keeps its name, with OID 0.
func (c *Catalog) TypeOf(tn *pgparse.TypeName) Type {
	schema, name := pgparse.SchemaAndName(tn.GetNames())
	if name == "" || tn.GetPctType() {
		return Type{}
	}
	t := Type{Array: len(tn.GetArrayBounds())}
	if t.Array == 0 && len(name) > 1 && name[0] == '_' && (schema == "pg_catalog" || schema == "" && isBuiltinType(name[1:])) {
		t.Array, name = 1, name[1:]
	}
	switch {
	case schema == "pg_catalog" || schema == "" && isBuiltinType(name):
		t.Name = Name{"pg_catalog", name}
	default:
		if u := c.LookupType(schema, name); u != nil {
			t.Name, t.OID = u.Name, u.OID
		} else if r := c.Lookup(schema, name); r != nil && r.Kind != Index && r.Kind != PartitionedIndex && r.Kind != Sequence {
			// The row type of a table.
			t.Name, t.OID = r.Name, r.OID
		} else if schema != "" {
			t.Name = Name{schema, name}
		} else {
			t.Name = Name{c.CreationSchema(), name}
		}
	}
	for _, m := range tn.GetTypmods() {
		if v, ok := m.GetAConst().GetVal().(*pgparse.A_Const_Ival); ok {
			t.Mods = append(t.Mods, v.Ival.GetIval())
			continue
		}
		if s := modText(m); s != "" {
			if t.ModText != "" {
				t.ModText += ", "
			}
			t.ModText += s
		}
	}
	if t.ModText != "" {
		for _, n := range t.Mods {
			t.ModText += ", " + itoa(int(n))
		}
		t.Mods = nil
	}
	return t
}

func modText(n *pgparse.Node) string {
	if r := n.GetColumnRef(); r != nil {
		return pgparse.LastText(r.GetFields())
	}
	return constText(n)
}

// IsSame reports whether two types are one, modifiers included.
func (t Type) IsSame(o Type) bool {
	if t.OID != o.OID || t.OID == 0 && t.Name != o.Name || t.Array != o.Array || len(t.Mods) != len(o.Mods) || t.ModText != o.ModText {
		return false
	}
	for i := range t.Mods {
		if t.Mods[i] != o.Mods[i] {
			return false
		}
	}
	return true
}

// IsAlike reports whether an argument of the one type is one of the other: modifiers do not count.
func (t Type) IsAlike(o Type) bool { return t.Name == o.Name && (t.Array > 0) == (o.Array > 0) }

// spellings are the types that people write otherwise than the catalogue
// stores them.
var spellings = map[string]string{
	"int2": "smallint", "int4": "integer", "int8": "bigint", "float4": "real", "float8": "double precision",
	"bool": "boolean", "bpchar": "char", "varbit": "bit varying", "char": `"char"`,
}

var intervalFields = map[int32]string{
	4: " year", 2: " month", 8: " day", 1024: " hour", 2048: " minute", 4096: " second",
	6: " year to month", 1032: " day to hour", 3080: " day to minute", 7176: " day to second",
	3072: " hour to minute", 7168: " hour to second", 6144: " minute to second",
}

// String is the type as people write it: "bigint", "varchar(20)",
// "timestamptz(3)", "text[]"; "" when it is unknown.
func (t Type) String() string {
	if !t.IsKnown() {
		return ""
	}
	var b strings.Builder
	mods := t.Mods
	if t.Name.Schema == "pg_catalog" {
		if s, ok := spellings[t.Name.Name]; ok {
			b.WriteString(s)
		} else {
			b.WriteString(t.Name.Name)
		}
		switch {
		case t.Name.Name == "interval" && len(mods) > 0:
			b.WriteString(intervalFields[mods[0]])
			mods = mods[1:]
		case (t.Name.Name == "bpchar" || t.Name.Name == "bit") && len(mods) == 1 && mods[0] == 1:
			mods = nil
		}
	} else {
		b.WriteString(t.Name.String())
	}
	t.Mods = mods
	return b.String() + t.FormatModifiers()
}

// FormatModifiers returns what follows the name of a type: "(20)[]".
func (t Type) FormatModifiers() string {
	var b strings.Builder
	if len(t.Mods) > 0 || t.ModText != "" {
		b.WriteByte('(')
		b.WriteString(t.ModText)
		for i, m := range t.Mods {
			if i > 0 {
				b.WriteByte(',')
			}
			b.WriteString(itoa(int(m)))
		}
		b.WriteByte(')')
	}
	for range t.Array {
		b.WriteString("[]")
	}
	return b.String()
}

// isBuiltinType reports whether an unqualified name is a type of pg_catalog,
// which is searched before the search path.
func isBuiltinType(name string) bool {
	canonical, ok := builtin.Type(name)
	return ok && canonical == name
}
