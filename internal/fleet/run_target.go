package fleet

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/jackc/pgx/v5"

	"github.com/onward-sql/onward/apply"
	"github.com/onward-sql/onward/config"
	"github.com/onward-sql/onward/guard"
	"github.com/onward-sql/onward/internal/address"
	"github.com/onward-sql/onward/internal/ledger"
	"github.com/onward-sql/onward/internal/live"
	"github.com/onward-sql/onward/onward"
)

// runTarget works on one target, and sets its result. The error ends the release.
func (r *rollout) runTarget(ctx context.Context, t *Target) error {
	p := r.results[t]
	state, exitCode, err := r.attemptTarget(ctx, t, p)
	p.State, p.ExitCode, p.Note = state, exitCode, ""
	if err != nil {
		p.Note = redactTarget(err, t).Error()
	}
	if IsInputError(err) {
		return redactTarget(err, t)
	}
	return nil
}

// attemptTarget takes a target, runs the work and records the end. The error says why the target is not done.
func (r *rollout) attemptTarget(ctx context.Context, t *Target, p *onward.RolloutTarget) (onward.RolloutState, int, error) {
	if t.problem != nil { // it may be over
		identifyGroup(ctx, t.Address, []*Target{t}, r.holder)
	}
	d := t.database
	d.acquireSession()
	defer d.releaseSession()
	got, err := r.claimWhenFree(ctx, t)
	switch {
	case isGoneError(err) && t.missing:
		return onward.RolloutFailed, 0, fmt.Errorf("%s: there is no such database or schema: correct the line, or remove it", t.place)
	case isGoneError(err):
		return onward.RolloutGone, 0, err
	case ctx.Err() != nil:
		return p.State, 0, errors.New("it was interrupted")
	case err != nil && IsInputError(err):
		return onward.RolloutPending, 0, err
	case isVersionError(err):
		return onward.RolloutFailed, 0, err
	case err != nil:
		return onward.RolloutUnreachable, 0, err
	case got.paused != "":
		r.paused.Store(true)
		return onward.RolloutPending, 0, fmt.Errorf("%s has paused the release", got.paused)
	case got.holder != "" && got.state == onward.RolloutRunning:
		return onward.RolloutRunning, 0, fmt.Errorf("%s works on it", got.holder)
	case got.state != onward.RolloutRunning:
		return got.state, 0, nil
	}
	p.Attempts++
	now := time.Now()
	if p.Began == nil {
		p.Began = &now
	}
	state, exitCode, err := r.workOnTarget(ctx, t, got)
	switch state {
	case onward.RolloutInterrupted:
	case onward.RolloutPending:
		p.Attempts-- // it goes on
	default:
		ended := time.Now()
		p.Ended = &ended
	}
	return state, exitCode, err
}

// claimWhenFree takes a target. It waits if another process has it, if the release is paused, or if the server has no free connection.
func (r *rollout) claimWhenFree(ctx context.Context, t *Target) (got claim, err error) {
	reported := ""
	for end := time.Now().Add(r.c.Within); ; sleepContext(ctx, 500*time.Millisecond) {
		if t.problem != nil && reported != "" {
			identifyGroup(ctx, t.Address, []*Target{t}, r.holder)
		}
		if err = t.problem; err == nil {
			got, err = r.c.claimTarget(ctx, t, r.c.Chosen)
		}
		var reason string
		switch {
		case err != nil && isServerBusy(err):
			reason = redactTarget(err, t).Error()
		case err != nil:
			return got, err
		case got.paused != "":
			reason = "the release is paused by " + got.paused
		case got.holder != "" && got.state == onward.RolloutRunning:
			reason = got.holder + " works on it"
		default:
			return got, nil
		}
		if ctx.Err() != nil || time.Now().After(end) {
			return got, err
		}
		if reason != reported {
			r.c.Tell(t.Name + " waits: " + reason)
			reported = reason
		}
	}
}

// workOnTarget runs the work on a target that this process has taken.
func (r *rollout) workOnTarget(ctx context.Context, t *Target, got claim) (state onward.RolloutState, exitCode int, err error) {
	c := r.c
	uncanceledCtx := context.WithoutCancel(ctx)
	if got.before {
		if err := c.endOldSessions(ctx, t); err != nil {
			return c.recordTargetEnd(uncanceledCtx, t, onward.RolloutFailed, 0, err)
		}
	}
	if c.Verify != "" {
		verified, err := c.verifyTarget(ctx, t)
		switch {
		case err != nil:
			return c.recordTargetEnd(uncanceledCtx, t, onward.RolloutFailed, 0, err)
		case verified:
			return c.recordTargetEnd(uncanceledCtx, t, onward.RolloutDone, 0, nil)
		}
	}
	record := func(pid int) error { return c.recordSession(uncanceledCtx, t, pid) }
	t.Address = t.database.currentAddress()
	exitCode, err = c.Work(ctx, t, record)
	if live.IsLoginRefused(err) && ctx.Err() == nil && t.database.renewAddress(ctx, t.Address) {
		t.Address = t.database.currentAddress()
		exitCode, err = c.Work(ctx, t, record)
	}
	switch {
	case err != nil && IsInputError(err):
		_, _, recorded := c.recordTargetEnd(uncanceledCtx, t, onward.RolloutFailed, exitCode, err)
		return onward.RolloutFailed, exitCode, recorded
	case errors.As(err, new(*apply.SliceError)), c.Repeats && errors.As(err, new(*apply.HeldError)):
		return c.recordTargetEnd(uncanceledCtx, t, onward.RolloutPending, 0, err)
	case c.Repeats && isUnavailable(err):
		return c.recordTargetEnd(uncanceledCtx, t, onward.RolloutInterrupted, 0, err)
	case ctx.Err() != nil && (err != nil || exitCode != 0):
		return c.recordTargetEnd(uncanceledCtx, t, onward.RolloutInterrupted, exitCode, errors.New("it was interrupted"))
	case err == nil && exitCode == 0 && c.Verify != "":
		var verified bool
		if verified, err = c.verifyTarget(uncanceledCtx, t); err == nil && !verified {
			err = errors.New("the query of --verify did not return true after the work")
		}
	case err == nil && exitCode != 0:
		err = fmt.Errorf("exit code %d", exitCode)
	}
	if err != nil {
		return c.recordTargetEnd(uncanceledCtx, t, onward.RolloutFailed, exitCode, err)
	}
	return c.recordTargetEnd(uncanceledCtx, t, onward.RolloutDone, 0, nil)
}

// recordTargetEnd records the end of the work. If a target failed and its schema was dropped meanwhile, the target is gone.
func (c *Config) recordTargetEnd(ctx context.Context, t *Target, state onward.RolloutState, exitCode int, reason error) (onward.RolloutState, int, error) {
	note := ""
	if reason != nil {
		note = redactTarget(reason, t).Error()
	}
	if state == onward.RolloutFailed && c.isTargetDropped(ctx, t) {
		state, reason = onward.RolloutGone, &goneError{schema: t.Schema}
		note = reason.Error()
	}
	err := c.finishTarget(ctx, t, state, exitCode, note)
	for end := time.Now().Add(time.Minute); err != nil && !errors.Is(err, errTakenOver) && time.Now().Before(end) && !isGoneError(err); {
		sleepContext(ctx, time.Second)
		err = c.finishTarget(ctx, t, state, exitCode, note)
	}
	switch {
	case errors.Is(err, errTakenOver):
		return onward.RolloutRunning, exitCode, err
	case err != nil && state == onward.RolloutDone:
		return onward.RolloutInterrupted, exitCode, fmt.Errorf("it is done, and the ledger could not be written: %w", err)
	}
	return state, exitCode, reason
}

// isTargetDropped reports whether the schema or the database of a target does not exist any more.
func (c *Config) isTargetDropped(ctx context.Context, t *Target) bool {
	err := t.database.withSession(ctx, func(ctx context.Context, conn *pgx.Conn) error { return checkSchemaExists(ctx, conn, t) })
	return isGoneError(err)
}

func isGoneError(err error) bool {
	goneErr := new(goneError)
	return errors.As(err, &goneErr) || isMissingDatabase(err)
}

// verifyTarget runs the query that finds out whether a target has the release. A query that fails because a table or a column does not exist
// means no.
func (c *Config) verifyTarget(ctx context.Context, t *Target) (verified bool, err error) {
	settings := map[string]string{}
	if path := t.SearchPath(c.SearchPath); path != "" {
		settings["search_path"] = path
	}
	conn, err := live.Connect(ctx, t.database.currentAddress(), sessionName, settings)
	if err != nil {
		return false, err
	}
	defer conn.Close(context.WithoutCancel(ctx))
	if err := beginReadOnly(ctx, conn); err != nil {
		return false, err
	}
	rows, err := conn.Query(ctx, c.Verify)
	if err != nil {
		return false, fmt.Errorf("the query of --verify: %w", describeServerError(err))
	}
	list, err := pgx.CollectRows(rows, func(row pgx.CollectableRow) (*bool, error) {
		var b *bool
		return b, row.Scan(&b)
	})
	if isMissingObject(err) {
		return false, nil
	}
	if err != nil {
		return false, fmt.Errorf("the query of --verify: %w", describeServerError(err))
	}
	if len(list) != 1 {
		return false, newInputError("the query of --verify returned %d lines, and not one that is true or false", len(list))
	}
	return list[0] != nil && *list[0], nil
}

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
	r.summarizeWaves(waves)
	out := &Survey{Rollout: r.out, Servers: map[string]string{}}
	for _, t := range r.targets {
		out.Servers[t.Name] = t.serverKey()
		if t.database.system == "" {
			out.Servers[t.Name] = t.database.label // its address may have a password
		}
	}
	return out, nil
}
