package answer

import (
	"github.com/onward-sql/onward/internal/pgparse"
	"github.com/onward-sql/onward/internal/refuse"
)

// Ask puts a statement to the server.
func (q *Question) Ask(msg any) {
	switch s := msg.(type) {
	case *pgparse.AlterTableStmt:
		q.alterTable(s)
	case *pgparse.CreateStmt:
		q.createTable(s)
	case *pgparse.IndexStmt:
		q.createIndex(s)
	case *pgparse.DropStmt:
		q.drop(s)
	case *pgparse.ReindexStmt:
		q.reindex(s)
	case *pgparse.RenameStmt:
		q.rename(s)
	case *pgparse.AlterObjectSchemaStmt:
		q.setSchema(s)
	case *pgparse.CommentStmt:
		q.comment(s.GetObjtype(), s.GetObject())
	case *pgparse.SecLabelStmt:
		q.comment(s.GetObjtype(), s.GetObject())
	case *pgparse.TruncateStmt:
		q.truncate(s)
	case *pgparse.LockStmt:
		q.lock(s)
	case *pgparse.VacuumStmt:
		q.vacuum(s)
	case *pgparse.ClusterStmt:
		q.cluster(s)
	case *pgparse.CreateTrigStmt:
		q.createTrigger(s)
	case *pgparse.RuleStmt:
		q.createRule(s)
	case *pgparse.CreatePolicyStmt:
		q.policy(s.GetTable(), s.GetQual(), s.GetWithCheck())
	case *pgparse.AlterPolicyStmt:
		q.policy(s.GetTable(), s.GetQual(), s.GetWithCheck())
	case *pgparse.CreateStatsStmt:
		q.statistics(s)
	default:
		q.derived(msg)
	}
}

// derived asks about what rests on tables or stands beside them: views, sequences,
// publications, privileges, copies.
func (q *Question) derived(msg any) {
	switch s := msg.(type) {
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
		q.refresh(s)
	case *pgparse.AlterDomainStmt:
		q.alterDomain(s)
	case *pgparse.AlterSeqStmt:
		q.alterSequence(s)
	case *pgparse.CreatePublicationStmt:
		q.createPublication(s)
	case *pgparse.AlterPublicationStmt:
		q.alterPublication(s)
	case *pgparse.GrantStmt:
		q.grant(s)
	case *pgparse.CreateSchemaStmt:
		q.createSchema(s)
	case *pgparse.AlterExtensionContentsStmt:
		q.alterExtension(s)
	case *pgparse.AlterObjectDependsStmt:
		if rv := s.GetRelation(); rv != nil {
			q.Find(rv.GetSchemaname(), rv.GetRelname(), Kind(s.GetObjectType()), false)
		}
	default:
		q.rows(msg)
	}
}

// rows asks about statements that read or change rows.
func (q *Question) rows(msg any) {
	switch s := msg.(type) {
	case *pgparse.SelectStmt, *pgparse.InsertStmt, *pgparse.UpdateStmt, *pgparse.DeleteStmt, *pgparse.MergeStmt:
		q.query(s)
	case *pgparse.PrepareStmt:
		q.query(pgparse.Unwrap(s.GetQuery()))
	case *pgparse.ExplainStmt:
		q.explain(s)
	case *pgparse.DeclareCursorStmt:
		const hold = 1 << 5 // CURSOR_OPT_HOLD
		q.query(pgparse.Unwrap(s.GetQuery()))
		if s.GetOptions()&hold != 0 && len(s.GetQuery().GetSelectStmt().GetLockingClause()) > 0 {
			q.Refuse(refuse.HoldForUpdate)
		}
	default:
		q.object(msg)
	}
}

// object asks about what is no relation.
func (q *Question) object(msg any) {
	switch s := msg.(type) {
	case *pgparse.DropOwnedStmt:
		q.dropOwned(s)
	case *pgparse.CreateForeignTableStmt:
		q.Present("server", s.GetServername())
		q.createTable(s.GetBaseStmt())
	case *pgparse.ImportForeignSchemaStmt:
		if q.Present("server", s.GetServerName()) {
			q.Present("schema", s.GetLocalSchema())
		}
	case *pgparse.CreateFunctionStmt:
		q.functionForm(s)
		q.inSchema(s.GetFuncname())
	case *pgparse.CallStmt:
		q.called(s)
	case *pgparse.CreateEnumStmt:
		q.inSchema(s.GetTypeName())
	case *pgparse.CreateDomainStmt:
		q.inSchema(s.GetDomainname())
	case *pgparse.CreateRangeStmt:
		q.inSchema(s.GetTypeName())
	case *pgparse.CreateEventTrigStmt:
		q.eventTrigger(s)
	case *pgparse.CreateForeignServerStmt:
		q.wrapper(s.GetFdwname())
	case *pgparse.CreateUserMappingStmt:
		q.Present("server", s.GetServername())
	}
}

// explain asks about the statement that it plans, or carries out. A refresh has no
// plan, and is not carried out either.
func (q *Question) explain(s *pgparse.ExplainStmt) {
	if msg := pgparse.Unwrap(s.GetQuery()); s.GetQuery().GetRefreshMatViewStmt() == nil {
		q.Ask(msg)
	}
}

// createSchema asks about each element of CREATE SCHEMA: it finds what those in
// front of it have made.
func (q *Question) createSchema(s *pgparse.CreateSchemaStmt) {
	inner := Question{C: q.C, V: q.V, Schema: s.GetSchemaname()}
	for _, n := range s.GetSchemaElts() {
		msg := pgparse.Unwrap(n)
		inner.Ask(msg)
		switch m := msg.(type) {
		case *pgparse.CreateStmt:
			inner.Made = append(inner.Made, m.GetRelation().GetRelname())
		case *pgparse.ViewStmt:
			inner.Made = append(inner.Made, m.GetView().GetRelname())
		case *pgparse.CreateSeqStmt:
			inner.Made = append(inner.Made, m.GetSequence().GetRelname())
		}
	}
	q.Deny(inner.No)
}
