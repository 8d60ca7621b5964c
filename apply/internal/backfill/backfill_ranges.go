package backfill

import (
	"context"
	"fmt"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgtype"

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
	rows, _ := tx.Query(ctx, fmt.Sprintf(`SELECT DISTINCT ON (part) %s FROM (SELECT %s, pg_catalog.ntile(%d) OVER (ORDER BY %s) AS part
		FROM %s AS t TABLESAMPLE SYSTEM (%g) WHERE %s) AS sample ORDER BY part, %s DESC`, keysAsText("sample", names), selectKeys(b.Keys),
		rangesPerWorker*fill.Parallel, orderByKeys(b.Keys), b.Table, part, where, strings.Join(names, " DESC, ")), args...)
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

const (
	// sampledPages is the number of pages that are read to estimate the rows of a table, and estimateTime limits each of the queries.
	sampledPages = 200
	estimateTime = 2 * time.Second
	// staleGrowth is by how many times a table may have grown since its rows were counted.
	staleGrowth = 3
)

// tableExtent is what the server knows about the size of a table with its partitions.
type tableExtent struct {
	rows, pages, countedPages int64 // rows and countedPages are as of the last VACUUM or ANALYZE
	uncounted                 bool  // the rows of a part were never counted
}

// estimateRows estimates how many rows a backfill has to process; -1 for unknown. If the server has not counted them lately, some pages are
// read, and integer keys limit the number. An estimate that fails does not end the backfill.
func (t *Throttle) estimateRows(ctx context.Context, s *onward.PlanStep) int64 {
	tables, keys := touchedTables(s), []string(nil)
	if s.Backfill != nil {
		tables, keys = []string{s.Backfill.Table}, s.Backfill.Keys
	}
	most := int64(-1)
	for _, table := range tables {
		var e tableExtent
		if t.queryEstimate(ctx, extentQuery, []any{&e.rows, &e.pages, &e.countedPages, &e.uncounted}, table) != nil {
			continue
		}
		rows := e.rows
		if e.uncounted || e.pages > staleGrowth*e.countedPages {
			rows = t.estimateFromSample(ctx, table, keys, &e)
		}
		most = max(most, rows)
	}
	return most
}

// extentQuery reads the extent of a table. Postgres 13 has 0 for a number of rows that is unknown, and newer ones have -1.
const extentQuery = `WITH RECURSIVE tree AS (
		SELECT pg_catalog.to_regclass($1::pg_catalog.text)::pg_catalog.oid AS oid
		UNION SELECT i.inhrelid FROM tree JOIN pg_catalog.pg_inherits AS i ON i.inhparent OPERATOR(pg_catalog.=) tree.oid)
	SELECT coalesce(pg_catalog.sum(greatest(c.reltuples, 0)), 0)::bigint, coalesce(pg_catalog.sum(p.pages), 0)::bigint,
		coalesce(pg_catalog.sum(c.relpages), 0)::bigint,
		coalesce(pg_catalog.bool_or(c.reltuples OPERATOR(pg_catalog.<=) 0 AND p.pages OPERATOR(pg_catalog.>) 0), false)
	FROM tree JOIN pg_catalog.pg_class AS c ON c.oid OPERATOR(pg_catalog.=) tree.oid
	CROSS JOIN LATERAL (SELECT pg_catalog.pg_relation_size(c.oid) OPERATOR(pg_catalog./) pg_catalog.current_setting('block_size')::bigint AS pages) AS p
	WHERE c.relkind OPERATOR(pg_catalog.=) ANY (ARRAY['r', 'm']::pg_catalog."char"[])`

// estimateFromSample estimates the rows of a table from some of its pages and from its keys; -1 for unknown.
func (t *Throttle) estimateFromSample(ctx context.Context, table string, keys []string, e *tableExtent) int64 {
	if e.pages == 0 {
		return 0
	}
	rows, count := int64(-1), int64(0)
	part := min(100, 100*sampledPages/float64(e.pages))
	if t.queryEstimate(ctx, fmt.Sprintf("SELECT pg_catalog.count(*) FROM %s AS t TABLESAMPLE SYSTEM (%g)", table, part), []any{&count}) == nil {
		rows = int64(float64(count) * 100 / part)
	}
	if len(keys) != 1 || slices.Contains(keys, "ctid") {
		return rows
	}
	end := func(direction string) string {
		return fmt.Sprintf("(SELECT %[1]s FROM %[2]s ORDER BY %[1]s%[3]s LIMIT 1)", keys[0], table, direction)
	}
	var kind, first, last string
	err := t.queryEstimate(ctx, fmt.Sprintf("SELECT pg_catalog.pg_typeof(first)::pg_catalog.oid::pg_catalog.text, first::pg_catalog.text, last::pg_catalog.text "+
		"FROM (SELECT %s AS first, %s AS last) AS ends WHERE first IS NOT NULL", end(""), end(" DESC")), []any{&kind, &first, &last})
	span := keySpan(kind, first, last)
	switch {
	case err != nil || span < 0:
	case rows <= 0:
		rows = span
	default:
		rows = min(rows, span)
	}
	return rows
}

// keySpan returns how many keys lie between two integers; -1 for keys of another type, which is the OID of one.
func keySpan(kind, first, last string) int64 {
	if kind != fmt.Sprint(pgtype.Int2OID) && kind != fmt.Sprint(pgtype.Int4OID) && kind != fmt.Sprint(pgtype.Int8OID) {
		return -1
	}
	a, err := strconv.ParseInt(first, 10, 64)
	b, failed := strconv.ParseInt(last, 10, 64)
	if err != nil || failed != nil {
		return -1
	}
	return int64(min(float64(b)-float64(a)+1, 9e18))
}

// queryEstimate runs a short query beside the work, as the role of the steps.
func (t *Throttle) queryEstimate(ctx context.Context, sql string, targets []any, args ...any) error {
	return t.session.Control.Do(ctx, func(ctx context.Context, conn *pgx.Conn) error {
		set := []string{fmt.Sprintf("SET LOCAL statement_timeout = %d", estimateTime.Milliseconds()), t.session.SearchPathSQL()}
		if t.session.Role != "" {
			set = append(set, "SET LOCAL ROLE "+pgparse.QuoteIdent(t.session.Role))
		}
		if _, err := conn.Exec(ctx, strings.Join(set, "; "), pgx.QueryExecModeSimpleProtocol); err != nil {
			return err
		}
		return conn.QueryRow(ctx, sql, args...).Scan(targets...)
	})
}
