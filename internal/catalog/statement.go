package catalog

import (
	"github.com/onward-sql/onward/internal/acl"
	"github.com/onward-sql/onward/internal/pgparse"
)

// foldStatement folds any statement. Every statement of Postgres 18's manual has
// its case: what changes the schema, what changes what is kept by name only,
// and what changes nothing here.
func (f *fold) foldStatement(msg any) {
	switch s := msg.(type) {
	case *pgparse.CreateStmt:
		f.createTable(s, Table)
	case *pgparse.CreateForeignTableStmt:
		f.createForeignTable(s)
	case *pgparse.AlterTableStmt:
		f.alterTable(s)
	case *pgparse.IndexStmt:
		f.createIndex(s)
	case *pgparse.DropStmt:
		f.foldDrop(s)
	case *pgparse.RenameStmt:
		f.renameStmt(s)
	case *pgparse.AlterObjectSchemaStmt:
		f.setSchema(s)
	case *pgparse.AlterOwnerStmt:
		f.alterOwner(s)
	case *pgparse.CommentStmt:
		f.setComment(s)
	case *pgparse.ViewStmt:
		f.createView(s)
	case *pgparse.CreateTableAsStmt:
		f.createTableAs(s)
	case *pgparse.RefreshMatViewStmt:
		f.refreshView(s)
	case *pgparse.SelectStmt:
		f.selectStmt(s)
	case *pgparse.CreateSeqStmt:
		f.createSequence(s)
	case *pgparse.AlterSeqStmt:
		f.alterSequence(s)
	case *pgparse.CreateTrigStmt:
		f.createTrigger(s)
	case *pgparse.CreatePolicyStmt:
		f.createPolicy(s)
	case *pgparse.AlterPolicyStmt:
		f.alterPolicy(s)
	case *pgparse.RuleStmt:
		f.createRule(s)
	case *pgparse.CreateStatsStmt:
		f.createStatistics(s)
	case *pgparse.VariableSetStmt:
		f.setParameter(s)
	case *pgparse.DiscardStmt:
		f.discardSession(s)
	case *pgparse.ExplainStmt:
		f.foldExplain(s)
	case *pgparse.PrepareStmt, *pgparse.DeallocateStmt:
		// The session's own.
	case *pgparse.ExecuteStmt:
		// A prepared statement is a query: DML changes no schema.
	default:
		f.typeStatement(msg)
	}
}

// typeStatement folds statements about types and functions.
func (f *fold) typeStatement(msg any) {
	switch s := msg.(type) {
	case *pgparse.CreateEnumStmt:
		f.createEnum(s)
	case *pgparse.AlterEnumStmt:
		f.alterEnum(s)
	case *pgparse.CreateDomainStmt:
		f.createDomain(s)
	case *pgparse.AlterDomainStmt:
		f.alterDomain(s)
	case *pgparse.CompositeTypeStmt:
		f.createComposite(s)
	case *pgparse.CreateRangeStmt:
		f.createRange(s)
	case *pgparse.AlterTypeStmt:
		f.alterType(s)
	case *pgparse.DefineStmt:
		f.defineObject(s)
	case *pgparse.CreateFunctionStmt:
		f.createFunction(s)
	case *pgparse.AlterFunctionStmt:
		f.alterFunction(s)
	default:
		f.objectStatement(msg)
	}
}

// objectStatement folds statements about what is kept by kind and name.
func (f *fold) objectStatement(msg any) {
	switch s := msg.(type) {
	case *pgparse.ClusterStmt:
		f.clusterTable(s)
	case *pgparse.CreateSchemaStmt:
		f.createSchema(s)
	case *pgparse.GrantStmt:
		f.applyGrant(s)
	case *pgparse.GrantRoleStmt:
		f.grantRole(s)
	case *pgparse.AlterDefaultPrivilegesStmt:
		f.defaultPrivileges(s)
	case *pgparse.CreatePublicationStmt:
		f.createPublication(s)
	case *pgparse.AlterPublicationStmt:
		f.alterPublication(s)
	case *pgparse.DropOwnedStmt:
		f.dropOwnedBy(s)
	case *pgparse.ReassignOwnedStmt:
		f.reassignOwned(s)
	case *pgparse.ImportForeignSchemaStmt:
		f.importForeignSchema(s)
	case *pgparse.AlterTableMoveAllStmt:
		f.moveAll(s)
	case *pgparse.DoStmt:
		if acl.SetsPrivileges(f.sql) {
			return
		}
		// The effects of the block are only known to a caller that reads its body.
		f.recordUnmodelled("DO block")
		f.Unmodelled.names = listExecutedWords(f.sql)
		f.Unmodelled.Told = f.Unmodelled.names == nil || f.namesRelation(f.sql)
	case *pgparse.CallStmt:
		f.callsUnseen("CALL "+pgparse.LastText(s.GetFunccall().GetFuncname()), s.GetFunccall())
	case *pgparse.AlterObjectDependsStmt:
		// DEPENDS ON EXTENSION matters to DROP EXTENSION alone, which takes
		// along what is not held here.
	case *pgparse.AlterExtensionContentsStmt:
		f.alterExtension(s)
	default:
		f.namedStatement(msg)
	}
}

// isDataStatement reports whether a statement works on rows, or on the transaction.
func isDataStatement(msg any) bool {
	switch msg.(type) {
	case *pgparse.InsertStmt, *pgparse.UpdateStmt, *pgparse.DeleteStmt, *pgparse.MergeStmt, *pgparse.CopyStmt, *pgparse.TruncateStmt,
		*pgparse.TransactionStmt, *pgparse.LockStmt:
		return true
	}
	return false
}

// changesNothing lists, by the statement, what changes no schema: data,
// maintenance, the session and the cluster. One that is in no list here is
// marked as not modelled.
func changesNothing(msg any) bool {
	switch msg.(type) {
	case *pgparse.InsertStmt, *pgparse.UpdateStmt, *pgparse.DeleteStmt, *pgparse.MergeStmt, *pgparse.CopyStmt, *pgparse.TruncateStmt,
		*pgparse.VacuumStmt, *pgparse.ReindexStmt, *pgparse.CheckPointStmt, *pgparse.LoadStmt, *pgparse.LockStmt,
		*pgparse.TransactionStmt, *pgparse.ConstraintsSetStmt, *pgparse.VariableShowStmt,
		*pgparse.DeclareCursorStmt, *pgparse.ClosePortalStmt, *pgparse.FetchStmt,
		*pgparse.NotifyStmt, *pgparse.ListenStmt, *pgparse.UnlistenStmt,
		*pgparse.AlterSystemStmt, *pgparse.AlterDatabaseRefreshCollStmt, *pgparse.AlterDatabaseSetStmt, *pgparse.AlterRoleSetStmt,
		*pgparse.SecLabelStmt, *pgparse.AlterStatsStmt, *pgparse.ReturnStmt, *pgparse.PLAssignStmt:
		return true
	}
	return false
}
