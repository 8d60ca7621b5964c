package inventory

import (
	"slices"
	"strings"

	"github.com/onward-sql/onward/internal/pgparse"
)

// ViewStatements returns the statements that give a recreated view the owner, privileges, triggers and comments of the old one, and that
// revoke privileges which the old one had not. lost are the entries for which there is no statement. created is nil before the view is created.
func ViewStatements(view string, old, created Inventory, ownObjects OwnObjects) (statements []string, lost []Loss) {
	var last []string // comments, whose objects come first
	add := func(sql string) { statements = append(statements, sql) }
	owner := old.findProperty("owner")
	statements = newPrivilegeRevokes(view, owner, old, created)
	for i := range old {
		e := &old[i]
		if created.HasEntry(e) {
			continue
		}
		switch {
		case e.IsMadeWithView() || ownObjects.HasObject(e):
		case e.Kind == "owner":
			statements = slices.Insert(statements, 0, "ALTER VIEW "+view+" OWNER TO "+e.Definition)
		case e.Kind == "settings":
			add("ALTER VIEW " + view + " SET (" + e.Definition + ")")
		case e.Kind == "default":
			add("ALTER VIEW " + view + " ALTER COLUMN " + e.Name + " SET DEFAULT " + e.Definition)
		case e.Kind == "privilege":
			privilege, grantee := splitPrivilege(e.Name)
			if grantee == owner {
				continue
			}
			sql := "GRANT " + privilege + " ON TABLE " + view + " TO " + grantee
			if strings.HasSuffix(e.Definition, grantOption) {
				sql += grantOption
			}
			add(sql)
		case (e.Kind == "trigger" || e.Kind == "rule") && !strings.Contains(e.Name, " of ") &&
			strings.HasPrefix(e.Definition, "CREATE ") && !hasFiringMode(e.Definition):
			add(strings.TrimSuffix(e.Definition, ";"))
		case e.Kind == "comment" && e.Name == "":
			last = append(last, "COMMENT ON VIEW "+view+" IS "+pgparse.QuoteLiteral(e.Definition))
		case e.Kind == "comment" && len(e.Columns) == 1 && !strings.Contains(e.Name, " "):
			last = append(last, "COMMENT ON COLUMN "+view+"."+e.Name+" IS "+pgparse.QuoteLiteral(e.Definition))
		case e.Kind == "comment" && (strings.HasPrefix(e.Name, "trigger ") || strings.HasPrefix(e.Name, "rule ")):
			kind, name, _ := strings.Cut(e.Name, " ")
			last = append(last, "COMMENT ON "+strings.ToUpper(kind)+" "+name+" ON "+view+" IS "+pgparse.QuoteLiteral(e.Definition))
		default:
			lost = append(lost, Loss{Entry: *e})
		}
	}
	return append(statements, last...), lost
}

// IsMadeWithView reports whether the statement of a view decides the entry.
func (e *Entry) IsMadeWithView() bool { return slices.Contains(remadeWithView, e.Kind) }

// remadeWithView are the kinds of entries that the statement of a view decides.
var remadeWithView = []string{"kind", "schema", "persistence", "access method", "replica identity", "query", "column", "not null", "storage", "compression"}

const grantOption = " WITH GRANT OPTION"

// findProperty returns the definition of a property of the relation.
func (inv Inventory) findProperty(kind string) string {
	if i := slices.IndexFunc(inv, func(e Entry) bool { return e.Kind == kind && e.Name == "" }); i >= 0 {
		return inv[i].Definition
	}
	return ""
}

// newPrivilegeRevokes returns the statements that revoke the privileges which only the new view has.
func newPrivilegeRevokes(view, owner string, old, created Inventory) (statements []string) {
	for _, e := range created {
		if e.Kind != "privilege" || old.HasEntry(&e) {
			continue
		}
		if privilege, grantee := splitPrivilege(e.Name); grantee != owner && grantee != created.findProperty("owner") {
			statements = append(statements, "REVOKE "+privilege+" ON TABLE "+view+" FROM "+grantee)
		}
	}
	return statements
}

// splitPrivilege splits the name of a privilege: "SELECT (a) to reader".
func splitPrivilege(name string) (privilege, grantee string) {
	i := strings.LastIndex(name, " to ")
	if j := strings.LastIndex(name, ` to "`); j >= 0 {
		i = j
	}
	return name[:i], name[i+len(" to "):]
}

// hasFiringMode reports whether a trigger or a rule does not fire as it does after CREATE.
func hasFiringMode(definition string) bool {
	return slices.ContainsFunc([]string{", disabled", ", on replicas", ", always"}, func(mode string) bool { return strings.HasSuffix(definition, mode) })
}
