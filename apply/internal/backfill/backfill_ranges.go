package backfill

import (
	"context"
	"fmt"
	"slices"
	"strings"

	"github.com/jackc/pgx/v5"

	"github.com/onward-sql/onward/apply/internal/run"
	"github.com/onward-sql/onward/apply/internal/session"
	"github.com/onward-sql/onward/internal/ledger"
	"github.com/onward-sql/onward/internal/pgparse"
	"github.com/onward-sql/onward/onward"
)

// MostParallel limits Config.Parallel.
const MostParallel = 32

// rangesPerWorker is the number of ranges for each worker. A worker that has finished its range takes the next one.
const rangesPerWorker = 4

// prepareRanges reads the ranges of a backfill, or splits it if several workers are wanted. The ledger decides: a backfill that was split stays
// so, however many workers go on with it.
func (fill *Backfill) prepareRanges(ctx context.Context, s *onward.PlanStep) error {
	if fill.state.rangesRead {
		return nil
	}
	err := fill.session.Control.Do(ctx, func(ctx context.Context, conn *pgx.Conn) (err error) {
		fill.state.ranges, fill.state.ranged, err = ledger.ReadRanges(ctx, conn, fill.record.Row.ID, s.ID)
		return err
	})
	if err != nil {
		return err
	}
	if !fill.state.ranged && fill.Parallel > 1 && !fill.state.unsplit {
		if err := fill.splitBackfill(ctx, s); err != nil {
			return err
		}
	}
	fill.state.rangesRead = true
	return nil
}

// splitBackfill splits the rows that a backfill has not processed into ranges.
func (fill *Backfill) splitBackfill(ctx context.Context, s *onward.PlanStep) error {
	fill.state.unsplit = true
	cursor := cursorTable(s)
	if cursor == "" {
		fill.record.ReportEvent(run.Throttled, s, "goes on with one worker: it has no key of its rows to split")
		return nil
	}
	var list []ledger.Range
	err := fill.session.InGuardedTransaction(context.WithoutCancel(ctx), rowWait, chunkTime, func(ctx context.Context, tx pgx.Tx) (err error) {
		if list, err = fill.chooseRanges(ctx, tx, s, cursor); err != nil || len(list) == 0 {
			return err
		}
		return fill.session.AsLedgerOwner(ctx, tx, func() error { return ledger.CreateRanges(ctx, tx, fill.record.Row.ID, s.ID, list) })
	})
	switch class := session.ClassifyError(err); {
	case class == session.Final || class == session.TimedOut:
		fill.record.ReportEvent(run.Throttled, s, "goes on with one worker: "+session.ServerMessage(err))
		return nil
	case err != nil:
		fill.state.unsplit = false
		return err
	}
	fill.state.ranges, fill.state.ranged = list, len(list) > 0
	return nil
}

// chooseRanges returns ranges of about the same number of rows, from the keys of some pages. They begin at the cursor of the plan, and
// the last one ends at its end. There are none if no row is left.
func (fill *Backfill) chooseRanges(ctx context.Context, tx pgx.Tx, s *onward.PlanStep, cursor string) ([]ledger.Range, error) {
	b := s.Backfill
	if err := forbidRowSecurity(ctx, tx); err != nil {
		return nil, err
	}
	var e tableExtent
	if err := tx.QueryRow(ctx, extentQuery, b.Table).Scan(&e.rows, &e.pages, &e.countedPages, &e.uncounted); err != nil {
		return nil, err
	}
	if _, err := tx.Exec(ctx, roundTripSettings, pgx.QueryExecModeSimpleProtocol); err != nil {
		return nil, err
	}
	types, err := readColumnTypes(ctx, tx, b.Table, b.Keys)
	if err != nil {
		return nil, err
	}
	var after, last []string
	ends := make([]string, len(b.Keys))
	for i := range ends {
		ends[i] = fmt.Sprintf("onward_end%d", i+1)
	}
	err = tx.QueryRow(ctx, fmt.Sprintf("SELECT CASE WHEN c.%s IS NOT NULL THEN %s END, CASE WHEN c.onward_end1 IS NOT NULL THEN %s END FROM %s AS c FOR UPDATE",
		b.Keys[0], keysAsText("c", b.Keys), keysAsText("c", ends), cursor)).Scan(&after, &last)
	if err != nil || last == nil {
		return nil, err
	}
	where, args := keyRangeCondition(b.Keys, types, after, last)
	names := keyNames(b.Keys)
	part := min(100, 100*sampledPages/float64(max(e.pages, 1)))
	rows, err := tx.Query(ctx, fmt.Sprintf(`SELECT DISTINCT ON (part) %s FROM (SELECT %s, pg_catalog.ntile(%d) OVER (ORDER BY %s) AS part
		FROM %s AS t TABLESAMPLE SYSTEM (%g) WHERE %s) AS sample ORDER BY part, %s DESC`, keysAsText("sample", names), selectKeys(b.Keys),
		rangesPerWorker*fill.Parallel, orderByKeys(b.Keys), b.Table, part, where, strings.Join(names, " DESC, ")), args...)
	if err != nil {
		return nil, err
	}
	bounds, err := pgx.CollectRows(rows, pgx.RowTo[[]string])
	if err != nil {
		return nil, err
	}
	if len(bounds) > 0 {
		bounds = bounds[:len(bounds)-1] // the last range ends at the end
	}
	var list []ledger.Range
	for _, rangeEnd := range append(bounds, last) {
		if slices.Equal(after, rangeEnd) {
			continue
		}
		list = append(list, ledger.Range{Number: len(list) + 1, Cursor: after, Through: rangeEnd})
		after = rangeEnd
	}
	return list, nil
}

// cursorTable returns the table that holds the cursor of a backfill; "" if the backfill does not go along a key.
func cursorTable(s *onward.PlanStep) string {
	if s.Backfill == nil || len(s.Backfill.Keys) == 0 || slices.Equal(s.Backfill.Keys, []string{"ctid"}) {
		return ""
	}
	f, err := pgparse.SplitText(s.SQL)
	if err != nil || len(f.Stmts) != 1 {
		return ""
	}
	for _, cte := range f.Stmts[0].Node.GetSelectStmt().GetWithClause().GetCtes() {
		c := cte.GetCommonTableExpr()
		if r := c.GetCtequery().GetUpdateStmt().GetRelation(); c.GetCtename() == "moved" && r.GetSchemaname() == onward.PlanRoom {
			return pgparse.QuoteIdent(r.GetSchemaname()) + "." + pgparse.QuoteIdent(r.GetRelname())
		}
	}
	return ""
}
