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

// Limits say when a backfill holds back.
type Limits = throttle.Limits

// The times of a backfill that holds back.
const (
	// slowly is between the batches of one that is slowed down.
	slowly = 5 * time.Second
	// pausedFor is how often one that stands still looks again.
	pausedFor = time.Second
	// reminder is how often the reason is told again.
	reminder = 30 * time.Second
)

// held is how a backfill was held back last.
type held struct {
	kind string // what it was told with: "slowed down", "stopped", "paused"; "" for not at all
	why  string // without its numbers
	told time.Time
	owed bool // a batch is owed to a backfill that has waited for it
}

// begins begins with a step.
func (t *Target) begins(s *onward.PlanStep) {
	t.tries = tries{step: s.ID, since: time.Now()}
	if is := t.steps[s.ID]; is != nil {
		t.tries.passed = is.Rows
	}
	t.gauge = throttle.New(t.c.Throttle, touched(s), t.gauged()...)
}

// touched are the tables that a step works on, but what is the plan's own.
func touched(s *onward.PlanStep) []string {
	p := onward.Plan{Steps: []onward.PlanStep{*s}}
	return p.Relations()
}

// unhealthy asks the user's health check before a step, and says why it must wait.
func (t *Target) unhealthy(ctx context.Context, s *onward.PlanStep) string {
	if s.Repeat && t.tries.begun {
		return "" // asked between its batches
	}
	is := t.gauge.Healthy(ctx)
	if is.Why != "" {
		t.holdBack(ctx, s, "stopped", is.Why)
	}
	return is.Why
}

// asked is how the next batch of a backfill goes, or for how long it has to wait: what somebody at another
// terminal wants comes first, then the health check, then the signals of the server.
func (t *Target) asked(ctx context.Context, s *onward.PlanStep) (pace, time.Duration, error) {
	p, again, err := t.wanted(ctx, s)
	if err != nil || again > 0 {
		return p, again, err
	}
	is := t.gauge.Healthy(ctx)
	if is.Level == throttle.Free {
		err := t.control.Do(ctx, func(ctx context.Context, conn *pgx.Conn) (err error) {
			if t.tries.of == 0 {
				if err := conn.QueryRow(ctx, `SELECT coalesce(max(c.reltuples)::bigint, -1) FROM pg_class AS c JOIN pg_namespace AS n ON n.oid = c.relnamespace
					WHERE n.nspname || '.' || c.relname = ANY ($1)`, touched(s)).Scan(&t.tries.of); err != nil {
					return err
				}
			}
			is, err = t.gauge.Ask(ctx, conn)
			return err
		})
		if err != nil {
			return p, 0, err
		}
	}
	for _, words := range is.Unseen {
		t.tell(Throttled, s, words)
	}
	switch {
	case is.Level == throttle.Stop:
		t.holdBack(ctx, s, "stopped", is.Why)
		return p, pausedFor, nil
	case is.Level == throttle.Slow && t.tries.held.owed:
		t.tries.held.owed = false
	case is.Level == throttle.Slow:
		t.holdBack(ctx, s, "slowed down", is.Why)
		t.tries.size = min(t.tries.size, max(t.tries.size/2, slowest))
		t.tries.held.owed = true
		return p, slowly, nil
	default:
		t.free(ctx, s)
	}
	return p, 0, nil
}

// wanted is what somebody at another terminal wants.
func (t *Target) wanted(ctx context.Context, s *onward.PlanStep) (pace, time.Duration, error) {
	p := pace{most: MostRows, time: batchTime, rest: pausePart}
	var c ledger.Control
	err := t.control.Do(ctx, func(ctx context.Context, conn *pgx.Conn) (err error) {
		c, err = ledger.Wanted(ctx, conn, t.plan.ID)
		return err
	})
	if err != nil {
		return p, 0, err
	}
	p.most, p.time = cmp.Or(c.Rows, p.most), cmp.Or(c.Batch, p.time)
	if c.Rest >= 0 {
		p.rest = c.Rest
	}
	t.tries.size = min(t.tries.size, p.most)
	switch c.State {
	case ledger.Paused:
		t.holdBack(ctx, s, "paused", "by "+c.Who+": onward backfill resume lets it go on")
		return p, pausedFor, nil
	case ledger.Cancelled:
		why := "it was cancelled by " + c.Who + "; onward backfill goes on"
		return p, 0, errors.Join(&UnfinishedError{Step: s.ID, Why: why}, t.obey(ctx), t.hold(ctx, ledger.Waiting, why))
	}
	return p, 0, nil
}

// obey takes a cancel back: it was for who was at work then.
func (t *Target) obey(ctx context.Context) error {
	return t.control.Do(context.WithoutCancel(ctx), func(ctx context.Context, conn *pgx.Conn) error { return ledger.Obeyed(ctx, conn, t.plan.ID) })
}

// holdBack tells why a backfill is held back, and notes it in the ledger for who asks there.
func (t *Target) holdBack(ctx context.Context, s *onward.PlanStep, kind, why string) {
	h := &t.tries.held
	plain := cutNumbers(why)
	fresh := h.kind != kind || h.why != plain
	if !fresh && time.Since(h.told) < reminder {
		return
	}
	h.kind, h.why, h.told = kind, plain, time.Now()
	words := kind + ": " + why
	if strings.HasPrefix(why, "by ") {
		words = kind + " " + why
	}
	t.tell(Throttled, s, words)
	if fresh {
		_ = t.hold(ctx, ledger.Waiting, words) // it is for those who look; the work does not hang on it
	}
}

// free tells that a backfill goes on.
func (t *Target) free(ctx context.Context, s *onward.PlanStep) {
	if t.tries.held.kind == "" {
		return
	}
	t.tries.held = held{}
	t.tell(Throttled, s, GoesOn)
	_ = t.hold(ctx, ledger.Running, "") // as above
}
