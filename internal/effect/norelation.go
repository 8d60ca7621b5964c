package effect

import (
	"github.com/onward-sql/onward/internal/catalog"
	"github.com/onward-sql/onward/internal/pgparse"
)

// runWithoutRelation lists the statements that lock no relation of a user, some of
// which the server refuses in a transaction block.
func (r *run) runWithoutRelation(msg any) {
	switch s := msg.(type) {
	case nil:
	case *pgparse.AlterSystemStmt:
		r.NoTransaction = "ALTER SYSTEM"
	case *pgparse.CreatedbStmt:
		r.NoTransaction = "CREATE DATABASE"
	case *pgparse.DropdbStmt:
		r.NoTransaction = "DROP DATABASE"
	case *pgparse.AlterDatabaseStmt:
		for _, o := range s.GetOptions() {
			if o.GetDefElem().GetDefname() == "tablespace" {
				r.NoTransaction = "ALTER DATABASE SET TABLESPACE"
			}
		}
	case *pgparse.CreateTableSpaceStmt:
		r.NoTransaction = "CREATE TABLESPACE"
	case *pgparse.DropTableSpaceStmt:
		r.NoTransaction = "DROP TABLESPACE"
	case *pgparse.CreateSubscriptionStmt, *pgparse.DropSubscriptionStmt, *pgparse.AlterSubscriptionStmt:
		r.checkSubscription(msg)
	case *pgparse.DiscardStmt:
		if s.GetTarget() == pgparse.DiscardMode_DISCARD_ALL {
			r.NoTransaction = "DISCARD ALL"
		}
	case *pgparse.TransactionStmt:
		switch s.GetKind() {
		case pgparse.TransactionStmtKind_TRANS_STMT_COMMIT_PREPARED:
			r.NoTransaction = "COMMIT PREPARED"
		case pgparse.TransactionStmtKind_TRANS_STMT_ROLLBACK_PREPARED:
			r.NoTransaction = "ROLLBACK PREPARED"
		}
	case *pgparse.CreateFunctionStmt, *pgparse.CallStmt, *pgparse.CreateEnumStmt, *pgparse.CreateDomainStmt, *pgparse.CreateRangeStmt,
		*pgparse.CreateEventTrigStmt, *pgparse.CreateForeignServerStmt, *pgparse.CreateUserMappingStmt,
		*pgparse.AlterStatsStmt, *pgparse.AlterEnumStmt, *pgparse.AlterTypeStmt, *pgparse.DefineStmt,
		*pgparse.AlterFunctionStmt,
		*pgparse.CreateCastStmt, *pgparse.CreateConversionStmt, *pgparse.CreateTransformStmt,
		*pgparse.CreateOpClassStmt, *pgparse.CreateOpFamilyStmt, *pgparse.AlterOpFamilyStmt, *pgparse.AlterOperatorStmt,
		*pgparse.AlterTSDictionaryStmt, *pgparse.AlterTSConfigurationStmt, *pgparse.AlterCollationStmt,
		*pgparse.CreateExtensionStmt, *pgparse.AlterExtensionStmt,
		*pgparse.CreateFdwStmt, *pgparse.AlterFdwStmt, *pgparse.AlterForeignServerStmt,
		*pgparse.AlterUserMappingStmt, *pgparse.DropUserMappingStmt,
		*pgparse.CreateAmStmt, *pgparse.CreatePLangStmt, *pgparse.AlterEventTrigStmt,
		*pgparse.CreateRoleStmt, *pgparse.AlterRoleStmt, *pgparse.AlterRoleSetStmt, *pgparse.DropRoleStmt,
		*pgparse.GrantRoleStmt, *pgparse.AlterDefaultPrivilegesStmt,
		*pgparse.AlterDatabaseSetStmt, *pgparse.AlterDatabaseRefreshCollStmt, *pgparse.AlterTableSpaceOptionsStmt,
		*pgparse.VariableSetStmt, *pgparse.VariableShowStmt, *pgparse.ConstraintsSetStmt,
		*pgparse.NotifyStmt, *pgparse.ListenStmt, *pgparse.UnlistenStmt, *pgparse.LoadStmt, *pgparse.CheckPointStmt,
		*pgparse.DeallocateStmt, *pgparse.ClosePortalStmt, *pgparse.FetchStmt:
	default:
		r.recordUnmodelled(msg)
	}
}

// checkSubscription tells which statements about subscriptions talk to the other side,
// which no transaction can take back.
func (r *run) checkSubscription(msg any) {
	switch s := msg.(type) {
	case *pgparse.CreateSubscriptionStmt:
		if pgparse.BoolOption(s.GetOptions(), "create_slot", pgparse.BoolOption(s.GetOptions(), "connect", true)) {
			r.NoTransaction = "CREATE SUBSCRIPTION ... WITH (create_slot = true)"
		}
	case *pgparse.DropSubscriptionStmt:
		// One that is not there, or has no slot on the other side, may go.
		o := r.C.Object("subscription", catalog.Name{Name: s.GetSubname()})
		if !s.GetMissingOk() || o != nil || !r.C.Complete && r.C.Unmodelled != nil {
			r.NoTransaction = "DROP SUBSCRIPTION"
		}
	case *pgparse.AlterSubscriptionStmt:
		switch s.GetKind() {
		case pgparse.AlterSubscriptionType_ALTER_SUBSCRIPTION_REFRESH:
			r.NoTransaction = "ALTER SUBSCRIPTION ... REFRESH"
		case pgparse.AlterSubscriptionType_ALTER_SUBSCRIPTION_SET_PUBLICATION,
			pgparse.AlterSubscriptionType_ALTER_SUBSCRIPTION_ADD_PUBLICATION,
			pgparse.AlterSubscriptionType_ALTER_SUBSCRIPTION_DROP_PUBLICATION:
			if pgparse.BoolOption(s.GetOptions(), "refresh", true) {
				r.NoTransaction = "ALTER SUBSCRIPTION with refresh"
			}
		}
	}
}
