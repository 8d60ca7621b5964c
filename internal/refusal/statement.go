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
	if message := q.versionSyntaxError(msg); message != "" {
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
		q.checkAlterTable(s)
	case *pgparse.CreateStmt:
		q.checkCreateTable(s)
	case *pgparse.IndexStmt:
		q.checkCreateIndex(s)
	case *pgparse.DropStmt:
		q.checkDrop(s)
	case *pgparse.DropRoleStmt:
		if slices.ContainsFunc(s.GetRoles(), func(n *pgparse.Node) bool {
			return n.GetRoleSpec().GetRoletype() != pgparse.RoleSpecType_ROLESPEC_CSTRING
		}) {
			q.RecordRefusal(pgerror.DropSpecialRole)
		}
	case *pgparse.ReindexStmt:
		q.checkReindex(s)
	case *pgparse.RenameStmt:
		q.checkRename(s)
	case *pgparse.AlterObjectSchemaStmt:
		q.checkSetSchema(s)
	case *pgparse.CommentStmt:
		q.checkComment(s.GetObjtype(), s.GetObject())
	case *pgparse.SecLabelStmt:
		q.checkComment(s.GetObjtype(), s.GetObject())
	case *pgparse.TruncateStmt:
		q.checkTruncate(s)
	case *pgparse.LockStmt:
		q.checkLockTables(s)
	case *pgparse.VacuumStmt:
		q.checkVacuum(s)
	case *pgparse.ClusterStmt:
		q.checkCluster(s)
	case *pgparse.CreateTrigStmt:
		q.checkCreateTrigger(s)
	case *pgparse.RuleStmt:
		q.checkCreateRule(s)
	case *pgparse.CreatePolicyStmt:
		q.checkPolicy(s.GetTable(), s.GetQual(), s.GetWithCheck())
	case *pgparse.AlterPolicyStmt:
		q.checkPolicy(s.GetTable(), s.GetQual(), s.GetWithCheck())
	case *pgparse.CreateStatsStmt:
		q.checkCreateStatistics(s)
	case *pgparse.ViewStmt:
		q.checkCreateView(s)
	case *pgparse.CreateTableAsStmt:
		q.checkCreateTableAs(s)
	case *pgparse.CopyStmt:
		q.checkCopy(s)
	case *pgparse.CompositeTypeStmt:
		q.NewName(s.GetTypevar())
	case *pgparse.CreateSeqStmt:
		q.checkCreateSequence(s)
	case *pgparse.RefreshMatViewStmt:
		q.checkRefresh(s)
	case *pgparse.AlterDomainStmt:
		q.checkAlterDomain(s)
	case *pgparse.AlterSeqStmt:
		q.checkAlterSequence(s)
	case *pgparse.CreatePublicationStmt:
		q.checkCreatePublication(s)
	case *pgparse.AlterPublicationStmt:
		q.checkAlterPublication(s)
	case *pgparse.GrantStmt:
		q.checkGrant(s)
	case *pgparse.CreateSchemaStmt:
		q.checkCreateSchema(s)
	case *pgparse.AlterExtensionContentsStmt:
		q.checkAlterExtension(s)
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
		q.checkCreateTable(s.GetBaseStmt())
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
		q.checkSetParameter(s)
	case *pgparse.AlterDatabaseSetStmt:
		q.checkSetParameter(s.GetSetstmt())
	case *pgparse.AlterRoleSetStmt:
		q.checkSetParameter(s.GetSetstmt())
	case *pgparse.CreateEnumStmt:
		q.requireCreationSchema(s.GetTypeName())
	case *pgparse.CreateDomainStmt:
		q.requireCreationSchema(s.GetDomainname())
	case *pgparse.CreateRangeStmt:
		q.requireCreationSchema(s.GetTypeName())
	case *pgparse.CreateEventTrigStmt:
		q.checkEventTrigger(s)
	case *pgparse.VariableShowStmt:
		if pgparse.WaitsOnStandby(s) { // a release runs on the primary
			q.RecordRefusal(pgerror.RecoveryMissing)
		}
	case *pgparse.CreateSubscriptionStmt:
		q.checkSubscriptionOptions(s.GetOptions())
	case *pgparse.AlterSubscriptionStmt:
		q.checkSubscriptionOptions(s.GetOptions())
	case *pgparse.CreateForeignServerStmt:
		q.requireWrapper(s.GetFdwname())
	case *pgparse.CreateUserMappingStmt:
		q.RequireObject("server", s.GetServername())
	}
}

// checkExplain checks the statement that it plans, or carries out. A refresh has no
// plan, and is not carried out either.
func (q *Checker) checkExplain(s *pgparse.ExplainStmt) {
	if !q.refuseLaterOption(s.GetOptions(), explainOptions, func(name string) { q.RecordRefusal(pgerror.OptionUnknown, "EXPLAIN", name) }) {
		return
	}
	if msg := pgparse.Unwrap(s.GetQuery()); s.GetQuery().GetRefreshMatViewStmt() == nil {
		q.CheckStatement(msg)
	}
}

// versionSyntaxError returns the syntax error of a statement whose form the version does not have; "" if it has the form.
func (q *Checker) versionSyntaxError(statement any) string {
	if since, message := pgparse.NewerForm(statement); since > 0 && !q.V.AtLeast(since) {
		return message
	}
	if until, message := pgparse.OlderForm(statement); until > 0 && q.V.AtLeast(until) {
		return message
	}
	return pgparse.WithdrawnForm(statement)
}

// checkCreateSchema checks each element of CREATE SCHEMA: it finds what those in
// front of it have made.
func (q *Checker) checkCreateSchema(s *pgparse.CreateSchemaStmt) {
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
