package apply

import (
	"cmp"
	"context"
	"errors"
	"strings"
	"time"

	"github.com/jackc/pgx/v5"

	"github.com/onward-sql/onward/internal/ledger"
	"github.com/onward-sql/onward/internal/throttle"
	"github.com/onward-sql/onward/onward"
)

// Limits say when a backfill pauses.
type Limits = throttle.Limits

// Intervals of a backfill that is slowed down or paused.
const (
	// slowly is the pause between the batches of a slowed backfill.
	slowly = 5 * time.Second
	// pausedFor is how often a paused backfill checks again.
	pausedFor = time.Second
	// reminder is how often the reason is reported again.
	reminder = 30 * time.Second
)

// backfillHold describes the last time a backfill was slowed or paused.
type backfillHold struct {
	kind       string // the reported kind: "slowed down", "stopped", "paused"; "" for none
	why        string // without its numbers
	reportedAt time.Time
	batchOwed  bool // the backfill has waited and may run one batch
}

// resetTries resets the state for a new step.
func (t *Target) resetTries(s *onward.PlanStep) {
	t.tries = stepAttempts{step: s.ID, since: time.Now()}
	t.resetThrottle(s)
}

// resetThrottle begins the measurements for a new step.
func (t *Target) resetThrottle(s *onward.PlanStep) {
	if recorded := t.steps[s.ID]; recorded != nil {
		t.tries.processedRows = recorded.Rows
	}
	last := t.gauge
	t.gauge = throttle.New(t.c.Throttle, touchedTables(s), t.throttleStandbys()...)
	t.load = &loadMeter{}
	if last != nil {
		t.gauge.Inherit(last)
		return
	}
	for i := range t.c.Plan.Steps { // an earlier process has changed rows, too
		if recorded := t.steps[t.c.Plan.Steps[i].ID]; recorded != nil && recorded.Rows > 0 {
			t.gauge.AddWrites(changedTable(&t.c.Plan.Steps[i]), recorded.Rows)
		}
	}
}

// touchedTables returns the tables that a step works on, without the plan's own.
func touchedTables(s *onward.PlanStep) []string {
	p := onward.Plan{Steps: []onward.PlanStep{*s}}
	return p.Relations()
}

// checkHealth runs the user's health check before a step, and returns why the step must wait.
func (t *Target) checkHealth(ctx context.Context, s *onward.PlanStep) string {
	if s.Repeat && t.tries.started {
		return "" // checked between its batches
	}
	verdict := t.gauge.CheckHealth(ctx)
	if verdict.Why != "" {
		t.reportHeldBackfill(ctx, s, "stopped", verdict.Why)
	}
	return verdict.Why
}

// nextPace returns the pace of the next batch of a backfill, or how long to wait. writes: the batch locks rows. Commands from another
// terminal come first, then the health check, then the signals of the server.
func (t *Target) nextPace(ctx context.Context, s *onward.PlanStep, writes bool) (pace, time.Duration, error) {
	p, again, err := t.readControl(ctx, s)
	if err != nil || again > 0 {
		return p, again, err
	}
	verdict := t.gauge.CheckHealth(ctx)
	if verdict.Level == throttle.Free && !t.gauge.IsDue() {
		verdict, err = t.gauge.ReadSignals(ctx, nil) // the last verdict
	} else if verdict.Level == throttle.Free {
		t.gauge.SetHarm(t.load.isHarmful())
		if s.Repeat && t.tries.estimatedRows == 0 {
			t.tries.estimatedRows = cmp.Or(t.estimateRows(ctx, s), -1)
		}
		err = t.control.Do(ctx, func(ctx context.Context, conn *pgx.Conn) (err error) {
			verdict, err = t.gauge.ReadSignals(ctx, conn)
			return err
		})
	}
	if err != nil {
		return p, 0, err
	}
	if p.rest < 0 {
		t.load.measurePace(&p, t.gauge.OtherLoad(), writes)
	}
	for _, words := range verdict.Unseen {
		t.reportEvent(Throttled, s, words)
	}
	switch {
	case verdict.Level == throttle.Stop:
		t.reportHeldBackfill(ctx, s, "stopped", verdict.Why)
		return p, pausedFor, nil
	case verdict.Level == throttle.Slow && t.tries.held.batchOwed:
		t.tries.held.batchOwed = false
	case verdict.Level == throttle.Slow:
		t.reportHeldBackfill(ctx, s, "slowed down", verdict.Why)
		t.tries.size = min(t.tries.size, max(t.tries.size/2, slowest))
		t.tries.held.batchOwed = true
		return p, slowly, nil
	default:
		t.reportResumed(ctx, s)
	}
	return p, 0, nil
}

// readControl reads the commands from another terminal.
func (t *Target) readControl(ctx context.Context, s *onward.PlanStep) (pace, time.Duration, error) {
	p := pace{most: MostRows, time: batchTime, rest: -1}
	var c ledger.Control
	err := t.control.Do(ctx, func(ctx context.Context, conn *pgx.Conn) (err error) {
		c, err = ledger.ReadControl(ctx, conn, t.plan.ID)
		return err
	})
	if err != nil {
		return p, 0, err
	}
	p.most, p.time = cmp.Or(c.Rows, p.most), cmp.Or(c.Batch, p.time)
	p.rest = c.Rest
	t.tries.size = min(t.tries.size, p.most)
	switch c.State {
	case ledger.Paused:
		t.reportHeldBackfill(ctx, s, "paused", "by "+c.Who+": onward backfill resume lets it go on")
		return p, pausedFor, nil
	case ledger.Cancelled:
		why := "it was cancelled by " + c.Who + "; onward backfill goes on"
		return p, 0, errors.Join(&UnfinishedError{Step: s.ID, Why: why}, t.clearCancel(ctx), t.recordStepState(ctx, ledger.Waiting, why))
	}
	return p, 0, nil
}

// clearCancel clears a cancel: it was meant for the process that was running.
func (t *Target) clearCancel(ctx context.Context) error {
	return t.control.Do(context.WithoutCancel(ctx), func(ctx context.Context, conn *pgx.Conn) error { return ledger.ClearCancel(ctx, conn, t.plan.ID) })
}

// reportHeldBackfill reports why a backfill is held back, and records it in the ledger for other observers.
func (t *Target) reportHeldBackfill(ctx context.Context, s *onward.PlanStep, kind, why string) {
	h := &t.tries.held
	plain := cutNumbers(why)
	fresh := h.kind != kind || h.why != plain
	if !fresh && time.Since(h.reportedAt) < reminder {
		return
	}
	h.kind, h.why, h.reportedAt = kind, plain, time.Now()
	words := kind + ": " + why
	if strings.HasPrefix(why, "by ") {
		words = kind + " " + why
	}
	t.reportEvent(Throttled, s, words)
	if fresh {
		_ = t.recordStepState(ctx, ledger.Waiting, words) // it is only for observers; the work does not depend on it
	}
}

// reportResumed reports that a backfill goes on.
func (t *Target) reportResumed(ctx context.Context, s *onward.PlanStep) {
	if t.tries.held.kind == "" {
		return
	}
	t.tries.held = backfillHold{}
	t.reportEvent(Throttled, s, GoesOn)
	_ = t.recordStepState(ctx, ledger.Running, "") // only for observers
}
