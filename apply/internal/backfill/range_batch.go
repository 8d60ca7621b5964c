package backfill

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strconv"
	"strings"
	"sync"

	"github.com/jackc/pgx/v5"

	"github.com/onward-sql/onward/apply/internal/run"
	"github.com/onward-sql/onward/apply/internal/session"
	"github.com/onward-sql/onward/internal/ledger"
	"github.com/onward-sql/onward/onward"
)

// rangeBatch is a batch of a range, which is the part of a backfill's keys that one worker processes, and its result.
type rangeBatch struct {
	r      *ledger.Range
	rows   int64    // that the batch processed
	cursor []string // after the batch
	done   bool     // the range has no more rows
	err    error
}

// runRangeBatches runs a batch of each of the next ranges at the same time. After all ranges are done, all rows are processed.
func (fill *Backfill) runRangeBatches(ctx context.Context, s *onward.PlanStep) (rows int64, err error) {
	if len(fill.state.ranges) == 0 {
		return 0, fill.endRanges(ctx, s)
	}
	list, limit := fill.nextRangeBatches()
	fill.state.workers = len(list)
	if err := fill.session.OpenWorkers(ctx, len(list)); err != nil {
		return 0, err
	}
	var all sync.WaitGroup
	for i := range list {
		session := fill.session.Work
		if i > 0 {
			session = fill.session.Workers[i-1]
		}
		all.Go(func() { list[i].err = fill.runRangeBatch(ctx, session, s, &list[i], limit) })
	}
	all.Wait()
	var done []int
	for i := range list {
		b := &list[i]
		if session.ClassifyError(b.err) == session.BadRow {
			b.err = fill.isolateBadRowOfRange(ctx, s, b, limit)
		} else if b.err == nil && b.r.Number == fill.state.narrowRange {
			fill.widenLimit()
		}
		if b.err != nil {
			err = errors.Join(err, b.err)
			continue
		}
		rows += b.rows
		b.r.Cursor = b.cursor
		if b.done {
			done = append(done, b.r.Number)
		}
	}
	fill.state.ranges = slices.DeleteFunc(fill.state.ranges, func(r ledger.Range) bool { return slices.Contains(done, r.Number) })
	return rows, err
}

// nextRangeBatches returns the next batches, one of each range, and how many rows they have at most. While a row that cannot be changed is
// searched for, there is one batch.
func (fill *Backfill) nextRangeBatches() (list []rangeBatch, limit int) {
	limit = fill.throttle.Size
	for i := range fill.state.ranges {
		r := &fill.state.ranges[i]
		if fill.state.narrowLimit > 0 && r.Number == fill.state.narrowRange {
			return []rangeBatch{{r: r, cursor: r.Cursor}}, min(limit, fill.state.narrowLimit)
		}
		if len(list) < max(1, fill.Parallel) {
			list = append(list, rangeBatch{r: r, cursor: r.Cursor})
		}
	}
	fill.state.narrowLimit = 0
	return list, limit
}

// runRangeBatch processes some rows of a range, and moves the range's cursor in the same transaction.
func (fill *Backfill) runRangeBatch(ctx context.Context, session *pgx.Conn, s *onward.PlanStep, b *rangeBatch, limit int) error {
	end := func() {}
	defer func() { end() }()
	texts, err := fill.session.CommitGuarded(context.WithoutCancel(ctx), session, rowWait, 0, func(ctx context.Context, tx pgx.Tx, pid int) (string, error) {
		end = fill.throttle.load.beginBatch(pid)
		where, args, err := fill.findRangeRows(ctx, tx, s, b, limit)
		if err != nil {
			return "", err
		}
		sql := fmt.Sprintf("WITH batch AS MATERIALIZED (SELECT %s FROM %s AS t WHERE %s ORDER BY %s), changed AS (%s) SELECT pg_catalog.count(*) FROM batch",
			selectKeys(s.Backfill.Keys), s.Backfill.Table, where, orderByKeys(s.Backfill.Keys), s.Backfill.Work)
		if b.rows == 0 {
			sql, args = "SELECT 0", nil
		}
		return countedBatchSQL(sql, args) + reportRows + fill.session.LedgerOwnerSQL() +
			ledger.MoveRangeSQL(fill.record.Row.ID, s.ID, b.r, b.cursor, batchRows, b.done), nil
	})
	if err != nil {
		return err
	}
	b.rows, err = parseRowCount(texts)
	return err
}

// findRangeRows finds the next rows of a range, and returns the condition for their keys.
func (fill *Backfill) findRangeRows(ctx context.Context, tx pgx.Tx, s *onward.PlanStep, b *rangeBatch, limit int) (where string, args []any, err error) {
	if err := forbidRowSecurity(ctx, tx); err != nil {
		return "", nil, err
	}
	if _, err := tx.Exec(ctx, keyScanSettings(s)); err != nil {
		return "", nil, err
	}
	types, err := readColumnTypes(ctx, tx, s.Backfill.Table, s.Backfill.Keys)
	if err != nil {
		return "", nil, err
	}
	c := &onward.PlanComparison{Table: s.Backfill.Table, Keys: s.Backfill.Keys}
	end, rows, err := findRangeEnd(ctx, tx, c, types, b.r.Cursor, b.r.Through, limit)
	if err != nil {
		return "", nil, err
	}
	if b.rows, b.done = rows, rows < int64(limit); rows > 0 {
		b.cursor = end
	}
	where, args = keyRangeCondition(c.Keys, types, b.r.Cursor, b.cursor)
	return where, args, nil
}

// isolateBadRowOfRange finds the row that makes a batch of a range fail, by halving the batch. The row that fails alone goes into quarantine, and
// the range's cursor moves past it.
func (fill *Backfill) isolateBadRowOfRange(ctx context.Context, s *onward.PlanStep, b *rangeBatch, limit int) error {
	cause := b.err
	b.rows, b.cursor, b.done = 0, b.r.Cursor, false
	if fill.state.narrowLimit > 0 && fill.state.narrowRange != b.r.Number {
		return nil // its turn comes when the other row is found
	}
	fill.state.narrowRange = b.r.Number
	if limit > 1 {
		fill.state.narrowLimit = limit / 2
		return nil
	}
	count := 0
	err := fill.session.InGuardedTransaction(context.WithoutCancel(ctx), rowWait, 0, func(ctx context.Context, tx pgx.Tx) error {
		if _, _, err := fill.findRangeRows(ctx, tx, s, b, 1); err != nil {
			return err
		}
		return fill.session.AsLedgerOwner(ctx, tx, func() (err error) {
			if b.rows > 0 { // else it is gone
				if count, err = fill.quarantineRow(ctx, tx, s, b.cursor, cause); err != nil {
					return err
				}
			}
			move := ledger.MoveRangeSQL(fill.record.Row.ID, s.ID, b.r, b.cursor, strconv.FormatInt(b.rows, 10), b.done)
			_, err = tx.Exec(ctx, move, pgx.QueryExecModeSimpleProtocol)
			return err
		})
	})
	if err == nil && count > 0 {
		fill.record.ReportEvent(run.Skipped, s, fmt.Sprintf("a row whose change fails (%s); in quarantine are %d", session.ServerMessage(cause), count))
	}
	return err
}

// endRanges removes the ranges of a backfill, all of which are done, and moves the plan's cursor to the end: the plan's own statement finds no
// row either.
func (fill *Backfill) endRanges(ctx context.Context, s *onward.PlanStep) error {
	cursor, keys := cursorTable(s), strings.Join(s.Backfill.Keys, ", ")
	ends := make([]string, len(s.Backfill.Keys))
	for i := range ends {
		ends[i] = "onward_end" + fmt.Sprint(i+1)
	}
	err := fill.session.InGuardedTransaction(context.WithoutCancel(ctx), rowWait, chunkTime, func(ctx context.Context, tx pgx.Tx) error {
		if _, err := tx.Exec(ctx, fmt.Sprintf("UPDATE %s SET (%s) = ROW (%s)", cursor, keys, strings.Join(ends, ", "))); err != nil {
			return err
		}
		return fill.session.AsLedgerOwner(ctx, tx, func() error { return ledger.EndRanges(ctx, tx, fill.record.Row.ID, s.ID) })
	})
	if err == nil {
		fill.state.ranged, fill.state.allProcessed = false, true
	}
	return err
}
