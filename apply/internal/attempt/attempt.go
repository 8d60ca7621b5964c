// Package attempt makes one attempt at a step: it waits until nobody would hold the step up, and commits the step together with its row
// of the ledger.
package attempt

import (
	"github.com/onward-sql/onward/apply/internal/progress"
	"github.com/onward-sql/onward/apply/internal/properties"
	"github.com/onward-sql/onward/apply/internal/session"
	"github.com/onward-sql/onward/internal/queue"
)

// Attempt makes the attempts of a run, one step after another.
type Attempt struct {
	session    *session.Session
	record     *progress.Record
	properties *properties.Properties
	teller     queue.BlockerReporter // reports who blocks the next step
	finished   map[string]bool       // steps for which FinishCommitted has run
	unseen     string                // why a standby could not be asked, as last reported
	// Guards are the triggers on which the check of the next step relies.
	Guards []session.TriggerGuard
}

// NewAttempt returns the attempts of a run.
func NewAttempt(s *session.Session, r *progress.Record, p *properties.Properties) *Attempt {
	return &Attempt{session: s, record: r, properties: p, finished: map[string]bool{}}
}

// Reset begins with a new step.
func (a *Attempt) Reset() { a.teller, a.unseen, a.Guards = queue.BlockerReporter{}, "", nil }
