package answer

import (
	"github.com/onward-sql/onward/internal/pgparse"
	"github.com/onward-sql/onward/internal/refuse"
)

// Ask puts a statement to the server.
func (q *Question) Ask(msg any) {
	switch s := msg.(type) {
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
		q.policy(s.GetTable())
	case *pgparse.AlterPolicyStmt:
		q.policy(s.GetTable())
	case *pgparse.CreateStatsStmt:
		q.statistics(s)
	case *pgparse.ViewStmt:
		q.createView(s)
	case *pgparse.CreateTableAsStmt:
		q.NewName(s.GetInto().GetRel())
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
	case *pgparse.DeclareCursorStmt:
		const hold = 1 << 5 // CURSOR_OPT_HOLD
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
