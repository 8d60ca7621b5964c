package backfill

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgconn"

	"github.com/onward-sql/onward/apply/internal/run"
	"github.com/onward-sql/onward/apply/internal/session"
	"github.com/onward-sql/onward/internal/ledger"
	"github.com/onward-sql/onward/internal/redact"
	"github.com/onward-sql/onward/onward"
)

// chunkRepair is the repair of the rows of a chunk. One row whose change fails must not prevent the repair of the others. So the batch is
// halved until that row is alone, and the row is skipped.
type chunkRepair struct {
	halvings    int        // how often the batch was halved; 0 repairs onward.PlanBatch rows at once
	skippedKeys [][]string // the keys of the skipped rows
}

// batchSize returns how many rows are repaired at once.
func (r *chunkRepair) batchSize() int { return max(1, onward.PlanBatch>>r.halvings) }

// widenBatch doubles the batch again after a success.
func (r *chunkRepair) widenBatch() { r.halvings = max(0, r.halvings-1) }

// batchQuery returns the query for the rows to repair next, of those that match a condition, and its parameters.
func (r *chunkRepair) batchQuery(c *onward.PlanComparison, types []string, where string, args []any) (string, []any) {
	return r.wrongRowsQuery(selectKeys(c.Keys), c, types, where, args)
}

// wrongRowsQuery returns a query for the next wrong rows that were not skipped, and its parameters.
func (r *chunkRepair) wrongRowsQuery(
	selectList string, c *onward.PlanComparison, types []string, where string, args []any,
) (string, []any) {
	args = slices.Clip(args) // each query has its own
	for _, key := range r.skippedKeys {
		var condition string
		condition, args = compareKeySQL(c.Keys, " = ", types, key, args)
		where += " AND NOT (" + condition + ")"
	}
	return fmt.Sprintf("SELECT %s FROM %s AS t WHERE %s AND (%s) ORDER BY %s LIMIT %d",
		selectList, c.Table, where, c.Wrong, orderByKeys(c.Keys), r.batchSize()), args
}

// narrowRepair continues after a row of the batch has failed: with half of the rows or, if it was alone, without it. A single row is put into
// quarantine if the comparison uses the same keys as the backfill.
func (fill *Backfill) narrowRepair(ctx context.Context, s *onward.PlanStep, c *onward.PlanComparison, cursor []string, cause error) error {
	r := &fill.state.repair
	fill.state.resetWrongCount()
	fill.state.repairError = "their change fails (" + session.ServerMessage(cause) + ")"
	if r.batchSize() > 1 {
		r.halvings++
		return nil
	}
	if len(r.skippedKeys) >= mostQuarantined {
		fill.state.giveUpRepairs() // so many rows cannot all be wrong: the change is
		return nil
	}
	key, count, err := fill.isolateRow(ctx, s, c, cursor, cause)
	if err != nil || key == nil {
		return err
	}
	r.skippedKeys = append(r.skippedKeys, key)
	if count > 0 {
		reason := session.ServerMessage(cause)
		fill.record.ReportEvent(run.Skipped, s, fmt.Sprintf("a row whose change fails (%s); in quarantine are %d", reason, count))
	}
	return nil
}

// resetWrongCount makes the next repair count as useful: it has fewer rows than the last one.
func (b *backfillState) resetWrongCount() { b.wrong = 0 }

// giveUpRepairs ends the repairs of the chunk.
func (b *backfillState) giveUpRepairs() { b.uselessRepairs = maxUselessRepairs }

// isolateRow returns the key of the row whose repair fails alone; nil if somebody else has changed or removed the row. It puts the row into
// quarantine, and returns the number of rows there, if the comparison uses the same keys as the backfill.
func (fill *Backfill) isolateRow(
	ctx context.Context, s *onward.PlanStep, c *onward.PlanComparison, cursor []string, cause error,
) (key []string, count int, err error) {
	err = fill.session.InGuardedTransaction(context.WithoutCancel(ctx), rowWait, chunkTime, func(ctx context.Context, tx pgx.Tx) error {
		if err := forbidRowSecurity(ctx, tx); err != nil {
			return err
		}
		types, err := readColumnTypes(ctx, tx, c.Table, c.Keys)
		if err != nil {
			return err
		}
		where, args := keyRangeCondition(c.Keys, types, cursor, nil)
		// The row is found first: comparisons use the settings that the backfill used, and keys are written as text under others.
		query, args := fill.state.repair.wrongRowsQuery("t.tableoid::pg_catalog.text, t.ctid::pg_catalog.text", c, types, where, args)
		var table, place string
		if err := tx.QueryRow(ctx, query, args...).Scan(&table, &place); err != nil {
			if errors.Is(err, pgx.ErrNoRows) { // somebody else has repaired it
				return nil
			}
			return err
		}
		if _, err := tx.Exec(ctx, roundTripSettings, pgx.QueryExecModeSimpleProtocol); err != nil {
			return err
		}
		err = tx.QueryRow(ctx, "SELECT "+keysAsText("t", c.Keys)+" FROM "+c.Table+" AS t "+
			"WHERE t.tableoid OPERATOR(pg_catalog.=) $1::pg_catalog.text::pg_catalog.oid AND t.ctid OPERATOR(pg_catalog.=) $2::pg_catalog.text::pg_catalog.tid", table,
			place).Scan(&key)
		if err != nil && !errors.Is(err, pgx.ErrNoRows) {
			return err
		}
		if key == nil {
			return nil // somebody else has changed it meanwhile
		}
		if c.Table != s.Backfill.Table || !slices.Equal(c.Keys, s.Backfill.Keys) {
			return nil // the quarantine of the step has the keys of its backfill
		}
		return fill.session.AsLedgerOwner(ctx, tx, func() (err error) {
			count, err = fill.quarantineRow(ctx, tx, s, key, cause)
			return err
		})
	})
	return key, count, err
}

// quarantineRow puts a row of a backfill into quarantine, in the transaction of its caller, and returns how many are there. A row that is
// already there stays as it is, and the result is 0. Too many rows give an [*UnfinishedError].
func (fill *Backfill) quarantineRow(ctx context.Context, tx pgx.Tx, s *onward.PlanStep, key []string, cause error) (int, error) {
	list, err := ledger.InQuarantine(ctx, tx, fill.record.Row.ID, s.ID)
	if err != nil || slices.ContainsFunc(list, func(q ledger.QuarantinedRow) bool { return slices.Equal(q.Key, key) }) {
		return 0, err
	}
	if len(list) >= mostQuarantined {
		return 0, &run.UnfinishedError{
			Step: s.ID,
			Why: fmt.Sprintf("%d rows are in quarantine, and the change of another one fails (%s): %s finds them. Look at the change before the rows; "+
				"the same command goes on", mostQuarantined, session.ServerMessage(cause), fill.record.QuarantineQuery(s)),
			Err: cause,
		}
	}
	refused := new(pgconn.PgError)
	code, words := "", strings.TrimSpace(session.ServerMessage(cause))
	if errors.As(cause, &refused) {
		code, words = refused.Code, redact.RedactMessage(refused)
	}
	return len(list) + 1, ledger.QuarantineRow(ctx, tx, fill.record.Row.ID, s.ID, key, code, words)
}
