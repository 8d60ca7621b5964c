package refusal

//go:generate go run ./castgen

import (
	"slices"
	"strconv"
	"strings"

	"github.com/onward-sql/onward/internal/catalog"
)

// findCast returns the entry of pg_cast for two built-in types: context and method, and the first version that has it, 0 for all.
// For bytea and int2 it is "ef", 18: an explicit cast by a function.
func findCast(from, to string) (entry string, since int) {
	key := from + " " + to + " "
	i, _ := slices.BinarySearch(casts[:], key)
	if i == len(casts) || !strings.HasPrefix(casts[i], key) {
		return "", 0
	}
	entry = casts[i][len(key):]
	since, _ = strconv.Atoi(entry[2:])
	return entry[:2], since
}

// castInVersion returns the entry of pg_cast that the version has for two built-in types.
func (q *Checker) castInVersion(from, to catalog.Type) string {
	entry, since := findCast(from.Name.Name, to.Name.Name)
	if since > 0 && !q.V.AtLeast(since) {
		return ""
	}
	return entry
}

// IsRelabeling reports whether the cast between two types changes nothing in the
// stored values (pg_cast.castmethod b), or is timestamp to timestamptz, or
// back, and the session's time zone is UTC.
func IsRelabeling(from, to catalog.Type, utc bool) bool {
	if from.Array > 0 || to.Array > 0 {
		return false
	}
	a, b := typeName(from), typeName(to)
	if a == "timestamp" && b == "timestamptz" || a == "timestamptz" && b == "timestamp" {
		return utc
	}
	// citext is text with other operators.
	if a == "citext" || b == "citext" {
		other := a
		if a == "citext" {
			other = b
		}
		return other == "text" || other == "varchar" || a == "citext" && other == "bpchar"
	}
	c, _ := findCast(a, b)
	return c != "" && c[1] == 'b'
}

// typeName returns a built-in type's name; the bare name of the types of well-known
// extensions.
func typeName(t catalog.Type) string {
	if t.Name.Schema == "pg_catalog" || t.Name.Name == "citext" {
		return t.Name.Name
	}
	return t.Name.Qualified()
}

// isKnownUserType reports whether a type is an enum or composite that was seen made.
func (q *Checker) isKnownUserType(t catalog.Type) bool {
	u := q.C.Type(t.OID)
	return u != nil && !u.Inferred && (u.Kind == catalog.Enum || u.Kind == catalog.Composite)
}

// isAssignable reports whether a value may be assigned without an explicit
// cast. Where a type is not built in it is assumed.
func (q *Checker) isAssignable(from, to catalog.Type) bool {
	if from.Array > 0 && to.Array > 0 {
		from.Array, to.Array = 0, 0
		from, to = q.BaseType(from), q.BaseType(to)
		return SameType(from, to) || q.isAssignable(from, to)
	}
	if from.OID != 0 || to.OID != 0 {
		// Between an enum or composite and another type there is only the cast
		// through text; extensions define others.
		if !q.isKnownUserType(from) && !q.isKnownUserType(to) || q.hasUserCasts() {
			return true
		}
		return q.isKnownUserType(from) && isText(to)
	}
	if from.Name.Schema != "pg_catalog" || to.Name.Schema != "pg_catalog" {
		return true
	}
	if isText(to) {
		return true
	}
	if from.Array > 0 || to.Array > 0 {
		return q.hasUserCasts()
	}
	c := q.castInVersion(from, to)
	return c != "" && c[0] != 'e' || q.hasUserCasts()
}

// isCastable reports whether a value may be cast explicitly: what has no entry in
// pg_cast goes through its text, where either side is one.
func (q *Checker) isCastable(from, to catalog.Type) bool {
	if from.Array > 0 && to.Array > 0 {
		from.Array, to.Array = 0, 0
		return SameType(from, to) || q.isCastable(from, to)
	}
	if from.OID != 0 || to.OID != 0 || from.Name.Schema != "pg_catalog" || to.Name.Schema != "pg_catalog" {
		return isText(from) || q.isAssignable(from, to)
	}
	return isText(from) || isText(to) || from.Array == 0 && to.Array == 0 && q.castInVersion(from, to) != "" || q.hasUserCasts()
}

// OperatorFamily names the default operator class of a type, where several types
// share one.
func OperatorFamily(t catalog.Type) string {
	switch n := typeName(t); n {
	case "varchar":
		return "text"
	case "cidr":
		return "inet"
	case "regproc", "regprocedure", "regoper", "regoperator", "regclass", "regcollation", "regtype", "regrole", "regnamespace", "regconfig", "regdictionary":
		return "oid"
	default:
		return n
	}
}

// families are the types that one family of B-tree operators compares with one
// another.
var families = [][]string{
	{"int2", "int4", "int8"}, {"float4", "float8"}, {"text", "varchar", "bpchar", "name", "citext"},
	{"date", "timestamp", "timestamptz"}, {"bit", "varbit"}, {"inet", "cidr"},
}

// canCompare reports whether a referencing type can be compared with a referenced
// one: the same, of one family, or cast to it without asking.
func (q *Checker) canCompare(from, to catalog.Type) bool {
	from, to = q.BaseType(from), q.BaseType(to)
	if SameType(from, to) {
		return true
	}
	if (from.Array > 0) != (to.Array > 0) && from.OID == 0 && to.OID == 0 {
		return q.hasUserCasts()
	}
	if from.OID != 0 || to.OID != 0 || from.Array > 0 || to.Array > 0 ||
		from.Name.Schema != "pg_catalog" || to.Name.Schema != "pg_catalog" {
		// Extensions define operators; an enum has none but its own.
		return !q.IsEnum(from) && !q.IsEnum(to)
	}
	for _, f := range families {
		if contains(f, from.Name.Name) && contains(f, to.Name.Name) {
			return true
		}
	}
	c := q.castInVersion(from, to)
	return OperatorFamily(from) == OperatorFamily(to) || c != "" && c[0] == 'i' || q.hasUserCasts()
}
