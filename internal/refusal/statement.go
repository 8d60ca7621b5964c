package refusal

import (
	"slices"

	"github.com/onward-sql/onward/internal/catalog"
	"github.com/onward-sql/onward/internal/pgerror"
	"github.com/onward-sql/onward/internal/pgparse"
)

// CheckStatement finds what the server refuses on this version. What the catalog refuses when
// it applies the statement is not looked for again: see KeepProblem.
func (q *Checker) CheckStatement(msg any) {
	if message := q.refusedForm(msg); message != "" {
		switch _, isTrigger := msg.(*pgparse.CreateTrigStmt); {
		case isTrigger && q.V.AtLeast(18): // which has the word for other constraints
			q.RecordRefusal(pgerror.TriggerEnforced)
		case isTrigger:
			q.RecordRefusal(pgerror.SyntaxAt, "ENFORCED")
		default:
			q.RecordRefusal(pgerror.SyntaxOf, message)
		}
		return
	}
	switch s := msg.(type) {
	case *pgparse.AlterTableStmt:
		q.alterTable(s)
	case *pgparse.CreateStmt:
		q.createTable(s)
	case *pgparse.IndexStmt:
		q.createIndex(s)
	case *pgparse.DropStmt:
		q.dropObjects(s)
	case *pgparse.DropRoleStmt:
		if slices.ContainsFunc(s.GetRoles(), func(n *pgparse.Node) bool {
			return n.GetRoleSpec().GetRoletype() != pgparse.RoleSpecType_ROLESPEC_CSTRING
		}) {
			q.RecordRefusal(pgerror.DropSpecialRole)
		}
	case *pgparse.ReindexStmt:
		q.checkReindex(s)
	case *pgparse.RenameStmt:
		q.renameObject(s)
	case *pgparse.AlterObjectSchemaStmt:
		q.setSchema(s)
	case *pgparse.CommentStmt:
		q.commentOn(s.GetObjtype(), s.GetObject())
	case *pgparse.SecLabelStmt:
		q.commentOn(s.GetObjtype(), s.GetObject())
	case *pgparse.TruncateStmt:
		q.truncateTables(s)
	case *pgparse.LockStmt:
		q.lockTables(s)
	case *pgparse.VacuumStmt:
		q.vacuumTables(s)
	case *pgparse.ClusterStmt:
		q.clusterTable(s)
	case *pgparse.CreateTrigStmt:
		q.createTrigger(s)
	case *pgparse.RuleStmt:
		q.createRule(s)
	case *pgparse.CreatePolicyStmt:
		q.checkPolicy(s.GetTable(), s.GetQual(), s.GetWithCheck())
	case *pgparse.AlterPolicyStmt:
		q.checkPolicy(s.GetTable(), s.GetQual(), s.GetWithCheck())
	case *pgparse.CreateStatsStmt:
		q.createStatistics(s)
	case *pgparse.ViewStmt:
		q.createView(s)
	case *pgparse.CreateTableAsStmt:
		q.createTableAs(s)
	case *pgparse.CopyStmt:
		q.copyStmt(s)
	case *pgparse.CompositeTypeStmt:
		q.NewName(s.GetTypevar())
	case *pgparse.CreateSeqStmt:
		q.createSequence(s)
	case *pgparse.RefreshMatViewStmt:
		q.refreshView(s)
	case *pgparse.AlterDomainStmt:
		q.alterDomain(s)
	case *pgparse.AlterSeqStmt:
		q.alterSequence(s)
	case *pgparse.CreatePublicationStmt:
		q.createPublication(s)
	case *pgparse.AlterPublicationStmt:
		q.alterPublication(s)
	case *pgparse.GrantStmt:
		q.grantPrivileges(s)
	case *pgparse.CreateSchemaStmt:
		q.createSchema(s)
	case *pgparse.AlterExtensionContentsStmt:
		q.alterExtension(s)
	case *pgparse.AlterObjectDependsStmt:
		if rv := s.GetRelation(); rv != nil {
			q.FindRelation(rv.GetSchemaname(), rv.GetRelname(), catalog.KindOfObject(s.GetObjectType()), false)
		}
		if name := s.GetExtname().GetSval(); name != "plpgsql" { // every database has it
			q.RequireObject("extension", name)
		}
	case *pgparse.SelectStmt, *pgparse.InsertStmt, *pgparse.UpdateStmt, *pgparse.DeleteStmt, *pgparse.MergeStmt:
		q.checkQuery(s)
	case *pgparse.PrepareStmt:
		q.checkQuery(pgparse.Unwrap(s.GetQuery()))
	case *pgparse.ExplainStmt:
		q.checkExplain(s)
	case *pgparse.DeclareCursorStmt:
		const hold = 1 << 5 // CURSOR_OPT_HOLD
		q.checkQuery(pgparse.Unwrap(s.GetQuery()))
		if s.GetOptions()&hold != 0 && len(s.GetQuery().GetSelectStmt().GetLockingClause()) > 0 {
			q.RecordRefusal(pgerror.HoldForUpdate)
		}
	case *pgparse.CreateForeignTableStmt:
		q.RequireObject("server", s.GetServername())
		q.createTable(s.GetBaseStmt())
	case *pgparse.ImportForeignSchemaStmt:
		if q.RequireObject("server", s.GetServerName()) {
			q.RequireObject("schema", s.GetLocalSchema())
		}
	case *pgparse.CreateFunctionStmt:
		q.checkFunctionSyntax(s)
		q.requireCreationSchema(s.GetFuncname())
	case *pgparse.CallStmt:
		q.checkCall(s)
	case *pgparse.VariableSetStmt:
		q.setParameter(s)
	case *pgparse.AlterDatabaseSetStmt:
		q.setParameter(s.GetSetstmt())
	case *pgparse.AlterRoleSetStmt:
		q.setParameter(s.GetSetstmt())
	case *pgparse.CreateEnumStmt:
		q.requireCreationSchema(s.GetTypeName())
	case *pgparse.CreateDomainStmt:
		q.requireCreationSchema(s.GetDomainname())
	case *pgparse.CreateRangeStmt:
		q.requireCreationSchema(s.GetTypeName())
	case *pgparse.CreateEventTrigStmt:
		q.eventTrigger(s)
	case *pgparse.VariableShowStmt:
		if pgparse.WaitsOnStandby(s) { // a release runs on the primary
			q.RecordRefusal(pgerror.RecoveryMissing)
		}
	case *pgparse.CreateSubscriptionStmt:
		q.subscriptionForm(s.GetOptions())
	case *pgparse.AlterSubscriptionStmt:
		q.subscriptionForm(s.GetOptions())
	case *pgparse.CreateForeignServerStmt:
		q.requireWrapper(s.GetFdwname())
	case *pgparse.CreateUserMappingStmt:
		q.RequireObject("server", s.GetServername())
	}
}

// checkExplain asks about the statement that it plans, or carries out. A refresh has no
// plan, and is not carried out either.
func (q *Checker) checkExplain(s *pgparse.ExplainStmt) {
	if !q.refuseLaterOption(s.GetOptions(), explainOptions, func(name string) { q.RecordRefusal(pgerror.OptionUnknown, "EXPLAIN", name) }) {
		return
	}
	if msg := pgparse.Unwrap(s.GetQuery()); s.GetQuery().GetRefreshMatViewStmt() == nil {
		q.CheckStatement(msg)
	}
}

// refusedForm returns the syntax error of a statement whose form the version does not have; "" if it has the form.
func (q *Checker) refusedForm(statement any) string {
	if since, message := pgparse.NewerForm(statement); since > 0 && !q.V.AtLeast(since) {
		return message
	}
	if until, message := pgparse.OlderForm(statement); until > 0 && q.V.AtLeast(until) {
		return message
	}
	return pgparse.WithdrawnForm(statement)
}

// createSchema asks about each element of CREATE SCHEMA: it finds what those in
// front of it have made.
func (q *Checker) createSchema(s *pgparse.CreateSchemaStmt) {
	inner := Checker{C: q.C, V: q.V, Schema: s.GetSchemaname()}
	for _, n := range s.GetSchemaElts() {
		msg := pgparse.Unwrap(n)
		inner.CheckStatement(msg)
		switch m := msg.(type) {
		case *pgparse.CreateStmt:
			inner.Made = append(inner.Made, m.GetRelation().GetRelname())
		case *pgparse.ViewStmt:
			inner.Made = append(inner.Made, m.GetView().GetRelname())
		case *pgparse.CreateSeqStmt:
			inner.Made = append(inner.Made, m.GetSequence().GetRelname())
		}
	}
	q.KeepRefusal(inner.Refusal)
}
