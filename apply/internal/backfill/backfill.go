// Package backfill changes and reads the rows of tables that others are using: in batches and chunks, at a pace that the others
// allow.
package backfill

import (
	"context"
	"fmt"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/jackc/pgx/v5"

	"github.com/onward-sql/onward/apply/internal/progress"
	"github.com/onward-sql/onward/apply/internal/run"
	"github.com/onward-sql/onward/apply/internal/session"
	"github.com/onward-sql/onward/internal/ledger"
	"github.com/onward-sql/onward/internal/pgparse"
	"github.com/onward-sql/onward/internal/queue"
	"github.com/onward-sql/onward/onward"
)

// FewestRows and MostRows bound the rows of a batch.
const FewestRows, MostRows = 50, 20_000

const (
	// slowest is how many rows a batch keeps at least when it is halved to protect other sessions.
	slowest = 1000
	// batchTime is the target duration of a batch: the rows that it changed stay locked for as long.
	batchTime = 200 * time.Millisecond
	// rowWait limits how long a batch waits for a row that another session has locked.
	rowWait = 500 * time.Millisecond
	// pausePart is the rest after a batch, as a part of its duration, until the load was measured. A rest lasts at least leastPause.
	pausePart  = 0.25
	leastPause = 5 * time.Millisecond
)

// Backfill is the backfills of a plan, one after another.
type Backfill struct {
	session  *session.Session
	record   *progress.Record
	throttle *Throttle
	// Parallel is how many batches run at the same time.
	Parallel int
	// OnlyVerify: finished backfills are compared again, and nothing else is done.
	OnlyVerify bool
	state      backfillState
}

// backfillState is the state of the next step.
type backfillState struct {
	narrowLimit int // limits the batch while a row that cannot be changed is searched for; 0 for no limit

	ranges      []ledger.Range // of a backfill that several workers share: those that are not done
	rangesRead  bool           // ranges are as in the ledger
	ranged      bool           // the backfill has ranges
	unsplit     bool           // the backfill cannot be split
	narrowRange int            // the range that narrowLimit is for
	workers     int            // that ran the last batches

	allProcessed   bool                 // all rows are processed
	pass           *ledger.Verification // in progress; nil for unknown
	wrong          int64                // wrong rows of the chunk at its last reading
	uselessRepairs int                  // repairs that did not lower their number
	repairError    string               // why the last repair failed
	repair         chunkRepair
}

// NewBackfill returns the backfills of a run.
func NewBackfill(s *session.Session, r *progress.Record, t *Throttle, parallel int) *Backfill {
	return &Backfill{session: s, record: r, throttle: t, Parallel: parallel}
}

// Reset begins with a new step.
func (fill *Backfill) Reset() { fill.state = backfillState{} }

// Reread makes the next comparison read from the ledger how far it is.
func (fill *Backfill) Reread() { fill.state.pass = nil }

// RunBackfill runs batches of a step for about the time in budget.
func (fill *Backfill) RunBackfill(ctx context.Context, s *onward.PlanStep, budget time.Duration) (run.State, error) {
	if fill.throttle.Size == 0 {
		fill.throttle.Size = onward.PlanBatch
	}
	defer fill.throttle.watchLoad(ctx)()
	for end := time.Now().Add(budget); ; {
		p, retryAfter, err := fill.throttle.nextPace(ctx, s, s.Repeat && !fill.state.allProcessed)
		if err != nil || retryAfter > 0 {
			return run.State{Step: s, Again: retryAfter}, err
		}
		start := time.Now()
		rows, finished, err := fill.processPortion(ctx, s)
		if err != nil {
			if session.ClassifyError(err) == session.RetryLock {
				fill.throttle.Size = max(FewestRows, fill.throttle.Size/2)
			}
			return run.State{}, err
		}
		took := time.Since(start)
		if finished {
			return run.State{Step: s, Done: fill.OnlyVerify}, fill.recordCompared(ctx, s)
		}
		fill.record.Tries.LostRaces = 0
		fill.throttle.Size = fill.reportPortion(p, s, rows, took)
		if pause, mustReturn := p.pause(ctx, took, end); mustReturn {
			return run.State{Step: s, Again: pause}, nil
		}
	}
}

// recordCompared records that a backfill is done, or that its rows were compared again.
func (fill *Backfill) recordCompared(ctx context.Context, s *onward.PlanStep) error {
	event, details := "done", ""
	if fill.OnlyVerify {
		event = "verified"
	}
	if v := fill.state.pass; v != nil {
		details = fmt.Sprintf("; %d rows compared, pass %d", v.Rows, v.Pass)
	}
	return fill.record.RecordFinished(ctx, s, event, details)
}

// processPortion does a small part of a backfill. It processes some rows or, after all are processed, compares some. finished:
// nothing is left.
func (fill *Backfill) processPortion(ctx context.Context, s *onward.PlanStep) (rows int64, finished bool, err error) {
	fill.state.workers = 1
	if fill.state.allProcessed {
		defer fill.throttle.load.beginBatch(-1)() // no process of the server: nobody waits for its rows
		return fill.compareRows(ctx, s)
	}
	if err := fill.prepareRanges(ctx, s); err != nil {
		return 0, false, err
	}
	if fill.state.ranged {
		rows, err = fill.runRangeBatches(ctx, s)
		fill.state.rangesRead = fill.state.rangesRead && err == nil // after an error the ledger knows
		return rows, false, err
	}
	return fill.runBatch(ctx, s)
}

// reportPortion reports a portion and returns the size of the next one.
func (fill *Backfill) reportPortion(p pace, s *onward.PlanStep, rows int64, took time.Duration) int {
	switch {
	case rows == 0:
		return fill.throttle.Size
	case fill.state.pass != nil:
		fill.record.Tell(run.Event{Kind: run.Compared, Step: s, Rows: rows, Total: fill.state.pass.Rows, Of: fill.throttle.estimatedRows, Took: took})
	default:
		fill.throttle.processedRows += rows
		fill.throttle.load.recordBatch(rows/int64(fill.state.workers), took)
		fill.throttle.gauge.AddWrites(changedTable(s), rows)
		fill.record.Tell(run.Event{Kind: run.Passed, Step: s, Rows: rows, Total: fill.throttle.processedRows, Of: fill.throttle.estimatedRows, Took: took})
	}
	if fill.state.narrowLimit > 0 {
		return fill.throttle.Size
	}
	return p.nextSize(fill.throttle.Size, took)
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

// pause rests after a batch, unless the rest would last beyond end, or the run was interrupted: then mustReturn is true. The next iteration, or
// the next call, reports the interruption.
func (p pace) pause(ctx context.Context, took time.Duration, end time.Time) (rest time.Duration, mustReturn bool) {
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

// PagePrices make an index cheap and the pages of a whole table dear.
const PagePrices = "SET LOCAL seq_page_cost = 100; SET LOCAL random_page_cost = 0"

// keyScanSettings returns settings that make the server find the rows of a batch by their key. As soon as a batch is a few percent of a table, the server would
// rather read the whole table for each batch. A statement that reads other tables, too, is left to the server. Pages get other prices, and
// no kind of plan is disabled: up to 17 a disabled one costs 1e10, for which a server with jit compiles each batch, and the plan's
// cursor has no index.
func keyScanSettings(s *onward.PlanStep) string {
	if s.Backfill == nil || slices.Equal(s.Backfill.Keys, []string{"ctid"}) || len(touchedTables(s)) != 1 {
		return ""
	}
	return PagePrices + "; "
}

// countedBatchSQL returns a block that runs a batch, with its parameters, and keeps the number of its rows in the transaction, as [batchRows].
func countedBatchSQL(sql string, args []any) string {
	using := ""
	for i, a := range args {
		using += ", " + pgparse.QuoteLiteral(fmt.Sprint(a)) + "::pg_catalog.text"
		if i == 0 {
			using = " USING " + using[2:]
		}
	}
	return "DO LANGUAGE plpgsql " + pgparse.DollarQuote("\nDECLARE\n  onward_rows pg_catalog.int8;\nBEGIN\n  EXECUTE "+pgparse.QuoteLiteral(sql)+
		" INTO onward_rows"+using+";\n  PERFORM pg_catalog.set_config('onward.rows', onward_rows::pg_catalog.text, true);\nEND\n") + ";\n"
}

// batchRows is an expression for the number of a batch's rows.
const batchRows = "pg_catalog.current_setting('onward.rows')::pg_catalog.int8"

const reportRows = "SELECT " + batchRows + "::pg_catalog.text AS " + session.ReportedColumn + ";\n"

// parseRowCount returns the number of rows that a batch reports.
func parseRowCount(texts []string) (int64, error) {
	if len(texts) != 1 {
		return 0, fmt.Errorf("a batch reports its rows %d times", len(texts))
	}
	return strconv.ParseInt(texts[0], 10, 64)
}

// runBatch processes some rows and records that in the ledger in the same transaction. After the last row, the rows are
// compared if the plan says how; otherwise the step is done.
func (fill *Backfill) runBatch(ctx context.Context, s *onward.PlanStep) (rows int64, finished bool, err error) {
	limit := fill.throttle.Size
	if fill.state.narrowLimit > 0 {
		limit = min(limit, fill.state.narrowLimit)
	}
	end := func() {}
	defer func() { end() }()
	sessions := fill.session
	texts, err := sessions.CommitGuarded(context.WithoutCancel(ctx), sessions.Work, rowWait, 0, func(_ context.Context, _ pgx.Tx, pid int) (string, error) {
		end = fill.throttle.load.beginBatch(pid)
		return withoutRowSecurity + "; " + keyScanSettings(s) + countedBatchSQL(s.Sized(limit), nil) + reportRows + sessions.LedgerOwnerSQL() +
			ledger.AddRowsSQL(fill.record.Row.ID, s.ID, batchRows), nil
	})
	if err != nil {
		return fill.isolateBadRow(ctx, s, limit, err)
	}
	if rows, err = parseRowCount(texts); err != nil {
		return 0, false, err
	}
	if rows == 0 && s.Backfill == nil {
		if _, err := fill.session.CommitSQL(context.WithoutCancel(ctx), rowWait, 0, fill.record.DoneSQL(s)); err != nil {
			return 0, false, err
		}
	}
	fill.widenLimit()
	fill.state.allProcessed = rows == 0
	return rows, rows == 0 && s.Backfill == nil, nil
}

// widenLimit doubles the limit of a batch that was narrowed to find a row that cannot be changed.
func (fill *Backfill) widenLimit() {
	fill.state.narrowLimit *= 2
	if fill.state.narrowLimit >= fill.throttle.Size {
		fill.state.narrowLimit = 0
	}
}
