package analysis

import (
	"strings"

	"github.com/onward-sql/onward/internal/catalog"
	"github.com/onward-sql/onward/internal/pgparse"
)

// QuoteTable returns a relation's name for SQL: quoted if necessary, with its schema unless
// that is public.
func QuoteTable(n catalog.Name) string {
	if n.Schema == "" || n.Schema == "public" {
		return pgparse.QuoteIdent(n.Name)
	}
	return pgparse.QuoteIdent(n.Schema) + "." + pgparse.QuoteIdent(n.Name)
}

// QuoteType returns a type for SQL, with its schema unless that is public; "" if it is not known.
func QuoteType(t catalog.Type) string {
	if t.Name.Schema == "pg_catalog" || !t.IsKnown() {
		return t.String()
	}
	return QuoteTable(t.Name) + t.FormatModifiers()
}

// QuoteRole returns the name of a role in SQL, and whether it is a keyword that must not be
// quoted: "CURRENT_USER".
func QuoteRole(r *pgparse.RoleSpec) (name string, word bool) {
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

// QuoteIdents returns several identifiers for SQL: "a, b".
func QuoteIdents(names []string) string {
	return strings.Join(pgparse.QuoteIdents(names), ", ")
}
