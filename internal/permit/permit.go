// Package permit decides which statements a step of a plan may send. The class of a step determines its timeouts and its waits. A
// statement that does something else must not run under that class.
package permit

import (
	"errors"
	"fmt"
	"strings"

	"github.com/onward-sql/onward/internal/acl"
	"github.com/onward-sql/onward/internal/outside"
	"github.com/onward-sql/onward/internal/pgparse"
	"github.com/onward-sql/onward/onward"
)

// Undo is the class for the undo of a step. It allows the statements of StepDDL and, where necessary, of StepConcurrent.
const Undo onward.StepClass = "undo"

// UndoClass returns the class for the undo of a step of the given class.
func UndoClass(class onward.StepClass) onward.StepClass {
	if class == onward.StepWork {
		return class
	}
	return Undo
}

// CheckStep refuses a step with a statement that its class does not allow, in its SQL, in its check, or in the statements that its
// backfill builds.
func CheckStep(s *onward.PlanStep, class onward.StepClass) error {
	if s.Repeat != (s.Class == onward.StepBackfill) {
		return errors.New(`"repeat" is for steps of class backfill, and for all of them`)
	}
	alone := s.Transaction == onward.TransactionNone
	if class != onward.StepWork && alone != (class == onward.StepConcurrent || class == onward.StepBackfill) {
		return fmt.Errorf("transaction %q does not suit a step of class %s", s.Transaction, s.Class)
	}
	if err := CheckText(class, s.SQL); err != nil {
		return err
	}
	if s.Check != "" {
		if err := checkReadOnlyQuery(s.Check); err != nil {
			return err
		}
	}
	return checkBackfill(s)
}

// CheckText refuses a text with a statement that a class does not allow.
func CheckText(class onward.StepClass, sql string) error {
	f, err := pgparse.SplitText(sql)
	if err != nil {
		return errors.New("its statements cannot be read")
	}
	if class == onward.StepBackfill && len(f.Stmts) != 1 {
		return errors.New("a backfill is one statement")
	}
	for i, stmt := range f.Stmts {
		if stmt.Node == nil {
			return fmt.Errorf("its statement %d cannot be read", i+1)
		}
		if isTransactionBoundary(stmt.Node, i, len(f.Stmts)) || (class == onward.StepDDL || class == Undo) && acl.SetsPrivileges(f.Src[stmt.Start:stmt.End]) {
			continue
		}
		if reason := explainForbidden(class, stmt.Node); reason != "" {
			return fmt.Errorf("its statement %d %s, which a step of class %s must not do", i+1, reason, class)
		}
	}
	return nil
}

// isTransactionBoundary reports whether a statement is the BEGIN or the COMMIT around all others.
func isTransactionBoundary(n *pgparse.Node, i, count int) bool {
	tx := n.GetTransactionStmt()
	return tx != nil && (i == 0 && tx.Kind == pgparse.TransactionStmtKind_TRANS_STMT_BEGIN ||
		i == count-1 && tx.Kind == pgparse.TransactionStmtKind_TRANS_STMT_COMMIT)
}

// explainForbidden says why a step of a class must not send a statement; "" if it may.
func explainForbidden(class onward.StepClass, n *pgparse.Node) string {
	if tx := n.GetTransactionStmt(); tx != nil && tx.Kind != pgparse.TransactionStmtKind_TRANS_STMT_COMMIT_PREPARED &&
		tx.Kind != pgparse.TransactionStmtKind_TRANS_STMT_ROLLBACK_PREPARED {
		return "ends or divides the transaction of the step"
	}
	if class == onward.StepWork {
		return ""
	}
	if acts := (outside.Role{}).ListReach(n); len(acts) > 0 {
		return acts[0].Does
	}
	if set := n.GetVariableSetStmt(); set != nil {
		if set.Name == "lock_timeout" && set.IsLocal {
			return ""
		}
		return "changes a setting that onward decides"
	}
	switch class {
	case onward.StepDDL, Undo:
		return ""
	case onward.StepValidate:
		if onlyValidates(n) {
			return ""
		}
		return "does more than to validate a constraint"
	case onward.StepConcurrent:
		if runsOutsideTransaction(n) {
			return ""
		}
		return "needs a transaction or makes others wait"
	case onward.StepBackfill:
		if n.GetSelectStmt() != nil {
			return ""
		}
		return "is not a batch of a backfill"
	}
	return "has a class that this release does not know"
}

// onlyValidates reports whether a statement only validates constraints.
func onlyValidates(n *pgparse.Node) bool {
	alter := n.GetAlterTableStmt()
	for _, c := range alter.GetCmds() {
		if c.GetAlterTableCmd().GetSubtype() != pgparse.AlterTableType_AT_ValidateConstraint {
			return false
		}
	}
	return alter != nil
}

// runsOutsideTransaction reports whether a statement runs concurrently with the users of its table, or cannot run inside a transaction.
func runsOutsideTransaction(n *pgparse.Node) bool {
	switch x := n.GetNode().(type) {
	case *pgparse.Node_IndexStmt:
		return x.IndexStmt.Concurrent
	case *pgparse.Node_DropStmt:
		return x.DropStmt.Concurrent
	case *pgparse.Node_AlterTableStmt:
		cmds := x.AlterTableStmt.Cmds
		if len(cmds) != 1 {
			return false
		}
		cmd := cmds[0].GetAlterTableCmd()
		switch cmd.GetSubtype() {
		case pgparse.AlterTableType_AT_DetachPartitionFinalize:
			return true
		case pgparse.AlterTableType_AT_DetachPartition:
			return cmd.GetDef().GetPartitionCmd().GetConcurrent()
		}
		return false
	case *pgparse.Node_ReindexStmt, *pgparse.Node_VacuumStmt, *pgparse.Node_ClusterStmt, *pgparse.Node_DiscardStmt, *pgparse.Node_CreatedbStmt, *pgparse.Node_DropdbStmt, *pgparse.Node_AlterDatabaseStmt,
		*pgparse.Node_CreateTableSpaceStmt, *pgparse.Node_DropTableSpaceStmt, *pgparse.Node_CreateSubscriptionStmt, *pgparse.Node_AlterSubscriptionStmt, *pgparse.Node_DropSubscriptionStmt:
		return true
	}
	return false
}

// checkReadOnlyQuery refuses a text that is not a single read-only query.
func checkReadOnlyQuery(sql string) error {
	n, err := parseSingleStatement(sql)
	if err != nil {
		return err
	}
	sel := n.GetSelectStmt()
	if sel == nil || sel.IntoClause != nil {
		return errors.New("its check, or the condition that compares rows, is not a query that reads")
	}
	if reason := explainForbidden(onward.StepBackfill, n); reason != "" {
		return fmt.Errorf("its check, or the condition that compares rows, %s", reason)
	}
	return nil
}

// checkBackfill checks the statements that a backfill builds from its parts.
func checkBackfill(s *onward.PlanStep) error {
	if s.Backfill == nil {
		return nil
	}
	work := func(sql string) error {
		n, err := parseSingleStatement(sql)
		if err != nil {
			return err
		}
		switch n.GetNode().(type) {
		case *pgparse.Node_InsertStmt, *pgparse.Node_UpdateStmt, *pgparse.Node_DeleteStmt, *pgparse.Node_MergeStmt, *pgparse.Node_SelectStmt:
			if acts := (outside.Role{}).ListReach(n); len(acts) > 0 {
				return fmt.Errorf("the work of its backfill %s", acts[0].Does)
			}
			return nil
		}
		return errors.New("the work of its backfill does not change rows")
	}
	if err := work(s.Backfill.Work); err != nil {
		return err
	}
	if s.Backfill.Failed != "" {
		if err := checkReadOnlyQuery("SELECT FROM " + s.Backfill.Table + " AS t WHERE " + s.Backfill.Failed); err != nil {
			return err
		}
	}
	for _, c := range s.Backfill.Compare {
		if err := checkReadOnlyQuery("SELECT " + strings.Join(c.Keys, ", ") + " FROM " + c.Table + " AS t WHERE " + c.Wrong); err != nil {
			return err
		}
		if c.Mend == "" {
			continue
		}
		if err := work(c.Mend); err != nil {
			return err
		}
	}
	return nil
}

// parseSingleStatement returns the parse tree of a text with one statement.
func parseSingleStatement(sql string) (*pgparse.Node, error) {
	n := pgparse.ParseStatement(sql)
	if n == nil {
		return nil, errors.New("its check, or a part of its backfill, is not one statement")
	}
	return n, nil
}
