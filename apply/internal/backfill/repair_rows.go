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
	halvings    int        // how often the batch was halved
	skippedKeys [][]string // the keys of the skipped rows
}

// batchSize returns how many rows are repaired at once.
func (m *chunkRepair) batchSize() int { return max(1, onward.PlanBatch>>m.halvings) }

// widenBatch doubles the batch again after a success.
func (m *chunkRepair) widenBatch() { m.halvings = max(0, m.halvings-1) }

// batchQuery returns the query for the rows to repair next, of those that match a condition, and its parameters.
func (m *chunkRepair) batchQuery(c *onward.PlanComparison, types []string, where string, args []any) (string, []any) {
	return m.wrongRowsQuery("SELECT "+selectKeys(c.Keys), c, types, where, args)
}

func (m *chunkRepair) wrongRowsQuery(head string, c *onward.PlanComparison, types []string, where string, args []any) (string, []any) {
	args = slices.Clip(args) // each query has its own
	for _, key := range m.skippedKeys {
		var condition string
		condition, args = compareKey(c.Keys, " = ", types, key, args)
		where += " AND NOT (" + condition + ")"
	}
	return fmt.Sprintf("%s FROM %s AS t WHERE %s AND (%s) ORDER BY %s LIMIT %d", head, c.Table, where, c.Wrong, orderByKeys(c.Keys), m.batchSize()), args
}

// narrowRepair continues after a row of the batch has failed: with half of the rows or, if it was alone, without it. A single row is put into
// quarantine if the comparison uses the same keys as the backfill.
func (fill *Backfill) narrowRepair(ctx context.Context, s *onward.PlanStep, c *onward.PlanComparison, cursor []string, cause error) error {
	m := &fill.state.repair
	fill.state.wrong = 0 // that attempt was not in vain: the next one has fewer rows
	fill.state.repairError = "their change fails (" + session.ServerMessage(cause) + ")"
	if m.batchSize() > 1 {
		m.halvings++
		return nil
	}
	if len(m.skippedKeys) >= mostQuarantined {
		fill.state.uselessRepairs = maxUselessRepairs // the rows are not the cause
		return nil
	}
	var key []string
	count := 0
	err := fill.session.InGuardedTransaction(context.WithoutCancel(ctx), rowWait, chunkTime, func(ctx context.Context, tx pgx.Tx) error {
		if err := forbidRowSecurity(ctx, tx); err != nil {
			return err
		}
		types, err := typesOf(ctx, tx, c.Table, c.Keys)
		if err != nil {
			return err
		}
		where, args := keyRange(c.Keys, types, cursor, nil)
		// The row is found first: comparisons use the settings that the backfill used, and keys are written as text under others.
		query, args := m.wrongRowsQuery("SELECT t.tableoid::pg_catalog.text, t.ctid::pg_catalog.text", c, types, where, args)
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
		if err != nil && !errors.Is(err, pgx.ErrNoRows) { // it was changed meanwhile
			return err
		}
		if key == nil {
			return nil
		}
		if c.Table != s.Backfill.Table || !slices.Equal(c.Keys, s.Backfill.Keys) {
			return nil
		}
		return fill.session.AsLedgerOwner(ctx, tx, func() (err error) {
			count, err = fill.quarantineRow(ctx, tx, s, key, cause)
			return err
		})
	})
	if err != nil || key == nil {
		return err
	}
	m.skippedKeys = append(m.skippedKeys, key)
	if count > 0 {
		fill.record.ReportEvent(run.Skipped, s, fmt.Sprintf("a row whose change fails (%s); in quarantine are %d", session.ServerMessage(cause), count))
	}
	return nil
}

// quarantineRow puts a row of a backfill into quarantine, in the transaction of its caller, and returns how many are there. Too many rows give
// an [*UnfinishedError]. A row that is already there stays as it is.
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
