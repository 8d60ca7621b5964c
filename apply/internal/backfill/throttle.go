package backfill

import (
	"cmp"
	"context"
	"errors"
	"strings"
	"time"

	"github.com/jackc/pgx/v5"

	"github.com/onward-sql/onward/apply/internal/progress"
	"github.com/onward-sql/onward/apply/internal/run"
	"github.com/onward-sql/onward/apply/internal/session"
	"github.com/onward-sql/onward/internal/ledger"
	"github.com/onward-sql/onward/internal/prose"
	"github.com/onward-sql/onward/internal/throttle"
	"github.com/onward-sql/onward/onward"
)

// Throttle is the pace of the batches and chunks of a step.
type Throttle struct {
	session *session.Session
	record  *progress.Record
	Limits  throttle.Limits // when a backfill pauses, as the user set them
	// Size is how many rows the next batch or chunk has.
	Size          int
	gauge         *throttle.Gauge // for the next step
	load          *loadMeter      // of the next step
	processedRows int64           // rows that all batches have processed
	estimatedRows int64           // rows in total, as the server estimates
	held          backfillHold
}

// NewThrottle returns the throttle of a run.
func NewThrottle(s *session.Session, r *progress.Record, limits throttle.Limits) *Throttle {
	return &Throttle{session: s, record: r, Limits: limits}
}

// throttleStandbys returns the standbys as the throttle needs them, to ask for their replay lag.
func (t *Throttle) throttleStandbys() []throttle.Standby {
	var out []throttle.Standby
	for _, s := range t.session.Standbys {
		out = append(out, s)
	}
	return out
}

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

// Reset begins the measurements for a new step.
func (t *Throttle) Reset(s *onward.PlanStep) {
	last := t.gauge
	*t = Throttle{session: t.session, record: t.record, Limits: t.Limits}
	if recorded := t.record.Steps[s.ID]; recorded != nil {
		t.processedRows = recorded.Rows
	}
	t.gauge = throttle.New(t.Limits, touchedTables(s), t.throttleStandbys()...)
	t.load = &loadMeter{}
	if last != nil {
		t.gauge.Inherit(last)
		return
	}
	for i := range t.record.Plan.Steps { // an earlier process has changed rows, too
		if recorded := t.record.Steps[t.record.Plan.Steps[i].ID]; recorded != nil && recorded.Rows > 0 {
			t.gauge.AddWrites(changedTable(&t.record.Plan.Steps[i]), recorded.Rows)
		}
	}
}

// touchedTables returns the tables that a step works on, without the plan's own.
func touchedTables(s *onward.PlanStep) []string {
	p := onward.Plan{Steps: []onward.PlanStep{*s}}
	return p.Relations()
}

// CheckHealth runs the user's health check before a step, and returns why the step must wait.
func (t *Throttle) CheckHealth(ctx context.Context, s *onward.PlanStep) string {
	if s.Repeat && t.record.Tries.Started {
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
func (t *Throttle) nextPace(ctx context.Context, s *onward.PlanStep, writes bool) (pace, time.Duration, error) {
	p, retryAfter, err := t.readControl(ctx, s)
	if err != nil || retryAfter > 0 {
		return p, retryAfter, err
	}
	verdict := t.gauge.CheckHealth(ctx)
	if verdict.Level == throttle.Free && !t.gauge.IsDue() {
		verdict, err = t.gauge.ReadSignals(ctx, nil) // the last verdict
	} else if verdict.Level == throttle.Free {
		t.gauge.SetHarm(t.load.isLoadSlowed())
		if s.Repeat && t.estimatedRows == 0 {
			t.estimatedRows = cmp.Or(t.estimateRows(ctx, s), -1)
		}
		err = t.session.Control.Do(ctx, func(ctx context.Context, conn *pgx.Conn) (err error) {
			verdict, err = t.gauge.ReadSignals(ctx, conn)
			return err
		})
	}
	if err != nil {
		return p, 0, err
	}
	if p.rest < 0 {
		t.load.setPace(&p, t.gauge.OtherLoad(), writes)
	}
	for _, words := range verdict.Unseen {
		t.record.ReportEvent(run.Throttled, s, words)
	}
	switch {
	case verdict.Level == throttle.Stop:
		t.reportHeldBackfill(ctx, s, "stopped", verdict.Why)
		return p, pausedFor, nil
	case verdict.Level == throttle.Slow && t.held.batchOwed:
		t.held.batchOwed = false
	case verdict.Level == throttle.Slow:
		t.reportHeldBackfill(ctx, s, "slowed down", verdict.Why)
		t.Size = min(t.Size, max(t.Size/2, slowest))
		t.held.batchOwed = true
		return p, slowly, nil
	default:
		t.reportResumed(ctx, s)
	}
	return p, 0, nil
}

// readControl reads the commands from another terminal.
func (t *Throttle) readControl(ctx context.Context, s *onward.PlanStep) (pace, time.Duration, error) {
	p := pace{most: MostRows, time: batchTime, rest: -1}
	var c ledger.Control
	err := t.session.Control.Do(ctx, func(ctx context.Context, conn *pgx.Conn) (err error) {
		c, err = ledger.ReadControl(ctx, conn, t.record.Row.ID)
		return err
	})
	if err != nil {
		return p, 0, err
	}
	p.most, p.time = cmp.Or(c.Rows, p.most), cmp.Or(c.Batch, p.time)
	p.rest = c.Rest
	t.Size = min(t.Size, p.most)
	switch c.State {
	case ledger.Paused:
		t.reportHeldBackfill(ctx, s, "paused", "by "+c.Who+": onward backfill resume lets it go on")
		return p, pausedFor, nil
	case ledger.Cancelled:
		reason := "it was cancelled by " + c.Who + "; onward backfill goes on"
		return p, 0, errors.Join(&run.UnfinishedError{Step: s.ID, Why: reason}, t.record.ClearCancel(ctx), t.record.RecordStepState(ctx, ledger.Waiting, reason))
	}
	return p, 0, nil
}

// reportHeldBackfill reports why a backfill is held back, and records it in the ledger for other observers.
func (t *Throttle) reportHeldBackfill(ctx context.Context, s *onward.PlanStep, kind, reason string) {
	h := &t.held
	plain := prose.CutNumbers(reason)
	fresh := h.kind != kind || h.why != plain
	if !fresh && time.Since(h.reportedAt) < reminder {
		return
	}
	h.kind, h.why, h.reportedAt = kind, plain, time.Now()
	words := kind + ": " + reason
	if strings.HasPrefix(reason, "by ") {
		words = kind + " " + reason
	}
	t.record.ReportEvent(run.Throttled, s, words)
	if fresh {
		_ = t.record.RecordStepState(ctx, ledger.Waiting, words) // it is only for observers; the work does not depend on it
	}
}

// reportResumed reports that a backfill goes on.
func (t *Throttle) reportResumed(ctx context.Context, s *onward.PlanStep) {
	if t.held.kind == "" {
		return
	}
	t.held = backfillHold{}
	t.record.ReportEvent(run.Throttled, s, run.GoesOn)
	_ = t.record.RecordStepState(ctx, ledger.Running, "") // only for observers
}
