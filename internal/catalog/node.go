package catalog

import (
	"strings"

	"github.com/onward-sql/onward/internal/pgparse"
)

// str is the text of a string node.
func str(n *pgparse.Node) string { return n.GetString_().GetSval() }

// strs are the texts of a list of string nodes.
func strs(list []*pgparse.Node) []string {
	if len(list) == 0 {
		return nil
	}
	out := make([]string, len(list))
	for i, n := range list {
		out[i] = str(n)
	}
	return out
}

// last is the text of the last string node: the name without its schema.
func last(list []*pgparse.Node) string {
	if len(list) == 0 {
		return ""
	}
	return str(list[len(list)-1])
}

// schemaAndName splits a possibly qualified name; a third part, the database,
// is dropped.
func schemaAndName(list []*pgparse.Node) (schema, name string) {
	if len(list) >= 2 {
		schema = clip(str(list[len(list)-2]))
	}
	return schema, clip(last(list))
}

// items are the members of a list node, or the node itself.
func items(n *pgparse.Node) []*pgparse.Node {
	if l := n.GetList(); l != nil {
		return l.GetItems()
	}
	if n == nil {
		return nil
	}
	return []*pgparse.Node{n}
}

// constText is a constant or name as text: the argument of an option.
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
		switch v := m.GetVal().(type) {
		case *pgparse.A_Const_Sval:
			return v.Sval.GetSval()
		case *pgparse.A_Const_Ival:
			return itoa(int(v.Ival.GetIval()))
		case *pgparse.A_Const_Fval:
			return v.Fval.GetFval()
		case *pgparse.A_Const_Boolval:
			if v.Boolval.GetBoolval() {
				return "true"
			}
			return "false"
		}
	case *pgparse.TypeName:
		return last(m.GetNames())
	case *pgparse.TypeCast:
		return constText(m.GetArg())
	case *pgparse.List:
		parts := make([]string, len(m.GetItems()))
		for i, it := range m.GetItems() {
			parts[i] = constText(it)
		}
		return strings.Join(parts, ".")
	}
	return ""
}

// option finds an option of a statement by name; nil when it is not given.
func option(list []*pgparse.Node, name string) *pgparse.DefElem {
	for _, n := range list {
		if d := n.GetDefElem(); d.GetDefname() == name {
			return d
		}
	}
	return nil
}

// optionTrue reads a boolean option, which is true when it stands alone.
func optionTrue(list []*pgparse.Node, name string) bool {
	d := option(list, name)
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

func roleName(r *pgparse.RoleSpec) string {
	switch r.GetRoletype() {
	case pgparse.RoleSpecType_ROLESPEC_CURRENT_USER:
		return "current_user"
	case pgparse.RoleSpecType_ROLESPEC_CURRENT_ROLE:
		return "current_role"
	case pgparse.RoleSpecType_ROLESPEC_SESSION_USER:
		return "session_user"
	case pgparse.RoleSpecType_ROLESPEC_PUBLIC:
		return "public"
	}
	return r.GetRolename()
}
