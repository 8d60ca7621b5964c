package analysis

import (
	"strings"

	"github.com/onward-sql/onward/internal/catalog"
	"github.com/onward-sql/onward/internal/pgparse"
)

// Table is a relation's name for SQL: quoted where it needs to be, with its
// schema unless that is public.
func Table(n catalog.Name) string {
	if n.Schema == "" || n.Schema == "public" {
		return pgparse.QuoteIdent(n.Name)
	}
	return pgparse.QuoteIdent(n.Schema) + "." + pgparse.QuoteIdent(n.Name)
}

// Role is how SQL names a role, and whether that is a word of SQL, not a name to
// be quoted: "CURRENT_USER".
func Role(r *pgparse.RoleSpec) (name string, word bool) {
	switch r.GetRoletype() {
	case pgparse.RoleSpecType_ROLESPEC_PUBLIC:
		return "PUBLIC", true
	case pgparse.RoleSpecType_ROLESPEC_CURRENT_USER, pgparse.RoleSpecType_ROLESPEC_CURRENT_ROLE:
		return "CURRENT_USER", true
	case pgparse.RoleSpecType_ROLESPEC_SESSION_USER:
		return "SESSION_USER", true
	}
	return r.GetRolename(), false
}

// Idents are several identifiers for SQL: "a, b".
func Idents(names []string) string {
	out := make([]string, len(names))
	for i, n := range names {
		out[i] = pgparse.QuoteIdent(n)
	}
	return strings.Join(out, ", ")
}
