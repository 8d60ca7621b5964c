package run

import (
	"errors"
	"strings"
	"time"

	"github.com/onward-sql/onward/internal/pgparse"
	"github.com/onward-sql/onward/onward"
)

// Event is something that happened.
type Event struct {
	// Kind is the kind of the event.
	Kind EventKind
	Step *onward.PlanStep
	// Rows is how many rows the batch or chunk had. Of is the total that the server estimates; 0 for unknown. For the build of an index both
	// count the blocks so far, as pg_stat_progress_create_index has them.
	Rows, Of int64
	// Took is the duration of the batch or the step.
	Took time.Duration
	// Total counts the rows of the step that all batches of all runs have processed.
	Total int64
	// Words give details: who blocks, or what the server reported.
	Words string
}

// EventKind is what happened.
type EventKind string

// The kinds.
const (
	Held      EventKind = "held"      // another process works on the database
	Begun     EventKind = "begun"     // a step has started
	Waits     EventKind = "waits"     // waiting for blockers
	Lost      EventKind = "lost"      // an attempt lost a lock race
	Passed    EventKind = "passed"    // a batch of a backfill was processed
	Compared  EventKind = "compared"  // some rows of a backfill were compared with their expected values
	Mended    EventKind = "mended"    // some wrong rows were repaired
	Skipped   EventKind = "skipped"   // the change of a row failed during a backfill: the row is in quarantine
	Throttled EventKind = "throttled" // a backfill pauses, because others suffer or because somebody asked for it
	Recovered EventKind = "recovered" // after a lost connection
	Undoing   EventKind = "undoing"   // a step is being undone
	Carried   EventKind = "carried"   // privileges and settings of this database were copied to the object that replaces the old one
	Sends     EventKind = "sends"     // a statement of a step, which was judged
	Finished  EventKind = "finished"  // a step is done
	Warned    EventKind = "warning"   // what the role of the run should not be
	Unchecked EventKind = "unchecked" // the rows were not checked before a step: the server does not answer the query
)

// GoesOn is the text of the [Throttled] event with which a paused backfill resumes.
const GoesOn = "goes on"

// InnerSQL returns a step's SQL without its transaction, and without the lock_timeout for those who run it by hand. For
// "BEGIN; SET LOCAL lock_timeout = '1s'; SELECT 1; COMMIT;" it is "SELECT 1;\n".
func InnerSQL(s *onward.PlanStep) (string, error) {
	f, err := pgparse.SplitText(s.SQL)
	if err != nil {
		return "", NewInputError(s.ID + ": " + err.Error())
	}
	var b strings.Builder
	for i, stmt := range f.Stmts {
		switch n := stmt.Node.GetNode().(type) {
		case *pgparse.Node_TransactionStmt:
			if i == 0 && n.TransactionStmt.Kind == pgparse.TransactionStmtKind_TRANS_STMT_BEGIN ||
				i == len(f.Stmts)-1 && n.TransactionStmt.Kind == pgparse.TransactionStmtKind_TRANS_STMT_COMMIT {
				continue
			}
			return "", NewInputError(s.ID + ": a transaction ends in the midst of it")
		case *pgparse.Node_VariableSetStmt:
			if n.VariableSetStmt.Name == "lock_timeout" {
				continue
			}
		case nil:
			return "", errors.Join(NewInputError(s.ID+" cannot be read"), stmt.Err)
		}
		b.WriteString(f.Src[stmt.Start:stmt.End] + ";\n")
	}
	return b.String(), nil
}
