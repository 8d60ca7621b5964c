// Package progress has the progress of a plan: its lease and its rows in the ledger, and what is reported of it.
package progress

import (
	"context"
	"time"

	"github.com/onward-sql/onward/apply/internal/run"
	"github.com/onward-sql/onward/apply/internal/session"
	"github.com/onward-sql/onward/internal/ledger"
	"github.com/onward-sql/onward/onward"
)

// Request is what a run is asked to do.
type Request struct {
	Scope ledger.Scope
	// Plan is the plan as it runs here.
	Plan *onward.Plan
	// Through is the last phase to carry out, To the last step; "" for no particular one.
	Through onward.PlanPhase
	To      string
	// Within limits how long one step is tried.
	Within time.Duration
	// Who is the person or job that runs the plan.
	Who string
	// AsWritten: the plan is an unchanged migration and was not made for a particular schema. Undoing: steps are being undone.
	AsWritten, Undoing bool
	// Tell is called for each event.
	Tell func(run.Event)
}

// Record is the progress of a plan. It keeps it in the ledger, and reports it as events.
type Record struct {
	Request
	session *session.Session
	Tries   *run.Tries
	// Row is the plan in the ledger, and Steps are its steps as last read from there.
	Row   *ledger.Plan
	Steps map[string]*ledger.Step

	stop        context.CancelFunc // ends the renewal of the lease
	renewalDone chan struct{}
}

// NewRecord returns the record of a run on a target.
func NewRecord(s *session.Session, q Request) *Record {
	return &Record{Request: q, session: s, Tries: s.Tries}
}
