package apply

import (
	"errors"

	"github.com/onward-sql/onward/internal/live"
	"github.com/onward-sql/onward/onward"
)

// giveUpSilent ends a step if neither session has heard the server for as long as it may be silent. A server that
// refuses connections is heard: for that one, and for one that only dropped a line, --within counts.
func (t *Target) giveUpSilent(s *onward.PlanStep, err error) error {
	endless := new(live.EndlessError)
	switch {
	case errors.As(err, &endless):
		return &UnfinishedError{Step: s.ID, Why: endless.Error(), Err: err}
	case !live.IsSilence(err) || t.silence.Lasted() < t.silence.Limit():
		return nil
	}
	t.cut = true // nobody knows what became of the step: the next run asks the ledger
	silent := &live.SilentError{For: t.silence.Limit(), Err: err}
	return &UnfinishedError{Step: s.ID, Why: silent.Error() + ", on either session: look at the server, then run the same command again", Err: silent}
}
