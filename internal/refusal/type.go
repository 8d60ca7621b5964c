package refusal

import "github.com/onward-sql/onward/internal/catalog"

// DomainOf returns the domain that a type is; nil for another type.
func (q *Checker) DomainOf(t catalog.Type) *catalog.UserType {
	if t.OID == 0 || t.Array > 0 {
		return nil
	}
	if u := q.C.Type(t.OID); u != nil && u.Kind == catalog.Domain {
		return u
	}
	return nil
}

// BaseType returns the type under all domains. A domain's modifier is not seen from
// outside it.
func (q *Checker) BaseType(t catalog.Type) catalog.Type {
	for n := 0; n < maxDepth; n++ {
		d := q.DomainOf(t)
		if d == nil {
			return t
		}
		t = d.Base
		t.Mods = nil
	}
	return t
}

// SameType reports whether two types are one, but for their modifiers.
func SameType(a, b catalog.Type) bool {
	if (a.Array > 0) != (b.Array > 0) {
		return false
	}
	if a.OID != 0 || b.OID != 0 {
		return a.OID == b.OID
	}
	return a.Name == b.Name
}

// isText reports whether every type may be assigned to this one through its
// text.
func isText(t catalog.Type) bool {
	return t.Array == 0 && t.Name.Schema == "pg_catalog" && (t.Name.Name == "text" || t.Name.Name == "varchar" || t.Name.Name == "bpchar" || t.Name.Name == "name")
}

// hasUserCasts reports whether the schema has casts of its own.
func (q *Checker) hasUserCasts() bool {
	any := false
	q.C.EachObject("cast", func(*catalog.Object) bool { any = true; return false })
	return any
}

// IsEnum reports whether a type is an enum that was seen made.
func (q *Checker) IsEnum(t catalog.Type) bool {
	u := q.C.Type(t.OID)
	return u != nil && t.Array == 0 && u.Kind == catalog.Enum && !u.Inferred
}
