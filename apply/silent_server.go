package apply

import (
	"errors"

	"github.com/onward-sql/onward/internal/live"
	"github.com/onward-sql/onward/onward"
)

// giveUpSilent ends a step if neither session has heard from the server within the allowed silence. A server that
// refuses connections has answered. For that case, and for a single lost connection, --within applies.
func (t *Target) giveUpSilent(s *onward.PlanStep, err error) error {
	endless := new(live.EndlessError)
	switch {
	case errors.As(err, &endless):
		return &UnfinishedError{Step: s.ID, Why: endless.Error(), Err: err}
	case !live.IsSilence(err) || t.silence.SilentFor() < t.silence.Limit():
		return nil
	}
	t.disconnected = true // the outcome of the step is unknown: the next run asks the ledger
	silent := &live.SilentError{For: t.silence.Limit(), Err: err}
	return &UnfinishedError{Step: s.ID, Why: silent.Error() + ", on either session: look at the server, then run the same command again", Err: silent}
}
