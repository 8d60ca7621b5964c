package apply

import (
	"context"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/jackc/pgx/v5"

	"github.com/onward-sql/onward/internal/ledger"
	"github.com/onward-sql/onward/internal/queue"
	"github.com/onward-sql/onward/onward"
)

// FewestRows and MostRows bound a batch.
const FewestRows, MostRows = 50, 20_000

const (
	// slowest is the minimum size of a batch that was halved to protect other sessions.
	slowest = 1000
	// batchTime is the target duration of a batch: the rows that it changed stay locked for as long.
	batchTime = 200 * time.Millisecond
	// rowWait limits how long a batch waits for a row that another session has locked.
	rowWait = 500 * time.Millisecond
	// pausePart is the rest after a batch, as a part of its duration, until the load was measured. A rest lasts at least leastPause.
	pausePart  = 0.25
	leastPause = 5 * time.Millisecond
)

// runBackfill runs batches of a step for about the time in budget.
func (t *Target) runBackfill(ctx context.Context, s *onward.PlanStep, budget time.Duration) (State, error) {
	if t.tries.size == 0 {
		t.tries.size = onward.PlanBatch
	}
	defer t.watchLoad(ctx)()
	for end := time.Now().Add(budget); ; {
		p, again, err := t.nextPace(ctx, s, s.Repeat && !t.tries.allProcessed)
		if err != nil || again > 0 {
			return State{Step: s, Again: again}, err
		}
		begun := time.Now()
		rows, over, err := t.processPortion(ctx, s)
		if err != nil {
			if classifyError(err) == retryLock {
				t.tries.size = max(FewestRows, t.tries.size/2)
			}
			return State{}, err
		}
		took := time.Since(begun)
		if over {
			return State{Step: s, Done: t.onlyVerify}, t.recordCompared(ctx, s)
		}
		t.tries.lostRaces = 0
		t.tries.size = t.reportPortion(p, s, rows, took)
		if pause, over := p.pause(ctx, took, end); over {
			return State{Step: s, Again: pause}, nil
		}
	}
}

// recordCompared records that a backfill is done, or that its rows were compared again.
func (t *Target) recordCompared(ctx context.Context, s *onward.PlanStep) error {
	event, details := "done", ""
	if t.onlyVerify {
		event = "verified"
	}
	if v := t.tries.pass; v != nil {
		details = fmt.Sprintf("; %d rows compared, pass %d", v.Rows, v.Pass)
	}
	return t.recordFinished(ctx, s, event, details)
}

// processPortion does a small part of a backfill. It processes some rows or, after all are processed, compares some. over:
// nothing is left.
func (t *Target) processPortion(ctx context.Context, s *onward.PlanStep) (rows int64, over bool, err error) {
	t.tries.workers = 1
	if t.tries.allProcessed {
		defer t.load.beginBatch(-1)() // no process of the server: nobody waits for its rows
		return t.compareRows(ctx, s)
	}
	if err := t.prepareRanges(ctx, s); err != nil {
		return 0, false, err
	}
	if t.tries.ranged {
		rows, err = t.runRanges(ctx, s)
		t.tries.rangesRead = t.tries.rangesRead && err == nil // after an error the ledger knows
		return rows, false, err
	}
	return t.runBatch(ctx, s)
}

// reportPortion reports a portion and returns the size of the next one.
func (t *Target) reportPortion(p pace, s *onward.PlanStep, rows int64, took time.Duration) int {
	switch {
	case rows == 0:
		return t.tries.size
	case t.tries.pass != nil:
		t.c.Tell(Event{Kind: Compared, Step: s, Rows: rows, Total: t.tries.pass.Rows, Of: t.tries.estimatedRows, Took: took})
	default:
		t.tries.processedRows += rows
		t.load.recordBatch(rows/int64(t.tries.workers), took)
		t.gauge.AddWrites(changedTable(s), rows)
		t.c.Tell(Event{Kind: Passed, Step: s, Rows: rows, Total: t.tries.processedRows, Of: t.tries.estimatedRows, Took: took})
	}
	if t.tries.narrowLimit > 0 {
		return t.tries.size
	}
	return p.nextSize(t.tries.size, took)
}

// pace is the speed of a backfill: the maximum rows of a batch, its target duration, and the rest after it. The rest is a part of the
// batch's duration, below 0 until it is measured, and at least leastRest.
type pace struct {
	most      int
	time      time.Duration
	rest      float64
	leastRest time.Duration
}

// nextSize returns the size of the next batch, given how long the last one took.
func (p pace) nextSize(size int, took time.Duration) int {
	part := float64(p.time) / float64(max(took, time.Microsecond))
	return min(max(int(float64(size)*min(max(part, 0.5), 2)), FewestRows), p.most)
}

// pauseAfter returns the rest after a batch that took this long; a zero rest means no pause.
func (p pace) pauseAfter(took time.Duration) time.Duration {
	if p.rest <= 0 {
		return p.leastRest
	}
	return max(leastPause, p.leastRest, time.Duration(p.rest*float64(took)))
}

// pause rests after a batch, unless the rest would last beyond end, or the run was interrupted: over. The next iteration, or
// the next call, reports the interruption.
func (p pace) pause(ctx context.Context, took time.Duration, end time.Time) (rest time.Duration, over bool) {
	rest = p.pauseAfter(took)
	if time.Now().Add(rest).After(end) || ctx.Err() != nil {
		return rest, true
	}
	_ = queue.Pause(ctx, rest)
	return rest, false
}

// changedTable returns the table whose rows a backfill changes, as "schema.name"; "" if it changes rows of several tables.
func changedTable(s *onward.PlanStep) string {
	var found []string
	for _, e := range s.Effects {
		if e.Lock == onward.RowExclusiveLock && !strings.HasPrefix(e.Relation, onward.PlanRoom+".") && !slices.Contains(found, e.Relation) {
			found = append(found, e.Relation)
		}
	}
	if len(found) != 1 {
		return ""
	}
	return found[0]
}

// pagePrices make an index cheap and the pages of a whole table dear.
const pagePrices = "SET LOCAL seq_page_cost = 100; SET LOCAL random_page_cost = 0"

// planAlongKey makes the server find the rows of a batch by their key. As soon as a batch is a few percent of a table, the server would
// rather read the whole table for each batch. A statement that reads other tables, too, is left to the server. Pages get other prices, and
// no kind of plan is disabled: up to 17 a disabled one costs 1e10, for which a server with jit compiles each batch, and the plan's
// cursor has no index.
func planAlongKey(ctx context.Context, tx pgx.Tx, s *onward.PlanStep) error {
	if s.Backfill == nil || slices.Equal(s.Backfill.Keys, []string{"ctid"}) || len(touchedTables(s)) != 1 {
		return nil
	}
	_, err := tx.Exec(ctx, pagePrices, pgx.QueryExecModeSimpleProtocol)
	return err
}

// runBatch processes some rows and records that in the ledger in the same transaction. After the last row, the rows are
// compared if the plan says how; otherwise the step is done.
func (t *Target) runBatch(ctx context.Context, s *onward.PlanStep) (rows int64, over bool, err error) {
	limit := t.tries.size
	if t.tries.narrowLimit > 0 {
		limit = min(limit, t.tries.narrowLimit)
	}
	end := func() {}
	defer func() { end() }()
	err = t.guardTransaction(context.WithoutCancel(ctx), t.work, rowWait, 0, func(ctx context.Context, tx pgx.Tx, pid int) error {
		end = t.load.beginBatch(pid)
		if err := forbidRowSecurity(ctx, tx); err != nil {
			return err
		}
		if err := planAlongKey(ctx, tx, s); err != nil {
			return err
		}
		if err := tx.QueryRow(ctx, s.Sized(limit), pgx.QueryExecModeSimpleProtocol).Scan(&rows); err != nil {
			return err
		}
		if rows == 0 {
			if s.Backfill != nil {
				return nil
			}
			return t.recordDone(ctx, tx, s)
		}
		return t.asLedgerOwner(ctx, tx, func() error { return ledger.AddRows(ctx, tx, t.plan.ID, s.ID, rows) })
	})
	if err != nil {
		return t.isolateBadRow(ctx, s, limit, err)
	}
	t.widenLimit()
	t.tries.allProcessed = rows == 0
	return rows, rows == 0 && s.Backfill == nil, nil
}

// widenLimit doubles the limit of a batch that was narrowed to find a row that cannot be changed.
func (t *Target) widenLimit() {
	t.tries.narrowLimit *= 2
	if t.tries.narrowLimit >= t.tries.size {
		t.tries.narrowLimit = 0
	}
}
