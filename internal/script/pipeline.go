package script

import "github.com/onward-sql/onward/internal/pgparse"

// commitKind is how a command at the head of a pipeline affects the pipeline's implicit
// transaction.
type commitKind uint8

const (
	withOthers commitKind = iota // nothing: it commits with what follows
	byItself                     // it commits at once, and the next one is at the head
	inSteps                      // it commits while it runs; the rest is a block
)

// classifyAtHead says how a command at the head of a pipeline commits. Only at the head does the server
// run commands that cannot run in a transaction. Measured on 13 to 18: after a command that commits several
// times while it runs, the server takes what follows for a transaction block.
func classifyAtHead(n *pgparse.Node) commitKind {
	switch s := pgparse.Unwrap(n).(type) {
	case *pgparse.IndexStmt:
		return chooseCommitKind(s.GetConcurrent())
	case *pgparse.DropStmt:
		return chooseCommitKind(s.GetConcurrent())
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
		return chooseCommitKind(s.GetIsVacuumcmd())
	case *pgparse.ClusterStmt:
		repack := pgparse.RepackOf(s)
		return chooseCommitKind(s.GetRelation() == nil || repack != nil && (repack.Concurrently || repack.Analyze))
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

// chooseCommitKind returns the kind of a command that commits several times only in some of its forms.
func chooseCommitKind(repeated bool) commitKind {
	if repeated {
		return inSteps
	}
	return withOthers
}
