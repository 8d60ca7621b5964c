package apply

import (
	"context"
	"time"

	"github.com/jackc/pgx/v5"

	"github.com/onward-sql/onward/internal/ledger"
	"github.com/onward-sql/onward/onward"
)

// The bounds of a batch.
const (
	fewest, most = 50, 20_000
	// batchTime is how long a batch is to take: rows that it changed stay locked so long.
	batchTime = 200 * time.Millisecond
	// tooLong halves it at once.
	tooLong = time.Second
	// rowWait is for how long a batch waits for a row that somebody else has locked.
	rowWait = 500 * time.Millisecond
	// Work is followed by a pause of this part of its time, and of leastPause at least.
	pausePart  = 4
	leastPause = 20 * time.Millisecond
)

// backfill runs batches of a step for about so long.
func (t *Target) backfill(ctx context.Context, s *onward.PlanStep, budget time.Duration) (State, error) {
	if t.tries.size == 0 {
		t.tries.size = onward.PlanBatch
	}
	for end := time.Now().Add(budget); ; {
		begun := time.Now()
		rows, err := t.batch(ctx, s)
		if err != nil {
			if classify(err, false) == lost {
				t.tries.size = max(fewest, t.tries.size/2)
			}
			return State{}, err
		}
		took := time.Since(begun)
		if rows == 0 {
			return State{Step: s}, t.finished(ctx, s)
		}
		t.tries.lost = 0
		t.c.Tell(Event{Kind: Passed, Step: s, Rows: rows, Took: took})
		t.tries.size = next(t.tries.size, took)
		pause := max(leastPause, took/pausePart)
		if time.Now().Add(pause).After(end) || ctx.Err() != nil {
			return State{Step: s, Again: pause}, nil
		}
		_ = ledger.Sleep(ctx, pause) // the loop's next look says that it was interrupted
	}
}

// next is the size of the batch behind one that took so long.
func next(size int, took time.Duration) int {
	switch {
	case took > tooLong:
		size /= 2
	case took > batchTime:
		size = max(size*4/5, int(float64(size)*float64(batchTime)/float64(took)))
	case took < batchTime/2:
		size += max(1, size/5)
	}
	return min(max(size, fewest), most)
}

// batch passes some rows, and says so in the ledger, in one transaction. Without a row the step is
// done.
func (t *Target) batch(ctx context.Context, s *onward.PlanStep) (rows int64, err error) {
	err = t.guarded(context.WithoutCancel(ctx), rowWait, 0, func(ctx context.Context, tx pgx.Tx) error {
		if err := tx.QueryRow(ctx, s.Sized(t.tries.size), pgx.QueryExecModeSimpleProtocol).Scan(&rows); err != nil {
			return err
		}
		if _, err := tx.Exec(ctx, "RESET ROLE"); err != nil {
			return err
		}
		if rows == 0 {
			return ledger.Finish(ctx, tx, t.plan.ID, s.ID)
		}
		return ledger.Passed(ctx, tx, t.plan.ID, s.ID, rows)
	})
	return rows, err
}
