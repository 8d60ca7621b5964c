package attempt

import (
	"strings"

	"github.com/onward-sql/onward/apply/internal/run"
	"github.com/onward-sql/onward/internal/permit"
	"github.com/onward-sql/onward/internal/pgparse"
	"github.com/onward-sql/onward/onward"
)

// CheckPlanPermissions refuses a plan before its first step if one of its steps has a statement that the step's class does not allow: a DELETE in a
// step that validates a constraint.
func (a *Attempt) CheckPlanPermissions() error {
	for i := range a.record.Plan.Steps {
		s := &a.record.Plan.Steps[i]
		if err := wrapRefusal(s, permit.CheckStep(s, a.permissionClass(s))); err != nil {
			return err
		}
		if err := a.checkUndoPermissions(s, s.Undo); err != nil {
			return err
		}
	}
	return nil
}

// CheckStepPermissions parses the statements of a step again when it runs, and refuses one that the step's class does not allow.
// Somebody may have changed the plan in its file or in the ledger.
func (a *Attempt) CheckStepPermissions(s *onward.PlanStep) error {
	if a.record.Tries.Started {
		return nil
	}
	return wrapRefusal(s, permit.CheckStep(s, a.permissionClass(s)))
}

// checkUndoPermissions refuses the SQL that undoes a step if the step's class does not allow it. Some of it runs outside of a transaction.
func (a *Attempt) checkUndoPermissions(s *onward.PlanStep, sql string) error {
	return wrapRefusal(s, permit.CheckText(permit.UndoClass(a.permissionClass(s)), sql))
}

// permissionClass returns the class whose rules apply to a step. An unchanged migration is the team's own SQL and may do what its
// tool would allow. So may a plan without a digest, which an older onward started.
func (a *Attempt) permissionClass(s *onward.PlanStep) onward.StepClass {
	if a.record.AsWritten || a.record.Row != nil && a.record.Row.Digest == "" {
		return onward.StepWork
	}
	return s.Class
}

// ShowStatements reports the statements that are about to be sent.
func (a *Attempt) ShowStatements(s *onward.PlanStep, sql string) {
	f, err := pgparse.SplitText(sql)
	if err != nil {
		return // it was refused earlier
	}
	for _, stmt := range f.Stmts {
		text := pgparse.SqueezeSQL(f.Src[stmt.Start:stmt.End])
		if hasSecret(stmt.Node) {
			words := strings.Fields(text)
			text = strings.Join(words[:min(3, len(words))], " ") + " …"
		}
		a.record.ReportEvent(run.Sends, s, text)
	}
}

// hasSecret reports whether a statement may contain a password.
func hasSecret(n *pgparse.Node) bool {
	switch n.GetNode().(type) {
	case *pgparse.Node_CreateRoleStmt, *pgparse.Node_AlterRoleStmt, *pgparse.Node_CreateSubscriptionStmt, *pgparse.Node_AlterSubscriptionStmt,
		*pgparse.Node_CreateUserMappingStmt, *pgparse.Node_AlterUserMappingStmt, *pgparse.Node_CreateForeignServerStmt, *pgparse.Node_AlterForeignServerStmt:
		return true
	}
	return false
}

func wrapRefusal(s *onward.PlanStep, reason error) error {
	if reason == nil {
		return nil
	}
	return &run.RefusedError{
		Step: s.ID,
		Text: reason.Error() + ". Nothing of the step was run. Make the plan again with onward plan, or run the statement with your own tool",
	}
}
