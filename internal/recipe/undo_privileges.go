package recipe

import (
	"strings"

	"github.com/onward-sql/onward/internal/catalog"
	"github.com/onward-sql/onward/internal/pgparse"
)

// restorePrivileges returns the statements that give roles the privileges on relations that they had before a GRANT or a REVOKE; nil
// if they are not known.
func (c *Change) restorePrivileges() (out []string) {
	for i := range c.Deltas {
		d := &c.Deltas[i]
		r := c.Before.Relation(d.OID)
		if d.Kind != catalog.Granted && d.Kind != catalog.Revoked || r == nil {
			continue
		}
		on := " ON TABLE " + tableName(r)
		if r.Kind == catalog.Sequence {
			on = " ON SEQUENCE " + tableName(r)
		}
		privilege, role := strings.ToUpper(d.Grant.Privilege), quoteIdent(d.Grant.Role)
		if words, columns, some := strings.Cut(d.Grant.Privilege, " ("); some {
			var names []string
			for name := range strings.SplitSeq(strings.TrimSuffix(columns, ")"), ", ") {
				names = append(names, quoteIdent(name))
			}
			privilege = strings.ToUpper(words) + " (" + strings.Join(names, ", ") + ")"
		}
		if d.Kind == catalog.Revoked {
			out = append(out, "GRANT "+privilege+on+" TO "+role)
			continue
		}
		for _, g := range r.Grants {
			if g.Role == d.Grant.Role && (d.Grant.Privilege == "all" || g.Privilege == "all") {
				return nil // a REVOKE would take what the role had
			}
		}
		out = append(out, "REVOKE "+privilege+on+" FROM "+role)
	}
	return out
}

// undoRowSecurity returns the statement that undoes a command about a table's row security; nil if the command changes nothing.
func undoRowSecurity(t *catalog.Relation, command pgparse.AlterTableType) []string {
	alter := "ALTER TABLE " + tableName(t)
	switch {
	case command == pgparse.AlterTableType_AT_EnableRowSecurity && !t.RLS:
		return []string{alter + " DISABLE ROW LEVEL SECURITY"}
	case command == pgparse.AlterTableType_AT_DisableRowSecurity && t.RLS:
		return []string{alter + " ENABLE ROW LEVEL SECURITY"}
	case command == pgparse.AlterTableType_AT_ForceRowSecurity && !t.ForceRLS:
		return []string{alter + " NO FORCE ROW LEVEL SECURITY"}
	case command == pgparse.AlterTableType_AT_NoForceRowSecurity && t.ForceRLS:
		return []string{alter + " FORCE ROW LEVEL SECURITY"}
	}
	return nil
}
