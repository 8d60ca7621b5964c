package catalog

import (
	"strings"

	"github.com/onward-sql/onward/internal/pgparse"
	"github.com/onward-sql/onward/internal/predicate"
)

// constText returns a constant or a name as text, such as "70" for 70 in WITH (fillfactor = 70).
func constText(n *pgparse.Node) string {
	switch m := pgparse.Unwrap(n).(type) {
	case *pgparse.String:
		return m.GetSval()
	case *pgparse.Integer:
		return itoa(int(m.GetIval()))
	case *pgparse.Float:
		return m.GetFval()
	case *pgparse.Boolean:
		if m.GetBoolval() {
			return "true"
		}
		return "false"
	case *pgparse.A_Const:
		text, _ := predicate.LiteralText(n)
		return text
	case *pgparse.TypeName:
		return pgparse.LastText(m.GetNames())
	case *pgparse.TypeCast:
		return constText(m.GetArg())
	case *pgparse.List:
		parts := make([]string, len(m.GetItems()))
		for i, elem := range m.GetItems() {
			parts[i] = constText(elem)
		}
		return strings.Join(parts, ".")
	}
	return ""
}

// findOption returns the option of a statement with a name; nil if there is none.
func findOption(list []*pgparse.Node, name string) *pgparse.DefElem {
	for _, n := range list {
		if d := n.GetDefElem(); d.GetDefname() == name {
			return d
		}
	}
	return nil
}

// isOptionTrue reads a boolean option, which is true when it stands alone.
func isOptionTrue(list []*pgparse.Node, name string) bool {
	d := findOption(list, name)
	if d == nil {
		return false
	}
	if d.GetArg() == nil {
		return true
	}
	switch strings.ToLower(constText(d.GetArg())) {
	case "true", "on", "1", "yes":
		return true
	}
	return false
}

// RoleName returns the name by which the catalog keeps a role: "app", "public", "current_user" for CURRENT_ROLE, too, "session_user".
func RoleName(r *pgparse.RoleSpec) string {
	switch r.GetRoletype() {
	case pgparse.RoleSpecType_ROLESPEC_CURRENT_USER, pgparse.RoleSpecType_ROLESPEC_CURRENT_ROLE:
		return "current_user"
	case pgparse.RoleSpecType_ROLESPEC_SESSION_USER:
		return "session_user"
	case pgparse.RoleSpecType_ROLESPEC_PUBLIC:
		return "public"
	}
	return r.GetRolename()
}
