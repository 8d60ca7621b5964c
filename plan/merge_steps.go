package plan

import (
	"slices"
	"strings"

	"github.com/onward-sql/onward/audit"
	"github.com/onward-sql/onward/internal/adapter"
	"github.com/onward-sql/onward/onward"
)

// countStepsInFile returns how many steps from the first one on share a file. People write the quick changes of a table as one
// migration. Steps share one only if it locks a single table of the deployed schema, so that nobody waits for a second lock while
// the first one is held, and if no condition must hold before the second step.
func countStepsInFile(w audit.Writing, steps []onward.PlanStep) int {
	n := 1
	for n < len(steps) && canJoin(&steps[0], &steps[n]) && len(lockedTables(steps[:n+1])) <= 1 {
		n++
	}
	for n > 1 && w.Carries(mergeSteps(steps[:n])) != "" {
		n--
	}
	return n
}

// canJoin reports whether a later step may share a transaction with the first one. A cursor must see all rows from before the trigger, so it
// begins a transaction: under REPEATABLE READ it would miss those that were written while the first step waited for its lock.
func canJoin(first, s *onward.PlanStep) bool {
	quick := func(s *onward.PlanStep) bool {
		return s.Class == onward.StepDDL && s.Transaction == onward.TransactionFile && !s.Repeat && s.Duration != "grows"
	}
	const addsValue = " ADD VALUE " // a new value of an enum can be used after its commit
	isCursor := s.Bookkeeping && s.Phase == onward.Expand
	return quick(first) && quick(s) && !isCursor && s.Phase == first.Phase && s.Migration == first.Migration && s.Check == "" &&
		len(s.Files) == 0 && !s.Ran && !strings.Contains(s.SQL, addsValue) && !strings.Contains(first.SQL, addsValue) &&
		!strings.Contains(s.Undo+first.Undo, "CONCURRENTLY")
}

// lockedTables returns the relations of the deployed schema that steps lock, without the indexes of a table that is locked anyway.
func lockedTables(steps []onward.PlanStep) (out []string) {
	for i := range steps {
		for _, e := range steps[i].Effects {
			if !e.New && len(e.Blocks) > 0 && !slices.Contains(out, e.Relation) {
				out = append(out, e.Relation)
			}
		}
	}
	return out
}

// mergeSteps returns one step for several: their statements in one transaction, and their undo in the opposite order.
func mergeSteps(steps []onward.PlanStep) *onward.PlanStep {
	if len(steps) == 1 {
		return &steps[0]
	}
	joined := steps[0]
	var body, undo strings.Builder
	var reasons []string
	for i := range steps {
		body.WriteString(strings.TrimPrefix(adapter.TransactionBody(&steps[i]), setLockTimeout))
		reasons = append(reasons, steps[i].Why)
	}
	for _, s := range slices.Backward(steps) {
		undo.WriteString(strings.TrimPrefix(adapter.UndoSQL(&s), setLockTimeout))
	}
	joined.SQL, joined.Why, joined.Undo = wrapTransaction(body.String()), strings.Join(reasons, "; "), ""
	if undo.Len() > 0 {
		joined.Undo = wrapTransaction(undo.String())
	}
	return &joined
}
