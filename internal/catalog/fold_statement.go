package catalog

import (
	"github.com/onward-sql/onward/internal/acl"
	"github.com/onward-sql/onward/internal/pgparse"
)

// foldStatement applies any statement to the catalog under construction. Every
// statement of Postgres 18's manual has a case, also if it changes nothing here.
func (f *fold) foldStatement(msg any) {
	plain := func(s string) Name { return Name{"", clipName(s)} }
	full := func(list []*pgparse.Node) Name {
		schema, n := pgparse.SchemaAndName(list)
		return f.fullNameForCreate(schema, n)
	}
	switch s := msg.(type) {
	case *pgparse.CreateStmt:
		f.createTable(s, Table)
	case *pgparse.CreateForeignTableStmt:
		f.createForeignTable(s)
	case *pgparse.AlterTableStmt:
		f.alterTable(s, OrderCommands(s))
	case *pgparse.IndexStmt:
		f.createIndex(s)
	case *pgparse.DropStmt:
		f.foldDrop(s)
	case *pgparse.RenameStmt:
		f.foldRename(s)
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
		f.foldSelect(s)
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
		f.requireType(s.GetTypeName(), Base, false) // SET (…) of a base type
	case *pgparse.DefineStmt:
		f.defineObject(s)
	case *pgparse.CreateFunctionStmt:
		f.createFunction(s)
	case *pgparse.AlterFunctionStmt:
		f.alterFunction(s)
	case *pgparse.ClusterStmt:
		f.clusterTable(s)
	case *pgparse.CreateSchemaStmt:
		f.createSchema(s)
	case *pgparse.GrantStmt:
		f.applyGrant(s)
	case *pgparse.GrantRoleStmt:
		f.grantRole(s)
	case *pgparse.AlterDefaultPrivilegesStmt:
		f.alterDefaultPrivileges(s)
	case *pgparse.CreatePublicationStmt:
		f.createPublication(s)
	case *pgparse.AlterPublicationStmt:
		f.alterPublication(s)
	case *pgparse.DropOwnedStmt:
		f.checkDropOwned(s)
	case *pgparse.ReassignOwnedStmt:
		f.reassignOwned(s)
	case *pgparse.ImportForeignSchemaStmt:
		f.importForeignSchema(s)
	case *pgparse.AlterTableMoveAllStmt:
		f.moveAllToTablespace(s)
	case *pgparse.DoStmt:
		if acl.SetsPrivileges(f.sql) {
			return
		}
		// The effects of the block are only known to a caller that reads its body.
		f.recordUnmodelled("DO block")
		f.Unmodelled.names = listExecutedWords(f.sql)
		f.Unmodelled.Told = f.Unmodelled.names == nil || f.namesRelation(f.sql)
	case *pgparse.CallStmt:
		f.recordUnseenCall("CALL "+pgparse.LastText(s.GetFunccall().GetFuncname()), s.GetFunccall())
	case *pgparse.AlterObjectDependsStmt:
		// DEPENDS ON EXTENSION matters to DROP EXTENSION alone, which takes
		// along what is not held here.
	case *pgparse.AlterExtensionContentsStmt:
		f.alterExtension(s)
	case *pgparse.CreateExtensionStmt:
		f.createObject(&Object{Kind: "extension", Name: plain(s.GetExtname())}, false, s.GetIfNotExists())
	case *pgparse.AlterExtensionStmt:
		f.recordObjectChange("extension", plain(s.GetExtname()), "version")
	case *pgparse.CreateEventTrigStmt:
		f.createObject(&Object{Kind: "event trigger", Name: plain(s.GetTrigname()), Detail: s.GetEventname()}, false, false)
	case *pgparse.AlterEventTrigStmt:
		f.recordObjectChange("event trigger", plain(s.GetTrigname()), "enabled "+s.GetTgenabled())
	case *pgparse.CreateSubscriptionStmt:
		f.createObject(&Object{Kind: "subscription", Name: plain(s.GetSubname()), Publications: pgparse.StringTexts(s.GetPublication())}, false, false)
	case *pgparse.AlterSubscriptionStmt:
		f.recordObjectChange("subscription", plain(s.GetSubname()), s.GetKind().String())
	case *pgparse.DropSubscriptionStmt:
		f.dropObject("subscription", plain(s.GetSubname()), s.GetMissingOk())
	case *pgparse.CreateFdwStmt:
		f.createObject(&Object{Kind: "foreign-data wrapper", Name: plain(s.GetFdwname())}, false, false)
	case *pgparse.AlterFdwStmt:
		f.recordObjectChange("foreign-data wrapper", plain(s.GetFdwname()), "options")
	case *pgparse.CreateForeignServerStmt:
		f.createObject(&Object{Kind: "server", Name: plain(s.GetServername())}, false, s.GetIfNotExists())
	case *pgparse.AlterForeignServerStmt:
		f.recordObjectChange("server", plain(s.GetServername()), "options")
	case *pgparse.CreateUserMappingStmt:
		f.createObject(&Object{Kind: "user mapping", Name: Name{s.GetServername(), RoleName(s.GetUser())}}, false, s.GetIfNotExists())
	case *pgparse.AlterUserMappingStmt:
		f.recordObjectChange("user mapping", Name{s.GetServername(), RoleName(s.GetUser())}, "options")
	case *pgparse.DropUserMappingStmt:
		f.dropObject("user mapping", Name{s.GetServername(), RoleName(s.GetUser())}, s.GetMissingOk())
	case *pgparse.CreateAmStmt:
		f.createObject(&Object{Kind: "access method", Name: plain(s.GetAmname())}, false, false)
	case *pgparse.CreatePLangStmt:
		f.createObject(&Object{Kind: "language", Name: plain(s.GetPlname())}, true, false)
	case *pgparse.CreateCastStmt:
		name := f.TypeOf(s.GetSourcetype()).String() + " → " + f.TypeOf(s.GetTargettype()).String()
		f.createObject(&Object{Kind: "cast", Name: Name{"", name}}, false, false)
	case *pgparse.CreateTransformStmt:
		name := f.TypeOf(s.GetTypeName()).String() + " → " + s.GetLang()
		f.createObject(&Object{Kind: "transform", Name: Name{"", name}}, s.GetReplace(), false)
	case *pgparse.CreateConversionStmt:
		f.createObject(&Object{Kind: "conversion", Name: full(s.GetConversionName())}, false, false)
	case *pgparse.CreateOpClassStmt:
		name := full(s.GetOpclassname())
		name.Name += " " + s.GetAmname()
		f.createObject(&Object{Kind: "operator class", Name: name}, false, false)
	case *pgparse.CreateOpFamilyStmt:
		name := full(s.GetOpfamilyname())
		name.Name += " " + s.GetAmname()
		f.createObject(&Object{Kind: "operator family", Name: name}, false, false)
	case *pgparse.AlterOpFamilyStmt:
		name := full(s.GetOpfamilyname())
		name.Name += " " + s.GetAmname()
		f.recordObjectChange("operator family", name, "members")
	case *pgparse.AlterOperatorStmt:
		schema, n := pgparse.SchemaAndName(s.GetOpername().GetObjname())
		f.recordObjectChange("operator", f.fullNameForCreate(schema, n+f.argList(s.GetOpername().GetObjargs())), "options")
	case *pgparse.AlterCollationStmt:
		f.recordObjectChange("collation", full(s.GetCollname()), "version")
	case *pgparse.AlterTSDictionaryStmt:
		f.recordObjectChange("text search dictionary", full(s.GetDictname()), "options")
	case *pgparse.AlterTSConfigurationStmt:
		f.recordObjectChange("text search configuration", full(s.GetCfgname()), "mappings")
	case *pgparse.CreateRoleStmt:
		f.createRole(s)
	case *pgparse.AlterRoleStmt:
		f.alterRole(s)
	case *pgparse.AlterRoleSetStmt, *pgparse.AlterDatabaseSetStmt:
		f.setSessionDefaults(s)
	case *pgparse.DropRoleStmt:
		for _, r := range s.GetRoles() {
			f.dropObject("role", plain(RoleName(r.GetRoleSpec())), s.GetMissingOk())
		}
	case *pgparse.CreatedbStmt:
		f.createObject(&Object{Kind: "database", Name: plain(s.GetDbname())}, false, false)
	case *pgparse.AlterDatabaseStmt:
		f.changeOptions("database", clipName(s.GetDbname()), func(options map[string]string) { readOptions(options, s.GetOptions()) })
	case *pgparse.DropdbStmt:
		f.dropObject("database", plain(s.GetDbname()), s.GetMissingOk())
	case *pgparse.CreateTableSpaceStmt:
		f.createObject(&Object{Kind: "tablespace", Name: plain(s.GetTablespacename())}, false, false)
	case *pgparse.AlterTableSpaceOptionsStmt:
		f.recordObjectChange("tablespace", plain(s.GetTablespacename()), "options")
	case *pgparse.DropTableSpaceStmt:
		f.dropObject("tablespace", plain(s.GetTablespacename()), s.GetMissingOk())
	case nil:
		// An empty statement.
	default:
		if !changesNoSchema(msg) {
			f.recordUnmodelled(statementName(msg))
		}
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

// changesNoSchema lists, by the statement, what changes no schema: data,
// maintenance, the session and the cluster. One that is in no list here is
// marked as not modelled.
func changesNoSchema(msg any) bool {
	switch msg.(type) {
	case *pgparse.InsertStmt, *pgparse.UpdateStmt, *pgparse.DeleteStmt, *pgparse.MergeStmt, *pgparse.CopyStmt, *pgparse.TruncateStmt,
		*pgparse.VacuumStmt, *pgparse.ReindexStmt, *pgparse.CheckPointStmt, *pgparse.LoadStmt, *pgparse.LockStmt,
		*pgparse.TransactionStmt, *pgparse.ConstraintsSetStmt, *pgparse.VariableShowStmt,
		*pgparse.DeclareCursorStmt, *pgparse.ClosePortalStmt, *pgparse.FetchStmt,
		*pgparse.NotifyStmt, *pgparse.ListenStmt, *pgparse.UnlistenStmt,
		*pgparse.AlterSystemStmt, *pgparse.AlterDatabaseRefreshCollStmt,
		*pgparse.SecLabelStmt, *pgparse.AlterStatsStmt, *pgparse.ReturnStmt, *pgparse.PLAssignStmt:
		return true
	}
	return false
}
