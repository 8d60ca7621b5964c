package rehearse

import (
	"github.com/onward-sql/onward/internal/pgparse"
)

// changesOutsideDatabase reports whether a statement changes what no rehearsal could put back on a user's server, not even after a
// kill: another database, a tablespace, a setting of the server or of a role's sessions. Roles go: see roleTracker.
func changesOutsideDatabase(n *pgparse.Node) bool {
	switch x := pgparse.Unwrap(n).(type) {
	case *pgparse.CreatedbStmt, *pgparse.DropdbStmt, *pgparse.AlterDatabaseStmt, *pgparse.AlterDatabaseSetStmt,
		*pgparse.AlterDatabaseRefreshCollStmt, *pgparse.CreateTableSpaceStmt, *pgparse.DropTableSpaceStmt,
		*pgparse.AlterTableSpaceOptionsStmt, *pgparse.AlterSystemStmt, *pgparse.AlterRoleSetStmt:
		return true
	case *pgparse.RenameStmt:
		return isServerWide(x.GetRenameType())
	case *pgparse.AlterOwnerStmt:
		return isServerWide(x.GetObjectType())
	}
	return false
}

func isServerWide(t pgparse.ObjectType) bool {
	return t == pgparse.ObjectType_OBJECT_DATABASE || t == pgparse.ObjectType_OBJECT_TABLESPACE
}
