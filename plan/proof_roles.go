package plan

import (
	"slices"

	"github.com/onward-sql/onward/audit"
	"github.com/onward-sql/onward/internal/pgparse"
)

// findRequiredRoles returns the roles that the release names and does not create: the proof needs them on its
// server.
func findRequiredRoles(folds []*audit.Folded) (names []string) {
	var created []string
	for _, m := range folds {
		for _, s := range m.Statements {
			if s.Node == nil {
				continue
			}
			if createStmt := s.Node.GetCreateRoleStmt(); createStmt != nil {
				created = append(created, createStmt.Role)
			}
			pgparse.Walk(s.Node, func(msg any) bool {
				if role, ok := msg.(*pgparse.RoleSpec); ok && role.Roletype == pgparse.RoleSpecType_ROLESPEC_CSTRING && !slices.Contains(names, role.Rolename) {
					names = append(names, role.Rolename)
				}
				return true
			})
		}
	}
	return slices.DeleteFunc(names, func(name string) bool { return slices.Contains(created, name) })
}
