package apply

import (
	"context"
	"time"

	"github.com/jackc/pgx/v5"

	"github.com/onward-sql/onward/internal/ledger"
	"github.com/onward-sql/onward/internal/queue"
	"github.com/onward-sql/onward/onward"
)

// FewestRows and MostRows bound a batch.
const FewestRows, MostRows = 50, 20_000

const (
	// slowest is how many rows a batch has at least that was halved for the sake of others.
	slowest = 1000
	// batchTime is how long a batch is to take: rows that it changed stay locked so long.
	batchTime = 200 * time.Millisecond
	// tooLong halves it at once.
	tooLong = time.Second
	// rowWait is for how long a batch waits for a row that somebody else has locked.
	rowWait = 500 * time.Millisecond
	// Work is followed by a pause of this part of its time, and of leastPause at least.
	pausePart  = 0.25
	leastPause = 20 * time.Millisecond
)

// backfill runs batches of a step for about so long.
func (t *Target) backfill(ctx context.Context, s *onward.PlanStep, budget time.Duration) (State, error) {
	if t.tries.size == 0 {
		t.tries.size = onward.PlanBatch
	}
	for end := time.Now().Add(budget); ; {
		p, again, err := t.asked(ctx, s)
		if err != nil || again > 0 {
			return State{Step: s, Again: again}, err
		}
		begun := time.Now()
		rows, over, err := t.portion(ctx, s)
		if err != nil {
			if means(err) == lost {
				t.tries.size = max(FewestRows, t.tries.size/2)
			}
			return State{}, err
		}
		took := time.Since(begun)
		if over {
			return State{Step: s, Done: t.again}, t.finished(ctx, s)
		}
		t.tries.lost = 0
		t.tries.size = t.told(p, s, rows, took)
		pause := p.pause(took)
		if time.Now().Add(pause).After(end) || ctx.Err() != nil {
			return State{Step: s, Again: pause}, nil //nolint:nilerr // the next call says that it was interrupted
		}
		_ = queue.Pause(ctx, pause) // the loop's next look says that it was interrupted
	}
}

// portion does a little of a backfill: passes some rows, or, when all are passed, compares some. over: nothing is left.
func (t *Target) portion(ctx context.Context, s *onward.PlanStep) (rows int64, over bool, err error) {
	if t.tries.through {
		return t.compare(ctx, s)
	}
	return t.batch(ctx, s)
}

// told tells of a portion, and gives the size of the next one.
func (t *Target) told(p pace, s *onward.PlanStep, rows int64, took time.Duration) int {
	switch {
	case rows == 0:
		return t.tries.size
	case t.tries.pass != nil:
		t.c.Tell(Event{Kind: Compared, Step: s, Rows: rows, Total: t.tries.pass.Rows, Of: t.tries.of, Took: took})
	default:
		t.tries.passed += rows
		t.c.Tell(Event{Kind: Passed, Step: s, Rows: rows, Total: t.tries.passed, Of: t.tries.of, Took: took})
	}
	if t.tries.narrow > 0 {
		return t.tries.size
	}
	return p.next(t.tries.size, took)
}

// pace is how a backfill goes: how many rows a batch has at most, how long it is to take, and which
// part of that time is rested behind it.
type pace struct {
	most int
	time time.Duration
	rest float64
}

// next is the size of the batch behind one that took so long.
func (p pace) next(size int, took time.Duration) int {
	switch {
	case took > tooLong:
		size /= 2
	case took > p.time:
		size = max(size*4/5, int(float64(size)*float64(p.time)/float64(took)))
	case took < p.time/2:
		size += max(1, size/5)
	}
	return min(max(size, FewestRows), p.most)
}

// pause is the rest behind a batch that took so long; who wants none has none.
func (p pace) pause(took time.Duration) time.Duration {
	if p.rest <= 0 {
		return 0
	}
	return max(leastPause, time.Duration(p.rest*float64(took)))
}

// batch passes some rows, and says so in the ledger, in one transaction. Behind the last one they are compared, where
// the plan says how; else the step is done.
func (t *Target) batch(ctx context.Context, s *onward.PlanStep) (rows int64, over bool, err error) {
	limit := t.tries.size
	if t.tries.narrow > 0 {
		limit = min(limit, t.tries.narrow)
	}
	err = t.guarded(context.WithoutCancel(ctx), rowWait, 0, func(ctx context.Context, tx pgx.Tx) error {
		if err := whole(ctx, tx); err != nil {
			return err
		}
		if err := tx.QueryRow(ctx, s.Sized(limit), pgx.QueryExecModeSimpleProtocol).Scan(&rows); err != nil {
			return err
		}
		if rows == 0 {
			if s.Backfill != nil {
				return nil
			}
			return t.note(ctx, tx, s)
		}
		return t.noted(ctx, tx, func() error { return ledger.Passed(ctx, tx, t.plan.ID, s.ID, rows) })
	})
	if err != nil {
		return t.poisoned(ctx, s, limit, err)
	}
	t.tries.narrow *= 2
	if t.tries.narrow >= t.tries.size {
		t.tries.narrow = 0
	}
	t.tries.through = rows == 0
	return rows, rows == 0 && s.Backfill == nil, nil
}
