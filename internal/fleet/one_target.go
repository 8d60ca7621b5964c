package fleet

import (
	"context"
	"errors"

	"github.com/onward-sql/onward/apply"
	"github.com/onward-sql/onward/config"
	"github.com/onward-sql/onward/guard"
	"github.com/onward-sql/onward/internal/address"
	"github.com/onward-sql/onward/internal/ledger"
	"github.com/onward-sql/onward/onward"
)

// RunTarget carries a release out on one target, as [Run] does for each of its targets. Waves and limits are the caller's.
// A target that is not finished has one of these states:
//   - RolloutPending: the release is paused; with an [*apply.SliceError] or an [*apply.HeldError], that is the reason,
//   - RolloutRunning: another process works on it,
//   - RolloutUnreachable or RolloutInterrupted: the same call may go on.
//
// Another error concerns all targets.
func RunTarget(ctx context.Context, c Config, t *Target) (*onward.RolloutTarget, error) {
	r := newRollout(&c)
	var end error
	work := c.Work
	c.Work = func(ctx context.Context, t *Target, record func(pid int) error) (int, error) {
		code, err := work(ctx, t, record)
		end = err
		return code, err
	}
	identifyGroup(ctx, t.Address, []*Target{t}, r.holder)
	r.targets = []*Target{t}
	defer r.closeSessions()
	p := newProgress(t)
	r.results[t] = p
	err := r.runTarget(ctx, t)
	if err == nil && p.State == onward.RolloutPending {
		err = end
	}
	return p, err
}

// isUnavailable reports whether work failed because the server was away, or another process had the target.
func isUnavailable(err error) bool {
	switch {
	case err == nil:
		return false
	case errors.As(err, new(*apply.LostError)), isServerBusy(err):
		return true
	case errors.As(err, new(*apply.RefusedError)), errors.As(err, new(*apply.UnfinishedError)), errors.As(err, new(*ledger.OtherError)),
		errors.As(err, new(*apply.PlantedError)),
		errors.As(err, new(*config.InputError)), errors.As(err, new(*address.Error)), errors.As(err, new(*CommandError)),
		errors.As(err, new(*guard.AroundError)), errors.As(err, new(*guard.UnderWayError)), errors.As(err, new(*guard.RepackError)):
		return false
	}
	return isConnectionLost(err)
}

// Survey is how far a release is on its targets, as their ledgers have it.
type Survey struct {
	*onward.Rollout
	// Servers has the server of each target, by its name: what identifies it, or HOST:PORT/NAME if it was not reached.
	Servers map[string]string
}

// SurveyTargets lists the targets of a release, identifies them, and reads their ledgers. It changes nothing. The errors are the same as
// for [Run].
func SurveyTargets(ctx context.Context, c Config) (*Survey, error) {
	r := newRollout(&c)
	defer func() { r.closeSessions() }()
	waves, err := r.readTargets(ctx)
	if err != nil {
		return nil, err
	}
	r.summarize(waves)
	out := &Survey{Rollout: r.out, Servers: map[string]string{}}
	for _, t := range r.targets {
		out.Servers[t.Name] = t.serverKey()
		if t.database.system == "" {
			out.Servers[t.Name] = t.database.label // its address may have a password
		}
	}
	return out, nil
}
