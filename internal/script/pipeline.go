package script

import "github.com/onward-sql/onward/internal/pgparse"

// commits is how a command at the head of a pipeline affects the pipeline's implicit
// transaction.
type commits uint8

const (
	withOthers commits = iota // nothing: it commits with what follows
	byItself                  // it commits at once, and the next one is at the head
	inSteps                   // it commits while it runs; the rest is a block
)

// atHead classifies a command at the head of a pipeline. Commands that refuse
// transactions run there. Measured on 13 to 18: after a command that commits several
// times while it runs, the server no longer knows that no transaction is open.
func atHead(n *pgparse.Node) commits {
	switch s := pgparse.Unwrap(n).(type) {
	case *pgparse.IndexStmt:
		return commitMode(s.GetConcurrent())
	case *pgparse.DropStmt:
		return commitMode(s.GetConcurrent())
	case *pgparse.ReindexStmt:
		switch s.GetKind() {
		case pgparse.ReindexObjectType_REINDEX_OBJECT_SCHEMA, pgparse.ReindexObjectType_REINDEX_OBJECT_DATABASE,
			pgparse.ReindexObjectType_REINDEX_OBJECT_SYSTEM:
			return inSteps
		}
		for _, p := range s.GetParams() {
			if p.GetDefElem().GetDefname() == "concurrently" {
				return inSteps
			}
		}
	case *pgparse.AlterTableStmt:
		for _, c := range s.GetCmds() {
			if p := c.GetAlterTableCmd().GetDef().GetPartitionCmd(); p.GetConcurrent() {
				return inSteps
			}
		}
	case *pgparse.VacuumStmt:
		return commitMode(s.GetIsVacuumcmd())
	case *pgparse.ClusterStmt:
		repack := pgparse.RepackOf(s)
		return commitMode(s.GetRelation() == nil || repack != nil && (repack.Concurrently || repack.Analyze))
	case *pgparse.DiscardStmt:
		if s.GetTarget() == pgparse.DiscardMode_DISCARD_ALL {
			return byItself
		}
	case *pgparse.CreatedbStmt, *pgparse.DropdbStmt, *pgparse.CreateTableSpaceStmt, *pgparse.DropTableSpaceStmt,
		*pgparse.CreateSubscriptionStmt, *pgparse.DropSubscriptionStmt, *pgparse.AlterSystemStmt:
		return byItself
	}
	return withOthers
}

func commitMode(is bool) commits {
	if is {
		return inSteps
	}
	return withOthers
}
