package access

import (
	"slices"
	"strings"

	"github.com/onward-sql/onward/internal/catalog"
	"github.com/onward-sql/onward/internal/pgparse"
)

// listLostGrants returns the privileges on the old relation that nobody gave on the new
// one: not by name, not to everybody, not by default.
func listLostGrants(c *catalog.Catalog, old, now *catalog.Relation) []catalog.Grant {
	var out []catalog.Grant
	for _, g := range old.Grants {
		if g.Role == now.Owner || g.Role == "postgres" || slices.ContainsFunc(now.Grants, func(n catalog.Grant) bool {
			return (n.Role == g.Role || n.Role == "public") &&
				(n.Privilege == g.Privilege || n.Privilege == "all" || g.Privilege == "all" || strings.HasPrefix(g.Privilege, n.Privilege+" ("))
		}) || hasDefaultPrivileges(c, g.Role) {
			continue
		}
		out = append(out, g)
	}
	return out
}

// hasDefaultPrivileges reports whether the database grants a role privileges on objects that are
// created; any role if it is "".
func hasDefaultPrivileges(c *catalog.Catalog, role string) bool {
	found := false
	c.EachObject("default privileges", func(o *catalog.Object) bool {
		found = found || slices.ContainsFunc(o.Grants, func(g catalog.Grant) bool { return role == "" || g.Role == role || g.Role == "public" })
		return !found
	})
	return found
}

func formatGrantee(role string) string {
	if role == "public" {
		return "PUBLIC"
	}
	return pgparse.QuoteIdent(role)
}
