package recipe

import (
	"strings"

	"github.com/onward-sql/onward/internal/catalog"
)

// restorePrivileges returns the statements that undo the GRANT or REVOKE of a change to relations. It returns nil if a REVOKE would also
// take a privilege that a role had before.
func (c *Change) restorePrivileges() (out []string) {
	for i := range c.Deltas {
		d := &c.Deltas[i]
		r := c.Before.Relation(d.OID)
		if d.Kind != catalog.Granted && d.Kind != catalog.Revoked || r == nil {
			continue
		}
		onClause := " ON TABLE " + tableName(r)
		if r.Kind == catalog.Sequence {
			onClause = " ON SEQUENCE " + tableName(r)
		}
		privilege, role := strings.ToUpper(d.Grant.Privilege), quoteIdent(d.Grant.Role)
		// "select (a, b)": see catalog.Grant.
		if words, columns, some := strings.Cut(d.Grant.Privilege, " ("); some {
			var names []string
			for name := range strings.SplitSeq(strings.TrimSuffix(columns, ")"), ", ") {
				names = append(names, quoteIdent(name))
			}
			privilege = strings.ToUpper(words) + " (" + strings.Join(names, ", ") + ")"
		}
		if d.Kind == catalog.Revoked {
			out = append(out, "GRANT "+privilege+onClause+" TO "+role)
			continue
		}
		for _, g := range r.Grants {
			if g.Role == d.Grant.Role && (d.Grant.Privilege == "all" || g.Privilege == "all") {
				return nil // a REVOKE would take what the role had
			}
		}
		out = append(out, "REVOKE "+privilege+onClause+" FROM "+role)
	}
	return out
}
