package apply

import "github.com/onward-sql/onward/apply/internal/run"

// Event is something that happened.
type Event = run.Event

// EventKind is what happened.
type EventKind = run.EventKind

// The kinds.
const (
	Held      = run.Held      // another process works on the database
	Begun     = run.Begun     // a step has started
	Waits     = run.Waits     // waiting for blockers
	Lost      = run.Lost      // an attempt lost a lock race
	Passed    = run.Passed    // a batch of a backfill was processed
	Compared  = run.Compared  // some rows of a backfill were compared with their expected values
	Mended    = run.Mended    // some wrong rows were repaired
	Skipped   = run.Skipped   // the change of a row failed during a backfill: the row is in quarantine
	Throttled = run.Throttled // a backfill pauses, because others suffer or because somebody asked for it
	Recovered = run.Recovered // after a lost connection
	Undoing   = run.Undoing   // a step is being undone
	Carried   = run.Carried   // privileges and settings of this database were copied to the object that replaces the old one
	Sends     = run.Sends     // a statement of a step, which was judged
	Finished  = run.Finished  // a step is done
	Warned    = run.Warned    // what the role of the run should not be
	Unchecked = run.Unchecked // the rows were not checked before a step: the server does not answer the query
)

// GoesOn is the text of the [Throttled] event with which a paused backfill resumes.
const GoesOn = run.GoesOn
