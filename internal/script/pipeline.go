package script

import "github.com/onward-sql/onward/internal/pgparse"

// commits is what a command does to the implicit transaction of the pipeline at
// whose head it stands.
type commits uint8

const (
	withOthers commits = iota // nothing: it commits with what follows
	byItself                  // it commits at once, and the next one is at the head
	inSteps                   // it commits on its way; what follows is a block
)

// atHead tells for a command at the head of a pipeline. Those that refuse
// transactions run there. Measured on 13 to 18: behind one that commits several
// times on its way the server no longer knows that nothing is open.
func atHead(n *pgparse.Node) commits {
	switch s := pgparse.Unwrap(n).(type) {
	case *pgparse.IndexStmt:
		return steps(s.GetConcurrent())
	case *pgparse.DropStmt:
		return steps(s.GetConcurrent())
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
		return steps(s.GetIsVacuumcmd())
	case *pgparse.ClusterStmt:
		return steps(s.GetRelation() == nil)
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

func steps(is bool) commits {
	if is {
		return inSteps
	}
	return withOthers
}
