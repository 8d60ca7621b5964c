package apply

import (
	"strings"

	"github.com/onward-sql/onward/internal/permit"
	"github.com/onward-sql/onward/internal/pgparse"
	"github.com/onward-sql/onward/onward"
)

// judgePlan refuses a plan before its first step if any of its steps has a statement that the step's class does not allow.
func (t *Target) judgePlan() error {
	for i := range t.c.Plan.Steps {
		s := &t.c.Plan.Steps[i]
		if err := refuseStep(s, permit.CheckStep(s, t.classOf(s))); err != nil {
			return err
		}
		if err := t.judgeUndo(s, s.Undo); err != nil {
			return err
		}
	}
	return nil
}

// judgeStep parses the statements of a step again when it runs, and refuses one that the step's class does not allow. The
// plan comes from a file or from the ledger, and somebody may have changed it there.
func (t *Target) judgeStep(s *onward.PlanStep) error {
	if t.tries.begun {
		return nil
	}
	return refuseStep(s, permit.CheckStep(s, t.classOf(s)))
}

// judgeUndo does so for the statements that take a step back: some of them run outside of a transaction.
func (t *Target) judgeUndo(s *onward.PlanStep, sql string) error {
	return refuseStep(s, permit.CheckText(permit.UndoClass(t.classOf(s)), sql))
}

// classOf is the class by which a step is judged. A migration as it stands is the team's own SQL, as its tool would run
// it, and so is a plan that an older onward began, which has no digest: it goes on as it began.
func (t *Target) classOf(s *onward.PlanStep) onward.StepClass {
	if t.c.asWritten || t.plan != nil && t.plan.Digest == "" {
		return onward.StepWork
	}
	return s.Class
}

// showStatements reports the statements that are about to be sent.
func (t *Target) showStatements(s *onward.PlanStep, sql string) {
	f, err := pgparse.Split(sql)
	if err != nil {
		return // it was refused before
	}
	for _, stmt := range f.Stmts {
		text := pgparse.Squeeze(f.Src[stmt.Start:stmt.End])
		if hasSecret(stmt.Node) {
			words := strings.Fields(text)
			text = strings.Join(words[:min(3, len(words))], " ") + " …"
		}
		t.tell(Sends, s, text)
	}
}

// hasSecret reports whether a statement may have a password in it.
func hasSecret(n *pgparse.Node) bool {
	switch n.GetNode().(type) {
	case *pgparse.Node_CreateRoleStmt, *pgparse.Node_AlterRoleStmt, *pgparse.Node_CreateSubscriptionStmt, *pgparse.Node_AlterSubscriptionStmt,
		*pgparse.Node_CreateUserMappingStmt, *pgparse.Node_AlterUserMappingStmt, *pgparse.Node_CreateForeignServerStmt, *pgparse.Node_AlterForeignServerStmt:
		return true
	}
	return false
}

func refuseStep(s *onward.PlanStep, why error) error {
	if why == nil {
		return nil
	}
	return &RefusedError{Step: s.ID, Text: why.Error() + ". Nothing of the step was run. Make the plan again with onward plan, or run the statement with your own tool"}
}
