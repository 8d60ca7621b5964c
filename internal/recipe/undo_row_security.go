package recipe

import (
	"github.com/onward-sql/onward/internal/catalog"
	"github.com/onward-sql/onward/internal/pgparse"
)

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
